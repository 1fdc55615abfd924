"""Every change of these tables is an event, and nobody sees a row outside their reach."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("fieldwork", "0001_initial"), ("audit", "0002_events")]
    operations = [
        migrations.RunSQL(
            [
                "SELECT ffp_protect('fieldwork_sheetbatch', 'village_code', 'household_id')",
            ]
        )
    ]
