-- Events are written by the database, once per statement, from the transition tables: bulk updates and raw SQL are caught too.
-- OFFSET 0 keeps each sub-select whole: pulled up, the row would be turned into JSON once for every column read from it (a record's event then cost 140 µs instead of 60).
-- An event of making or removing carries the whole row, so only a change needs a digest of the row as it stands after.

CREATE FUNCTION ffp_write_events() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_actor text := nullif(current_setting('ffp.actor', true), '');
    v_act text := nullif(current_setting('ffp.act', true), '');
    v_source text := nullif(current_setting('ffp.source', true), '');
    v_own boolean := TG_TABLE_NAME = 'households_household';
BEGIN
    IF v_actor IS NULL OR v_act IS NULL OR v_source IS NULL THEN
        RAISE EXCEPTION 'a change of % without actor, act and source is refused', TG_TABLE_NAME
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF TG_OP = 'INSERT' THEN
        INSERT INTO audit_event (at, table_name, row_id, op, actor_id, act, source, household_id, village_code, version, row, row_digest)
        SELECT clock_timestamp(), TG_TABLE_NAME, j ->> 'id', 'I', v_actor::bigint, v_act, v_source,
               (CASE WHEN v_own THEN j ->> 'id' ELSE j ->> 'household_id' END)::uuid, j ->> 'village_code',
               (j ->> 'version')::int, j, ''
        FROM (SELECT to_jsonb(r) AS j FROM new_rows r OFFSET 0) s;
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO audit_event (at, table_name, row_id, op, actor_id, act, source, household_id, village_code, version, changed, row_digest)
        SELECT clock_timestamp(), TG_TABLE_NAME, n ->> 'id', 'U', v_actor::bigint, v_act, v_source,
               (CASE WHEN v_own THEN n ->> 'id' ELSE n ->> 'household_id' END)::uuid, n ->> 'village_code',
               (n ->> 'version')::int, ffp_diff(o, n), md5(n::text)
        FROM (SELECT to_jsonb(a) AS o, to_jsonb(b) AS n FROM old_rows a JOIN new_rows b USING (id) OFFSET 0) s
        WHERE o IS DISTINCT FROM n;
    ELSE
        INSERT INTO audit_event (at, table_name, row_id, op, actor_id, act, source, household_id, village_code, version, row, row_digest)
        SELECT clock_timestamp(), TG_TABLE_NAME, j ->> 'id', 'D', v_actor::bigint, v_act, v_source,
               (CASE WHEN v_own THEN j ->> 'id' ELSE j ->> 'household_id' END)::uuid, j ->> 'village_code',
               (j ->> 'version')::int, j, ''
        FROM (SELECT to_jsonb(r) AS j FROM old_rows r OFFSET 0) s;
    END IF;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION ffp_write_events() FROM PUBLIC;

-- Have every change of a table written as an event. The table needs a column `id`.
CREATE FUNCTION ffp_track(t regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER ffp_insert AFTER INSERT ON %s REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION ffp_write_events()', t);
    EXECUTE format('CREATE TRIGGER ffp_update AFTER UPDATE ON %s REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION ffp_write_events()', t);
    EXECUTE format('CREATE TRIGGER ffp_delete AFTER DELETE ON %s REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION ffp_write_events()', t);
END $$;

-- Row security by reach. The lists come through a scalar sub-select, so they are read once per statement and the plan
-- keeps its indexes; a prefix function here turned 1 ms into 250-2,600 ms. The list is made of its text inside the
-- sub-select: outside it would be made anew for every row (the cast outside only says that one list comes, not rows).
-- Unset shows nothing. households/migrations/0004 says the same condition as a CASE, for the planner's sake, and is what holds.
CREATE FUNCTION ffp_protect(t regclass, village_column name, household_column name) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_condition text := format(
        '%I = ANY ((SELECT nullif(current_setting(''ffp.villages'', true), '''')::text[])::text[])'
        ' OR %I = ANY ((SELECT nullif(current_setting(''ffp.households'', true), '''')::uuid[])::uuid[])',
        village_column, household_column);
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY reach ON %s USING (%s) WITH CHECK (%s)', t, v_condition, v_condition);
END $$;

SELECT ffp_protect('audit_event', 'village_code', 'household_id');

-- Rights follow from the policies: protected tables lose DELETE for the web (nothing is erased), events are read-only for all.
CREATE FUNCTION ffp_grant_all(web text, worker text, snapshot text, intake text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_table record;
    v_role text;
BEGIN
    FOREACH v_role IN ARRAY ARRAY[web, worker, snapshot, intake] LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', v_role);
    END LOOP;
    FOREACH v_role IN ARRAY ARRAY[web, worker] LOOP
        EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO %I', v_role);
        EXECUTE format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO %I', v_role);
        EXECUTE format('REVOKE EXECUTE ON FUNCTION ffp_write_events() FROM %I', v_role);
    END LOOP;
    FOR v_table IN
        SELECT c.oid::regclass AS name, c.relname, c.relrowsecurity AS protected
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND pg_has_role(c.relowner, 'USAGE')
    LOOP
        FOREACH v_role IN ARRAY ARRAY[web, worker] LOOP
            EXECUTE format('REVOKE ALL ON %s FROM %I', v_table.name, v_role);
            IF v_table.relname IN ('audit_event', 'django_migrations') THEN
                EXECUTE format('GRANT SELECT ON %s TO %I', v_table.name, v_role);
            ELSIF v_table.protected AND v_role = web THEN
                EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %s TO %I', v_table.name, v_role);
            ELSE
                EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO %I', v_table.name, v_role);
            END IF;
        END LOOP;
        IF v_table.protected THEN
            EXECUTE format('GRANT SELECT ON %s TO %I', v_table.name, snapshot);
            IF NOT EXISTS (SELECT 1 FROM pg_policy WHERE polrelid = v_table.name AND polname = 'snapshot') THEN
                EXECUTE format('CREATE POLICY snapshot ON %s FOR SELECT TO %I USING (true)', v_table.name, snapshot);
            END IF;
        ELSIF v_table.relname IN ('regions_region', 'policy_publishedpack', 'campaigns_campaign') THEN
            EXECUTE format('GRANT SELECT ON %s TO %I', v_table.name, snapshot);
        END IF;
    END LOOP;
END $$;
