"""Questions from work: asked at a household, a row, a clue; answered; found; an answer becomes a note that all who enter see."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach
from fangfanpin.audit.models import Event
from fangfanpin.households.models import Household
from fangfanpin.policy.models import IndicatorNote
from fangfanpin.policy.notes import notes_on
from fangfanpin.quality.models import Clue
from fangfanpin.questions.handlers import questions as as_table
from fangfanpin.questions.models import Question
from fangfanpin.questions.queries import Chosen, page
from fangfanpin.questions.queries import questions as listed
from fangfanpin.records.current_year import current_year
from fangfanpin.records.models import Record
from fangfanpin.registers.definitions import register_of
from fangfanpin.registers.mirror import reflect

Acting = Callable[[str], Reach]
ClientAs = Callable[[str], Client]


@pytest.fixture
def household(acting: Acting) -> Household:
    """An assisted household of the village's."""
    return Household.objects.visible_to(acting("village")).filter(kind="assisted").order_by("code")[0]


def ask(client: Client, household: Household, text: str = "在外地自己交的社保算不算？", item: str = "household_year.wage_income") -> Question:
    key = uuid4()
    answer = client.post(f"/questions/household/{household.pk}/new", {"id": str(key), "item": item, "text": text})
    assert answer.status_code == 302, answer.content.decode()
    return Question.objects.get(pk=key)


def test_asked_answered_read_and_made_a_note(household: Household, client_as: ClientAs, acting: Acting) -> None:
    village, county = client_as("village"), client_as("county")
    asked = ask(village, household)
    assert asked.village_code == household.village_code
    assert "要答复" in county.get("/").content.decode()
    county.post(f"/questions/{asked.pk}/reply", {"text": "算，按交的金额填。"})
    acting("village")
    asked.refresh_from_db()
    assert asked.state == "answered" and not asked.is_answer_seen
    assert "您的提问有答复了" in village.get("/").content.decode()
    assert "算，按交的金额填。" in village.get(f"/questions/{asked.pk}/").content.decode()
    assert "您的提问有答复了" not in village.get("/").content.decode(), "read is no longer due"

    before = village.get("/field/pack.json").headers["ETag"]
    county.post(f"/questions/{asked.pk}/note", {"item": "household_year.wage_income", "text": "自己交的社保不从收入里扣。"})
    answer = village.get("/field/pack.json", headers={"If-None-Match": before})
    assert answer.status_code == 200, "a new note is a new tag"
    assert answer.json()["notes"] == {"household_year.wage_income": ["自己交的社保不从收入里扣。"]}
    note = IndicatorNote.objects.get()
    county.post(f"/questions/notes/{note.pk}/withdraw")
    assert notes_on() == {} and village.get("/field/pack.json").json()["notes"] == {}
    acting("county")
    assert {event.act for event in Event.objects.filter(table_name__startswith="questions_")} >= {"question.ask", "question.answer"}


def test_the_same_page_sent_twice_asks_and_answers_once(household: Household, client_as: ClientAs, acting: Acting) -> None:
    village, county, key = client_as("village"), client_as("county"), uuid4()
    for _again in range(2):
        village.post(f"/questions/household/{household.pk}/new", {"id": str(key), "text": "这样的情况怎么填？"})
    acting("village")
    assert Question.objects.filter(household=household).count() == 1
    for _again in range(2):
        county.post(f"/questions/{key}/reply", {"text": "按实际填写。"})
    acting("village")
    assert Question.objects.get(pk=key).replies.count() == 1


def test_a_further_word_of_the_village_asks_again(household: Household, client_as: ClientAs, acting: Acting) -> None:
    village, county = client_as("village"), client_as("county")
    asked = ask(village, household)
    county.post(f"/questions/{asked.pk}/reply", {"text": "按实际填写。"})
    village.post(f"/questions/{asked.pk}/reply", {"text": "没有发票的也算吗？"})
    acting("village")
    asked.refresh_from_db()
    assert asked.state == "asked"
    assert [one.is_answer for one in asked.replies.all()] == [True, False]


@pytest.mark.parametrize("text", ["", "  ", "怎么填", "长" * 1001])
def test_what_is_no_question_is_told_and_what_was_typed_stays(household: Household, client_as: ClientAs, acting: Acting, text: str) -> None:
    answer = client_as("village").post(f"/questions/household/{household.pk}/new", {"id": str(uuid4()), "text": text})
    assert answer.status_code == 422 and "field-error" in answer.content.decode()
    acting("system")
    assert not Question.objects.exists()


def test_an_item_that_the_pack_does_not_have_is_refused(household: Household, client_as: ClientAs) -> None:
    data = {"id": str(uuid4()), "text": "这个指标怎么填？", "item": "household_year.nothing"}
    assert client_as("village").post(f"/questions/household/{household.pk}/new", data).status_code == 422


def test_asked_at_a_clue_and_at_a_row(household: Household, client_as: ClientAs, acting: Acting, cast: dict[str, User]) -> None:
    village, pack = client_as("village"), current_year().pack
    clue = Clue.objects.create(
        rule_id="H010", year=2021, subject_kind="household", subject_id=household.pk, household=household, village_code=household.village_code,
        severity="W", message="x", used_digest="x", pack_hash="x", seen_at=timezone.now(),
    )  # fmt: skip
    register = register_of(pack, "microcredit")
    assert register is not None
    row = Record.objects.create(
        form="microcredit", year=2021, subject_kind="household", subject_id=household.pk, household=household, village_code=household.village_code,
        state="submitted", pack_hash=pack.hash, entered_by=cast["village"], values={"contract_no": "HT-9"},
    )  # fmt: skip
    reflect(row, register, pack)
    for address in (f"/questions/clue/{clue.pk}/new", f"/questions/row/{row.pk}/new"):
        assert village.get(address).status_code == 200
        answer = village.post(address, {"id": str(uuid4()), "text": "这一条拿不准，请县里看看。"})
        assert answer.status_code == 302
        assert village.get(answer["Location"]).status_code == 200
    acting("village")
    assert {(one.clue_id, one.record_id) for one in Question.objects.filter(household=household)} == {(clue.pk, None), (None, row.pk)}
    assert village.get("/questions/").content.decode().count("这一条拿不准") == 2


def test_only_the_reach_sees_it_and_only_the_county_answers(household: Household, client_as: ClientAs, acting: Acting) -> None:
    asked = ask(client_as("village"), household)
    helper, inspector = client_as("helper"), client_as("inspector")
    reach = acting("helper")
    if not reach.covers(village_code=household.village_code, household_id=household.pk):
        assert helper.get(f"/questions/{asked.pk}/").status_code == 404
        assert helper.post(f"/questions/{asked.pk}/reply", {"text": "我也想问这个问题。"}).status_code == 404
    assert inspector.get(f"/questions/{asked.pk}/").status_code == 200
    assert inspector.post(f"/questions/{asked.pk}/reply", {"text": "我来替县里答复。"}).status_code == 422
    assert client_as("township").post(f"/questions/{asked.pk}/note", {"item": "household_year.wage_income", "text": "口径"}).status_code == 403
    acting("system")
    assert not asked.replies.exists() and not IndicatorNote.objects.exists()


def test_found_by_words_of_question_and_answer_page_by_page(household: Household, client_as: ClientAs, acting: Acting) -> None:
    village, county = client_as("village"), client_as("county")
    made = [ask(village, household, text=f"第{number}个问题怎么办？") for number in range(5)]
    county.post(f"/questions/{made[3].pk}/reply", {"text": "参照养老金口径。"})
    reach = acting("village")
    assert [one.pk for one in listed(reach, Chosen(q="养老金"))] == [made[3].pk]
    assert [one.pk for one in listed(reach, Chosen(q="第2个"))] == [made[2].pk]
    assert [one.pk for one in listed(reach, Chosen(state="answered"))] == [made[3].pk]
    first, cursor = page(listed(reach, Chosen(state="mine")), "", size=2)
    walked = list(first)
    while cursor:
        more, cursor = page(listed(reach, Chosen(state="mine")), cursor, size=2)
        walked += more
    assert [one.pk for one in walked] == [one.pk for one in reversed(made)]
    assert page(listed(reach, Chosen()), "broken~x", size=2) == ([], "")
    rows = [list(row) for row in as_table(reach, {"q": "养老金"}).rows]
    assert len(rows) == 1 and "参照养老金口径。" in rows[0][-1]


def test_a_note_stands_at_the_register_s_field(client_as: ClientAs, cast: dict[str, User]) -> None:
    IndicatorNote.objects.create(item="microcredit.principal", text="填合同金额，不是余额。", by=cast["county"])
    assert "填合同金额，不是余额。" in client_as("village").get("/registers/microcredit/new").content.decode()
    assert "填合同金额" not in client_as("village").get("/registers/measure/new").content.decode()
