"""Nobody sees a row outside their reach; a link leads to one thing. Both tables follow the record, whose changes are events."""

from django.db import migrations


# The list's query names the reach as well, so that indexes serve it. To the planner the two are independent: it expects a twentieth of the
# rows that come, and reads and sorts all of them instead of walking an index until the page is full (315 ms instead of 2 at a million rows).
# What stands inside COALESCE it does not weigh.
WEIGH_ONCE = """
DO $$
DECLARE
    v_condition text := (
        SELECT pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polrelid = 'registers_entry'::regclass AND polname = 'reach'
    );
BEGIN
    EXECUTE format('ALTER POLICY reach ON registers_entry USING (coalesce(%1$s, false)) WITH CHECK (coalesce(%1$s, false))', v_condition);
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("registers", "0001_initial"), ("audit", "0002_events")]
    operations = [
        migrations.RunSQL(
            [
                "SELECT ffp_protect('registers_entry', 'village_code', 'household_id')",
                WEIGH_ONCE,
                "SELECT ffp_protect('registers_link', 'village_code', 'household_id')",
                "ALTER TABLE registers_link ADD CONSTRAINT a_link_leads_to_one_thing"
                " CHECK (num_nonnulls(to_household_id, to_person_id, to_record_id, to_user_id, to_division_id) = 1)",
            ]
        )
    ]
