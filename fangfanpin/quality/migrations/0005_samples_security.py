"""Nobody sees a sample or a village's figures outside their reach. Every change of a sample is an event; figures are counted, not changed."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("quality", "0004_answers_samples_counts"), ("audit", "0002_events"), ("households", "0004_reach_estimated_once")]
    operations = [
        migrations.RunSQL(
            [
                "SELECT ffp_protect('quality_cluesample', 'village_code', 'household_id')",
                "SELECT ffp_protect('quality_villagequality', 'village_code', 'household_id')",
                "SELECT ffp_track('quality_cluesample')",
            ]
        )
    ]
