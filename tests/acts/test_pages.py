"""The pages of guided acts: before and after, the reason, undo; and what the database refuses past them."""

from collections.abc import Callable

import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError
from django.test import Client

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach, set_act
from fangfanpin.acts.models import Act
from fangfanpin.acts.moving import live_members
from fangfanpin.households.models import Household, Pairing, Person
from fangfanpin.regions.models import Region

Acting = Callable[[str], Reach]
ClientAs = Callable[[str], Client]


def own(acting: Acting, name: str) -> Household:
    rows = Household.objects.visible_to(acting(name)).filter(kind="assisted", member_count__gte=3, monitoring_state__in=("", "02"))
    return rows.order_by("code")[0]


def test_a_split_is_looked_at_reasoned_done_and_undone(client_as: ClientAs, acting: Acting) -> None:
    household = own(acting, "township")
    person, township = live_members(household)[-1], client_as("township")
    address = f"/acts/households/{household.pk}/split"
    assert person.member_name in township.get(address).content.decode()
    sent = {"member": str(person.pk), f"relation-{person.pk}": "01", "on": "2021-11-01", "leave_reason": "23", "arrive_reason": "07"}
    assert "勾选" in township.post(address, {**sent, "member": []}).content.decode()
    look = township.post(address, sent).content.decode()
    assert "办理前" in look and f'value="{person.pk}"' in look
    acting("township")
    assert not Act.objects.exists(), "to look is not to do"
    back = township.post(address, {**sent, "back": "1"}).content.decode()
    assert "checked" in back
    assert township.post(address, {**sent, "sure": "1", "reason": "分"}).status_code == 422
    done = township.post(address, {**sent, "sure": "1", "reason": "儿子结婚另立门户"})
    assert done.status_code == 302
    page = township.get(done["Location"]).content.decode()
    assert "儿子结婚另立门户" in page and "撤销这次办理" in page
    assert f"/acts/households/{household.pk}/" in township.get(f"/households/{household.pk}/").content.decode()
    acting("township")
    assert Person.objects.get(pk=person.pk).household_id != household.pk
    undone = township.post(f"{done['Location']}undo", {"reason": "办错了户"})
    assert "恢复" in township.get(undone["Location"]).content.decode()
    acting("township")
    assert Person.objects.get(pk=person.pk).household_id == household.pk
    assert "已撤销" in township.get("/acts/").content.decode()


def test_what_stands_in_the_way_is_told_on_the_page(client_as: ClientAs, acting: Acting, cast: dict[str, User]) -> None:
    county = client_as("county")
    acting("county")
    village = Household.objects.order_by("code")[0].village_code
    sent = {"level": "village", "source.id": village, "name": "甲村", "on": "2021-11-01", "sure": "1", "reason": "上级批复更名"}
    done = county.post("/acts/divisions/rename", sent)
    acting("county")
    Region.objects.filter(pk=village).update(name="乙村")
    page = county.get(done["Location"]).content.decode()
    assert "现在不能撤销" in page
    assert "撤销这次办理" not in page


def test_a_hand_over_shares_neighbours_and_keeps_what_was_chosen(client_as: ClientAs, acting: Acting, cast: dict[str, User]) -> None:
    county, helper = client_as("county"), cast["helper"]
    acting("county")
    rows = list(Pairing.objects.filter(user=helper, end_on__isnull=True))
    asked = {"helper.id": str(helper.pk), "to1": "王接手", "to2.id": str(cast["village"].pk)}
    page = county.get("/acts/hand-over", asked).content.decode()
    assert page.count('value="to1" selected') == len(rows) // 2
    sent = {**asked, "on": "2021-11-01", "row": [str(row.pk) for row in rows[:3]], **{f"to-{row.pk}": "to2" for row in rows[:3]}}
    assert county.post("/acts/hand-over", {**sent, "row": []}).status_code == 422
    assert county.post("/acts/hand-over", {**sent, "sure": "1", "reason": "老李退休"}).status_code == 302
    acting("county")
    assert Pairing.objects.filter(user=cast["village"], start_on="2021-11-01", end_on__isnull=True).count() == 3
    assert Pairing.objects.filter(user=helper, end_on__isnull=True).count() == len(rows) - 3


@pytest.mark.parametrize("name", ["village", "helper", "inspector", "auditor", "admin"])
def test_without_the_right_there_is_no_act(client_as: ClientAs, acting: Acting, name: str) -> None:
    client = client_as(name)
    for address in ("/acts/", "/acts/hand-over", "/acts/divisions", "/acts/divisions/merge"):
        assert client.get(address).status_code == 403, address


def test_a_township_does_not_change_divisions_nor_undo_what_did(client_as: ClientAs, acting: Acting) -> None:
    assert client_as("township").get("/acts/divisions/rename").status_code == 403
    household = own(acting, "township")
    acting("county")
    sent = {"level": "village", "source.id": household.village_code, "name": "甲村", "on": "2021-11-01", "sure": "1", "reason": "上级批复更名"}
    done = client_as("county").post("/acts/divisions/rename", sent)
    township = client_as("township")
    assert "撤销这次办理" not in township.get(done["Location"]).content.decode()
    assert township.post(f"{done['Location']}undo", {"reason": "想撤销"}).status_code == 403


@pytest.mark.parametrize(
    ("act", "table", "made_by"),
    [
        ("entry.save", "households_pairing", "act.hand_over"),  # not in an undo
        ("act.undo x", "households_pairing", "act.hand_over"),  # rows that no act made
        ("act.undo x", "households_pairing", "demo.load"),
        ("act.undo x", "audit_event", "act.hand_over"),
        ("act.undo x", "accounts_user", "act.hand_over"),  # not under row security
    ],
)
def test_the_web_role_unmakes_nothing_but_what_an_act_made(acting: Acting, act: str, table: str, made_by: str) -> None:
    acting("county")
    row = Pairing.objects.order_by("id")[0]
    set_act(act)
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT ffp_unmake(%s::regclass, 'id', %s, %s)", [table, [str(row.pk)], made_by])
    assert Pairing.objects.filter(pk=row.pk).exists()
