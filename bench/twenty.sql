-- The twenty rules by hand: one scan for persons, one for households, as one would write them who knows DuckDB and these tables well.
WITH judged AS MATERIALIZED (
  SELECT * FROM (
    SELECT
        p.county, p.person_key AS subject_key, p.household_key, p.village_code,
        (p.sex IS NULL) AS t01,
        (p.birth_date > 20210930 OR p.birth_date < 19000101) AS t02,
        (p.birth_date > 20050930 AND p.birth_date <= 20150930 AND p.school_status IS NULL) AS t03,
        (p.work_months > 120) AS t04,
        (p.work_months > 0 AND p.work_region IS NULL) AS t05,
        (p.resident_pension AND p.birth_date > 20050930) AS t06,
        (p.resident_medical AND p.employee_medical) AS t07,
        (p.disability_category IS NOT NULL AND NOT list_contains(p.health_status, '04')) AS t08,
        (NOT regexp_full_match(p.phone, '1[3-9][0-9]{9}|0[0-9]{2,3}-?[0-9]{7,8}')
        OR regexp_full_match(p.phone, '[0-9]{3}(0{8}|1{8}|2{8}|3{8}|4{8}|5{8}|6{8}|7{8}|8{8}|9{8})|12345678901')) AS t09,
        (NOT regexp_full_match(p.member_name, '[\x{3400}-\x{4dbf}\x{4e00}-\x{9fff}\x{f900}-\x{faff}\x{20000}-\x{3ffff}]([\x{3400}-\x{4dbf}\x{4e00}-\x{9fff}\x{f900}-\x{faff}\x{20000}-\x{3ffff}·]{0,18}[\x{3400}-\x{4dbf}\x{4e00}-\x{9fff}\x{f900}-\x{faff}\x{20000}-\x{3ffff}])')) AS t10,
        (p.last__resident_medical AND NOT p.resident_medical) AS t11,
        (p.dibao_status IS NOT NULL AND h.per_capita_net_income > 1200000) AS t12,
        (p.id_birth <> p.birth_date OR p.id_sex <> p.sex) AS t13
    FROM person p LEFT JOIN household h ON h.county = p.county AND h.household_key = p.household_key
    WHERE p.is_live
  ) WHERE t01 OR t02 OR t03 OR t04 OR t05 OR t06 OR t07 OR t08 OR t09 OR t10 OR t11 OR t12 OR t13
)
SELECT county, 'T01' AS rule, subject_key, household_key, village_code FROM judged WHERE t01
UNION ALL SELECT county, 'T02' AS rule, subject_key, household_key, village_code FROM judged WHERE t02
UNION ALL SELECT county, 'T03' AS rule, subject_key, household_key, village_code FROM judged WHERE t03
UNION ALL SELECT county, 'T04' AS rule, subject_key, household_key, village_code FROM judged WHERE t04
UNION ALL SELECT county, 'T05' AS rule, subject_key, household_key, village_code FROM judged WHERE t05
UNION ALL SELECT county, 'T06' AS rule, subject_key, household_key, village_code FROM judged WHERE t06
UNION ALL SELECT county, 'T07' AS rule, subject_key, household_key, village_code FROM judged WHERE t07
UNION ALL SELECT county, 'T08' AS rule, subject_key, household_key, village_code FROM judged WHERE t08
UNION ALL SELECT county, 'T09' AS rule, subject_key, household_key, village_code FROM judged WHERE t09
UNION ALL SELECT county, 'T10' AS rule, subject_key, household_key, village_code FROM judged WHERE t10
UNION ALL SELECT county, 'T11' AS rule, subject_key, household_key, village_code FROM judged WHERE t11
UNION ALL SELECT county, 'T12' AS rule, subject_key, household_key, village_code FROM judged WHERE t12
UNION ALL SELECT county, 'T13' AS rule, subject_key, household_key, village_code FROM judged WHERE t13;

WITH judged AS MATERIALIZED (
  SELECT * FROM (
    SELECT
        h.county, h.household_key AS subject_key, h.household_key, h.village_code,
        (h.net_income < 0) AS t14,
        (h.household_size <> coalesce(m.n, 0)) AS t15,
        (h.per_capita_net_income > 2 * h.last__per_capita_net_income) AS t16,
        (h.wage_income > 0 AND NOT coalesce(m.most > 0, false)) AS t17,
        (h.whole_household_no_labor AND m.most > 60) AS t18,
        (coalesce(m.months, 0) > 120 * h.household_size) AS t19,
        (NOT h.safe_water OR h.dilapidated_house) AS t20
    FROM household h LEFT JOIN (
        SELECT county, household_key, count(*) AS n, max(work_months) AS most, sum(work_months) AS months
        FROM person WHERE is_live GROUP BY county, household_key
    ) m ON m.county = h.county AND m.household_key = h.household_key
  ) WHERE t14 OR t15 OR t16 OR t17 OR t18 OR t19 OR t20
)
SELECT county, 'T14' AS rule, subject_key, household_key, village_code FROM judged WHERE t14
UNION ALL SELECT county, 'T15' AS rule, subject_key, household_key, village_code FROM judged WHERE t15
UNION ALL SELECT county, 'T16' AS rule, subject_key, household_key, village_code FROM judged WHERE t16
UNION ALL SELECT county, 'T17' AS rule, subject_key, household_key, village_code FROM judged WHERE t17
UNION ALL SELECT county, 'T18' AS rule, subject_key, household_key, village_code FROM judged WHERE t18
UNION ALL SELECT county, 'T19' AS rule, subject_key, household_key, village_code FROM judged WHERE t19
UNION ALL SELECT county, 'T20' AS rule, subject_key, household_key, village_code FROM judged WHERE t20;
