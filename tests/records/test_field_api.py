"""The field API as docs/field-api.md lays it down: bundles out, saves in, and nothing in clear that must not be."""

import gzip
import json
import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach
from fangfanpin.households.models import Household, Person
from fangfanpin.records.models import Conflict, Record, SaveReceipt
from fangfanpin.records.saving import EntryClosed, SaveFaults, resolve_conflict
from tests.records.conftest import Desk

Sit = Callable[[str], Desk]
As = Callable[[str], Client]
NUMBER, OTHER = "340323195604123010", "11010519491231002X"


def post(client: Client, body: object, url: str = "/field/save") -> Any:
    return client.post(url, data=body if isinstance(body, (str, bytes)) else json.dumps(body), content_type="application/json")


def body(household: Household, *ops: object, **more: Any) -> dict[str, Any]:
    return {"client_id": str(uuid4()), "household_id": str(household.pk), "base": {}, "ops": list(ops), **more}


def test_the_pack_says_what_the_form_needs(client_as: As) -> None:
    client = client_as("village")
    answer = client.get("/field/pack.json")
    pack = answer.json()
    assert {"hash", "campaign", "consts", "forms", "indicators", "lists", "synonyms", "change_reasons", "not_typed", "constraints", "rules"} <= set(
        pack
    )
    assert pack["indicators"]["person_year.member_name"]["max_length"] == 60
    assert pack["synonyms"]["relation_to_head"]["户主"] == "01" and "01" in pack["change_reasons"]["decrease"]
    assert all(rule["reach"] != "set" for rule in pack["rules"])
    assert client.get("/field/pack.json", headers={"If-None-Match": answer["ETag"]}).status_code == 304


def test_the_bundle_never_holds_a_whole_number(client_as: As, household: Household) -> None:
    person = household.persons.first()
    assert person is not None
    text = client_as("village").get(f"/field/households/{household.pk}.json").content.decode()
    bundle = json.loads(text)
    assert "*" in bundle["persons"][0]["values"]["id_number"] and "id18_digest" not in text and person.id18_digest not in text
    assert bundle["may"] == {"edit": True, "submit": True, "check": True, "review": False, "reveal": False, "sensitive": True}


def test_a_save_answers_with_versions_values_and_facts(client_as: As, household: Household, acting: Callable[[str], Reach]) -> None:
    person = household.persons.first()
    assert person is not None
    answer = post(client_as("village"), body(household, {"op": "set", "target": str(person.pk), "name": "id_number", "value": OTHER}))
    assert answer.status_code == 200
    reply = answer.json()
    target = str(person.pk)
    assert OTHER not in answer.content.decode() and reply["values"][target]["id_number"].endswith("002X")
    assert reply["facts"][target]["id_check_ok"] is True and reply["facts"][target]["id_birth"] == "1949-12-31"
    acting("village")
    assert OTHER not in json.dumps(SaveReceipt.objects.get(client_id=reply["client_id"]).reply)


@pytest.mark.parametrize(
    "broken",
    [
        b"", b"[]", b"{", b"null", b'{"ops": 1}', '{"ops": [], "client_id": "x"}', b"\xff\xfe", b"[" * 100_000,
        b'{"ops": [{"op": "set", "target": "household", "name": "address", "value": "\\ud800"}], "client_id": "00000000-0000-4000-8000-000000000001",'
        b'"household_id": "00000000-0000-4000-8000-000000000002"}',
    ],
)  # fmt: skip
def test_a_malformed_body_is_said_to_be_so(client_as: As, broken: bytes | str) -> None:
    answer = post(client_as("village"), broken)
    assert answer.status_code == 400 and answer.json()["reason"] == "format"


@pytest.mark.parametrize(
    "op",
    [
        {"op": "set", "target": "PERSON", "name": "member_name", "value": "字" * 61},
        {"op": "set", "target": "PERSON", "name": "id_number", "value": "1" * 30},
        {"op": "set", "target": "PERSON", "name": "change_proof", "value": "x"},
        {"op": "set", "target": "household", "name": "natural_village_code", "value": "1" * 16},
        {"op": "set", "target": "household", "name": "bank_name", "value": "行" * 81},
        {"op": "set", "target": "household", "name": "address", "value": "a\x00b"},
        {"op": "set", "target": "household", "name": "wage_income", "value": 10**40},
        {"op": "set", "target": "household", "name": "wage_income", "value": {"a": 1}},
        {"op": "set", "target": "household", "name": "main_poverty_cause", "value": ["01"]},
        {"op": "set", "target": "household", "name": "other_poverty_causes", "value": [["01"]]},
        {"op": "set", "target": "nobody", "name": "wage_income", "value": 1},
        {"op": "tick", "target": "household", "section": "income"},
        {"op": "tick", "target": 7, "section": None},
        {"op": "visit", "visited_by": 5, "visited_on": "31.12."},
        {"op": "arrive", "person_id": "x"},
        {"op": "arrive", "person_id": str(uuid4()), "reason": "06", "date": "2021-13-01", "values": 5},
        {"op": "leave", "person_id": "PERSON", "reason": "06", "date": "2021-05-01"},
        {"op": "stay"},
        {"op": "drop tables"},
        {},
    ],
    ids=lambda op: json.dumps(op, ensure_ascii=False)[:70],
)
def test_a_bad_op_is_a_fault_in_words_and_stores_nothing(
    client_as: As, household: Household, op: dict[str, Any], acting: Callable[[str], Reach]
) -> None:
    person = household.persons.first()
    assert person is not None
    op = {key: str(person.pk) if value == "PERSON" else value for key, value in op.items()}
    good = {"op": "set", "target": "household", "name": "farmland_mu", "value": 4321}
    answer = post(client_as("village"), body(household, good, op))
    assert answer.status_code == 422, answer.content
    fault = answer.json()["faults"][0]
    assert set(fault) == {"target", "name", "message"} and fault["message"]
    acting("village")
    assert not Record.objects.filter(household=household, year=2021, values__farmland_mu=4321).exists()


def test_a_submission_of_unconfirmed_values_says_which(client_as: As, household: Household, acting: Callable[[str], Reach]) -> None:
    visit = {"op": "visit", "visited_by": ["张三", "李四"], "visited_on": "2021-11-02"}
    answer = post(client_as("village"), body(household, visit, {"op": "submit"}))
    assert answer.status_code == 422
    fault = answer.json()["faults"][0]
    assert fault["target"] == "household" and fault["name"] == fault["items"][0] and "户基础信息" in fault["message"]
    acting("village")
    assert Record.objects.get(household=household, form="household_year", year=2021).visitors == []


def test_visitors_may_hold_any_text(client_as: As, household: Household) -> None:
    answer = post(
        client_as("village"), body(household, {"op": "visit", "visited_by": ["张\x00三", " ", {"a": 1}, "李四"], "visited_on": "2021-10-08"})
    )
    assert answer.status_code == 200, answer.content


def test_nobody_saves_under_anothers_name(client_as: As, household: Household, cast: dict[str, User]) -> None:
    op = {"op": "set", "target": "household", "name": "farmland_mu", "value": 100}
    answer = post(client_as("village"), body(household, op, user=cast["township"].pk))
    assert answer.status_code == 401 and answer.json()["reason"] == "user"
    assert post(client_as("village"), body(household, op, user=cast["village"].pk)).status_code == 200


def test_a_session_that_expired_is_told_as_json(household: Household) -> None:
    answer = post(Client(), body(household))
    assert answer.status_code == 401 and answer.json()["reason"] == "session"


def test_a_password_in_place_gives_a_new_token_and_says_for_whom(client_as: As, cast: dict[str, User], acting: Callable[[str], Reach]) -> None:
    acting("system")
    user = cast["village"]
    user.set_password("a-long-pass-word")
    user.save(update_fields=["password"])
    client = Client()
    url = "/accounts/reauth"
    assert post(client, {"username": user.username, "password": "wrong"}, url).status_code == 403
    answer = post(client, {"username": user.username, "password": "a-long-pass-word"}, url)
    assert answer.status_code == 200 and answer.json()["user"] == user.pk and answer.json()["csrf"]
    assert client.get("/field/pack.json").status_code == 200


def test_ones_own_saves_are_no_news(desk: Sit) -> None:
    village = desk("village")
    village.put(farmland_mu=100)
    reply = village.put(forest_mu=200)  # still on the version seen first
    assert (reply["merged"], reply["conflicts"]) == ([], [])


def test_ones_own_save_does_not_hide_what_another_did_to_the_sum(desk: Sit, acting: Callable[[str], Reach]) -> None:
    village, township = desk("village"), desk("township")
    acting("village")
    village.put(wage_migrant=100)
    acting("township")
    fresh = desk("township")
    fresh.put(biz_crop=300)  # seen: no clash, and later than the village's change
    conflicts = township.put(wage_income=300)["conflicts"]
    assert [(found["name"], found["by"]) for found in conflicts] == [("wage_income", village.user.name)]


def test_a_conflict_about_a_number_keeps_no_clear_text(desk: Sit, household: Household) -> None:
    village, township = desk("village"), desk("township")
    person = household.persons.first()
    assert person is not None
    op = {"op": "set", "target": str(person.pk), "name": "id_number"}
    for one in (village, township):
        one.base.setdefault(str(person.pk), 0)  # what the bundle says while there is no record
    village.save({**op, "value": NUMBER})
    reply = township.save({**op, "value": OTHER})
    conflict = Conflict.objects.get(pk=reply["conflicts"][0]["id"])
    assert OTHER not in json.dumps([conflict.offered, conflict.stored, reply]) and reply["conflicts"][0]["mine"].endswith("002X")
    resolve_conflict(conflict=conflict, choice="mine", value=None, pack=village.pack, year=2021, by=township.user)
    assert Person.objects.get(pk=person.pk).id_number_mask == "110105********002X"


def test_a_conflict_does_not_open_a_closed_year(desk: Sit, household: Household, acting: Callable[[str], Reach]) -> None:
    village, township = desk("village"), desk("township")
    village.put(farmland_mu=100)
    conflict = Conflict.objects.get(pk=township.put(farmland_mu=200)["conflicts"][0]["id"])
    Record.objects.filter(household=household, form="household_year", year=2021).update(state="locked")
    decide = dict(conflict=conflict, value=None, pack=village.pack, year=2021, by=village.user)
    with pytest.raises(EntryClosed):
        resolve_conflict(choice="mine", **decide)  # type: ignore[arg-type]
    resolve_conflict(choice="theirs", **decide)  # type: ignore[arg-type]
    conflict.refresh_from_db()
    assert conflict.state == Conflict.State.RESOLVED


def test_a_decision_must_be_one(desk: Sit) -> None:
    village, township = desk("village"), desk("township")
    village.put(farmland_mu=100)
    conflict = Conflict.objects.get(pk=township.put(farmland_mu=200)["conflicts"][0]["id"])
    for choice, value in (("", None), ("other", -5)):
        with pytest.raises(SaveFaults):
            resolve_conflict(conflict=conflict, choice=choice, value=value, pack=village.pack, year=2021, by=village.user)


ENGLISH = {"Accept-Language": "en-GB,en;q=0.9"}
CHINESE = re.compile("[\u4e00-\u9fff]")


def test_the_pack_comes_in_the_language_asked_for(client_as: As) -> None:
    client = client_as("village")
    chinese = client.get("/field/pack.json", headers={"Accept-Language": "zh-CN,zh;q=0.9"})
    english = client.get("/field/pack.json", headers=ENGLISH)
    assert (chinese.json()["language"], english.json()["language"]) == ("zh", "en")
    assert chinese["ETag"] != english["ETag"] and chinese.json()["hash"] == english.json()["hash"]
    # A browser that holds the Chinese one gets the English one when it asks for that.
    assert client.get("/field/pack.json", headers={**ENGLISH, "If-None-Match": chinese["ETag"]}).status_code == 200
    assert client.get("/field/pack.json", headers={**ENGLISH, "If-None-Match": english["ETag"]}).status_code == 304
    pack = english.json()
    said = [
        *(form["title"] for form in pack["forms"].values()),
        *(section["title"] for form in pack["forms"].values() for section in form["sections"]),
        *(indicator["en"] for indicator in pack["indicators"].values()),
        *(item.get("en", item["zh"]) for items in pack["lists"].values() for item in items),
        *(constraint["message"] for constraint in pack["constraints"]),
        *(rule[key] for rule in pack["rules"] for key in ("title", "message", "where")),
    ]
    assert [text for text in said if CHINESE.search(text.replace("未取名", "").replace("之子", ""))] == []
    assert next(item for item in pack["lists"]["sex"] if item["code"] == "2") == {"code": "2", "zh": "女性", "en": "female", "key": "nx"}
    assert "en" not in chinese.json()["indicators"]["household_year.farmland_mu"]


def test_the_language_somebody_chose_goes_before_the_browsers(client_as: As) -> None:
    client = client_as("village")
    client.post("/i18n/language", {"language": "en", "next": "/"})
    assert client.get("/field/pack.json", headers={"Accept-Language": "zh-CN"}).json()["language"] == "en"
    client.post("/i18n/language", {"language": "zh-hans", "next": "/"})
    assert client.get("/field/pack.json", headers=ENGLISH).json()["language"] == "zh"


def test_faults_of_a_save_are_told_in_the_language_asked_for(client_as: As, household: Household) -> None:
    client = client_as("village")
    ops: list[dict[str, Any]] = [
        {"op": "set", "target": "household", "name": "farmland_mu", "value": "many"},
        {"op": "set", "target": "household", "name": "total_income", "value": 1},
        {"op": "set", "target": "household", "name": "horses", "value": 1},
        {"op": "tick", "target": "household", "section": "income"},
        {"op": "leave", "person_id": str(household.persons.all()[0].pk), "reason": "nobody knows", "date": "2021-03-05"},
    ]

    def told(headers: dict[str, str]) -> list[str]:
        answer = client.post("/field/save", data=json.dumps(body(household, *ops)), content_type="application/json", headers=headers)
        assert answer.status_code == 422
        return sorted(fault["message"] for fault in answer.json()["faults"])

    assert told(ENGLISH) == [
        "Please choose from the list why the member left",
        "There is no item “horses”",
        "This section cannot be ticked as “unchanged”",
        "“Farmland” must be a number",
        "“Income of the year” is computed by the system or recorded elsewhere; it cannot be filled in here",
    ]
    assert all(CHINESE.search(message) for message in told({}))


def test_a_refused_submission_says_why_in_english(client_as: As, household: Household) -> None:
    client = client_as("village")
    answer = client.post("/field/save", data=json.dumps(body(household, {"op": "submit"})), content_type="application/json", headers=ENGLISH)
    assert answer.status_code == 422
    messages = [fault["message"] for fault in answer.json()["faults"]]
    assert "Please fill in who visited the household (two people)" in messages
    names = re.compile("|".join(re.escape(person.member_name) for person in household.persons.all()))
    assert [message for message in messages if CHINESE.search(names.sub("", message))] == []


def test_the_session_that_has_ended_is_told_in_english(db: None) -> None:
    answer = Client().get("/field/pack.json", headers=ENGLISH)
    assert (answer.status_code, answer.json()["message"]) == (401, "You have been signed out; please type your password again.")


def test_a_place_of_work_is_one_of_the_whole_country(client_as: As) -> None:
    client = client_as("village")
    answer = client.get("/field/places.json")
    found = {item["code"]: item for item in answer.json()["divisions"]}
    assert len(found) > 2800
    assert found["340323"] == {"code": "340323", "zh": "蚌埠市固镇县", "key": "gzx"}
    assert found["310115"]["zh"] == "上海市浦东新区"
    codes = list(found)
    near = [code[:4] == "3403" for code in codes].count(True)
    assert all(code[:4] == "3403" for code in codes[:near]) and codes[near][:2] == "34"
    assert client.get("/field/places.json", headers={"If-None-Match": answer["ETag"]}).status_code == 304
    assert client.get("/field/pack.json").json()["indicators"]["person_year.work_place_code"]["list"] == "divisions"


def test_what_is_large_is_sent_compressed_to_those_who_read_it(client_as: As) -> None:
    client = client_as("village")
    for url in ("/field/pack.json", "/field/places.json"):
        plain, packed = client.get(url), client.get(url, headers={"Accept-Encoding": "gzip, br"})
        assert "Content-Encoding" not in plain and packed["Content-Encoding"] == "gzip"
        assert "Accept-Encoding" in packed["Vary"] and packed["ETag"] == plain["ETag"]
        assert gzip.decompress(packed.content) == plain.content
        assert len(packed.content) < 60_000
