"""Snapshots that stay: what is in them, what never goes up, and that many counties in one folder give what each gives alone."""

import datetime
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import duckdb
import pytest
import sqlglot.expressions as e

from fangfanpin.accounts.reach import Reach
from fangfanpin.campaigns import clock
from fangfanpin.expressions import Bool
from fangfanpin.households.models import Household, Person
from fangfanpin.pack import Pack
from fangfanpin.policy.services import pack_of
from fangfanpin.privacy.secrets import decrypt
from fangfanpin.quality import snapshot, snapshot_files, standing
from fangfanpin.quality.spark_judging import judge_of
from fangfanpin.quality.standing import FEW
from fangfanpin.quality.sweep import find_hits
from fangfanpin.snapshots.folder import NUMBER, SnapshotFault, snapshots_in
from fangfanpin.snapshots.sweep import DuckDBEngine, SparkEngine, sweep, sweep_with

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Write = Callable[[str], dict[str, Any]]


@pytest.fixture
def county_pack(acting: Callable[[str], Reach]) -> Pack:
    acting("system")
    return pack_of(clock.current().pack)


@pytest.fixture
def write(county_pack: Pack, tmp_path: Path) -> Write:
    def written(kind: str) -> dict[str, Any]:
        campaign = clock.current()
        (manifest,) = snapshot_files.write(
            kind, tmp_path / kind, year=campaign.year, today=clock.now(campaign).date(), pack=county_pack, sources=campaign.pack.sources
        )
        return manifest

    return written


def today() -> datetime.date:
    return clock.now(clock.current()).date()


def rows_of(path: Path, table: str) -> list[dict[str, Any]]:
    with duckdb.connect() as database:
        found = database.read_parquet(str(path / f"{table}.parquet"))
        return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def test_the_county_s_holds_every_item_of_the_dictionary(write: Write, county_pack: Pack, tmp_path: Path) -> None:
    manifest = write("county")
    (found,) = snapshots_in(tmp_path / "county")
    found.verify()
    assert (found.county, found.pack().hash) == ("340323", county_pack.hash)
    for table, subject in county_pack.schema().subjects.items():
        assert set(subject.columns) <= found.columns[table], table
    assert {relation.stored for relation in county_pack.schema().relations.values()} <= found.columns.keys()
    rows = rows_of(found.path, "person")
    assert len(rows) == found.rows["person"] > 500
    assert {row["village_code"][:6] for row in rows} == {"340323"}
    assert all(isinstance(row["birth_date"], int) for row in rows if row["birth_date"])
    assert manifest["tables"]["household"]["columns"]["wage_income"] == {"parquet": "BIGINT", "type": "数值（yuan）", "zh": "工资性收入"}


def test_nothing_that_names_somebody_goes_up(write: Write, county_pack: Pack, tmp_path: Path) -> None:
    write("county")
    write("upward")
    ours, above = tmp_path / "county" / "county=340323", tmp_path / "upward" / "county=340323"
    secret = {decrypt(stored) or "" for stored in Person.objects.values_list("id_number_secret", flat=True)}
    secret |= {decrypt(stored) or "" for stored in Household.objects.values_list("bank_card_secret", flat=True)}
    for table in county_pack.schema().subjects:
        types = county_pack.schema().subjects[table].columns
        texts = {name for name in types if str(types[name]) == "文字"} - {"id_form"}
        for row in rows_of(ours, table):
            secret |= {row[name] for name in texts if row.get(name) and len(str(row[name])) > 1}
            secret |= {str(row[key]) for key in row if key.endswith("_key") and not key.startswith(NUMBER) and row[key]}
    secret.discard("")
    assert len(secret) > 2000
    # Codes of places and words that are codes of lists as well are not what names somebody.
    lists = {code for words in county_pack.words.values() for code in words} | set(county_pack.indicators)
    secret = {one for one in secret if one not in lists and not (one.isdigit() and len(one) <= 12 and one.startswith("340323"))}
    for table in county_pack.schema().subjects:
        for row in rows_of(above, table):
            held = {value for value in row.values() if isinstance(value, str)}
            held |= {code for value in row.values() if isinstance(value, list) for code in value}
            assert not held & secret
    manifest = (above / "manifest.json").read_text(encoding="utf-8")
    assert not {name for name in ("member_name", "phone", "address", "bank_holder", "id18_digest", "head_name") if f'"{name}"' in manifest}


def test_points_and_rare_values_go_up_only_in_company(write: Write, county_pack: Pack, tmp_path: Path) -> None:
    manifest = write("upward")
    households = rows_of(tmp_path / "upward" / "county=340323", "household")
    points: dict[tuple[int, int], int] = {}
    for row in households:
        if row["lat"] is not None:
            assert row["lat"] % 10_000 == 0 and row["lon"] % 10_000 == 0
            points[row["lat"], row["lon"]] = points.get((row["lat"], row["lon"]), 0) + 1
    assert points and min(points.values()) >= FEW
    people = rows_of(tmp_path / "upward" / "county=340323", "person")
    for name in ("ethnicity", "disability_category", "education"):
        counts: dict[str, int] = {}
        for row in people:
            if row.get(name) is not None:
                counts[row[name]] = counts.get(row[name], 0) + 1
        assert not counts or min(counts.values()) >= FEW, (name, counts)
    emptied = 0
    for table, subject in county_pack.schema().subjects.items():
        held = rows_of(tmp_path / "upward" / "county=340323", table)
        flags = {name for name, type_ in subject.columns.items() if isinstance(type_, Bool)}
        for name in flags | {f"last__{name}" for name in flags}:
            said = [row[name] for row in held if row.get(name) is not None]
            assert not said or min(said.count(says) for says in set(said)) >= FEW, (table, name)
            emptied += f"{table}.{name}" in manifest["removed"]
    assert emptied
    assert {row["birth_date"] % 100 for row in people if row["birth_date"]} == {1}
    assert "household.lat" in manifest["removed"]


@pytest.mark.parametrize("kind", ["county", "upward"])
def test_a_key_has_one_number_in_all_tables_that_says_no_more_than_it(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(snapshot_files, "FEW", 40)  # so that some table goes up empty: its keys must not have left gaps
    write(kind)
    (found,) = snapshots_in(tmp_path / kind)
    numbers: dict[str, set[int]] = {}
    for table, columns in found.columns.items():
        keys = [name.removeprefix(NUMBER) for name in columns if name.startswith(NUMBER)]
        compared = {"phone", "id18_digest"} if table == "person" and kind == "county" else set[str]()
        assert {"household_key"} <= set(keys) - compared == {name for name in columns if name.endswith("_key") and not name.startswith(NUMBER)}
        assert compared <= set(keys)
        for row in rows_of(found.path, table):
            for key in keys:
                assert (row[key] is None) == (row[NUMBER + key] is None)
                if row[key] is not None:
                    numbers.setdefault(row[key], set()).add(row[NUMBER + key])
    assert [numbers[key] for key in sorted(numbers)] == [{place} for place in range(1, len(numbers) + 1)]
    assert len(numbers) > 2000


@pytest.mark.parametrize(
    ("yes", "no", "unknown", "left"),
    [
        (1, 40, 0, (0, 38)),  # with so many of the others that nobody can say which of the three it was
        (2, 40, 5, (0, 39)),
        (40, 2, 0, (39, 0)),
        (3, 40, 0, (3, 40)),
        (0, 40, 1, (0, 40)),
        (1, 4, 0, (0, 0)),  # two would be left: none is
        (2, 2, 9, (0, 0)),
    ],
)
def test_an_empty_cell_does_not_say_which_answer_was_rare(yes: int, no: int, unknown: int, left: tuple[int, int]) -> None:
    """What is left of a column of yes and no, in the table itself and where its rows stand once for each household they name."""
    said = [True] * yes + [False] * no + [None] * unknown
    with duckdb.connect() as database:
        database.execute("CREATE TABLE project (row_key VARCHAR, household_key VARCHAR, village_code VARCHAR, is_done BOOLEAN)")
        database.executemany("INSERT INTO project VALUES (?, NULL, '340323109214', ?)", [[f"p{place}", says] for place, says in enumerate(said)])
        database.execute("CREATE TABLE project_homes AS SELECT row_key, 'h' || n AS household_key, village_code, is_done FROM project, range(2) r(n)")
        database.execute("INSERT INTO project VALUES ('else', NULL, '340324109214', true)")
        found, removed = {}, dict[str, int]()
        for table in ("project", "project_homes"):
            column = snapshot_files._Upward(database, table, "project", {}, "340323").in_company("is_done", removed)
            query = e.select("row_key", column).from_(table).where("village_code = '340323109214'").sql("duckdb")
            found[table] = [(key, says) for key, says in database.sql(query).fetchall()]
    held = [says for _key, says in found["project"]]
    assert (held.count(True), held.count(False)) == left
    assert set(found["project_homes"]) == set(found["project"]), "no table tells what another keeps"
    emptied = yes + no - sum(left)
    assert removed.get("project.is_done", 0) == emptied and emptied not in (1, 2)


def test_summaries_of_what_goes_up_tell_no_small_count(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    removed = write("upward")["removed"]
    assert removed and not {told for told in removed.values()} & {"1", "2"}
    rows = {table: len(rows_of(tmp_path / "upward" / "county=340323", table)) for table in ("household", "project", "relocation")}
    assert "<3" in removed.values(), "some code is rare in a county of three hundred households"
    most = min(count for count in rows.values() if count)
    monkeypatch.setattr(standing, "FEW", most + 1)
    monkeypatch.setattr(snapshot_files, "FEW", most + 1)
    manifest = write("upward")
    (table,) = [name for name, count in rows.items() if count == most]
    assert manifest["tables"][table]["rows"] == 0 and manifest["removed"][table] == f"<{most + 1}", "so few rows do not go up at all"
    assert rows_of(tmp_path / "upward" / "county=340323", table) == []


def test_a_county_comes_whole_or_not_at_all(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write("county")
    path = tmp_path / "county" / "county=340323"
    before = (path / "manifest.json").read_bytes()

    def killed(part: Path, facts: object) -> dict[str, Any]:
        assert (part / "person.parquet").exists() and part.parent == path.parent and part.name.startswith(".county=")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(snapshot_files, "write_manifest", killed)
        with pytest.raises(KeyboardInterrupt):
            write("county")
    assert [found.name for found in path.parent.iterdir()] == ["county=340323"]
    assert (path / "manifest.json").read_bytes() == before


def test_what_was_changed_is_not_swept(write: Write, tmp_path: Path) -> None:
    write("upward")
    path = tmp_path / "upward" / "county=340323" / "spell.parquet"
    before = path.read_bytes()
    path.write_bytes(before + b" ")
    with pytest.raises(SnapshotFault, match="spell.parquet"):
        sweep(tmp_path / "upward")
    path.write_bytes(before)
    added = path.parent / "pack" / "guzhen-2021" / "rules" / "more.toml"
    added.parent.mkdir(exist_ok=True)
    added.write_text("", encoding="utf-8")
    with pytest.raises(SnapshotFault, match="more.toml"):
        sweep(tmp_path / "upward")
    with pytest.raises(SnapshotFault, match="没有快照"):
        sweep(tmp_path)


def test_many_counties_give_what_each_gives_alone(write: Write, county_pack: Pack, tmp_path: Path, spark: "SparkSession") -> None:
    """A second county is the first under another code: the same keys and the same numbers, and neither is the other's duplicate."""
    write("county")
    folder = tmp_path / "county"
    shutil.copytree(folder / "county=340323", folder / "county=340324")
    found = snapshots_in(folder)
    with duckdb.connect() as database:
        by_duckdb = sweep_with([DuckDBEngine(database, threads=2)], found)
    by_spark = sweep_with([SparkEngine(spark, tmp_path)], found)
    assert by_duckdb.hits == by_spark.hits
    assert by_duckdb.left_out == {} and by_duckdb.rules == len(county_pack.judged)
    rows = by_duckdb.hits.to_pylist()
    each = [{tuple(row.values())[1:] for row in rows if row["county"] == county} for county in ("340323", "340324")]
    assert each[0] == each[1]
    with snapshot.whole(clock.current().year, county_pack) as database:
        hits = find_hits(database, county_pack, today())
    alone = {(hit.rule.id, hit.rule.subject, str(hit.subject_id), hit.household_id and str(hit.household_id), hit.village_code) for hit in hits}
    assert each[0] == alone
    assert any(rule.reach == "set" and rule.id in by_duckdb.by_rule() for rule in county_pack.judged)


def test_a_rule_that_names_what_stays_below_is_told(write: Write, tmp_path: Path, spark: "SparkSession") -> None:
    write("upward")
    found = sweep(tmp_path / "upward")
    assert found.hits == sweep_with([SparkEngine(spark, tmp_path)], snapshots_in(tmp_path / "upward")).hits
    assert found.rules > 100 and found.hits.num_rows > 0
    assert "id18_digest" in {item for items in found.left_out.values() for item in items}


def test_the_county_s_own_sweep_may_be_judged_by_spark(county_pack: Pack, tmp_path: Path, spark: "SparkSession") -> None:
    """Hits and the values they used, of some of the rules: that all are judged alike is seen above."""
    year = clock.current().year
    county_pack = replace(county_pack, rules=county_pack.rules[::4], screens=(), hash="some of the rules")
    judged = []
    for engine in ("duckdb", "spark"):
        with snapshot.taken(year, county_pack, uuid4()) as database:
            judge = judge_of(spark, tmp_path, database, county_pack, today()) if engine == "spark" else None
            judged.append({hit.key: hit.used for hit in find_hits(database, county_pack, today(), judge)})
    assert judged[0] == judged[1] and judged[0]
