"""Nobody sees a lead outside their reach, and every change of it is an event."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("quality", "0007_leads"), ("audit", "0002_events"), ("households", "0004_reach_estimated_once")]
    operations = [
        migrations.RunSQL(["SELECT ffp_protect('quality_lead', 'village_code', 'household_id')", "SELECT ffp_track('quality_lead')"])
    ]
