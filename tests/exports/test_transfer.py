"""What changed, for typing into the national system: the order, the words, the tick that progress counts."""

from collections.abc import Callable

import pytest
from django.test import Client

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach
from fangfanpin.campaigns import clock
from fangfanpin.dashboards import queries, transfer
from fangfanpin.dashboards.transfer import TransferRefused, changed_items, moves
from fangfanpin.households.models import Household, Person
from fangfanpin.pack import Pack
from fangfanpin.policy.services import pack_of
from fangfanpin.records.models import Record
from fangfanpin.records.units import Unit, load_unit

As = Callable[[str], Reach]
ClientAs = Callable[[str], Client]


def a_pack() -> Pack:
    return pack_of(clock.current().pack)


def a_unit(reach: Reach, *, state: str = "submitted") -> Unit:
    year = clock.current().year
    leads = Record.objects.visible_to(reach).filter(form="household_year", year=year, state=state, transferred_at=None)
    household = Household.objects.filter(pk__in=leads.values("household_id"), member_count__gte=3).order_by("code").first()
    assert household is not None
    return load_unit(household, year)


def told(unit: Unit) -> dict[tuple[str, str], tuple[str, str]]:
    return {(item.who, item.zh): (item.before, item.after) for item in changed_items(unit, a_pack())}


def test_a_typed_column_of_the_household_is_told_in_words_when_it_changed(acting: As) -> None:
    unit = a_unit(acting("township"))
    unit.last["household"].subject = {"household_type": "01", "bank_name": "固镇农村商业银行", "poverty_exit_year": 2016}
    unit.household.household_type, unit.household.bank_name, unit.household.poverty_exit_year = "02", "中国邮政储蓄银行", 2016
    found = told(unit)
    words = a_pack().words["household_type"]
    assert found["户", "户类型"] == (words["01"], words["02"])
    assert found["户", "开户银行"] == ("固镇农村商业银行", "中国邮政储蓄银行")
    assert ("户", "脱贫年度") not in found and ("户", "银行卡号") not in found


def test_a_column_whose_last_value_nobody_knows_is_not_called_a_change(acting: As) -> None:
    unit = a_unit(acting("township"))
    unit.last["household"].subject = {}
    unit.household.bank_name = "中国邮政储蓄银行"
    assert ("户", "开户银行") not in told(unit)


def test_items_come_in_the_order_of_the_module_and_codes_as_words(acting: As) -> None:
    unit = a_unit(acting("township"))
    lead, last = unit.records["household"], unit.last["household"]
    lead.values = {**lead.values, "road_type": "01", "wage_income": 1234500, "safe_water": False, "household_size": 9}
    last.values = {**last.values, "road_type": "03", "wage_income": 500, "safe_water": True, "household_size": 3}
    member = unit.live()[0]
    unit.records[str(member.id)].values["education_level"] = "01"
    unit.last[str(member.id)].values["education_level"] = "02"
    found = changed_items(unit, a_pack())
    order = [(section.title, name) for section in a_pack().year_update for name in section.items]
    names = {
        (section.form, a_pack().indicators[f"{section.form}.{name}"].zh): (section.title, name)
        for section in a_pack().year_update
        for name in section.items
    }
    places = [order.index(names["household_year" if item.who == "户" else "person_year", item.zh]) for item in found if item.who == "户"]
    assert places == sorted(places)
    said = told(unit)
    assert said["户", "入户路类型"] == ("水泥路", "泥土路") and said["户", "工资性收入"] == ("5.00", "12345.00")
    assert said["户", "是否解决安全饮用水"] == ("是", "否")
    words = a_pack().words["education_level"]
    assert said[member.member_name, "文化程度"] == (words["02"], words["01"])


def test_what_was_none_and_is_none_is_no_change(acting: As) -> None:
    unit = a_unit(acting("township"))
    lead, last = unit.records["household"], unit.last["household"]
    last.values = {**last.values, "wage_migrant": 0, "tr_dibao": None, "biz_crop": 500, "tr_eco": None, "safe_water": None, "exp_crop": 0}
    lead.values = {**lead.values, "wage_migrant": None, "tr_dibao": 0, "biz_crop": None, "tr_eco": 800, "safe_water": False, "exp_crop": 100}
    last.values.pop("wage_gather", None)
    lead.values["wage_gather"] = 0
    found = told(unit)
    for name in ("务工收入", "低保金", "自主采摘收入"):
        assert ("户", name) not in found, name
    assert found["户", "种植收入"] == ("5.00", "") and found["户", "生态补偿金"] == ("", "8.00") and found["户", "种植支出"] == ("0.00", "1.00")
    assert found["户", "是否解决安全饮用水"] == ("", "否"), "no is an answer"


def test_everything_about_a_new_member_is_told_and_comings_and_goings_apart(acting: As) -> None:
    unit = a_unit(acting("township"))
    new, gone = unit.live()[1:3]
    pack = a_pack()
    del unit.last[str(new.id)]
    new.change_kind, new.change_reason, new.change_date = "01", "05", pack.state_date
    gone.member_state, gone.change_kind, gone.change_reason, gone.change_date = "02", "02", "01", pack.state_date
    found = told(unit)
    assert found[new.member_name, "性别"][0] == "" and found[new.member_name, "姓名"] == ("", new.member_name)
    assert not [1 for who, _zh in found if who == gone.member_name]
    assert {(m.name, m.reason) for m in moves(unit, pack)} >= {(new.member_name, "嫁入"), (gone.member_name, "死亡")}


def test_sensitive_values_are_masked_without_the_right(acting: As) -> None:
    unit = a_unit(acting("township"))
    unit.records["household"].values["household_phone"] = "13912345678"
    shown = [item.after for item in changed_items(unit, a_pack(), sensitive=True)]
    hidden = [item.after for item in changed_items(unit, a_pack(), sensitive=False)]
    assert "13912345678" in shown and "13912345678" not in hidden and "139****5678" in hidden


def test_a_secret_number_is_never_told(acting: As) -> None:
    unit = a_unit(acting("township"))
    masks = {mask for p in Person.objects.filter(household=unit.household) if (mask := p.id_number_mask)}
    assert masks and not masks & {value for pair in told(unit).values() for value in pair}


def test_a_tick_is_counted_by_progress_and_can_be_taken_back(client_as: ClientAs, acting: As) -> None:
    reach = acting("township")
    record = a_unit(reach).records["household"]
    year = clock.current().year

    def there() -> int:
        return queries.total(queries.progress_by(reach, year, length=9)).entered_there

    before = there()
    client = client_as("township")
    client.post("/transfer/", {"record": f"{record.pk}:{record.version}"})
    record.refresh_from_db()
    assert record.transferred_at is not None and record.transferred_by is not None and there() == before + 1
    assert str(record.pk) in client.get("/transfer/?shown=done").content.decode()
    client.post("/transfer/", {"untick": str(record.pk)})
    record.refresh_from_db()
    assert record.transferred_at is None and there() == before


def test_a_household_changed_since_it_was_shown_is_not_ticked(acting: As, cast: dict[str, User]) -> None:
    record = a_unit(acting("township")).records["household"]
    Record.objects.filter(pk=record.pk).update(version=record.version + 1)
    with pytest.raises(TransferRefused, match="又有改动"):
        transfer.tick(records=[record], seen_versions={record.pk: record.version}, by=cast["township"])


def test_only_submitted_households_can_be_ticked(acting: As, cast: dict[str, User]) -> None:
    record = Record.objects.visible_to(acting("township")).filter(form="household_year", year=clock.current().year, state="empty").first()
    assert record is not None
    with pytest.raises(TransferRefused, match="还没有提交"):
        transfer.tick(records=[record], seen_versions={record.pk: record.version}, by=cast["township"])


def test_ticking_is_for_those_who_hold_the_right_within_reach(client_as: ClientAs, acting: As) -> None:
    township = acting("township")
    outside = (
        Record.objects.visible_to(acting("county"))
        .filter(form="household_year", state="submitted")
        .exclude(village_code__in=township.villages)
        .first()
    )
    assert outside is not None
    assert client_as("township").post("/transfer/", {"record": f"{outside.pk}:{outside.version}"}).status_code == 404
    assert client_as("township").post("/transfer/", {"untick": str(outside.pk)}).status_code == 404
    assert client_as("village").get("/transfer/").status_code == 403
    acting("county")
    outside.refresh_from_db()
    assert outside.transferred_at is None


def test_the_page_shows_what_the_list_says(client_as: ClientAs, acting: As) -> None:
    reach = acting("township")
    page = client_as("township").get(f"/transfer/?place={reach.villages[0][:9]}").content.decode()
    assert "户年度基础信息更新" in page and 'name="record"' in page and "去年" in page
