"""Every change of these tables is an event, and nobody sees a row outside their reach."""

from django.db import migrations

TRAY_POLICY = """
CREATE POLICY reach ON records_trayrow USING (
    village_code = ANY ((SELECT nullif(current_setting('ffp.villages', true), ''))::text[])
    OR batch_id IN (
        SELECT id FROM records_importbatch
        WHERE uploaded_by_id = (SELECT nullif(current_setting('ffp.actor', true), ''))::bigint
    )
)
"""


class Migration(migrations.Migration):
    dependencies = [("records", "0001_initial"), ("audit", "0002_events")]
    operations = [
        migrations.RunSQL(
            [
                "SELECT ffp_track('records_record')",
                "SELECT ffp_protect('records_record', 'village_code', 'household_id')",
                "SELECT ffp_track('records_conflict')",
                "SELECT ffp_protect('records_conflict', 'village_code', 'household_id')",
                "SELECT ffp_track('records_importdifference')",
                "SELECT ffp_protect('records_importdifference', 'village_code', 'household_id')",
                "SELECT ffp_protect('records_savereceipt', 'village_code', 'household_id')",
                "ALTER TABLE records_trayrow ENABLE ROW LEVEL SECURITY",
                # A row whose village is unknown belongs to nobody's reach: it shows to whoever handed the file in.
                TRAY_POLICY,
            ]
        )
    ]
