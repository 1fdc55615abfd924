"""Every change of these tables is an event, and nobody sees a row outside their reach."""

from django.db import migrations

# Duplicates beyond one's reach: the one question that looks past it. It names the village and no more.
VILLAGE_OF_IDENTITY = """
CREATE FUNCTION ffp_village_of_identity(number_digest text, except_person uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(r.name, p.village_code)
    FROM households_person p LEFT JOIN regions_region r ON r.code = p.village_code
    WHERE p.id_number_digest = number_digest AND number_digest <> '' AND p.member_state = '01' AND p.id <> except_person
    ORDER BY p.id LIMIT 1
$$
"""

# Asked before the reach is known, hence past row security: a helper's own households, by id and nothing else.
PAIRED_HOUSEHOLDS = """
CREATE FUNCTION ffp_paired_households(helper bigint, on_day date) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT household_id FROM households_pairing
    WHERE user_id = helper AND start_on <= on_day AND (end_on IS NULL OR end_on > on_day)
$$
"""


class Migration(migrations.Migration):
    dependencies = [("households", "0001_initial"), ("audit", "0002_events")]
    operations = [
        migrations.RunSQL(
            [
                "SELECT ffp_track('households_household')",
                "SELECT ffp_protect('households_household', 'village_code', 'id')",
                "SELECT ffp_track('households_person')",
                "SELECT ffp_protect('households_person', 'village_code', 'household_id')",
                "SELECT ffp_track('households_membership')",
                "SELECT ffp_protect('households_membership', 'village_code', 'household_id')",
                "SELECT ffp_track('households_monitoringspell')",
                "SELECT ffp_protect('households_monitoringspell', 'village_code', 'household_id')",
                "SELECT ffp_track('households_pairing')",
                "SELECT ffp_protect('households_pairing', 'village_code', 'household_id')",
                "SELECT ffp_track('households_location')",
                "SELECT ffp_protect('households_location', 'village_code', 'household_id')",
                "SELECT ffp_track('households_reveal')",
                "SELECT ffp_protect('households_reveal', 'village_code', 'household_id')",
                VILLAGE_OF_IDENTITY,
                PAIRED_HOUSEHOLDS,
            ]
        )
    ]
