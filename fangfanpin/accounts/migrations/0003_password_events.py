"""Who gave whom a new password, and when, is an event; what the password was is not: the table itself is not tracked."""

from django.db import migrations

# Signing in may hash a password anew before anybody is known to act: then it is the system's doing.
_FUNCTION = """
CREATE FUNCTION ffp_write_password_event() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO audit_event (at, table_name, row_id, op, actor_id, act, source, changed, row_digest)
    VALUES (
        clock_timestamp(), TG_TABLE_NAME, NEW.id, 'U',
        coalesce(nullif(current_setting('ffp.actor', true), ''), '0')::bigint,
        coalesce(nullif(current_setting('ffp.act', true), ''), 'account.password'),
        coalesce(nullif(current_setting('ffp.source', true), ''), 'system'),
        jsonb_build_object('password', '[null, null]'::jsonb, 'must_change_password', jsonb_build_array(OLD.must_change_password, NEW.must_change_password)),
        md5((to_jsonb(NEW) - 'password')::text)
    );
    RETURN NULL;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_security"), ("audit", "0002_events")]
    operations = [
        migrations.RunSQL(
            [
                _FUNCTION,
                "REVOKE ALL ON FUNCTION ffp_write_password_event() FROM PUBLIC",
                "CREATE TRIGGER ffp_password AFTER UPDATE ON accounts_user FOR EACH ROW"
                " WHEN (OLD.password IS DISTINCT FROM NEW.password) EXECUTE FUNCTION ffp_write_password_event()",
            ],
            "DROP TRIGGER ffp_password ON accounts_user; DROP FUNCTION ffp_write_password_event()",
        )
    ]
