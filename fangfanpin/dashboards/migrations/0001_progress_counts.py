"""Numbers of the campaign for those who follow it without seeing a household (departments)."""

from django.db import migrations

# Past row security, asked only for divisions in which the person holds `campaign.view`: counts by village, no row, no name.
PROGRESS_COUNTS = """
CREATE FUNCTION ffp_progress_counts(prefixes text[], for_year int)
RETURNS TABLE (village varchar, households bigint, visited bigint, started bigint, collected bigint, approved bigint, returned bigint,
               entered_there bigint, clues_open bigint, clues_closed bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(r.village_code, c.village_code), coalesce(r.households, 0), coalesce(r.visited, 0), coalesce(r.started, 0),
           coalesce(r.collected, 0), coalesce(r.approved, 0), coalesce(r.returned, 0), coalesce(r.entered_there, 0),
           coalesce(c.clues_open, 0), coalesce(c.clues_closed, 0)
    FROM (
        SELECT village_code, count(*) AS households,
               count(*) FILTER (WHERE visited_on IS NOT NULL OR state IN ('submitted', 'approved', 'locked')) AS visited,
               count(*) FILTER (WHERE state IN ('draft', 'returned')) AS started,
               count(*) FILTER (WHERE state IN ('submitted', 'approved', 'locked')) AS collected,
               count(*) FILTER (WHERE state IN ('approved', 'locked')) AS approved,
               count(*) FILTER (WHERE state = 'returned') AS returned,
               count(*) FILTER (WHERE transferred_at IS NOT NULL) AS entered_there
        FROM records_record
        WHERE form = 'household_year' AND year = for_year
          AND EXISTS (SELECT 1 FROM unnest(prefixes) p WHERE starts_with(village_code, p))
        GROUP BY village_code
    ) r FULL JOIN (
        SELECT village_code, count(*) FILTER (WHERE state IN ('open', 'corrected')) AS clues_open,
               count(*) FILTER (WHERE state NOT IN ('open', 'corrected')) AS clues_closed
        FROM quality_clue
        WHERE year = for_year AND severity <> 'I' AND EXISTS (SELECT 1 FROM unnest(prefixes) p WHERE starts_with(village_code, p))
        GROUP BY village_code
    ) c ON c.village_code = r.village_code
$$
"""


class Migration(migrations.Migration):
    dependencies = [("records", "0002_security"), ("quality", "0002_security")]
    operations = [migrations.RunSQL([PROGRESS_COUNTS], reverse_sql=["DROP FUNCTION ffp_progress_counts(text[], int)"])]
