-- The first roster of an empty county writes half a million references within the registry. PostgreSQL looks each of them up by itself, a
-- quarter of all the database does for the import. So there they are held, and at the end every foreign key is checked as a whole, by the
-- database as ever, in a twentieth of the time. Until the transaction ends nobody else reads these tables, in which nobody stands yet.

CREATE FUNCTION ffp_registry_tables() RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT '{households_household,households_person,households_membership,households_monitoringspell,records_record}'::text[]
$$;

-- Hold the references. False, and nothing is held, where somebody is registered, where a table is in use just now (this waits less than the
-- second after which PostgreSQL takes a wait for a deadlock), and on servers before 18, which cannot. What is held must be checked by
-- ffp_check_references in the same transaction.
CREATE FUNCTION ffp_hold_references() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '500ms' AS $$
DECLARE
    v_tables regclass[] := ffp_registry_tables()::regclass[];
    v_key record;
BEGIN
    IF current_setting('server_version_num')::int < 180000 OR NOT ffp_registry_is_empty() THEN
        RETURN false;
    END IF;
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', array_to_string(v_tables, ', '));
    FOR v_key IN SELECT conrelid::regclass AS of_table, conname FROM pg_constraint
        WHERE contype = 'f' AND conrelid = ANY (v_tables) AND confrelid = ANY (v_tables)
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER CONSTRAINT %I NOT ENFORCED', v_key.of_table, v_key.conname);
    END LOOP;
    RETURN true;
EXCEPTION WHEN lock_not_available THEN
    RETURN false;
END $$;

-- Check what is held, and let it be enforced again; raises foreign_key_violation where a reference leads nowhere.
CREATE FUNCTION ffp_check_references() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_key record;
BEGIN
    SET CONSTRAINTS ALL IMMEDIATE;  -- references to other tables still wait, and nothing may wait for a table that is altered
    FOR v_key IN EXECUTE 'SELECT conrelid::regclass AS of_table, conname FROM pg_constraint
        WHERE contype = ''f'' AND NOT conenforced AND conrelid = ANY (ffp_registry_tables()::regclass[])'
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER CONSTRAINT %I ENFORCED', v_key.of_table, v_key.conname);
    END LOOP;
    SET CONSTRAINTS ALL DEFERRED;
END $$;
REVOKE ALL ON FUNCTION ffp_hold_references(), ffp_check_references() FROM PUBLIC;
