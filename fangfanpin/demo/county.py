"""What a drawn county is made of, and the arithmetic of its income sheet."""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

Values = dict[str, Any]
STATE_DATE = datetime.date(2021, 9, 30)
SCHOOL_DATE = datetime.date(2021, 9, 1)


@dataclass(frozen=True, slots=True)
class DemoVillage:
    """`code`: 12 digits."""

    code: str
    name: str
    is_community: bool


@dataclass(slots=True)
class DemoPerson:
    code: str
    name: str
    sex: str
    birth: datetime.date
    id_number: str | None
    relation: str
    ethnicity: str | None = "01"
    card: str | None = None
    id_type: str = "01"
    category: str | None = None
    grade: str | None = None
    state: str = "01"
    change_kind: str = ""
    change_reason: str = ""
    change_date: datetime.date | None = None
    last: Values = field(default_factory=dict)
    now: Values = field(default_factory=dict)
    # What the person is, both years
    ill: str = ""  # 02, 03, 04 of health_status
    works: bool = False
    track: str = "高中"
    education: str = "03"
    new: bool = False
    last_subject: Values | None = None
    last_name: str = ""  # where it was another


@dataclass(slots=True)
class DemoSpell:
    number: int
    identified_month: str | None
    monitoring_type: str
    state: str
    eliminated_month: str | None
    values: Values


@dataclass(slots=True)
class DemoRow:
    """One row of a register; `code`: its own in the county, `person`: code of whose row it is or of the borrower or beneficiary, `households`:
    codes that a project benefits. Of villages `place` is the division it is about, `last` says that it is the year before's, `secrets` holds
    whole numbers."""

    form: str
    village: str
    household: str = ""
    person: str = ""
    values: Values = field(default_factory=dict)
    households: tuple[str, ...] = ()
    code: str = ""
    place: str = ""
    state: str = ""
    last: bool = False
    secrets: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class DemoHousehold:
    code: str
    village: str
    natural: str
    order: int
    address: str
    type: str  # household_type
    persons: list[DemoPerson]
    last: Values = field(default_factory=dict)
    now: Values = field(default_factory=dict)
    state: str = "empty"  # of this year's record
    spells: list[DemoSpell] = field(default_factory=list)
    helper: int | None = 0  # None: nobody is responsible
    location: tuple[int, int] | None = None  # millionths of a degree: lat, lon
    last_location: tuple[int, int] | None = None  # taken the year before
    gps_accuracy_m: int = 800  # hundredths of a metre
    checked_by_enterer: bool = False
    bank_card: str | None = None
    bank_holder: str | None = None
    household_state: str = "01"
    boundary: str = ""
    faulty: bool = False
    rows: list[DemoRow] = field(default_factory=list)  # of registers

    def live(self) -> list[DemoPerson]:
        return [person for person in self.persons if person.state == "01"]


@dataclass(slots=True)
class OrdinaryHousehold:
    code: str
    village: str
    natural: str
    order: int
    address: str
    head: str


@dataclass(frozen=True, slots=True)
class Truth:
    rule_id: str
    household_code: str | None  # a project's or village's: none
    person_code: str | None
    row_code: str | None = None  # where a register's row is hit
    place_code: str | None = None  # where a village's or natural village's table is


@dataclass(slots=True)
class DemoCounty:
    naturals: list[tuple[str, str]]
    households: list[DemoHousehold]
    ordinary: list[OrdinaryHousehold]
    projects: list[DemoRow] = field(default_factory=list)
    tables: list[DemoRow] = field(default_factory=list)  # of villages and natural villages, with their teams and units
    truth: list[Truth] = field(default_factory=list)


def age(birth: datetime.date, on: datetime.date = STATE_DATE) -> int:
    return on.year - birth.year - ((on.month, on.day) < (birth.month, birth.day))


LINE = 6000 * 100  # income line of the year, fen
YUAN = 100
TRANSFER_PARTS = (
    "tr_planting_subsidy tr_land_fertility_subsidy tr_agri_insurance tr_old_age_allowance tr_special_care tr_disability_subsidy "
    "tr_education_aid tr_disaster_relief tr_incapacity_subsidy tr_alimony tr_heating_price_subsidy tr_social_relief "
    "tr_poverty_insurance tr_donation_compensation tr_rest"
).split()
ECO_PARTS = "tr_eco_returned_forest tr_eco_public_forest tr_eco_grassland tr_eco_resettlement tr_eco_rest".split()


def add_up(values: Values) -> None:
    """Sub-items to items, as the work-sheet does."""
    values["wage_income"] = sum(values[k] for k in ("wage_migrant", "wage_public_dept", "wage_public_town", "wage_public_village", "wage_gather"))
    values["business_income"] = sum(values[k] for k in ("biz_crop", "biz_livestock", "biz_forest", "biz_other"))
    values["business_expense"] = sum(values[k] for k in ("exp_crop", "exp_livestock", "exp_forest", "exp_other"))
    values["prop_other"] = sum(values[k] for k in ("prop_land_rent", "prop_loan_project", "prop_entrusted", "prop_rest"))
    values["tr_eco"] = sum(values[k] for k in ECO_PARTS)
    values["tr_other"] = sum(values[k] for k in TRANSFER_PARTS)


_TRANSFERS = ("tr_family_planning", "tr_dibao", "tr_tekun", "tr_pension", "tr_eco", "tr_other")


def transfers(values: Values) -> int:
    """Transfer income in fen."""
    return sum(values[k] for k in _TRANSFERS)


def total_income(values: Values) -> int:
    """Yearly income before expenses, in fen."""
    income: int = values["wage_income"] + values["business_income"] + values["prop_asset_dividend"] + values["prop_other"]
    return income + transfers(values)


def net(values: Values) -> int:
    """Yearly net income in fen."""
    return total_income(values) - int(values["business_expense"])


COMPARED = 30  # collected households from which the incomes of a village are compared
SHIFTED = 10  # collected households with positions of two years from which a village's shift is looked at


def collected_by_village(households: Iterable[DemoHousehold]) -> dict[str, list[DemoHousehold]]:
    found: dict[str, list[DemoHousehold]] = {}
    for household in households:
        if household.state in ("submitted", "approved"):
            found.setdefault(household.village, []).append(household)
    return found


def per_head(values: Values) -> int:
    """Net income per person in fen, as the sheet has it: half away from zero; nothing entered is 0."""
    zero = dict.fromkeys(("wage_income", "business_income", "prop_asset_dividend", "prop_other", "business_expense", *_TRANSFERS), 0)
    size: int = values["household_size"]
    income = net(zero | {name: value for name, value in values.items() if value is not None})
    return (2 * abs(income) + size) // (2 * size) * (1 if income >= 0 else -1)


def deviations(values: Sequence[int]) -> list[float]:
    """How many robust deviations each lies from the median; 0 where more than half are equal."""
    middle = median(values)
    spread = median(abs(value - middle) for value in values) * 1.4826
    return [abs(value - middle) / spread if spread else 0.0 for value in values]
