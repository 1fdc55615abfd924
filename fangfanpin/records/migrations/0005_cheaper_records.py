"""What an import wrote is found by its events; a year's values stay unpacked beside their row."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("records", "0004_roster")]
    operations = [
        migrations.RemoveIndex(model_name="record", name="record_of_batch"),
        migrations.RunSQL("ALTER TABLE records_record SET (toast_tuple_target = 8160)", "ALTER TABLE records_record RESET (toast_tuple_target)"),
    ]
