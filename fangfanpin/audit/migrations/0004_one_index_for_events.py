"""Every row written writes an event, and every index of events is written with it: one is enough.

Events are asked for by their row (whose id says enough, a table's name before it made the index half as large again) and by their own id;
by household nobody asks.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_cheaper_events")]
    operations = [
        migrations.RemoveIndex(model_name="event", name="event_of_household"),
        migrations.RemoveIndex(model_name="event", name="event_of_row"),
        migrations.AddIndex(model_name="event", index=models.Index(fields=["row_id", "id"], name="event_of_row")),
    ]
