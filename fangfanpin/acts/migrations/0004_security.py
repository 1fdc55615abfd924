"""Planned acts are seen within reach. A row that an act made may be taken back by its undo also where the system has put sums into it since."""

from django.db import migrations

# As in 0002, but that roll-ups of a made row are no life of its own: they follow from other rows.
UNMAKE = """
CREATE OR REPLACE FUNCTION ffp_unmake(t regclass, key name, ids text[], made_by text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_name text := (SELECT relname FROM pg_class WHERE oid = t);
    v_type text := (SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = t AND attname = key);
    v_count bigint;
BEGIN
    IF NOT starts_with(current_setting('ffp.act', true), 'act.undo ') OR NOT starts_with(made_by, 'act.') OR starts_with(made_by, 'act.undo ')
        OR v_name IN ('acts_act', 'acts_plannedact', 'audit_event') OR NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = t AND polname = 'reach')
    THEN
        RAISE EXCEPTION 'rows of % are not unmade', t USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF EXISTS (
        SELECT FROM unnest(ids) i
        WHERE NOT EXISTS (SELECT FROM audit_event e WHERE e.row_id = i AND e.table_name = v_name AND e.op = 'I' AND e.act = made_by)
    ) OR EXISTS (SELECT FROM audit_event e WHERE e.row_id = ANY (ids) AND e.table_name = v_name AND e.act <> made_by
        AND NOT ffp_act_is_undone(e.act) AND NOT (e.act = 'rollup.refresh' AND e.op = 'U'))
    THEN
        RAISE EXCEPTION 'rows of % have a life beside %', t, made_by USING ERRCODE = 'insufficient_privilege';
    END IF;
    EXECUTE format('DELETE FROM %s WHERE %I = ANY ($1::%s[]) AND (%s)', t, key, v_type,
        ffp_reach_condition('village_code', CASE WHEN v_name = 'households_household' THEN 'id' ELSE 'household_id' END)) USING ids;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    IF v_count <> cardinality(ids) THEN
        RAISE EXCEPTION 'rows of % lie beyond the reach', t USING ERRCODE = 'insufficient_privilege';
    END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("acts", "0003_plannedact")]
    operations = [
        migrations.RunSQL(["SELECT ffp_track('acts_plannedact')", "SELECT ffp_protect('acts_plannedact', 'village_code', 'household_id')", UNMAKE])
    ]
