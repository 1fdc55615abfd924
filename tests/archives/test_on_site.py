"""Photos, signatures and position of a household: saved as entry is, seen by whoever sees the household, asked for by rules."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach
from fangfanpin.households.models import Household, Location
from fangfanpin.pack import Pack
from fangfanpin.quality.models import Clue
from fangfanpin.records.models import Conflict, Record
from fangfanpin.records.saving import SaveFaults, SaveRequest, save
from tests.pictures import file, photo, signature

Acting = Callable[[str], Reach]
ClientAs = Callable[[str], Client]
HERE, THERE = "33.317612, 117.313422", "33.320000, 117.310000"


@pytest.fixture
def home(acting: Acting) -> Household:
    """Of the village, handed in and not reviewed yet."""
    reach = acting("village")
    entered = Record.objects.visible_to(reach).filter(form="household_year", year=2021, state="submitted")
    found = Household.objects.visible_to(reach).filter(pk__in=entered.values("household"), kind="assisted").order_by("code").first()
    assert found is not None
    return found


def lead_of(home: Household, acting: Acting) -> Record:
    acting("system")
    return Record.objects.get(form="household_year", year=2021, household=home)


def keep(client: Client, home: Household, **more: Any) -> Any:
    return client.post(f"/households/{home.pk}/on-site/keep", {"client_id": str(uuid4()), **more})


def states(rule: str, home: Household, acting: Acting) -> list[str]:
    acting("system")
    return list(Clue.objects.filter(rule_id=rule, household=home, year=2021).values_list("state", flat=True))


def test_the_home_is_located_and_the_former_place_stays(home: Household, client_as: ClientAs, cast: dict[str, User], acting: Acting) -> None:
    acting("system")
    Location.objects.filter(household=home).update(is_current=False)
    village = client_as("village")
    assert keep(village, home, read_back="1").status_code == 302
    assert states("G001", home, acting) == ["open"], "judged like any save"
    version = lead_of(home, acting).version
    assert keep(village, home, point=HERE, datum="02", accuracy_m="12.5").status_code == 302
    acting("system")
    found = Location.objects.get(household=home, is_current=True)
    assert (found.lat, found.lon, found.datum, found.gps_accuracy_m) == (33_317_612, 117_313_422, "02", 1250)
    assert (found.locator_id, found.locator_name) == (cast["village"].pk, cast["village"].name)
    assert states("G001", home, acting) == ["closed"] and lead_of(home, acting).version == version + 1
    assert keep(village, home, point=THERE, datum="01").status_code == 302, "typed from a survey"
    acting("system")
    assert [row.gps_accuracy_m for row in Location.objects.filter(household=home, is_current=True)] == [None]
    page = village.get(f"/households/{home.pk}/on-site").content.decode()
    assert THERE in page and HERE in page.split("以前的位置")[1]
    assert HERE not in client_as("inspector").get(f"/households/{home.pk}/on-site").content.decode()


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"point": "117.313422, 33.317612", "datum": "01"}, "写反了"),
        ({"point": "在村东头", "datum": "01"}, "不是位置"),
        ({"point": HERE, "datum": "77"}, "请选坐标系"),
        ({"photos": b"GIF89a"}, "只能上传照片"),
        ({"photos.id": str(uuid4())}, "有照片不能用在这里"),
    ],
)
def test_what_is_wrong_is_told_and_the_rest_is_not_lost(
    home: Household, client_as: ClientAs, acting: Acting, sent: dict[str, Any], words: str
) -> None:
    more = {name: file(value) if isinstance(value, bytes) else value for name, value in sent.items()}
    answer = keep(client_as("village"), home, **{"head_signature.drawn": signature()}, **more)
    page = answer.content.decode()
    assert answer.status_code == 422 and words in page
    assert page.count('name="head_signature.id"') == 1, "what was signed is there"
    assert lead_of(home, acting).values.get("head_signature") is None


def test_a_sheet_half_signed_is_asked_about_until_it_is_whole(home: Household, client_as: ClientAs, acting: Acting) -> None:
    village = client_as("village")
    assert states("T018", home, acting) == [], "signed on paper"
    assert keep(village, home, **{"head_signature.drawn": signature()}, photos=[file(photo()), file(photo(colour="red"))]).status_code == 302
    assert states("T018", home, acting) == ["open"]
    kept = lead_of(home, acting).values
    one = {"photos.id": kept["photos"], "photos.was": " ".join(kept["photos"]), "head_signature.id": kept["head_signature"]}
    one |= {"head_signature.was": kept["head_signature"][0]}
    signed = {"collector_signatures": [file(photo(size=(30, 20))), file(photo(size=(20, 30)))], "read_back": "1"}
    assert keep(village, home, **one, **signed).status_code == 302
    now = lead_of(home, acting)
    assert (now.values["photos"], len(now.values["collector_signatures"]), now.values["read_back"]) == (kept["photos"], 2, True)
    assert states("T018", home, acting) == ["closed"]
    page = village.get(f"/households/{home.pk}/").content.decode()
    assert "2 张" in page and f"/households/{home.pk}/on-site" in page
    history = village.get(f"/households/{home.pk}/history/household/photos").content.decode()
    assert "2 张" in history
    assert keep(village, home, **one).status_code == 302 and lead_of(home, acting).version == now.version, "nothing was changed"


def test_the_cast_sees_and_saves_as_it_may(home: Household, client_as: ClientAs, acting: Acting) -> None:
    village = client_as("village")
    assert keep(village, home, photos=file(photo())).status_code == 302
    (picture,) = lead_of(home, acting).values["photos"]
    for name, page, saving in (
        ("county", 200, None), ("township", 200, 302), ("village", 200, 302), ("inspector", 200, 403), ("admin", None, None),
    ):  # fmt: skip
        client = client_as(name)
        if page is not None:
            answer = client.get(f"/households/{home.pk}/on-site")
            assert answer.status_code == page, name
            assert (picture in answer.content.decode()) == (name != "inspector"), name
        if saving is not None:
            assert keep(client, home).status_code == saving, name
    acting("system")
    far = Household.objects.filter(kind="assisted").exclude(village_code__startswith=home.village_code[:9]).order_by("code")[0]
    assert village.get(f"/households/{far.pk}/on-site").status_code == 404
    assert keep(village, far, read_back="1").status_code == 404


def test_after_review_nothing_is_taken_in(home: Household, client_as: ClientAs, acting: Acting) -> None:
    acting("system")
    Record.objects.filter(pk=lead_of(home, acting).pk).update(state="approved")
    Clue.objects.filter(household=home).update(state="closed")
    village = client_as("village")
    assert "已审核通过" in village.get(f"/households/{home.pk}/on-site").content.decode()
    answer = keep(village, home, point=HERE, datum="01")
    assert answer.status_code == 422 and "已审核通过" in answer.content.decode()


def test_two_people_at_once_are_both_kept(home: Household, client_as: ClientAs, acting: Acting) -> None:
    seen = str(lead_of(home, acting).version)
    assert keep(client_as("township"), home, photos=file(photo()), seen=seen).status_code == 302
    assert keep(client_as("village"), home, photos=file(photo(colour="red")), seen=seen).status_code == 302
    acting("system")
    conflict = Conflict.objects.get(household=home, name="photos")
    assert [len(one or ()) for one in (conflict.stored, conflict.offered)] == [1, 1] and conflict.stored != conflict.offered


def test_an_entry_screen_names_no_pictures_of_others(home: Household, pack: Pack, cast: dict[str, User], client_as: ClientAs, acting: Acting) -> None:
    op = {"op": "set", "target": "household", "name": "photos", "value": [str(uuid4())]}
    with pytest.raises(SaveFaults):
        save(household=home, request=SaveRequest(uuid4(), {}, [op]), year=2021, pack=pack, by=cast["village"], reach=acting("village"))
