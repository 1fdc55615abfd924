"""One pass over the year's records and clues gives progress and what is due: row security compares every row with every village of a
reach, which for a county's 25,000 households took longer than all the rest of the start page."""

from django.db import migrations

# Past row security, asked only for divisions whose households the person may see, or in which they hold `campaign.view`:
# counts by village, no row, no name.
COUNTS = """
CREATE FUNCTION ffp_progress_counts(prefixes text[], for_year int)
RETURNS TABLE (village varchar, households bigint, visited bigint, empty bigint, draft bigint, submitted bigint, collected bigint,
               approved bigint, returned bigint, entered_there bigint, to_transfer bigint, clues_open bigint, clues_closed bigint,
               clues_to_review bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH reached AS MATERIALIZED (SELECT coalesce(array_agg(p || '%'), '{}') AS patterns FROM unnest(prefixes) p WHERE p ~ '^[0-9]{2,15}$')
    SELECT coalesce(r.village_code, c.village_code), coalesce(r.households, 0), coalesce(r.visited, 0), coalesce(r.empty, 0),
           coalesce(r.draft, 0), coalesce(r.submitted, 0), coalesce(r.collected, 0), coalesce(r.approved, 0), coalesce(r.returned, 0),
           coalesce(r.entered_there, 0), coalesce(r.to_transfer, 0), coalesce(c.clues_open, 0), coalesce(c.clues_closed, 0),
           coalesce(c.clues_to_review, 0)
    FROM (
        SELECT village_code, count(*) AS households,
               count(*) FILTER (WHERE visited_on IS NOT NULL OR state IN ('submitted', 'approved', 'locked')) AS visited,
               count(*) FILTER (WHERE state = 'empty') AS empty,
               count(*) FILTER (WHERE state = 'draft') AS draft,
               count(*) FILTER (WHERE state = 'submitted') AS submitted,
               count(*) FILTER (WHERE state IN ('submitted', 'approved', 'locked')) AS collected,
               count(*) FILTER (WHERE state IN ('approved', 'locked')) AS approved,
               count(*) FILTER (WHERE state = 'returned') AS returned,
               count(*) FILTER (WHERE transferred_at IS NOT NULL) AS entered_there,
               count(*) FILTER (WHERE transferred_at IS NULL AND state IN ('submitted', 'approved', 'locked')) AS to_transfer
        FROM records_record
        WHERE form = 'household_year' AND year = for_year AND village_code LIKE ANY ((SELECT patterns FROM reached)::text[])
        GROUP BY village_code
    ) r FULL JOIN (
        SELECT village_code, count(*) FILTER (WHERE state IN ('open', 'corrected') AND severity <> 'I') AS clues_open,
               count(*) FILTER (WHERE state NOT IN ('open', 'corrected') AND severity <> 'I') AS clues_closed,
               count(*) FILTER (WHERE state = 'confirmed' AND reviewed_at IS NULL) AS clues_to_review
        FROM quality_clue
        WHERE year = for_year AND village_code LIKE ANY ((SELECT patterns FROM reached)::text[])
        GROUP BY village_code
    ) c ON c.village_code = r.village_code
$$
"""
DROP = "DROP FUNCTION ffp_progress_counts(text[], int)"


class Migration(migrations.Migration):
    dependencies = [("dashboards", "0001_progress_counts")]
    operations = [migrations.RunSQL([DROP, COUNTS], reverse_sql=[DROP])]
