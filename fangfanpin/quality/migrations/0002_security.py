"""Every change of these tables is an event, and nobody sees a row outside their reach."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("quality", "0001_initial"), ("audit", "0002_events")]
    operations = [
        migrations.RunSQL(
            [
                "SELECT ffp_protect('quality_clue', 'village_code', 'household_id')",
                "SELECT ffp_protect('quality_cluestep', 'village_code', 'household_id')",
                "SELECT ffp_track('quality_cluestep')",
            ]
        )
    ]
