"""What was counted of a village before it was merged stays under its code; whoever sees the village it became part of sees these counts too. They
name nobody, and nothing else of the former village is opened: its households' rows stand under the successor themselves."""

from django.db import migrations

# Villages that have become part of those within reach, at once or by way of others. Asked for once per statement, through a scalar sub-select.
FOREBEARS = """
CREATE FUNCTION ffp_forebears() RETURNS text[] LANGUAGE sql STABLE AS $$
    WITH RECURSIVE gone (code) AS (
        SELECT g.code FROM regions_region g
        WHERE g.level = 'village' AND g.successor_id = ANY (nullif(current_setting('ffp.villages', true), '')::text[])
        UNION
        SELECT g.code FROM regions_region g JOIN gone ON g.successor_id = gone.code WHERE g.level = 'village'
    )
    SELECT coalesce(array_agg(code::text), '{}') FROM gone
$$
"""
POLICY = "CREATE POLICY forebears ON quality_villagequality FOR SELECT USING (village_code = ANY ((SELECT ffp_forebears())::text[]))"


class Migration(migrations.Migration):
    dependencies = [("acts", "0005_recomputed"), ("quality", "0010_clues_on_villages"), ("regions", "__first__")]
    operations = [migrations.RunSQL([FOREBEARS, POLICY])]
