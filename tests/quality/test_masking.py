"""What a clue says is masked wherever it is shown: health and phones are for those who hold `sensitive.view`."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from fangfanpin.accounts.reach import Reach
from fangfanpin.campaigns import clock
from fangfanpin.households.models import Household
from fangfanpin.policy.services import pack_of
from fangfanpin.quality import messages
from fangfanpin.quality.models import Clue

ILLNESS = "长期慢性病"


@pytest.fixture
def telling(acting: Callable[[str], Reach]) -> Clue:
    """An open clue whose sentence names an illness."""
    acting("system")
    pack = pack_of(clock.current().pack)
    rule = next(rule for rule in pack.rules if rule.subject == "person" and "{health_status}" in rule.message)
    code = next(item.code for item in pack.lists["health_status"] if item.zh == ILLNESS)
    household = Household.objects.filter(kind="assisted", member_count__gt=0)[0]
    person = household.persons.all()[0]
    used = {"health_status": [code]}
    message = messages.render(rule, used, pack)
    assert ILLNESS in message
    return Clue.objects.create(
        rule_id=rule.id,
        year=2021,
        subject_kind="person",
        subject_id=person.pk,
        household=household,
        person=person,
        village_code=household.village_code,
        severity=rule.severity,
        message=message,
        used=used,
        used_digest="x",
        pack_hash=pack.hash,
        seen_at=timezone.now(),
    )


@pytest.mark.parametrize("where", ["page", "bundle"])
@pytest.mark.parametrize(("name", "sees"), [("county", True), ("inspector", False), ("auditor", False)])
def test_a_clue_names_no_illness_to_those_without_the_right(
    telling: Clue, client_as: Callable[[str], Client], where: str, name: str, sees: bool
) -> None:
    home = f"/households/{telling.household_id}/" if where == "page" else f"/field/households/{telling.household_id}.json"
    answer = client_as(name).get(home)
    assert answer.status_code == 200
    if where == "bundle":
        said = [clue["message"] for clue in answer.json()["clues"] if clue["id"] == str(telling.pk)]
    else:
        body = answer.content.decode()
        at = body.index(str(telling.pk))
        said = [body[at - 600 : at + 600]]
    assert len(said) == 1
    assert (ILLNESS in said[0]) is sees
    assert ("＊＊" in said[0]) is not sees
