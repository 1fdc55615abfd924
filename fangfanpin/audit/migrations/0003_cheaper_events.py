"""Events are written for every row of everything: no index that nobody reads, and no packing of rows of a few kilobytes.

Rows up to a page stay as they are: packing them took as long as writing them, and reading them again unpacks them.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_events")]
    operations = [
        migrations.RemoveIndex(model_name="event", name="event_of_village"),
        migrations.RunSQL("ALTER TABLE audit_event SET (toast_tuple_target = 8160)", "ALTER TABLE audit_event RESET (toast_tuple_target)"),
    ]
