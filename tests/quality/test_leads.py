"""Screening gives leads, not clues: every one with its reasons, ranked, looked into by people, in step with each sweep."""

from collections.abc import Callable

import pytest
from django.test import Client

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach
from fangfanpin.campaigns import clock
from fangfanpin.expressions import evaluate
from fangfanpin.households.models import Household
from fangfanpin.pack import Pack
from fangfanpin.quality.handlers import leads_as_table
from fangfanpin.quality.leads import LeadRefused, Pointed, leads, look_into, page, sentences, write_leads
from fangfanpin.quality.models import Clue, Lead
from fangfanpin.quality.snapshot import SWEPT_STATES
from fangfanpin.quality.sweep import run_sweep
from fangfanpin.records.models import Record
from fangfanpin.records.units import load_unit, scopes_of

Acting = Callable[[str], Reach]


def hit(home: Household, key: str) -> Pointed:
    return Pointed(key, home.pk, home.village_code, {"self_paid_expense": 2_000_000})


def test_a_sweep_finds_what_the_reference_finds_and_makes_no_clues_of_it(pack: Pack, acting: Acting) -> None:
    acting("system")
    run_sweep(campaign=clock.current(), by=None)
    found = {(lead.household_id, key) for lead in Lead.objects.filter(year=2021, is_current=True) for key in lead.reasons}
    swept = Record.objects.filter(form="household_year", year=2021, state__in=SWEPT_STATES, household__kind="assisted").select_related("household")
    expected, judged = set(), 0
    for lead in list(swept.order_by("household__code")[:150]):
        assert lead.household is not None
        scope = scopes_of(load_unit(lead.household, 2021), pack).household
        judged += 1
        expected |= {
            (lead.household_id, screen.rule.id)
            for screen in pack.screens
            if (screen.rule.scope is None or evaluate(screen.rule.scope, scope) is True) and evaluate(screen.rule.when, scope) is True
        }
    homes = {lead.household_id for lead in swept.order_by("household__code")[:150]}
    assert judged > 100 and {one for one in found if one[0] in homes} == expected and len(expected) > 5
    assert not Clue.objects.filter(rule_id__in=[screen.rule.id for screen in pack.screens]).exists()
    assert {lead.kind for lead in Lead.objects.all()} >= {"missed"}


def test_reasons_add_up_and_a_new_one_asks_again(pack: Pack, acting: Acting, cast: dict[str, User]) -> None:
    reach = acting("system")
    home = Household.objects.filter(kind="assisted")[0]
    write_leads([hit(home, "S002")], pack, 2021)
    lead = Lead.objects.get(household=home)
    assert (lead.kind, lead.weight, lead.result) == ("missed", 30, "waiting")
    with pytest.raises(LeadRefused):
        look_into(lead=lead, result="nothing", note="没", by=cast["village"])
    with pytest.raises(LeadRefused):
        look_into(lead=lead, result="elsewhere", note="入户看过，家里有存款", by=cast["village"])
    look_into(lead=lead, result="nothing", note="入户看过，家里有存款", by=cast["village"])
    write_leads([hit(home, "S002")], pack, 2021)
    lead.refresh_from_db()
    assert lead.result == "nothing", "what was looked into is not asked again"
    write_leads([hit(home, "S002"), hit(home, "S007")], pack, 2021)
    lead.refresh_from_db()
    assert (lead.weight, lead.result) == (60, "waiting")
    assert "20000.00" in sentences(lead, pack, sensitive=True)[0]
    write_leads([], pack, 2021)
    lead.refresh_from_db()
    assert not lead.is_current and not leads(reach, 2021).filter(pk=lead.pk).exists()


def test_looked_into_on_the_page_within_the_reach_only(pack: Pack, acting: Acting, client_as: Callable[[str], Client]) -> None:
    village = acting("village")
    home = Household.objects.visible_to(village).filter(kind="assisted")[0]
    acting("system")
    other = Household.objects.filter(kind="assisted").exclude(village_code__in=village.villages)[0]
    write_leads([hit(one, "S002") for one in (home, other)], pack, 2021)
    client = client_as("village")
    body = client.get("/leads/").content.decode()
    assert f"/households/{home.pk}/" in body and f"/households/{other.pk}/" not in body
    acting("system")
    mine, theirs = Lead.objects.get(household=home), Lead.objects.get(household=other)
    assert client.post(f"/leads/{theirs.pk}/look", {"result": "nothing", "note": "入户看过，没有困难"}).status_code == 404
    assert client_as("inspector").post(f"/leads/{mine.pk}/look", {"result": "nothing", "note": "入户看过，没有困难"}).status_code == 403
    client.post(f"/leads/{mine.pk}/look", {"result": "proceed", "note": "符合条件，按程序申报"})
    reach = acting("system")
    mine.refresh_from_db()
    assert mine.result == "proceed"
    assert "符合条件，按程序申报" in client.get("/leads/?result=all").content.decode()
    rows = [list(row) for row in leads_as_table(reach, {"result": "proceed"}).rows]
    assert len(rows) == 1 and rows[0][5] == 30


def test_the_weightiest_first_page_by_page(pack: Pack, acting: Acting) -> None:
    reach = acting("system")
    homes = list(Household.objects.filter(kind="assisted").order_by("code")[:7])
    write_leads([hit(home, key) for place, home in enumerate(homes) for key in ("S002", "S003", "S007")[: place % 3 + 1]], pack, 2021)
    walked, cursor = page(leads(reach, 2021), "", size=2)
    while cursor:
        more, cursor = page(leads(reach, 2021), cursor, size=2)
        walked += more
    assert [lead.weight for lead in walked] == sorted((lead.weight for lead in walked), reverse=True)
    assert len({lead.pk for lead in walked}) == len(homes)
