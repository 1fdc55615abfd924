"""Acts are seen within reach. Inside an act every personal table writes events, and a row that an act made can be taken back by its undo."""

from django.db import migrations

# As ffp_write_events (audit/sql/events.sql), for tables that write no events in daily work and whose key is not always `id` (given with the
# trigger). A key is not changed.
WRITE = """
CREATE FUNCTION ffp_write_act_events() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_actor bigint := current_setting('ffp.actor')::bigint;
    v_act text := current_setting('ffp.act');
    v_source text := current_setting('ffp.source');
    v_key text := TG_ARGV[0];
BEGIN
    IF TG_OP = 'UPDATE' THEN
        INSERT INTO audit_event (at, table_name, row_id, op, actor_id, act, source, household_id, village_code, changed, row_digest)
        SELECT clock_timestamp(), TG_TABLE_NAME, n ->> v_key, 'U', v_actor, v_act, v_source, (n ->> 'household_id')::uuid, n ->> 'village_code',
               ffp_diff(o, n), md5(n::text)
        FROM (SELECT to_jsonb(a) AS o, to_jsonb(a) ->> v_key AS k FROM old_rows a OFFSET 0) x
        JOIN (SELECT to_jsonb(b) AS n, to_jsonb(b) ->> v_key AS k FROM new_rows b OFFSET 0) y USING (k)
        WHERE o IS DISTINCT FROM n;
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO audit_event (at, table_name, row_id, op, actor_id, act, source, household_id, village_code, row, row_digest)
        SELECT clock_timestamp(), TG_TABLE_NAME, j ->> v_key, 'I', v_actor, v_act, v_source, (j ->> 'household_id')::uuid, j ->> 'village_code', j, ''
        FROM (SELECT to_jsonb(r) AS j FROM new_rows r OFFSET 0) s;
    ELSE
        INSERT INTO audit_event (at, table_name, row_id, op, actor_id, act, source, household_id, village_code, row, row_digest)
        SELECT clock_timestamp(), TG_TABLE_NAME, j ->> v_key, 'D', v_actor, v_act, v_source, (j ->> 'household_id')::uuid, j ->> 'village_code', j, ''
        FROM (SELECT to_jsonb(r) AS j FROM old_rows r OFFSET 0) s;
    END IF;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION ffp_write_act_events() FROM PUBLIC;
"""

# The condition is asked once per statement.
TRACK = """
CREATE FUNCTION ffp_track_in_acts(t regclass, key name) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER ffp_act_insert AFTER INSERT ON %s REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT'
        ' WHEN (starts_with(current_setting(''ffp.act'', true), ''act.'')) EXECUTE FUNCTION ffp_write_act_events(%L)', t, key);
    EXECUTE format('CREATE TRIGGER ffp_act_update AFTER UPDATE ON %s REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT'
        ' WHEN (starts_with(current_setting(''ffp.act'', true), ''act.'')) EXECUTE FUNCTION ffp_write_act_events(%L)', t, key);
    EXECUTE format('CREATE TRIGGER ffp_act_delete AFTER DELETE ON %s REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT'
        ' WHEN (starts_with(current_setting(''ffp.act'', true), ''act.'')) EXECUTE FUNCTION ffp_write_act_events(%L)', t, key);
END $$;
"""

# The web role may not delete. Inside an undo this may, rows within the caller's reach whose every event is of the act that is being undone.
UNMAKE = """
CREATE FUNCTION ffp_unmake(t regclass, key name, ids text[], made_by text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_name text := (SELECT relname FROM pg_class WHERE oid = t);
    v_type text := (SELECT format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = t AND attname = key);
    v_count bigint;
BEGIN
    IF NOT starts_with(current_setting('ffp.act', true), 'act.undo ') OR NOT starts_with(made_by, 'act.') OR starts_with(made_by, 'act.undo ')
        OR v_name IN ('acts_act', 'audit_event') OR NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = t AND polname = 'reach')
    THEN
        RAISE EXCEPTION 'rows of % are not unmade', t USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF EXISTS (
        SELECT FROM unnest(ids) i
        WHERE NOT EXISTS (SELECT FROM audit_event e WHERE e.row_id = i AND e.table_name = v_name AND e.op = 'I' AND e.act = made_by)
    ) OR EXISTS (SELECT FROM audit_event e WHERE e.row_id = ANY (ids) AND e.table_name = v_name AND e.act <> made_by AND NOT ffp_act_is_undone(e.act))
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
REVOKE ALL ON FUNCTION ffp_unmake(regclass, name, text[], text) FROM PUBLIC;
"""

# An act that was undone and its undo leave a row as it was.
UNDONE = """
CREATE FUNCTION ffp_act_is_undone(name text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT starts_with(name, 'act.undo ')
        OR starts_with(name, 'act.') AND EXISTS (SELECT FROM acts_act a WHERE a.id = split_part(name, ' ', 2)::uuid AND a.state = 'undone')
$$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("acts", "0001_initial"),
        ("households", "0005_pairing_items_and_merged"),
        ("quality", "0005_samples_security"),
        ("registers", "0002_security"),
        ("records", "0002_security"),
        ("fieldwork", "0001_initial"),
        ("files", "0001_initial"),
    ]
    operations = [
        migrations.RunSQL(
            [
                "SELECT ffp_track('acts_act')",
                "SELECT ffp_protect('acts_act', 'village_code', 'household_id')",
                WRITE,
                TRACK,
                UNDONE,
                UNMAKE,
                "SELECT ffp_track_in_acts('quality_clue', 'id')",
                "SELECT ffp_track_in_acts('quality_villagequality', 'id')",
                "SELECT ffp_track_in_acts('registers_entry', 'number')",
                "SELECT ffp_track_in_acts('registers_link', 'id')",
                "SELECT ffp_track_in_acts('records_savereceipt', 'client_id')",
                "SELECT ffp_track_in_acts('records_trayrow', 'id')",
                "SELECT ffp_track_in_acts('fieldwork_sheetbatch', 'id')",
                "SELECT ffp_track_in_acts('files_storedfile', 'id')",
            ]
        )
    ]
