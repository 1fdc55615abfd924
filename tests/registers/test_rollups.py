"""Roll-ups equal plain Python over the tables: of the demo county, of drawn counties in both engines, and after every kind of change."""

import datetime
import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach
from fangfanpin.audit.models import Event
from fangfanpin.households.models import Household, MonitoringSpell, Person
from fangfanpin.pack import Pack, load_pack
from fangfanpin.records.changed import villages_changed
from fangfanpin.records.current_year import current_year
from fangfanpin.records.models import Record
from fangfanpin.records.saving import SaveRequest, save
from fangfanpin.regions.models import Region
from fangfanpin.registers import natural_villages, rollups, services, sources
from fangfanpin.registers.scans import scanned
from fangfanpin.registers.services import Given
from tests.pack.test_content import PACKS
from tests.registers.named import register

Acting = Callable[[str], Reach]
SUMMED = (
    "households population exit_households exit_population monitored_households monitored_population dibao_households dibao_population "
    "tekun_households tekun_population minority_population women_population disabled_population labor_population migrant_workers"
).split()
FORMS = ("natural_village_year", "village_year")


@pytest.fixture
def pack(db: None) -> Pack:
    return current_year().pack


def rows(form: str) -> dict[str, Record]:
    return {record.subject_code: record for record in Record.objects.filter(form=form, year=2021).exclude(state="void")}


def expected(villages: set[str] | None = None) -> dict[str, dict[str, dict[str, Any]]]:
    """Every roll-up by plain Python over the tables."""
    homes = [home for home in Household.objects.all() if home.household_state in ("", "01")]
    live: dict[Any, int] = {}
    for person in Person.objects.filter(member_state="01"):
        live[person.household_id] = live.get(person.household_id, 0) + 1

    def counted(chosen: list[Household], of: str) -> int:
        return len(chosen) if of == "households" else sum(live.get(home.pk, 0) for home in chosen)

    naturals: dict[str, dict[str, Any]] = {}
    for code in rows("natural_village_year"):
        here = [home for home in homes if home.natural_village_code == code]
        naturals[code] = {
            f"{name}_{of}": counted(chosen, of)
            for name, chosen in (
                ("exit", [home for home in here if home.household_type == "01"]),
                ("monitored", [home for home in here if home.monitoring_state == "01"]),
            )
            for of in ("households", "population")
        }
    loans = list(Record.objects.filter(form="microcredit").exclude(state="void"))
    found: dict[str, dict[str, Any]] = {}
    for code in rows("village_year"):
        under = {natural: row for natural, row in rows("natural_village_year").items() if natural.startswith(code)}
        mine = [loan for loan in loans if loan.village_code == code]
        found[code] = {
            **{name: sum((row.values | naturals[natural]).get(name) or 0 for natural, row in under.items()) for name in SUMMED},
            "natural_villages": len(under),
            "boundary_changed": False,
            "loans_approved_households": len(
                {loan.household_id for loan in mine if "2020-10-01" <= (loan.values.get("granted_on") or "") <= "2021-09-30"}
            ),
            "loans_lent_households": len({loan.household_id for loan in mine if (loan.values.get("granted_on") or "")[:4] == "2021"}),
            "loans_overdue_households": len({loan.household_id for loan in mine if (loan.values.get("overdue_days") or 0) > 0}),
        }
    return {"natural_village_year": naturals, "village_year": found}


def computed(pack: Pack, form: str) -> dict[str, dict[str, Any]]:
    names = {one.name for one in pack.rollups if one.form == form}
    return {code: {name: record.values.get(name, "absent") for name in names} for code, record in rows(form).items()}


def test_every_computed_item_of_the_village_tables_has_its_roll_up(pack: Pack) -> None:
    for form in FORMS:
        items = {item.name for item in pack.forms[form].indicators if item.home == "computed"}
        assert items == {one.name for one in pack.rollups if one.form == form}


def test_the_county_equals_plain_python(pack: Pack, acting: Acting) -> None:
    acting("system")
    right = expected()
    assert len(right["village_year"]) > 200
    assert sum(row["exit_households"] for row in right["village_year"].values()) > 100
    assert sum(row["loans_approved_households"] for row in right["village_year"].values()) > 3
    for form in FORMS:
        assert computed(pack, form) == right[form]


def test_both_engines_find_the_same_in_the_county(pack: Pack, acting: Acting) -> None:
    acting("system")
    villages = sorted(rows("village_year"))
    by_rows = rollups.by_rows(sources.read_rows(pack, 2021, villages), pack)
    with scanned(rollups.county_scans(pack, 2021)) as tables:
        by_sets = rollups.by_sets(tables, pack)
    assert by_rows == by_sets == expected()


def test_the_county_is_brought_right_by_sets(pack: Pack, acting: Acting) -> None:
    acting("system")
    spoilt = rows("village_year")
    some = sorted(spoilt)[:3]
    Record.objects.filter(form="village_year", subject_code__in=some).update(values={"leader_name": "留着"})
    villages = sorted(spoilt)
    assert rollups.refresh_county(pack, 2021, villages) == 0, "what is not committed is not seen"
    assert rollups.refresh(pack, 2021, villages) == 3
    assert rollups.refresh(pack, 2021, villages) == 0, "a second time changes nothing"
    assert computed(pack, "village_year") == expected()["village_year"]
    assert all(rows("village_year")[code].values["leader_name"] == "留着" for code in some), "what was typed stays"


@pytest.fixture
def home(acting: Acting) -> Household:
    reach = acting("village")
    found = Household.objects.visible_to(reach).filter(kind="assisted", household_type="01", monitoring_state="").order_by("code")
    return next(home for home in found if Person.objects.filter(household=home, member_state="01").count() > 2)


def assert_right(pack: Pack, acting: Acting, village: str) -> None:
    acting("system")
    right = expected()
    for form in FORMS:
        for code, values in computed(pack, form).items():
            if code.startswith(village):
                assert values == right[form][code], (form, code)


def test_a_member_who_leaves_is_no_longer_counted(pack: Pack, home: Household, cast: dict[str, User], acting: Acting) -> None:
    before = rows("village_year")[home.village_code].values["exit_population"]
    person = home.persons.filter(member_state="01").order_by("-position")[0]
    op = {"op": "leave", "person_id": str(person.pk), "reason": next(iter(pack.change_reasons("decrease"))), "date": "2021-06-01"}
    save(household=home, request=SaveRequest(uuid4(), {}, [op]), year=2021, pack=pack, by=cast["village"], reach=acting("village"))
    assert rows("village_year")[home.village_code].values["exit_population"] == before - 1
    assert_right(pack, acting, home.village_code)


def test_a_helper_sees_own_households_and_the_village_is_right_all_the_same(pack: Pack, cast: dict[str, User], acting: Acting) -> None:
    reach = acting("helper")
    open_years = Record.objects.filter(form="household_year", year=2021, state__in=("empty", "draft", "returned")).values("household")
    homes = Household.objects.visible_to(reach).filter(pk__in=open_years).order_by("code")
    home = next(home for home in homes if home.persons.filter(member_state="01").count() > 1)
    assert not Record.objects.filter(form="village_year").exists(), "a helper sees no village table"
    person = home.persons.filter(member_state="01").order_by("-position")[0]
    op = {"op": "leave", "person_id": str(person.pk), "reason": next(iter(pack.change_reasons("decrease"))), "date": "2021-06-01"}
    save(household=home, request=SaveRequest(uuid4(), {}, [op]), year=2021, pack=pack, by=cast["helper"], reach=reach)
    assert not Record.objects.filter(form="village_year").exists(), "nor after a save"
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('ffp.villages'), current_setting('ffp.act')")
        villages, act = cursor.fetchone()
    assert villages == "{}"
    assert act.startswith("entry.save")
    assert_right(pack, acting, home.village_code)
    event = Event.objects.filter(table_name="records_record", act="rollup.refresh", actor_id=cast["helper"].pk).latest("id")
    assert set(event.changed or {}) <= {f"values.{one.name}" for one in pack.rollups}


def test_a_new_spell_is_counted(pack: Pack, home: Household, cast: dict[str, User], acting: Acting) -> None:
    MonitoringSpell.objects.create(household=home, village_code=home.village_code, monitoring_type="01", spell_state="01")
    Household.objects.filter(pk=home.pk).update(monitoring_state="01", monitoring_type="01")
    before = rows("natural_village_year")[home.natural_village_code].values["monitored_households"]
    villages_changed([home.village_code])
    assert rows("natural_village_year")[home.natural_village_code].values["monitored_households"] == before + 1
    assert_right(pack, acting, home.village_code)


def test_a_household_that_died_out_is_not_counted(pack: Pack, home: Household, acting: Acting) -> None:
    before = rows("village_year")[home.village_code].values["exit_households"]
    Household.objects.filter(pk=home.pk).update(household_state="02")
    villages_changed([home.village_code])
    assert rows("village_year")[home.village_code].values["exit_households"] == before - 1
    assert_right(pack, acting, home.village_code)


def test_two_loans_of_one_household_count_once_and_a_struck_one_not_at_all(
    pack: Pack, home: Household, cast: dict[str, User], acting: Acting
) -> None:
    reach, loans = acting("village"), register(pack, "microcredit")
    Record.objects.filter(form="microcredit", household=home).update(state="void")

    def lent() -> int:
        return int(rows("village_year")[home.village_code].values["loans_lent_households"])

    villages_changed([home.village_code])
    before, made = lent(), []
    for number in ("R-1", "R-2"):
        texts = {"contract_no": number, "principal": "10000", "granted_on": "2021-03-01"}
        given = {"household_id": Given(chosen=(str(home.pk),)), **{name: Given((text,)) for name, text in texts.items()}}
        made.append(
            services.add(
                register=loans, pack=pack, year=2021, record_id=uuid4(), given=given, sure=True, by=cast["village"], reach=reach
            )
        )  # fmt: skip
    assert lent() == before + 1
    for record in made:
        services.strike(record=record, register=loans, pack=pack, reason="登记错了户", by=cast["village"])
    assert lent() == before
    assert_right(pack, acting, home.village_code)


def test_a_natural_village_that_is_filled_in_reaches_its_village(pack: Pack, home: Household, cast: dict[str, User], acting: Acting) -> None:
    reach, naturals = acting("village"), register(pack, "natural_village_year")
    record = rows("natural_village_year")[home.natural_village_code]
    Record.objects.filter(pk=record.pk).update(state="draft")
    before = rows("village_year")[home.village_code].values["women_population"]
    mine = record.values.get("women_population") or 0
    given = {"households": Given(("100",)), "population": Given(("350",)), "women_population": Given(("171",))}
    services.change(
        record=record, register=naturals, pack=pack, seen=record.version, given=given, sure=True, by=cast["village"], reach=reach
    )  # fmt: skip
    assert rows("village_year")[home.village_code].values["women_population"] == before - mine + 171
    assert_right(pack, acting, home.village_code)


def test_a_new_natural_village_is_counted_and_due(pack: Pack, cast: dict[str, User], acting: Acting) -> None:
    reach = acting("village")
    village = reach.villages[0]
    before = rows("village_year")[village].values["natural_villages"]
    made = natural_villages.add(village=village, name="新庄", pack=pack, year=2021, reach=reach)
    assert rows("village_year")[village].values["natural_villages"] == before + 1
    assert rows("natural_village_year")[made.code].state == "empty"
    assert rows("natural_village_year")[made.code].entry.label == "新庄"
    assert_right(pack, acting, village)


def test_a_division_that_took_in_another_says_so(pack: Pack, acting: Acting) -> None:
    reach = acting("village")
    village = reach.villages[0]
    Region.objects.create(
        code=f"{village[:9]}998", name="并入村", level="village", parent_id=village[:9], valid_to=datetime.date(2021, 5, 1), successor_id=village
    )
    villages_changed([village])
    assert rows("village_year")[village].values["boundary_changed"] is True


# Drawn counties: both engines against plain Python

TYPES, STATES = st.sampled_from(["01", "02", "03", None]), st.sampled_from(["01", "02", "03", None])
COUNTS = st.one_of(st.none(), st.integers(0, 200))
DAYS = st.sampled_from([None, "2020-09-30", "2020-10-01", "2021-01-01", "2021-09-30", "2021-10-01", "2022-01-01"])


@st.composite
def counties(draw: st.DrawFn) -> dict[str, list[dict[str, str | None]]]:
    """Texts as the scans give them, of one to three villages."""
    villages = [f"34032310000{number}" for number in range(draw(st.integers(1, 3)))]
    naturals = [f"{village}{number:03d}" for village in villages for number in range(draw(st.integers(0, 3)))]
    household: list[dict[str, str | None]] = []
    person: list[dict[str, str | None]] = []
    microcredit: list[dict[str, str | None]] = []
    for number in range(draw(st.integers(0, 8))):
        natural = draw(st.sampled_from([*naturals, *villages]))
        keys = {"household_key": f"h{number}", "natural_village_key": natural if len(natural) == 15 else "", "village_key": natural[:12]}
        state = draw(STATES)
        household.append({**keys, "household_type": draw(TYPES), "household_state": state or "", "monitoring_state": draw(STATES)})
        for member in range(draw(st.integers(0, 4))):
            person.append({**keys, "is_live": draw(st.sampled_from(["true", "false"])), "row_key": f"p{number}-{member}"})
        for loan in range(draw(st.integers(0, 3))):
            overdue = draw(st.sampled_from([None, "0", "1", "90"]))
            held = {"household_id": f"h{number}", "granted_on": draw(DAYS), "overdue_days": overdue}
            microcredit.append({**keys, "row_key": f"l{number}-{loan}", **held})
    own = [name for name in SUMMED if not name.startswith(("exit_", "monitored_"))]
    natural_rows: list[dict[str, str | None]] = []
    for code in naturals:
        typed = {name: draw(COUNTS) for name in own}
        texts = {name: None if value is None else str(value) for name, value in typed.items()}
        natural_rows.append({"subject_key": code, "natural_village_key": code, "village_key": code[:12], "row_key": code, **texts})
    village_rows: list[dict[str, str | None]] = [
        {"subject_key": code, "natural_village_key": code, "village_key": code, "row_key": code, "division_changed_on": draw(DAYS)}
        for code in villages
    ]
    return {
        "household": household, "person": person, "microcredit": microcredit, "natural_village_year": natural_rows, "village_year": village_rows
    }  # fmt: skip


def plainly(county: dict[str, list[dict[str, Any]]]) -> dict[str, dict[str, dict[str, Any]]]:
    def on_register(home: dict[str, Any]) -> bool:
        return home["household_state"] in ("", "01")

    def homes_of(natural: str, name: str, value: str) -> list[str]:
        return [
            home["household_key"]
            for home in county["household"]
            if home["natural_village_key"] == natural and home[name] == value and on_register(home)
        ]

    naturals: dict[str, dict[str, Any]] = {}
    for row in county["natural_village_year"]:
        exit_, monitored = (homes_of(row["subject_key"], *what) for what in (("household_type", "01"), ("monitoring_state", "01")))
        live = [person["household_key"] for person in county["person"] if person["is_live"] == "true"]
        naturals[row["subject_key"]] = {
            "exit_households": len(exit_), "exit_population": sum(key in exit_ for key in live),
            "monitored_households": len(monitored), "monitored_population": sum(key in monitored for key in live),
        }  # fmt: skip
    villages = {}
    for row in county["village_year"]:
        code = row["subject_key"]
        under = [natural | naturals[natural["subject_key"]] for natural in county["natural_village_year"] if natural["village_key"] == code]
        loans = [loan for loan in county["microcredit"] if loan["village_key"] == code]
        villages[code] = {
            **{name: sum(int(natural[name] or 0) for natural in under) for name in SUMMED},
            "natural_villages": len(under),
            "boundary_changed": (row["division_changed_on"] or "").startswith("2021"),
            "loans_approved_households": len({loan["household_id"] for loan in loans if "2020-10-01" <= (loan["granted_on"] or "") <= "2021-09-30"}),
            "loans_lent_households": len({loan["household_id"] for loan in loans if (loan["granted_on"] or "").startswith("2021")}),
            "loans_overdue_households": len({loan["household_id"] for loan in loans if int(loan["overdue_days"] or 0) > 0}),
        }
    return {form: found for form, found in (("natural_village_year", naturals), ("village_year", villages)) if found}


@pytest.fixture(scope="module")
def resolved() -> Pack:
    return load_pack(PACKS / "guzhen-2021")


@given(county=counties())
def test_drawn_counties(resolved: Pack, county: dict[str, list[dict[str, str | None]]]) -> None:
    wanted = {name: table for name, table in sources.tables_of(resolved).items() if name in county}
    right = plainly(county)
    names = {name: _columns(table) for name, table in wanted.items()}
    texts = {name: [{column: row.get(column) for column in names[name]} for row in county[name]] for name in wanted}
    raw = {name: sources.rows_of(table, names[name], [list(row.values()) for row in texts[name]]) for name, table in wanted.items()}
    arrow = {name: pa.table({column: pa.array([row[column] for row in texts[name]], type=pa.string()) for column in names[name]}) for name in wanted}
    by_rows = {form: found for form, found in rollups.by_rows(raw, resolved).items() if found}
    assert by_rows == right
    assert rollups.by_sets(arrow, resolved) == right


def _columns(table: sources.Table) -> list[str]:
    keys = {
        "household": ["household_key", "natural_village_key", "village_key"],
        "person": ["household_key", "natural_village_key", "village_key", "is_live", "row_key"],
    }.get(table.name, ["household_key", "natural_village_key", "village_key", "row_key"])
    if table.is_place:
        keys = ["subject_key", "natural_village_key", "village_key", "row_key"]
    return [*keys, *table.items]


def test_the_stored_values_are_json_of_their_type(pack: Pack, acting: Acting) -> None:
    acting("system")
    for form in FORMS:
        for record in rows(form).values():
            for one in pack.rollups:
                if one.form == form:
                    value = record.values[one.name]
                    assert pack.check_json(pack.indicators[f"{form}.{one.name}"], value) is None, (one.name, json.dumps(value))
