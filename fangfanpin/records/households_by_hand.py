"""A household that stands in no roster yet: made at the desk, so that its sheet can be typed today."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import set_act
from fangfanpin.households.models import Household, Membership, Person
from fangfanpin.households.subjects import initials, name_key, set_person_value
from fangfanpin.pack import Pack
from fangfanpin.pack.codec import CodecFault
from fangfanpin.policy.services import spoken
from fangfanpin.privacy.facts import identity_facts
from fangfanpin.records import gates
from fangfanpin.records.changed import villages_changed
from fangfanpin.records.identities import impossible
from fangfanpin.records.models import Record
from fangfanpin.records.saving import same_identity
from fangfanpin.records.units import HEAD, HOUSEHOLD_FORM, LIVE, PERSON_FORM
from fangfanpin.regions.holding import hold
from fangfanpin.regions.models import Region

CODE_MARK = "H"  # ours until the national system gives a code: village code + H + running number
RESIDENT_CARD = "01"  # id_type 居民身份证
IN_REGISTER = "01"  # household_state 在册
_TRIES = 5


@dataclass(frozen=True, slots=True)
class NewHousehold:
    """As typed. `is_another`: the clerk has seen that a head of this name is in the village already and says it is somebody else."""

    village_code: str
    natural_village_code: str = ""
    address: str = ""
    head_name: str = ""
    head_id_number: str = ""
    household_type: str = ""
    is_another: bool = False


class HouseholdRefused(Exception):
    """`faults`: {field of NewHousehold: what to do, in Chinese}; `same_names`: households of the village whose head has this name."""

    def __init__(self, faults: Mapping[str, str], same_names: tuple[Household, ...] = ()) -> None:
        super().__init__("; ".join(faults.values()))
        self.faults = dict(faults)
        self.same_names = same_names


@dataclass(slots=True)
class _Checked:
    values: dict[str, str] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)


def _parsed(typed: NewHousehold, pack: Pack) -> _Checked:
    """The typed texts in codec form, by the dictionary's own rules."""
    checked = _Checked()
    items = (
        ("address", HOUSEHOLD_FORM, "address"),
        ("household_type", HOUSEHOLD_FORM, "household_type"),
        ("head_name", PERSON_FORM, "member_name"),
        ("head_id_number", PERSON_FORM, "id_number"),
    )
    for name, form, item in items:
        indicator = pack.indicators[f"{form}.{item}"]
        try:
            value = pack.parse_text(indicator, getattr(typed, name))
        except CodecFault as fault:
            checked.faults[name] = str(fault)
            continue
        if fault_words := pack.check_json(indicator, value):
            checked.faults[name] = fault_words
        elif value is not None:
            checked.values[name] = value
    if "head_name" not in checked.values and "head_name" not in checked.faults:
        checked.faults["head_name"] = _("请填写户主姓名。")
    if "household_type" not in checked.values and "household_type" not in checked.faults:
        checked.faults["household_type"] = _("请选择户类型。")
    return checked


def _places(typed: NewHousehold) -> tuple[Region | None, dict[str, str]]:
    hold([typed.village_code])
    village = Region.objects.villages().valid_on(timezone.localdate()).filter(pk=typed.village_code).first()
    if village is None:
        return None, {"village_code": _("请选择这户所在的村。")}
    if typed.natural_village_code:
        naturals = Region.objects.filter(level=Region.Level.NATURAL_VILLAGE, parent_id=village.code, valid_to__isnull=True)
        natural = naturals.filter(pk=typed.natural_village_code)
        if not natural.exists():
            return village, {"natural_village_code": _("这个自然村不在所选的村里，请重新选择。")}
    return village, {}


def next_code(village_code: str) -> str:
    """The next code of ours in a village: 340323100201H0001."""
    prefix = f"{village_code}{CODE_MARK}"
    codes = Household.objects.filter(code__startswith=prefix).values_list("code", flat=True)
    taken = [int(code.removeprefix(prefix)) for code in codes if code.removeprefix(prefix).isdigit()]
    return f"{prefix}{max(taken, default=0) + 1:04d}"


@transaction.atomic
def add_household(*, typed: NewHousehold, year: int, pack: Pack, by: User) -> Household:
    """Make the household, its head and the year's empty record; the village was checked to lie within the actor's reach.

    The address stands in the year's record as the paper has it; the record stays "empty" until something is collected. Raises
    HouseholdRefused with every fault at once; then nothing is stored.
    """
    checked = _parsed(typed, spoken(pack))
    village, place_faults = _places(typed)
    faults = checked.faults | place_faults
    head = Person(member_state=LIVE, relation_to_head=HEAD, position=0, version=1)
    number = checked.values.get("head_id_number")
    if number and (found := impossible(number, RESIDENT_CARD) or same_identity(number, str(head.id))):
        faults["head_id_number"] = found
    if faults or village is None:
        raise HouseholdRefused(faults)
    name = checked.values["head_name"]
    same = tuple(Household.objects.filter(village_code=village.code, head_name=name).order_by("code")[:5])
    if same and not typed.is_another:
        raise HouseholdRefused({"is_another": _("本村已有同名的户主，请先核对是不是同一户。")}, same)
    set_act("household.add_by_hand")
    lead = Record(
        form=HOUSEHOLD_FORM,
        year=year,
        subject_kind=Record.SubjectKind.HOUSEHOLD,
        village_code=village.code,
        values={"address": checked.values["address"]} if "address" in checked.values else {},
        pack_hash=pack.hash,
    )
    if (closed := gates.closed(lead, by)) is not None:
        raise HouseholdRefused({"village_code": closed.message})
    household = _household(village, typed, checked, name)
    _fill_head(head, household, name, number)
    head.save(force_insert=True)
    Membership.objects.create(person=head, household=household, village_code=village.code, relation_to_head=HEAD)
    lead.household = household
    lead.subject_id = household.id
    lead.save(force_insert=True)
    villages_changed([village.code])
    return household


def _household(village: Region, typed: NewHousehold, checked: _Checked, head_name: str) -> Household:
    """Stored under the next free code; two clerks may ask for the same number at the same moment."""
    last = Household.objects.filter(village_code=village.code, natural_village_code=typed.natural_village_code).order_by("-walking_order").first()
    for attempt in range(_TRIES):
        household = Household(
            code=next_code(village.code),
            village_code=village.code,
            natural_village_code=typed.natural_village_code,
            walking_order=last.walking_order + 1 if last else 1,
            address=checked.values.get("address", ""),
            head_name=head_name,
            head_name_key=name_key(head_name),
            head_initials=initials(head_name),
            member_count=1,
            household_type=checked.values["household_type"],
            household_state=IN_REGISTER,
        )
        try:
            with transaction.atomic():
                household.save(force_insert=True)
        except IntegrityError:
            if attempt == _TRIES - 1:
                raise
            continue
        return household
    raise AssertionError("unreachable")


def _fill_head(head: Person, household: Household, name: str, number: str | None) -> None:
    head.code = f"{household.code}-01"
    head.household = household
    head.village_code = household.village_code
    set_person_value(head, "member_name", name)
    if number:
        set_person_value(head, "id_type", RESIDENT_CARD)
        set_person_value(head, "id_number", number)
        facts = identity_facts(number)
        if facts.id_birth and facts.id_sex:
            set_person_value(head, "birth_date", facts.id_birth.isoformat())
            set_person_value(head, "sex", facts.id_sex)
