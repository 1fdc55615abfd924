"""Every change of these tables is an event, and nobody sees a row outside their reach."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("questions", "0001_initial"), ("audit", "0002_events"), ("households", "0004_reach_estimated_once")]
    operations = [
        migrations.RunSQL(
            [
                "SELECT ffp_protect('questions_question', 'village_code', 'household_id')",
                "SELECT ffp_protect('questions_reply', 'village_code', 'household_id')",
                "SELECT ffp_track('questions_question')",
                "SELECT ffp_track('questions_reply')",
            ]
        )
    ]
