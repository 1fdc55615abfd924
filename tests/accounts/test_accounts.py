"""Keepers and accounts: bulk from Excel, slips, forced change, reset, leaving, roles; nobody climbs by way of an account."""

import argparse
import io
import re
import zipfile
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pypdfium2
import pytest
import xlsxwriter
from django.contrib.auth.hashers import identify_hasher
from django.contrib.auth.password_validation import get_default_password_validators, validate_password
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone, translation
from python_calamine import CalamineWorkbook

from fangfanpin.accounts import management
from fangfanpin.accounts.commands import COMMANDS
from fangfanpin.accounts.management import AccountRefused, NewAccount, check_accounts, create_accounts, may_keep
from fangfanpin.accounts.models import Assignment, Role, User
from fangfanpin.accounts.reach import Reach, make_reach, reach_of
from fangfanpin.accounts.verbs import Verb
from fangfanpin.cli import CommandFault
from fangfanpin.households.models import Pairing
from fangfanpin.pack.load import VERBS
from fangfanpin.regions.finding import Divisions
from fangfanpin.regions.models import Region

As = Callable[[str], Reach]
ClientAs = Callable[[str], Client]
HEADER = ("姓名", "联系电话", "单位", "岗位", "地区")


def workbook(*rows: tuple[Any, ...], header: tuple[str, ...] = HEADER) -> io.BytesIO:
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream)
    sheet = book.add_worksheet()
    for number, row in enumerate((header, *rows)):
        sheet.write_row(number, 0, row)
    book.close()
    stream.seek(0)
    stream.name = "名单.xlsx"
    return stream


def slip_text(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    found = []
    for page in document:
        words = page.get_textpage()
        found.append(words.get_text_bounded())
        words.close()
        page.close()
    document.close()
    return "\n".join(found)


def villages(reach: Reach) -> list[str]:
    return [code for code in reach.villages if code.startswith(reach.scopes[0].prefix)]


def new(reach: Reach, name: str = "新来的", *, role: str = "village", region: str = "", phone: str = "") -> User:
    rows = [NewAccount(2, name, phone, "村委会", role, region or villages(reach)[0])]
    return create_accounts(rows=rows, by=reach)[0].user


# ---- bulk and slips


def test_a_list_from_excel_gives_accounts_and_slips_with_each_password_once(client_as: ClientAs, acting: As) -> None:
    village = villages(acting("township"))[0]
    rows = [("甲一", "13800000001", "村委会", "村信息员", village), ("乙二", 13800000002, "村委会", "村信息员", int(village))]
    answer = client_as("township").post("/accounts/bulk", {"file": workbook(*rows)})
    assert answer["Content-Type"] == "application/pdf"
    text = slip_text(answer.content)
    passwords = re.findall(r"[a-z2-9]{4}-[a-z2-9]{4}-[a-z2-9]{4}", text)
    assert len(passwords) == 2 == len(set(passwords))
    for name, password in zip(("甲一", "乙二"), passwords, strict=True):
        user = User.objects.get(name=name)
        assert user.username in text and user.check_password(password) and user.must_change_password
        assert user.assignments.get().region_id == village
        assert password not in user.password


def test_one_person_with_two_rows_gets_one_account_with_two_roles(acting: As) -> None:
    reach = acting("township")
    first, second = villages(reach)[:2]
    made = create_accounts(
        rows=[NewAccount(2, "丙", "13800000003", "", "village", first), NewAccount(3, "丙", "13800000003", "", "village", second)], by=reach
    )
    assert len(made) == 1 and {a.region_id for a in made[0].user.assignments.all()} == {first, second}
    assert set(reach_of(made[0].user).villages) == {first, second}


def test_every_fault_of_a_list_is_told_at_once_and_nothing_is_made(client_as: ClientAs, acting: As) -> None:
    village = villages(acting("township"))[0]
    before = User.objects.count()
    rows = [
        ("", "", "", "村信息员", village),
        ("丁", "12", "", "村信息员", village),
        ("戊", "", "", "县长", village),
        ("己", "", "", "村信息员", "999999999999"),
        ("庚", "", "", "村信息员", village[:9]),
        ("辛", "", "", "村信息员", village),
        ("辛", "", "", "村信息员", village),
        ("壬", "", "", "县级管理员", "340323"),
    ]
    page = client_as("township").post("/accounts/bulk", {"file": workbook(*rows)}).content.decode()
    for number, said in (
        (2, "没有填姓名"),
        (3, "写法不对"),
        (4, "没有“县长”这个岗位，可以写：乡镇工作站、村信息员、帮扶责任人"),
        (5, "“地区”没有“999999999999”"),
        (6, "“村信息员”要填村"),
        (8, "与第 7 行重复"),
        (9, "不归您管理"),
    ):
        assert re.search(rf"第 {number} 行：[^<]*{said}", page), (number, said)
    assert User.objects.count() == before


def test_two_people_of_one_name_in_a_village_are_told_apart_by_their_phones(acting: As) -> None:
    reach = acting("township")
    village = villages(reach)[0]

    def faults(*phones: str) -> list[str]:
        rows = [NewAccount(2 + place, "同名", phone, "", "village", village) for place, phone in enumerate(phones)]
        return [f"{row} {said}" for row, said in check_accounts(rows, reach)]

    assert faults("13800000001", "13800000002") == []
    assert [said[:10] for said in faults("13800000001", "13800000002", "13800000001")] == ["4 与第 2 行重复"]
    for phones in (("13800000001", ""), ("", "13800000001"), ("", "")):
        assert [re.sub("：.*", "", said) for said in faults(*phones)] == ["3 与第 2 行重复"], phones
        assert "请都填上电话" in faults(*phones)[0]
    made = create_accounts(rows=[NewAccount(2, "同名", f"1380000000{end}", "", "village", village) for end in (1, 2)], by=reach)
    assert len({one.user.pk for one in made}) == 2


def test_without_a_phone_one_person_with_two_posts_is_one_account(client_as: ClientAs, acting: As) -> None:
    reach = acting("township")
    village, town = villages(reach)[0], reach.scopes[0].prefix
    rows = [("丙", "", "", "村信息员", village), ("丁", "", "", "村信息员", village), ("丙", "", "镇政府", "乡镇工作站", town)]
    text = "".join(slip_text(client_as("township").post("/accounts/bulk", {"file": workbook(*rows)}).content).split())
    assert len(set(re.findall(r"[a-z2-9]{4}-[a-z2-9]{4}-[a-z2-9]{4}", text))) == 2
    user = User.objects.get(name="丙")
    assert {(a.role_id, a.region_id) for a in user.assignments.all()} == {("village", village), ("township", town)} and user.unit == "镇政府"


def test_without_a_phone_who_is_whom_is_asked_where_nobody_can_tell(acting: As) -> None:
    reach = acting("township")
    first, second = villages(reach)[:2]
    town = reach.scopes[0].prefix

    def told(*rows: tuple[str, str, str, str]) -> list[tuple[int, str]]:
        """(phone, unit, role, region) of rows of one name."""
        given = [NewAccount(2 + place, "同名", phone, unit, role, region) for place, (phone, unit, role, region) in enumerate(rows)]
        return [(row, re.sub("，请给这几行都填上电话", "", said)) for row, said in check_accounts(given, reach)]

    unclear = "第 2 行也有“同名”，没有电话分不清是不是一个人"
    station, worker = ("", "镇政府", "township", town), ("", "", "village", first)
    assert told(station, worker) == []
    assert told(worker, ("", "", "village", second)) == [(3, unclear)], "one person for two villages, or two of one name"
    assert told(("", "村委会", "village", first), ("", "村委会", "village", second)) == [(3, unclear)]
    assert told(("", "甲村委会", "village", first), ("", "乙村委会", "village", second)) == [], "two people"
    assert told(("", "镇政府", "township", town), ("", "村委会", "village", first)) == [(3, unclear)]
    assert told(("13800000001", "", "township", town), worker) == [(3, unclear)]
    assert told(("13800000001", "甲", "village", first), ("", "乙", "village", second)) == []
    assert [row for row, _said in told(worker, ("", "", "village", second), ("", "", "township", town))] == [3, 4]
    made = create_accounts(
        rows=[NewAccount(2, "同名", "", "甲村委会", "village", first), NewAccount(3, "同名", "", "乙村委会", "village", second)], by=reach
    )
    assert len({one.user.pk for one in made}) == 2


def test_somebody_of_that_name_in_that_place_is_asked_after(acting: As) -> None:
    reach = acting("township")
    first, second = villages(reach)[:2]
    known = new(reach, "老熟人", region=first)
    town = reach.scopes[0].prefix

    def faults(phone: str, role: str, region: str) -> list[str]:
        return [said for _row, said in check_accounts([NewAccount(2, "老熟人", phone, "", role, region)], reach)]

    assert faults("", "township", town) == [f"这里已有一位“老熟人”（账号 {known.username}）：是一个人，请在账号页给他增加岗位；是两个人，请填上电话"]
    assert faults("13800000007", "township", town) == [] == faults("", "village", second)
    assert "已有账号" in faults("", "village", first)[0]


def test_a_place_is_taken_by_name_or_code_and_one_that_several_have_is_asked_back(client_as: ClientAs, acting: As) -> None:
    reach = acting("township")
    own = reach.scopes[0].prefix
    first, second, third = Region.objects.filter(pk__in=villages(reach)[:3]).order_by("code")
    town = Region.objects.get(pk=own)
    divisions = Divisions(management.divisions_to_give(reach))
    for written in (first.code, first.name, f" {town.name} {first.name} ", f"{town.name}{first.name} {first.code}", f"{first.name} {first.code}"):
        assert divisions.find(written) == [first], written
    assert divisions.find(town.name) == [town]
    assert divisions.find(f"{first.name} {second.code}") == [], "a name with another's code is neither"
    other = Region.objects.villages().under("340323").exclude(code__startswith=own).first()
    assert other is not None and divisions.find(other.code) == [], "beyond the keeper"
    Region.objects.filter(pk=third.pk).update(name=second.name)
    rows = [("甲一", "13800000001", "", "村信息员", first.name), ("乙二", "13800000002", "", "村信息员", second.name), ("丙", "", "", "村信息员", "")]
    page = client_as("township").post("/accounts/bulk", {"file": workbook(*rows)}).content.decode()
    assert "第 2 行" not in page
    assert re.search(rf"第 3 行：“地区”写的“{second.name}”不止一个，请写明是哪个：[^<]*{second.code}、[^<]*{third.code}", page)
    assert "第 4 行：“地区”没有填" in page
    answer = client_as("township").post("/accounts/bulk", {"file": workbook(*rows[:1])})
    assert answer["Content-Type"] == "application/pdf" and User.objects.get(name="甲一").assignments.get().region == first


def test_the_template_lists_what_may_be_written_and_takes_back_what_it_offers(client_as: ClientAs, acting: As) -> None:
    reach = acting("township")
    content = client_as("township").get("/accounts/template.xlsx").content
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    assert tuple(book.get_sheet_by_index(0).to_python()[0]) == HEADER
    offered = book.get_sheet_by_name("岗位和地区").to_python()[1:]
    assert [row[0] for row in offered if row[0]] == [role.title for role in management.roles_to_give(reach)]
    own = reach.scopes[0].prefix
    assert [row[4] for row in offered] == [own, *sorted(villages(reach))], "the keeper's own divisions and no other"
    divisions = Divisions(management.divisions_to_give(reach))
    assert all([found.code for found in divisions.find(str(row[3]))] == [row[4]] for row in offered)
    sheet = zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml").decode()
    rows = len(offered) + 1
    assert f"'岗位和地区'!$A$2:$A${len(management.roles_to_give(reach)) + 1}" in sheet and f"'岗位和地区'!$D$2:$D${rows}" in sheet


def test_an_older_template_is_still_taken(client_as: ClientAs, acting: As) -> None:
    row = ("甲一", "13800000001", "", "村信息员", villages(acting("township"))[0])
    answer = client_as("township").post("/accounts/bulk", {"file": workbook(row, header=(*HEADER[:4], "地区代码"))})
    assert answer["Content-Type"] == "application/pdf"


def test_a_slip_names_every_post_of_its_person(client_as: ClientAs, acting: As) -> None:
    first, second = Region.objects.filter(pk__in=villages(acting("township"))[:2]).order_by("code")
    rows = [("丙", "13800000003", "", "村信息员", first.code), ("丙", "13800000003", "", "村信息员", second.code)]
    text = "".join(slip_text(client_as("township").post("/accounts/bulk", {"file": workbook(*rows)}).content).split())
    town = Region.objects.get(pk=first.code[:9]).name
    assert f"{town}{first.name}村信息员{town}{second.name}村信息员" in text


def test_a_post_is_chosen_from_the_keepers_places_and_a_wider_one_asks_first(client_as: ClientAs, acting: As, cast: dict[str, User]) -> None:
    reach = acting("county")
    village = cast["village"].assignments.get().region_id
    page = client_as("county").get(f"/accounts/{cast['village'].pk}/").content.decode()
    options = dict(re.findall(r'<option value="(\d{6,12})"([^>]*)>', page))
    assert set(options) == {"340323", *(code[:9] for code in reach.villages), *reach.villages}
    assert "selected" not in page[page.index('id="role"') : page.index('id="successor"')]
    assert {code for code, rest in options.items() if "data-confirm" in rest} == {code for code in options if len(code) < 12}
    assert village in options
    station = client_as("county").get(f"/accounts/{cast['township'].pk}/").content.decode()
    assert re.findall(r'<option value="(\d+)" data-confirm="[^"]*范围大', station) == ["340323"]
    mine = client_as("township").get(f"/accounts/{cast['village'].pk}/").content.decode()
    own = acting("township").scopes[0].prefix
    assert all(code.startswith(own) for code in re.findall(r'<option value="(\d{6,12})"', mine))
    nothing = client_as("county").post(f"/accounts/{cast['village'].pk}/assign", {"role": "", "region": ""}, follow=True)
    assert "请选择岗位和地区" in nothing.content.decode() and cast["village"].assignments.count() == 1


def test_the_same_list_twice_makes_no_second_account(client_as: ClientAs, acting: As) -> None:
    village = villages(acting("township"))[0]
    rows = [("甲一", "13800000001", "", "村信息员", village), ("无电话", "", "", "村信息员", village)]
    assert client_as("township").post("/accounts/bulk", {"file": workbook(*rows)})["Content-Type"] == "application/pdf"
    count = User.objects.count()
    page = client_as("township").post("/accounts/bulk", {"file": workbook(*rows)}).content.decode()
    assert page.count("已有账号") == 2 and User.objects.count() == count


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"not a workbook", "文件打不开"),
        (b"PK\x03\x04 broken", "文件打不开"),
        (workbook(("甲",), header=("姓名",)).getvalue(), "缺少列"),
        (workbook().getvalue(), "没有人员"),
    ],
)
def test_a_file_that_is_no_list_is_refused_in_words(content: bytes, said: str, client_as: ClientAs) -> None:
    stream = io.BytesIO(content)
    stream.name = "a.xlsx"
    answer = client_as("township").post("/accounts/bulk", {"file": stream})
    assert answer.status_code == 200 and said in answer.content.decode()


def test_the_template_offers_only_roles_the_keeper_may_give(acting: As) -> None:
    assert {role.key for role in management.roles_to_give(acting("township"))} == {"township", "village", "helper"}
    assert {role.key for role in management.roles_to_give(acting("county"))} == set(Role.objects.values_list("key", flat=True))
    assert {role.key for role in management.roles_to_give(acting("admin"))} == {"admin"}


# ---- who may keep whom


def test_a_township_keeper_touches_neither_the_next_township_nor_the_county(client_as: ClientAs, acting: As, cast: dict[str, User]) -> None:
    county = acting("county")
    own = acting("township").scopes[0].prefix
    other = next(code for code in county.villages if not code.startswith(own))
    neighbour = new(county, "邻镇的", region=other)
    client = client_as("township")
    for user in (neighbour, cast["county"], cast["admin"], cast["auditor"], cast["department"], cast["inspector"]):
        assert client.get(f"/accounts/{user.pk}/").status_code == 404, user
        for deed in ("reset", "leave", "assign"):
            assert client.post(f"/accounts/{user.pk}/{deed}").status_code == 404, (user, deed)
    assert neighbour.name not in client.get("/accounts/").content.decode()
    mine = acting("township")
    assert check_accounts([NewAccount(2, "甲", "", "", "village", other)], mine)
    assert check_accounts([NewAccount(2, "甲", "", "", "county", "340323")], mine)


def test_a_keeper_never_gives_more_than_they_hold_over_that_very_region(acting: As) -> None:
    reach = acting("township")
    scope = reach.scopes[0]
    village, other = villages(reach)[0], "340323999"
    assert may_keep(reach, village, Role.objects.get(pk="village"))
    for key in ("county", "auditor", "admin"):
        assert not may_keep(reach, scope.prefix, Role.objects.get(pk=key)), key
    # A right held in one place does not let it be given in another.
    elsewhere = make_reach(
        reach.user_id,
        villages=(),
        scopes=[type(scope)("keeper", other, frozenset({"account.manage"}), False), scope],
    )
    assert not may_keep(elsewhere, other + "001", Role.objects.get(pk="village"))
    assert may_keep(elsewhere, village, Role.objects.get(pk="village"))


def test_a_system_administrator_reaches_no_household_by_way_of_an_account(client_as: ClientAs, acting: As, cast: dict[str, User]) -> None:
    admin = acting("admin")
    for key, region in (("county", "340323"), ("inspector", "340323"), ("auditor", "340323"), ("village", "340323100002")):
        assert check_accounts([NewAccount(2, "甲", "", "", key, region)], admin), key
    client = client_as("admin")
    for name in ("county", "township", "village", "helper", "inspector", "auditor"):
        assert client.post(f"/accounts/{cast[name].pk}/reset").status_code == 404, name
    second = create_accounts(rows=[NewAccount(2, "管理员二", "", "", "admin", "340323")], by=admin)[0]
    assert management.kept_user(admin, second.user.pk) == second.user


@pytest.mark.parametrize("who", ["county", "township", "admin"])
def test_nobody_changes_their_own_roles(who: str, client_as: ClientAs, acting: As, cast: dict[str, User]) -> None:
    reach, user = acting(who), cast[who]
    before = list(user.assignments.values_list("role_id", "region_id", "valid_to"))
    role = management.roles_to_give(reach)[-1]
    region = Region.objects.get(pk={"county": "340323", "township": reach.scopes[0].prefix, "village": (villages(reach) or [""])[0]}[role.level])
    with pytest.raises(AccountRefused, match="不能给自己"):
        management.assign(user=user, role=role, region=region, by=reach)
    with pytest.raises(AccountRefused, match="不能给自己"):
        management.end_assignment(assignment=user.assignments.select_related("role").first() or Assignment(), by=reach)
    client_as(who).post(f"/accounts/{user.pk}/assign", {"role": role.pk, "region": region.pk})
    assert list(user.assignments.values_list("role_id", "region_id", "valid_to")) == before


def test_one_role_beyond_the_keeper_puts_the_whole_account_beyond_them(acting: As) -> None:
    county, township = acting("county"), acting("township")
    user = new(township)
    assert management.kept_user(township, user.pk) == user
    Assignment.objects.create(user=user, role_id="inspector", region_id="340323", valid_from=timezone.localdate() + timedelta(days=3))
    assert management.kept_user(township, user.pk) is None, "a role to come counts too"
    assert management.kept_user(county, user.pk) == user


def test_those_without_the_right_see_no_account_page(client_as: ClientAs, cast: dict[str, User]) -> None:
    for name in ("village", "helper", "department", "inspector", "auditor"):
        for path in ("/accounts/", "/accounts/bulk", "/accounts/template.xlsx", f"/accounts/{cast['village'].pk}/"):
            assert client_as(name).get(path).status_code == 403, (name, path)


def test_several_roles_of_one_person_add_up_and_end_one_by_one(client_as: ClientAs, acting: As) -> None:
    reach = acting("township")
    first, second = villages(reach)[:2]
    user = new(reach, region=first)
    client = client_as("township")
    client.post(f"/accounts/{user.pk}/assign", {"role": "village", "region": second})
    assert set(reach_of(user).villages) == {first, second}
    ended = user.assignments.get(region_id=first)
    client.post(f"/accounts/{user.pk}/assign", {"end": ended.pk})
    assert set(reach_of(user).villages) == {second}


# ---- passwords


def knows(user: User, password: str) -> None:
    """Give the account a password of its owner's own choice."""
    user.set_password(password)
    user.must_change_password = False
    user.save()


def test_a_reset_prints_one_new_password_and_ends_the_old_one_and_open_sessions(client_as: ClientAs, acting: As, cast: dict[str, User]) -> None:
    user = cast["village"]
    knows(user, "old password of mine")
    theirs = Client()
    theirs.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    assert theirs.get("/households/").status_code == 200
    answer = client_as("township").post(f"/accounts/{user.pk}/reset")
    password = re.findall(r"[a-z2-9]{4}-[a-z2-9]{4}-[a-z2-9]{4}", slip_text(answer.content))
    user.refresh_from_db()
    assert len(password) == 1 and user.check_password(password[0]) and not user.check_password("old password of mine")
    post = user.assignments.get()
    assert f"{Region.objects.get(pk=post.region_id[:9]).name}{post.region.name}{post.role.title}" in "".join(slip_text(answer.content).split())
    assert user.must_change_password
    assert theirs.get("/households/").status_code == 302, "the open session ended"


def test_passwords_are_kept_by_argon2(acting: As) -> None:
    user = new(acting("township"))
    assert user.password.startswith("argon2$") and identify_hasher(user.password).algorithm == "argon2"


def test_a_first_password_opens_nothing_but_its_own_change(acting: As, client_as: ClientAs) -> None:
    reach = acting("township")
    made = create_accounts(rows=[NewAccount(2, "新来的", "", "", "village", villages(reach)[0])], by=reach)[0]
    client = Client()
    client.force_login(made.user, backend="django.contrib.auth.backends.ModelBackend")
    for path in ("/", "/households/", "/jobs/", "/progress/", "/sheets/", "/me/", "/field/pack.json"):
        answer = client.get(path)
        assert answer.status_code == 302 and answer["Location"] == "/accounts/password", path
    weak = (made.password, "1234567890", "short", "password12")
    for word in weak:
        answer = client.post("/accounts/password", {"new_password1": word, "new_password2": word})
        assert answer.status_code == 200, f"{word} was taken"
    assert client.post("/accounts/password", {"new_password1": "liu shu zai jia", "new_password2": "liu shu zai jia"}).status_code == 302
    assert client.get("/households/").status_code == 200


# One password that each configured check refuses, and no other does.
REFUSED = {
    "MinimumLengthValidator": "a1b2c3d4e",
    "UserAttributeSimilarityValidator": "village-office-13",
    "CommonPasswordValidator": "password123",
    "NumericPasswordValidator": "8305179264",
}


def test_every_check_of_a_password_speaks_the_readers_language(cast: dict[str, User]) -> None:
    user = cast["village"]
    user.unit = "village-office-12"
    for validator in get_default_password_validators():
        password = REFUSED[type(validator).__name__]
        said = {}
        for language in ("zh-hans", "en"):
            with translation.override(language), pytest.raises(ValidationError) as refused:
                validate_password(password, user)
            assert len(refused.value.messages) == 1, (password, refused.value.messages)
            said[language] = refused.value.messages[0]
        assert re.search("[\u4e00-\u9fff]", said["zh-hans"]) and not re.search("[A-Za-z]", said["zh-hans"]), said
        assert not re.search("[\u4e00-\u9fff]", said["en"]), said


def test_the_first_change_of_a_password_answers_in_chinese(acting: As, client_as: ClientAs) -> None:
    user = new(acting("township"))
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    for first, again, said in (("short1", "short1", "至少要 10 位"), ("", "", "必填"), ("liu shu zai jia", "liu shu", "两个密码不一致")):
        page = client.post("/accounts/password", {"new_password1": first, "new_password2": again}).content.decode()
        errors = re.findall(r'role="alert">([^<]*)<', page)
        assert errors and said in "".join(errors) and not re.search("[A-Za-z]", "".join(errors)), errors


def test_changing_ones_password_by_wish_asks_for_the_present_one(cast: dict[str, User], client_as: ClientAs) -> None:
    user = cast["village"]
    knows(user, "present password")
    client = client_as("village")
    change = {"new_password1": "liu shu zai jia", "new_password2": "liu shu zai jia"}
    assert client.post("/accounts/password", change).status_code == 200
    assert client.post("/accounts/password", change | {"old_password": "guess"}).status_code == 200
    assert client.post("/accounts/password", change | {"old_password": "present password"}).status_code == 302
    user.refresh_from_db()
    assert user.check_password("liu shu zai jia")


def sign_in(client: Client, password: str, username: str = "village") -> Any:
    return client.post("/accounts/sign-in", {"username": username, "password": password})


def test_ten_wrong_passwords_lock_and_say_when_to_try_again_and_a_reset_unlocks(cast: dict[str, User], acting: As) -> None:
    user = cast["village"]
    knows(user, "right password")
    client = Client()
    for _attempt in range(9):
        assert sign_in(client, "wrong").status_code == 200
    locked = sign_in(client, "wrong")
    assert locked.status_code == 429 and re.search(r"\d+ 分钟后再试", locked.content.decode())
    assert sign_in(client, "right password").status_code == 429, "the right password does not help either"
    assert sign_in(client, "whatever", "township").status_code == 200, "another name at the same address is not locked"
    password = management.reset_password(user=user, by=acting("township"))
    assert sign_in(client, password).status_code == 302


def console(*words: str) -> dict[str, Any]:
    """`fangfanpin account reset` with these words, in this test's transaction."""
    command = COMMANDS["account reset"]
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(words)).facts


def test_the_console_lets_a_lone_keeper_in_again(cast: dict[str, User]) -> None:
    user = cast["county"]
    knows(user, "forgotten for ever")
    client = Client()
    for _attempt in range(10):
        sign_in(client, "guessed", "county")
    facts = console("county")
    assert facts == {"account": "county", "name": user.name, "password": facts["password"]}
    assert re.fullmatch(r"[a-z2-9]{4}-[a-z2-9]{4}-[a-z2-9]{4}", facts["password"])
    assert sign_in(client, "forgotten for ever", "county").status_code == 200, "the old one ended"
    assert sign_in(client, facts["password"], "county").status_code == 302, "the lock of the guesses is gone"
    assert client.get("/households/")["Location"] == "/accounts/password", "and must be changed first"


def test_the_console_refuses_a_stopped_account_and_names_the_keepers_for_a_wrong_one(cast: dict[str, User]) -> None:
    User.objects.filter(pk=cast["village"].pk).update(is_active=False)
    with pytest.raises(AccountRefused, match="已停用"):
        console("village")
    with pytest.raises(CommandFault, match="没有账号 wang。.*county（") as refused:
        console("wang")
    assert "village" not in str(refused.value) and "township" not in str(refused.value)


# ---- leaving


def test_who_leaves_is_stopped_at_once_and_the_successor_takes_over(client_as: ClientAs, acting: As) -> None:
    reach = acting("township")
    first, second = villages(reach)[:2]
    leaver, successor = new(reach, "走的", region=first), new(reach, "来的", region=second)
    session = Client()
    User.objects.filter(pk=leaver.pk).update(must_change_password=False)
    session.force_login(leaver, backend="django.contrib.auth.backends.ModelBackend")
    assert session.get("/households/").status_code == 200
    client_as("township").post(f"/accounts/{leaver.pk}/leave", {"successor": successor.pk})
    leaver.refresh_from_db()
    assert not leaver.is_active and leaver.left_on == timezone.localdate() and leaver.replaced_by == successor
    assert reach_of(leaver).villages == () and set(reach_of(successor).villages) == {first, second}
    assert session.get("/households/").status_code == 302
    with pytest.raises(AccountRefused):
        management.reset_password(user=leaver, by=reach)


def test_a_helpers_households_go_to_the_successor_and_stay_in_the_history(acting: As, cast: dict[str, User]) -> None:
    reach = acting("county")
    helper = cast["helper"]
    paired = set(Pairing.objects.filter(user=helper, end_on=None).values_list("household_id", flat=True))
    assert paired
    successor = create_accounts(rows=[NewAccount(2, "新帮扶", "13800000009", "县局", "helper", helper.assignments.get().region_id)], by=reach)[0].user
    management.leave(user=helper, by=reach, replaced_by=successor)
    assert set(Pairing.objects.filter(user=successor, end_on=None).values_list("household_id", flat=True)) == paired
    assert set(Pairing.objects.filter(user=helper, end_on=timezone.localdate()).values_list("household_id", flat=True)) == paired
    assert set(reach_of(successor).households) == paired and reach_of(helper).households == ()


def test_nobody_stops_themselves_or_becomes_the_successor(acting: As, cast: dict[str, User]) -> None:
    reach = acting("county")
    with pytest.raises(AccountRefused, match="自己的账号"):
        management.leave(user=cast["county"], by=reach)
    for successor in (cast["county"], cast["auditor"]):
        with pytest.raises(AccountRefused, match="接替人"):
            management.leave(user=cast["auditor"], by=reach, replaced_by=successor)
    gone = new(acting("township"), "走的")
    gone.is_active = False
    gone.save()
    with pytest.raises(AccountRefused, match="已停用"):
        management.leave(user=cast["village"], by=reach, replaced_by=gone)


def test_an_assignment_counts_only_between_its_days(acting: As) -> None:
    reach = acting("township")
    user = new(reach)
    today = timezone.localdate()
    assignment = user.assignments.get()
    for valid_from, valid_to, counts in (
        (today, None, True),
        (today + timedelta(days=1), None, False),
        (date(2020, 1, 1), today, False),
        (date(2020, 1, 1), today + timedelta(days=1), True),
    ):
        assignment.valid_from, assignment.valid_to = valid_from, valid_to
        assignment.save()
        assert bool(reach_of(user).villages) is counts


def test_the_list_costs_the_same_for_ten_and_for_a_hundred(
    acting: As, client_as: ClientAs, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    reach = acting("township")
    client = client_as("township")
    for number in range(40):
        user = User.objects.create(username=f"x{number}", name=f"某{number}", password="!")
        Assignment.objects.create(user=user, role_id="village", region_id=villages(reach)[0], valid_from=timezone.localdate())
    with django_assert_max_num_queries(25):
        assert client.get("/accounts/").status_code == 200


def test_a_pack_may_name_exactly_the_verbs_there_are() -> None:
    """The pack's reader lies below accounts and cannot ask it: the two lists are held together here."""
    assert {verb.value for verb in Verb} == VERBS
