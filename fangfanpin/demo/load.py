"""Put a drawn county into the database: COPY as the owner, with events like everything else."""

import datetime
import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from psycopg import sql

from fangfanpin.accounts.management import first_password
from fangfanpin.accounts.models import Assignment, Role, User
from fangfanpin.accounts.reach import make_reach, set_database_reach
from fangfanpin.campaigns.models import Campaign
from fangfanpin.campaigns.services import open_campaign
from fangfanpin.demo.county import DemoCounty, DemoHousehold, DemoPerson, DemoRow, DemoVillage
from fangfanpin.demo.generate import generate
from fangfanpin.demo.maps import write_maps
from fangfanpin.demo.planting import plant
from fangfanpin.demo.registers import all_rows
from fangfanpin.households.models import Household, Location, Membership, MonitoringSpell, Pairing, Person
from fangfanpin.households.subjects import initials, name_key, person_columns, set_household_value
from fangfanpin.pack import Pack, load_pack
from fangfanpin.pack.load import SHANGHAI
from fangfanpin.policy.services import publish
from fangfanpin.privacy.secrets import digest, encrypt, mask_id
from fangfanpin.records.models import Record
from fangfanpin.regions.models import Region
from fangfanpin.regions.services import load_regions
from fangfanpin.registers import rollups, yearly
from fangfanpin.registers.bulk import write_entries, write_links
from fangfanpin.registers.definitions import registers_of
from fangfanpin.registers.models import Sealed

COUNTY = "340323"
# The demo's campaign time: two days before entry closes.
NOW = datetime.datetime(2021, 11, 15, 9, 0, tzinfo=SHANGHAI)
LAST_YEAR = datetime.datetime(2020, 11, 13, 10, 0, tzinfo=SHANGHAI)
LEAST_HOUSEHOLDS = 1
_SPACE = uuid.UUID("6b1f8a52-9d0c-4a55-8d4e-2f1a7c3e9b10")
CAST = (
    ("county", "county", "县级王主任"),
    ("township", "township", "乡镇刘站长"),
    ("village", "village", "村信息员小陈"),
    ("helper", "helper", "帮扶责任人老李"),
    ("department", "department", "县医保局周科长"),
    ("inspector", "inspector", "督查组赵组长"),
    ("auditor", "auditor", "审计局孙审计"),
    ("admin", "admin", "系统管理员吴工"),
)


class DemoRefused(Exception):
    """Something is here already (demo and real data never mix), or no county can be drawn from what was asked."""


def build_demo(*, households: int, seed: int, collected_share: float = 0.6, packs_dir: Path | None = None) -> dict[str, Any]:
    """Make the demo county from nothing; returns what was made. Refuses where a county is, real or demo."""
    if households < LEAST_HOUSEHOLDS:
        raise DemoRefused(f"户数至少 {LEAST_HOUSEHOLDS}，不是 {households} (too few households)")
    if not 0 <= collected_share <= 1:
        raise DemoRefused(f"今年已采集的比例在 0 和 1 之间，不是 {collected_share} (not a share)")
    if Campaign.objects.filter(is_demo=False).exists():
        raise DemoRefused("这里已有真实的县，不能载入演示数据。")
    if Campaign.objects.exists():
        raise DemoRefused("这里已有演示县。要另做一个，请换一个 DATA_DIR (there is a demo county already)")
    directory = (packs_dir or Path(settings.PACKS_DIR)) / "guzhen-2021"
    pack = load_pack(directory)
    with transaction.atomic():
        set_database_reach(make_reach(0, villages=()), act="demo.load", source="demo")
        load_regions(COUNTY)
        published = publish(pack=pack, directory=directory, by=None)
        campaign = open_campaign(pack=published, county=Region.objects.get(pk=COUNTY), by=None, is_demo=True, starts=NOW)
        villages = [
            DemoVillage(code, name, is_community)
            for code, name, is_community in Region.objects.villages().under(COUNTY).values_list("code", "name", "is_community")
        ]
        county = generate(households=households, seed=seed, villages=villages, collected_share=collected_share)
        plant(county, seed)
        Region.objects.bulk_create(
            [Region(code=code, name=name, level="natural_village", parent_id=code[:12], position=int(code[-3:])) for code, name in county.naturals],
            ignore_conflicts=True,
        )
        busiest = _busiest(county)
        users = _accounts(busiest)
        _load(county, campaign, users, busiest, pack.hash)
        _load_registers(all_rows(county), campaign, users["village"], pack)
        rollups.refresh(pack, campaign.year, [village.code for village in villages])
    target = Path(settings.DATA_DIR) / "demo"
    target.mkdir(parents=True, exist_ok=True)
    with (target / "truth.jsonl").open("w", encoding="utf-8") as file:
        for truth in county.truth:
            file.write(json.dumps(asdict(truth)) + "\n")
    with (target / "boundary.jsonl").open("w", encoding="utf-8") as file:
        for household in county.households:
            if household.boundary:
                file.write(json.dumps({"household_code": household.code, "kind": household.boundary}) + "\n")
    write_maps(Path(settings.DATA_DIR) / "maps", villages)
    return {
        "households": len(county.households),
        "persons": sum(len(h.persons) for h in county.households),
        "ordinary": len(county.ordinary),
        "faults": len(county.truth),
        "boundary": sum(bool(h.boundary) for h in county.households),
        "busiest_village": busiest,
    }


def _busiest(county: DemoCounty) -> str:
    counts: dict[str, int] = {}
    for household in county.households:
        counts[household.village] = counts.get(household.village, 0) + 1
    return max(counts, key=lambda code: (counts[code], code))


def _accounts(village: str) -> dict[str, User]:
    """The cast, one line each in DATA_DIR/demo/accounts.txt."""
    places = {"county": COUNTY, "township": village[:9], "village": village}
    lines, users = [], {}
    for username, role_key, name in CAST:
        role = Role.objects.get(pk=role_key)
        password = first_password()
        user = User.objects.create_user(username=username, password=password, name=name, unit="演示")
        Assignment.objects.create(user=user, role=role, region_id=places[role.level], valid_from=timezone.localdate() - datetime.timedelta(days=400))
        users[username] = user
        lines.append(f"{username}\t{password}")
    path = Path(settings.DATA_DIR) / "demo" / "accounts.txt"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    path.chmod(0o600)
    return users


def _id(kind: str, code: str) -> uuid.UUID:
    return uuid.uuid5(_SPACE, f"{kind}:{code}")


def _copy(model: Any, rows: Iterable[dict[str, Any]], columns: Sequence[str]) -> None:
    """COPY rows into a table; a missing column takes the model's default."""
    fields = {field.attname: field for field in model._meta.concrete_fields}
    names = sql.SQL(", ").join(sql.Identifier(fields[column].column) for column in columns)
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(model._meta.db_table), names)
    json_columns = {column for column in columns if fields[column].get_internal_type() == "JSONField"}
    defaults = {column: fields[column].get_default() for column in columns}
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(
                [
                    json.dumps(row.get(column, defaults[column]), ensure_ascii=False) if column in json_columns else row.get(column, defaults[column])
                    for column in columns
                ]
            )


def _load(county: DemoCounty, campaign: Campaign, users: dict[str, User], village: str, pack_hash: str) -> None:
    stamp = timezone.now()
    helper_homes = {h.code for h in [h for h in county.households if h.village == village][:8]}
    households = [_household_row(h, stamp) for h in county.households]
    households += [
        {
            "id": _id("h", o.code), "code": o.code, "kind": "ordinary", "village_code": o.village, "natural_village_code": o.natural,
            "walking_order": o.order, "address": o.address, "head_name": o.head, "head_name_key": name_key(o.head),
            "head_initials": initials(o.head), "household_type": "02", "household_state": "01", "created_at": stamp, "updated_at": stamp,
        }
        for o in county.ordinary
    ]  # fmt: skip
    _copy(Household, households, _columns(Household))
    _copy(Person, (_person_row(h, p, n, stamp) for h in county.households for n, p in enumerate(h.persons)), _columns(Person))
    _copy(Membership, (_membership_row(h, p) for h in county.households for p in h.persons), _columns(Membership))
    _copy(MonitoringSpell, _spell_rows(county.households), _columns(MonitoringSpell))
    helped = [h for h in county.households if h.helper is not None]
    _copy(Pairing, (_pairing_row(h, users["helper"], h.code in helper_homes) for h in helped), _columns(Pairing))
    _copy(Location, _location_rows(county.households, stamp), _columns(Location))
    _copy(Record, _record_rows(county.households, campaign, users, pack_hash, stamp), _columns(Record))


_KINDS = {12: "village", 15: "natural_village"}


def _load_registers(rows: Iterable[DemoRow], campaign: Campaign, by: User, pack: Pack) -> None:
    """Tables of villages that are due stand there already: those of this year are filled in."""
    stamp = timezone.now()
    due = {register.key for register in yearly.yearly(pack)}
    yearly.open_rows(pack, campaign.year)
    made: list[tuple[int, DemoRow]] = []
    filled: list[tuple[int, DemoRow]] = []
    for number, row in enumerate(rows):
        (filled if row.form in due and not row.last else made).append((number, row))
    _copy(Record, (_register_row(row, number, campaign, by, pack.hash, stamp) for number, row in made), _columns(Record))
    _fill_in([row for _number, row in filled], campaign.year, by, stamp)
    secrets = [
        Sealed(record_id=_id("g", f"{row.form}-{number}"), name=name, village_code=row.village, cipher=encrypt(plain) or "", digest=digest(plain))
        for number, row in made
        for name, plain in row.secrets.items()
    ]
    Sealed.objects.bulk_create(secrets)
    for register in registers_of(pack):
        write_entries(register, pack)
        write_links(register)


def _fill_in(rows: Sequence[DemoRow], year: int, by: User, stamp: datetime.datetime) -> None:
    known = {(record.form, record.subject_code): record for record in Record.objects.filter(form__in={row.form for row in rows}, year=year)}
    for row in rows:
        record = known[row.form, row.place]
        record.values, record.state, record.version, record.entered_by, record.origin = dict(row.values), row.state, 2, by, "demo"
        record.submitted_at = stamp if row.state != "draft" else None
    changed = [known[row.form, row.place] for row in rows]
    Record.objects.bulk_update(changed, ["values", "state", "version", "entered_by", "origin", "submitted_at"], batch_size=500)


def _register_row(row: DemoRow, number: int, campaign: Campaign, by: User, pack_hash: str, stamp: datetime.datetime) -> dict[str, Any]:
    """Every third row is still to be reviewed, where the row does not say."""
    of_person = row.form in ("work_spell", "work_plan")
    household, person = _id("h", row.household) if row.household else None, _id("p", row.person) if row.person else None
    values = dict(row.values)
    if row.form == "microcredit":
        values["borrower_person"] = str(person)
    if row.form == "measure":
        values["beneficiary_person"] = str(person) if person else None
    for name, plain in row.secrets.items():
        values[name] = mask_id(plain)
    if row.households:
        values["beneficiary_household_ids"] = sorted(str(_id("h", code)) for code in row.households)
    return {
        "id": _id("g", row.code or f"{row.form}-{number}"), "form": row.form, "year": campaign.year - 1 if row.last else campaign.year,
        "subject_kind": "person" if of_person else "household" if row.household else _KINDS.get(len(row.place), "none"),
        "subject_id": person if of_person else household, "subject_code": "" if row.household else row.place or row.village,
        "household_id": household, "person_id": person if of_person else None, "village_code": row.village,
        "state": row.state or ("submitted" if number % 3 == 0 else "approved"), "values": values, "pack_hash": pack_hash, "origin": "demo",
        "entered_by_id": by.pk, "submitted_at": stamp, "created_at": stamp, "updated_at": stamp,
    }  # fmt: skip


def _columns(model: Any) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]


def _household_row(h: DemoHousehold, stamp: datetime.datetime) -> dict[str, Any]:
    head = next((p for p in h.live() if p.relation == "01"), None)
    name = head.name if head else (h.persons[0].name if h.persons else "")
    row = Household(head_name=name)
    if h.bank_card:
        set_household_value(row, "bank_card_no", h.bank_card)
    spell = h.spells[-1] if h.spells else None
    return {
        "id": _id("h", h.code), "code": h.code, "kind": "assisted", "village_code": h.village, "natural_village_code": h.natural,
        "walking_order": h.order, "address": h.address, "head_name": name, "head_name_key": name_key(name), "head_initials": initials(name),
        "member_count": len(h.live()), "household_type": h.type, "household_state": h.household_state,
        "monitoring_type": spell.monitoring_type if spell else "", "monitoring_state": spell.state if spell else "",
        "bank_name": "固镇农村商业银行" if h.bank_card else "", "bank_holder": h.bank_holder or "", "bank_card_secret": row.bank_card_secret,
        "bank_card_mask": row.bank_card_mask, "bank_luhn_ok": row.bank_luhn_ok, "first_identified_at": "2014",
        "poverty_exit_year": 2018 if h.type == "01" else None, "main_poverty_cause": "01", "other_poverty_causes": [],
        "created_at": stamp, "updated_at": stamp,
    }  # fmt: skip


def _person_subject(p: DemoPerson) -> dict[str, Any]:
    return {
        "person_id": p.code,
        "member_name": p.name,
        "sex": p.sex,
        "birth_date": p.birth.isoformat(),
        "id_type": p.id_type,
        "id_number": p.id_number,
        "disability_card_no": p.card,
        "disability_category": p.category,
        "disability_grade": p.grade,
        "ethnicity": p.ethnicity,
        "is_relocated_person": False,
        "identified_at": "2014",
        "relation_to_head": p.relation or None,
        "member_state": p.state,
        "change_kind": p.change_kind or None,
        "change_reason": p.change_reason or None,
        "change_date": p.change_date.isoformat() if p.change_date else None,
    }


def _person_row(h: DemoHousehold, p: DemoPerson, place: int, stamp: datetime.datetime) -> dict[str, Any]:
    return person_columns(_person_subject(p)) | {
        "id": _id("p", p.code), "household_id": _id("h", h.code), "village_code": h.village, "position": place, "version": 1,
        "created_at": stamp, "updated_at": stamp, "import_batch_id": None,
    }  # fmt: skip


def _membership_row(h: DemoHousehold, p: DemoPerson) -> dict[str, Any]:
    arrived = p.change_date if p.change_kind == "01" else None
    return {
        "id": _id("m", p.code), "person_id": _id("p", p.code), "household_id": _id("h", h.code), "village_code": h.village,
        "relation_to_head": p.relation, "valid_from": arrived, "valid_to": p.change_date if p.state == "02" else None,
        "arrive_reason": p.change_reason if p.change_kind == "01" else "", "leave_reason": p.change_reason if p.state == "02" else "",
    }  # fmt: skip


def _spell_rows(households: Iterable[DemoHousehold]) -> Iterable[dict[str, Any]]:
    for h in households:
        for spell in h.spells:
            yield {
                "id": _id("s", f"{h.code}-{spell.number}"), "household_id": _id("h", h.code), "village_code": h.village,
                "spell_no": spell.number, "identified_month": spell.identified_month or "", "eliminated_month": spell.eliminated_month or "",
                "monitoring_type": spell.monitoring_type, "spell_state": spell.state, "values": spell.values,
            }  # fmt: skip


def _pairing_row(h: DemoHousehold, helper: User, own: bool) -> dict[str, Any]:
    return {
        "id": _id("r", h.code), "household_id": _id("h", h.code), "village_code": h.village, "user_id": helper.pk if own else None,
        "helper_name": helper.name if own else f"帮扶干部{(h.helper or 0) % 300:03d}", "helper_unit": "固镇县某局（演示）",
        "start_on": datetime.date(2020, 1, 1),
    }  # fmt: skip


def _location_rows(households: Iterable[DemoHousehold], stamp: datetime.datetime) -> Iterable[dict[str, Any]]:
    for h in households:
        for point, key, taken in ((h.location, h.code, stamp), (h.last_location, f"{h.code}-last", LAST_YEAR)):
            if point is not None:
                yield {
                    "id": _id("l", key), "household_id": _id("h", h.code), "village_code": h.village, "lat": point[0], "lon": point[1],
                    "datum": "01", "gps_accuracy_m": h.gps_accuracy_m, "located_at": taken, "is_current": taken is stamp,
                }  # fmt: skip


def _record_rows(
    households: Iterable[DemoHousehold], campaign: Campaign, users: dict[str, User], pack_hash: str, stamp: datetime.datetime
) -> Iterable[dict[str, Any]]:
    year = campaign.year
    village, township = users["village"].pk, users["township"].pk
    for h in households:
        household = _id("h", h.code)
        base = {
            "household_id": household,
            "village_code": h.village,
            "pack_hash": pack_hash,
            "origin": "demo",
            "created_at": stamp,
            "updated_at": stamp,
        }
        before, lead = _id("k", f"{h.code}-{year - 1}"), _id("k", f"{h.code}-{year}")
        if h.last:
            yield base | {
                "id": before, "form": "household_year", "year": year - 1, "subject_kind": "household", "subject_id": household,
                "state": "locked", "values": _computed(h.last), "subject": {"household_type": h.type},
            }  # fmt: skip
        collected = h.state in ("submitted", "approved")
        values = _computed(h.now) if collected else {}
        if h.state == "draft":
            values = _with_sums({name: h.now[name] for name in ("household_phone", "address", "safe_water", "electricity", "housing_area_m2")})
        yield base | {
            "id": lead, "form": "household_year", "year": year, "subject_kind": "household", "subject_id": household, "state": h.state,
            "values": values, "visitors": ["村信息员小陈", "驻村队员"] if h.state != "empty" else [],
            "visited_on": datetime.date(2021, 11, 13) if h.state != "empty" else None,
            "entered_by_id": village if h.state != "empty" else None, "checked_by_id": village if h.checked_by_enterer else None,
            "submitted_at": stamp if collected else None,
            "reviewed_by_id": township if h.state == "approved" else None, "reviewed_at": stamp if h.state == "approved" else None,
        }  # fmt: skip
        for p in h.persons:
            person = _id("p", p.code)
            part = base | {"subject_kind": "person", "subject_id": person, "person_id": person, "form": "person_year"}
            if p.last:
                subject = {k: v for k, v in _person_subject(p).items() if k not in ("id_number", "disability_card_no")}
                subject |= {"member_name": p.last_name or p.name}
                yield part | {
                    "id": _id("k", f"{p.code}-{year - 1}"), "year": year - 1, "parent_id": before, "state": "locked", "values": p.last,
                    "subject": p.last_subject or subject | {"change_kind": None, "change_reason": None, "change_date": None},
                }  # fmt: skip
            if collected:
                yield part | {"id": _id("k", f"{p.code}-{year}"), "year": year, "parent_id": lead, "state": h.state, "values": p.now}


def _computed(values: dict[str, Any]) -> dict[str, Any]:
    return _with_sums(values) if "tr_family_planning" in values else dict(values)


def _with_sums(values: dict[str, Any]) -> dict[str, Any]:
    """The year's sums beside the items, as every save writes them, by plain arithmetic: the pack's computations must agree (a test compares)."""

    def of(name: str) -> int:
        return int(values.get(name) or 0)

    prop = of("prop_asset_dividend") + of("prop_other")
    transfer = sum(of(k) for k in ("tr_family_planning", "tr_dibao", "tr_tekun", "tr_pension", "tr_eco", "tr_other"))
    total = of("wage_income") + of("business_income") + prop + transfer
    net = total - of("business_expense")
    reference = net + of("claim_income") - of("self_paid_expense")
    size = values.get("household_size")
    return values | {
        "property_income": prop,
        "transfer_income": transfer,
        "total_income": total,
        "net_income": net,
        "per_capita_net_income": _half_away(net, size) if size else None,
        "reference_income": reference,
        "reference_per_capita": _half_away(reference, size) if size else None,
    }


def _half_away(top: int, bottom: int) -> int:
    quotient = (2 * abs(top) + bottom) // (2 * bottom)
    return -quotient if top < 0 else quotient
