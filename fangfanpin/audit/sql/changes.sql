-- What a change of a row changed: {item: [before, after]}, an item of `values` or `ticks` by its path; NULL where nothing did.
-- Keys are looked up in both, not joined: a join of what jsonb_each gives, three times for each row, took twice as long.
CREATE OR REPLACE FUNCTION ffp_diff(o jsonb, n jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT jsonb_object_agg(start || key, jsonb_build_array(was -> key, now -> key)) FROM (
        SELECT start, was, now, jsonb_object_keys(was || now) AS key FROM (VALUES
            ('', o - '{values,ticks,version,updated_at}'::text[], n - '{values,ticks,version,updated_at}'::text[]),
            ('values.', CASE jsonb_typeof(o -> 'values') WHEN 'object' THEN o -> 'values' ELSE '{}' END,
                        CASE jsonb_typeof(n -> 'values') WHEN 'object' THEN n -> 'values' ELSE '{}' END),
            ('ticks.', CASE jsonb_typeof(o -> 'ticks') WHEN 'object' THEN o -> 'ticks' ELSE '{}' END,
                       CASE jsonb_typeof(n -> 'ticks') WHEN 'object' THEN n -> 'ticks' ELSE '{}' END)
        ) part (start, was, now)
        WHERE was <> now
        OFFSET 0
    ) asked
    WHERE (was -> key) IS DISTINCT FROM (now -> key)
$$;
