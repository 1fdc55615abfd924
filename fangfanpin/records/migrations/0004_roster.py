"""What a roster import asks past its reach, and the tray of an import that the system itself makes."""

from django.db import migrations

# A roster may name households and persons that are registered beyond the importer's reach: set-wise, the village and no more.
VILLAGES_OF_CODES = """
CREATE FUNCTION ffp_villages_of_codes(household_codes text[], person_codes text[]) RETURNS TABLE (kind text, code text, village text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT 'household', h.code::text, coalesce(r.name, h.village_code)::text
    FROM unnest(household_codes) c JOIN households_household h ON h.code = c LEFT JOIN regions_region r ON r.code = h.village_code
    UNION ALL
    SELECT 'person', p.code::text, coalesce(r.name, p.village_code)::text
    FROM unnest(person_codes) c JOIN households_person p ON p.code = c LEFT JOIN regions_region r ON r.code = p.village_code
$$
"""

# ffp_village_of_identity for 85,000 numbers at once: live persons who have one of these digests.
VILLAGES_OF_IDENTITIES = """
CREATE FUNCTION ffp_villages_of_identities(digests text[]) RETURNS TABLE (number_digest text, person_id uuid, village text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT p.id_number_digest::text, p.id, coalesce(r.name, p.village_code)::text
    FROM unnest(digests) d JOIN households_person p ON p.id_number_digest = d AND d <> '' AND p.member_state = '01'
    LEFT JOIN regions_region r ON r.code = p.village_code
$$
"""

# A county that takes in its first roster has nobody to compare with, here or beyond anybody's reach.
REGISTRY_IS_EMPTY = """
CREATE FUNCTION ffp_registry_is_empty() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT NOT EXISTS (SELECT FROM households_household) AND NOT EXISTS (SELECT FROM households_person)
$$
"""

TRAY_POLICY = """
CREATE POLICY reach ON records_trayrow USING (
    village_code = ANY ((SELECT nullif(current_setting('ffp.villages', true), '')::text[])::text[])
    OR batch_id IN (
        SELECT id FROM records_importbatch
        WHERE coalesce(uploaded_by_id, 0) = (SELECT nullif(current_setting('ffp.actor', true), ''))::bigint
    )
)
"""


class Migration(migrations.Migration):
    dependencies = [("records", "0003_fewer_indexes"), ("households", "0003_fewer_indexes"), ("audit", "0002_events")]
    operations = [
        migrations.RunSQL([VILLAGES_OF_CODES, VILLAGES_OF_IDENTITIES, REGISTRY_IS_EMPTY, "DROP POLICY reach ON records_trayrow", TRAY_POLICY]),
    ]
