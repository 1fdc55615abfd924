"""The pages of guided acts: before and after, the reason, undo; and what the database refuses past them."""

from collections.abc import Callable

import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError
from django.test import Client
from django.test.utils import CaptureQueriesContext

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach, reach_of, set_act
from fangfanpin.acts import changes
from fangfanpin.acts.deeds import divisions
from fangfanpin.acts.models import Act
from fangfanpin.acts.moving import live_members
from fangfanpin.acts.plans import carry_out
from fangfanpin.households.models import Household, Pairing, Person
from fangfanpin.records.current_year import current_year
from fangfanpin.regions.models import Region
from tests.acts.test_acts import TODAY, WHY

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


def test_what_a_large_act_changed_is_counted_and_read_by_pages(
    client_as: ClientAs, acting: Acting, cast: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A township merged: the page asks as few queries as for a village, and walks every row once."""
    acting("county")
    codes = list(Household.objects.values_list("village_code", flat=True))
    gone = max({code[:9] for code in codes}, key=[code[:9] for code in codes].count)
    into = Region.objects.filter(level="township", code__startswith=gone[:6], valid_to__isnull=True).exclude(pk=gone).order_by("code")[0]
    plan = divisions.plan_merge([gone], into.code, TODAY, pack=current_year().pack, by=cast["county"])
    act = carry_out(plan, reason=WHY, by=cast["county"], reach=reach_of(cast["county"]))
    assert (act.events or 0) > 500
    monkeypatch.setattr(changes, "PAGE", 200)
    county = client_as("county")
    with CaptureQueriesContext(connection) as captured:
        first = county.get(f"/acts/{act.pk}/").content.decode()
    whole = (
        "LIMIT",
        "COUNT(",
        "MAX(",
        "DISTINCT",
        "quality_clue",
    )  # what is bounded, added up, or of clues alone, which write no events of their own
    reads = [query["sql"] for query in captured if "audit_event" in query["sql"] and not any(word in query["sql"] for word in whole)]
    assert not [one for one in reads if '"changed"' in one.split("FROM")[0]], "events are not read whole"
    assert "改动了哪些资料" in first and f"全部 {act.events}" in first and "撤销这次办理" in first
    acting("county")
    counted = changes.counts(act)
    assert sum(one.count for one in counted) == act.events
    seen, after = 0, 0
    while True:
        rows, after = changes.page(act, acting("county"), after=after)
        seen += len(rows)
        if not after:
            break
    assert seen == act.events
    homes = next(one for one in counted if one.table == "households_household")
    page = county.get(f"/acts/{act.pk}/", {"kind": homes.table}).content.decode()
    assert "行政村" in page and "→" in page and page.count("改动 · 农户") == min(homes.count, 200)
    assert county.get(f"/acts/{act.pk}/", {"kind": "nothing", "after": "x"}).status_code == 200
