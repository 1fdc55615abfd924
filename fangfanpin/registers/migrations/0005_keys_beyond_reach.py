"""A register's unique key holds in the whole county: an import asks past its reach where one is taken, and learns the village and no more."""

from django.db import migrations

VILLAGES_OF_KEYS = """
CREATE FUNCTION ffp_villages_of_register_keys(of_form text, keys text[]) RETURNS TABLE (unique_key text, village text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT e.unique_key::text, coalesce(r.name, e.village_code)::text
    FROM unnest(keys) k JOIN registers_entry e ON e.form = of_form AND e.unique_key = k LEFT JOIN regions_region r ON r.code = e.village_code
$$
"""


class Migration(migrations.Migration):
    dependencies = [("registers", "0004_secret_numbers")]
    operations = [migrations.RunSQL([VILLAGES_OF_KEYS])]
