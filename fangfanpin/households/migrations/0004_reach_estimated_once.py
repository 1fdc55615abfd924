"""Row security repeats what a query says itself (`visible_to`), so it hardly removes a row; the planner took it for a second, independent
condition and expected a twentieth of the rows. Believing in few, it read and sorted whole villages, or a county's records, for one page
and for numbers counted to a bound. Of a CASE it expects half. The same rows are seen as before.
"""

from django.db import migrations

CONDITION = """
CREATE FUNCTION ffp_reach_condition(village_column name, household_column name) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT format(
        'CASE WHEN %I = ANY ((SELECT nullif(current_setting(''ffp.villages'', true), '''')::text[])::text[]) THEN true'
        ' ELSE %I = ANY ((SELECT nullif(current_setting(''ffp.households'', true), '''')::uuid[])::uuid[]) END',
        village_column, household_column)
$$
"""

# As in audit/sql/events.sql, which says why the lists come through a scalar sub-select.
PROTECT = """
CREATE OR REPLACE FUNCTION ffp_protect(t regclass, village_column name, household_column name) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_condition text := ffp_reach_condition(village_column, household_column);
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY reach ON %s USING (%s) WITH CHECK (%s)', t, v_condition, v_condition);
END $$
"""

# The tables protected so far; those of apps that are migrated later get it from ffp_protect. The tray of imports has a policy of its own.
ALTER = """
DO $$
DECLARE
    v_policy record;
    v_condition text;
BEGIN
    FOR v_policy IN
        SELECT p.polrelid::regclass AS name, c.relname FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
        WHERE p.polname = 'reach' AND p.polwithcheck IS NOT NULL AND pg_has_role(c.relowner, 'USAGE')
    LOOP
        v_condition := ffp_reach_condition('village_code', CASE WHEN v_policy.relname = 'households_household' THEN 'id' ELSE 'household_id' END);
        EXECUTE format('ALTER POLICY reach ON %s USING (%s) WITH CHECK (%s)', v_policy.name, v_condition, v_condition);
    END LOOP;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("households", "0003_fewer_indexes"), ("audit", "0003_cheaper_events")]
    operations = [migrations.RunSQL([CONDITION, PROTECT, ALTER])]
