"""What each cast member finds on the pages of the site, and what a page costs."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.campaigns import clock
from fangfanpin.dashboards import hooks, queries, transfer
from fangfanpin.households.models import Household, Pairing
from fangfanpin.policy.services import pack_of
from fangfanpin.records.models import Record
from fangfanpin.records.units import load_unit, load_units
from fangfanpin.regions.models import Region
from fangfanpin.regions.names import name_of

CAST = ("county", "township", "village", "helper", "department", "inspector", "auditor", "admin")
ClientAs = Callable[[str], Client]
Acting = Callable[[str], Reach]


def _page(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200, f"{url}: {answer.status_code}"
    return answer.content.decode()


def _lead(page: str) -> str:
    found = re.search(r'<h1 class="lead-sentence">(.*?)</h1>', page, re.DOTALL)
    return re.sub(r"<[^>]+>", "", found[1]).strip() if found else ""


@pytest.mark.parametrize("name", CAST)
def test_the_start_page_says_where_one_is_and_how_long_is_left(client_as: ClientAs, name: str) -> None:
    lead = _lead(_page(client_as(name), "/"))
    assert "截止还有" in lead
    assert lead.endswith("。") and "\n" not in lead


@pytest.mark.parametrize("name", CAST)
def test_every_entry_of_the_menu_opens_for_the_person_who_sees_it(client_as: ClientAs, name: str) -> None:
    client = client_as(name)
    links = set(re.findall(r'<a class="entry" href="([^"]+)"', _page(client, "/")))
    assert {"/", "/jobs/"} <= links
    for link in links:
        assert client.get(link).status_code == 200, link


def test_the_menu_is_grouped_by_kinds_of_work_and_leaves_out_what_one_may_not_do(client_as: ClientAs) -> None:
    def kinds(name: str) -> list[str]:
        return re.findall(r'<div class="kind-title">(.+?)</div>', _page(client_as(name), "/"))

    assert kinds("village")[0] == "采集" and "设置" not in kinds("village")
    assert "采集" not in kinds("auditor") and "档案" in kinds("auditor")
    assert kinds("department") == ["督导", "我的"]
    assert kinds("admin") == ["设置", "我的"]


def test_the_menu_counts_what_the_start_page_counts(client_as: ClientAs, acting: Acting) -> None:
    page = _page(client_as("village"), "/")
    year, reach = clock.current().year, acting("village")
    unfinished = Record.objects.visible_to(reach).filter(form="household_year", year=year, state__in=("empty", "draft", "returned")).count()
    assert unfinished > 0
    assert f'<span>农户</span><span class="badge">{unfinished}</span>' in page


def test_counts_of_the_menu_are_bounded(acting: Acting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "_COUNTED_TO", 5)
    kinds = hooks.kinds_of_work(acting("county"), "/", clock.current().year)
    assert {entry.url: entry.count for kind in kinds for entry in kind.entries}["/households/"] == "4+"


@pytest.mark.parametrize("path", ["/households/", "/households/review", "/transfer/", "/progress/", "/sheets/", "/me/"])
def test_exactly_one_entry_of_the_menu_is_here(client_as: ClientAs, path: str) -> None:
    page = _page(client_as("county"), path)
    here = re.findall(r'<a class="entry" href="([^"]+)" aria-current="page"', page)
    assert here == ([] if path == "/me/" else [path])


@pytest.mark.parametrize("name", CAST)
@pytest.mark.parametrize("path", ["/", "/me/", "/households/", "/households/review", "/transfer/", "/progress/", "/jobs/"])
def test_pages_hold_no_inline_script_or_style(client_as: ClientAs, name: str, path: str) -> None:
    answer = client_as(name).get(path)
    if answer.status_code == 403:
        return
    page = answer.content.decode()
    assert not re.search(r"<[^>]+\s(style|on[a-z]+)=", page)
    for script in re.findall(r"<script([^>]*)>", page):
        assert "src=" in script or 'type="application/json"' in script


def test_the_phones_tabs_are_those_one_may_use(client_as: ClientAs) -> None:
    def tabs(name: str) -> list[str]:
        part = _page(client_as(name), "/").split('<nav class="tabs', 1)[1]
        return re.findall(r"</svg>(.+?)</a>", part)

    assert tabs("village") == ["待办", "农户", "地图", "我的"]
    assert tabs("helper") == ["待办", "农户", "我的"]
    assert tabs("department") == ["待办", "地图", "我的"]


def test_a_helper_finds_the_paired_households_on_the_start_page(client_as: ClientAs, acting: Acting) -> None:
    reach = acting("helper")
    assert reach.households
    page = _page(client_as("helper"), "/")
    assert all(f"/households/{household}/" in page for household in reach.households)


def test_a_helper_nobody_paired_is_told_why_the_pages_are_empty_and_whom_to_ask(client_as: ClientAs, acting: Acting, cast: dict[str, User]) -> None:
    acting("system")
    Pairing.objects.filter(user=cast["helper"], end_on__isnull=True).update(end_on=timezone.localdate())
    town = name_of(cast["helper"].assignments.get().region_id[:9])
    for path in ("/", "/households/", "/clues/"):
        page = _page(client_as("helper"), path)
        assert "您还没有结对的农户" in page and f"请联系{town}工作站" in page, path
    assert "您还没有结对的农户" not in _page(client_as("village"), "/")


def test_an_account_without_a_post_or_a_village_is_told_so(client_as: ClientAs, acting: Acting, cast: dict[str, User]) -> None:
    post = cast["village"].assignments.get()
    acting("system")
    Region.objects.filter(pk=post.region_id).update(level="natural_village")
    page = _page(client_as("village"), "/")
    assert "您的岗位没有对应的村" in page and post.place in page
    cast["village"].assignments.update(valid_to=timezone.localdate(), valid_from=timezone.localdate() - timedelta(days=9))
    assert "您的账号现在没有岗位" in _page(client_as("village"), "/")
    for other in ("department", "admin"):
        assert "请找" not in _page(client_as(other), "/").split("<main", 1)[1].split("</h1>")[1][:400]


def test_of_an_ordinary_household_nothing_is_shown_that_is_not_kept(client_as: ClientAs, acting: Acting) -> None:
    reach = acting("village")
    light = Household.objects.visible_to(reach).filter(kind="ordinary")[0]
    client = client_as("village")
    page = _page(client, f"/households/{light.pk}/")
    assert "一般农户" in _lead(page) and "0 人" not in page
    assert 'id="members"' not in page and "打印对照表" not in page.split("<main", 1)[1]
    row = _page(client, "/households/?kind=ordinary").split(f"/households/{light.pk}/", 1)[1].split("</tr>", 1)[0]
    assert '<td class="num" data-label="人口"></td>' in row
    assisted = Household.objects.visible_to(reach).filter(kind="assisted")[0]
    assert 'id="members"' in _page(client, f"/households/{assisted.pk}/")


def test_a_lost_token_is_said_in_words_and_brings_a_new_one(cast: dict[str, User]) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast["village"], backend="django.contrib.auth.backends.ModelBackend")
    answer = client.post("/accounts/large-print", {"large_print": "1"}, headers={"Referer": "http://testserver/households/?state=empty"})
    page = answer.content.decode()
    assert answer.status_code == 403 and "请刷新页面再做一次" in page and "没有丢失" in page
    assert 'href="http://testserver/households/?state=empty"' in page and "csrftoken" in answer.cookies
    assert not User.objects.get(username="village").large_print
    elsewhere = client.post("/accounts/large-print", {}, headers={"Referer": "http://elsewhere.example/"}).content.decode()
    assert "elsewhere" not in elsewhere and "回到刚才的页面</a>" not in elsewhere


def test_the_entry_screen_gets_a_new_token_with_the_refusal(cast: dict[str, User]) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast["village"], backend="django.contrib.auth.backends.ModelBackend")
    refused = client.post("/field/save", {}, content_type="application/json")
    assert refused.status_code == 403 and refused.json()["reason"] == "csrf"
    token = client.cookies["csrftoken"].value
    assert client.post("/field/save", {}, content_type="application/json", headers={"X-CSRFToken": token}).status_code == 400


def test_the_tree_of_places_holds_the_reach_and_nothing_else(client_as: ClientAs, acting: Acting) -> None:
    page = _page(client_as("township"), "/places/?at=/households/review")
    codes = set(re.findall(r"place=(\d{12})", page))
    assert codes == set(acting("township").villages)
    assert "/households/review?place=" in page


# ---- what a page costs: the same for ten rows and for a hundred


@pytest.mark.parametrize(
    ("name", "path", "most"),
    [
        ("county", "/", 40),
        ("township", "/households/?", 24),
        ("county", "/households/?", 24),
        ("county", "/households/review?", 24),
        ("county", "/transfer/?", 25),
        ("county", "/progress/?", 26),
        ("helper", "/", 32),
    ],
)
def test_a_page_costs_the_same_for_ten_rows_and_a_hundred(
    client_as: ClientAs,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_max_num_queries: DjangoAssertNumQueries,
    name: str,
    path: str,
    most: int,
) -> None:
    client = client_as(name)
    client.get(path)  # the pack and the names of places are kept by the process
    shown = []
    for rows in (10, 100):
        monkeypatch.setattr("fangfanpin.dashboards.queries.page.__kwdefaults__", {"size": rows})
        monkeypatch.setattr("fangfanpin.dashboards.queries.review_page.__kwdefaults__", {"size": rows})
        monkeypatch.setattr("fangfanpin.dashboards.views.TRANSFER_PAGE", rows)
        with django_assert_max_num_queries(most):
            shown.append(_page(client, path).count('scope="row"'))
    if "?" in path and "progress" not in path:
        assert shown[1] > shown[0], "the longer page shows more rows, or this test proves nothing"


def test_changes_read_in_bulk_are_those_read_one_by_one(acting: Acting) -> None:
    reach = acting("county")
    campaign = clock.current()
    pack = pack_of(campaign.pack)
    records = queries.due_records(reach, campaign.year, queries.SUBMITTED_STATES).order_by("pk")[:12]
    households = [record.household for record in records if record.household]
    together = {unit.household.pk: unit for unit in load_units(households, campaign.year)}
    assert len(together) == 12
    for household in households:
        alone = load_unit(household, campaign.year)
        assert transfer.changed_items(together[household.pk], pack) == transfer.changed_items(alone, pack)
        assert transfer.moves(together[household.pk], pack) == transfer.moves(alone, pack)


# ---- keyset paging


def test_paging_through_the_review_list_meets_every_household_once(acting: Acting) -> None:
    reach, year = acting("county"), clock.current().year
    waiting = list(queries.due_records(reach, year, [Record.State.SUBMITTED]).values_list("pk", flat=True))
    met, cursor = [], ""
    while True:
        found = queries.review_page(reach, year, place="", cursor=cursor, size=7)
        met += [record.pk for record in found.rows]
        cursor = found.next_cursor
        if not cursor:
            break
    assert len(met) == len(set(met)) and set(met) == set(waiting)


@pytest.mark.parametrize("after", ["x", "~", "2021-13-45~1", "9" * 400, "2021-11-15T10:00:00+08:00~not-an-id"])
def test_a_damaged_page_address_is_no_error(client_as: ClientAs, after: str) -> None:
    client = client_as("county")
    for path in ("/households/", "/households/review", "/households/conflicts", "/transfer/"):
        assert client.get(path, {"after": after}).status_code == 200
    assert client.get("/households/review", {"place": "'; --"}).status_code == 200


def test_verbs_of_the_menu_are_those_of_the_views(client_as: ClientAs, acting: Acting) -> None:
    """Whoever may not see an entry is refused by its page too."""
    for name in CAST:
        reach = acting(name)
        assert (client_as(name).get("/transfer/").status_code == 200) == reach.has(Verb.TRANSFER_TICK)
        assert (client_as(name).get("/progress/").status_code == 200) == reach.has(Verb.CAMPAIGN_VIEW)
