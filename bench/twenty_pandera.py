"""The twenty rules with pandera on polars, in two ways: as its documentation has rules over several columns, checks of the frame, which return
each failing row; and as one writes them who has read its source, checks of the key column, which return each failing row's key and place.
"""

from pathlib import Path
from typing import Any

import pandera.polars as pandera
import polars as pl
import pyarrow as pa
from pandera.errors import SchemaErrors

from fangfanpin.snapshots.sweep import HIT

_HAN = r"\x{3400}-\x{4dbf}\x{4e00}-\x{9fff}\x{f900}-\x{faff}\x{20000}-\x{3ffff}"
_NAME = rf"^[{_HAN}](?:[{_HAN}·]{{0,18}}[{_HAN}])$"
_PHONE = r"^(?:1[3-9][0-9]{9}|0[0-9]{2,3}-?[0-9]{7,8})$"
_DUMMY = r"^(?:[0-9]{3}(?:0{8}|1{8}|2{8}|3{8}|4{8}|5{8}|6{8}|7{8}|8{8}|9{8})|12345678901)$"
_c = pl.col
PERSON: dict[str, pl.Expr] = {
    "T01": _c("sex").is_null(),
    "T02": (_c("birth_date") > 20210930) | (_c("birth_date") < 19000101),
    "T03": (_c("birth_date") > 20050930) & (_c("birth_date") <= 20150930) & _c("school_status").is_null(),
    "T04": _c("work_months") > 120,
    "T05": (_c("work_months") > 0) & _c("work_region").is_null(),
    "T06": _c("resident_pension") & (_c("birth_date") > 20050930),
    "T07": _c("resident_medical") & _c("employee_medical"),
    "T08": _c("disability_category").is_not_null() & ~_c("health_status").list.contains("04"),
    "T09": ~_c("phone").str.contains(_PHONE) | _c("phone").str.contains(_DUMMY),
    "T10": ~_c("member_name").str.contains(_NAME),
    "T11": _c("last__resident_medical") & ~_c("resident_medical"),
    "T12": _c("dibao_status").is_not_null() & (_c("per_capita_net_income") > 1200000),
    "T13": (_c("id_birth") != _c("birth_date")) | (_c("id_sex") != _c("sex")),
}
HOUSEHOLD: dict[str, pl.Expr] = {
    "T14": _c("net_income") < 0,
    "T15": _c("household_size") != _c("members").fill_null(0),
    "T16": _c("per_capita_net_income") > 2 * _c("last__per_capita_net_income"),
    "T17": (_c("wage_income") > 0) & ~(_c("most") > 0).fill_null(value=False),
    "T18": _c("whole_household_no_labor") & (_c("most") > 60),
    "T19": _c("months").fill_null(0) > 120 * _c("household_size"),
    "T20": ~_c("safe_water") | _c("dilapidated_house"),
}
_PLACE = ("county", "household_key", "village_code")


def judged(files: dict[str, list[Path]], *, keys_only: bool = False) -> pa.Table:
    """Every hit, as the other ways return it. `keys_only`: the second way."""
    people = _scan(files["person"]).filter(_c("is_live"))
    homes = _scan(files["household"])
    counted = people.group_by("county", "household_key").agg(
        pl.len().alias("members"), _c("work_months").max().alias("most"), _c("work_months").sum().alias("months")
    )
    income = homes.select("county", "household_key", "per_capita_net_income")
    persons = people.join(income, on=["county", "household_key"], how="left").rename({"person_key": "subject_key"})
    households = homes.join(counted, on=["county", "household_key"], how="left").with_columns(_c("household_key").alias("subject_key"))
    return pa.concat_tables([_failing("person", persons, PERSON, keys_only), _failing("household", households, HOUSEHOLD, keys_only)])


def _scan(files: list[Path]) -> pl.LazyFrame:
    return pl.scan_parquet(files, hive_partitioning=True, hive_schema={"county": pl.String})


def _failing(subject: str, rows: pl.LazyFrame, rules: dict[str, pl.Expr], keys_only: bool) -> pa.Table:
    read = sorted({name for rule in rules.values() for name in rule.meta.root_names()})
    frame = rows.select(*dict.fromkeys(["subject_key", *_PLACE, *read])).collect()
    checks = [_check(name, rule) for name, rule in rules.items()]
    key = pandera.Column(checks=checks if keys_only else None)
    schema = pandera.DataFrameSchema({"subject_key": key}, checks=None if keys_only else checks)
    try:
        schema.validate(frame, lazy=True)
    except SchemaErrors as found:
        failing = found.failure_cases
    else:
        return HIT.empty_table()
    keys = frame.select("subject_key", *_PLACE)[failing["index"]]
    hits = keys.with_columns(failing["check"].alias("rule"), pl.lit(subject).alias("subject"))
    return hits.select(HIT.names).to_arrow().cast(HIT)


def _check(name: str, hit: pl.Expr) -> Any:
    """A check says what is right; what nobody knows is right as well."""

    def holds(data: pandera.PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select((~hit).fill_null(value=True))

    return pandera.Check(holds, name=name)
