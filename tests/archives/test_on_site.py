"""Photos, signatures and position of a household, papers of members who came or left: saved as entry is, seen by whoever sees the household, asked
for by rules."""

import datetime
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach
from fangfanpin.campaigns import clock
from fangfanpin.files.models import StoredFile
from fangfanpin.households.models import Household, Location, Person
from fangfanpin.pack import Pack
from fangfanpin.policy.services import pack_of
from fangfanpin.quality.models import Clue
from fangfanpin.records.models import Conflict, Record
from fangfanpin.records.saving import SaveFaults, SaveRequest, resolve_conflict, save
from tests.pictures import file, photo, signature

Acting = Callable[[str], Reach]
ClientAs = Callable[[str], Client]
HERE, THERE = "33.317612, 117.313422", "33.320000, 117.310000"


@pytest.fixture
def home(acting: Acting) -> Household:
    """Of the village, a family, handed in and not reviewed yet."""
    reach = acting("village")
    entered = Record.objects.visible_to(reach).filter(form="household_year", year=2021, state="submitted")
    found = (
        Household.objects.visible_to(reach).filter(pk__in=entered.values("household"), kind="assisted", member_count__gte=3).order_by("code").first()
    )
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


# --- papers of members who came or left


def living(home: Household) -> Person:
    """Not the head."""
    person = home.persons.filter(member_state="01", change_kind="").exclude(relation_to_head="01").order_by("position").first()
    assert person is not None
    return person


def act(home: Household, cast: dict[str, User], reach: Reach, *ops: dict[str, Any]) -> None:
    pack = pack_of(clock.current().pack)
    save(household=home, request=SaveRequest(uuid4(), {}, list(ops)), year=2021, pack=pack, by=cast["village"], reach=reach)


def left(home: Household, cast: dict[str, User], acting: Acting, pack: Pack) -> Person:
    person = living(home)
    reason = sorted(pack.change_reasons("decrease"))[0]
    act(home, cast, acting("village"), {"op": "leave", "person_id": str(person.pk), "reason": reason, "date": "2021-05-01"})
    return Person.objects.get(pk=person.pk)


def proofs_of(person: Person, acting: Acting) -> Record:
    acting("system")
    return Record.objects.get(form="person_year", year=2021, subject_id=person.pk)


def of(person: Person, **more: Any) -> dict[str, Any]:
    """What the page sends of one member."""
    return {"member": str(person.pk), **{f"change_proof-{person.pk}{part}": value for part, value in more.items()}}


def looked_at(client: Client, picture: str) -> int:
    answer = client.get(f"/pictures/{picture}")
    if answer.streaming:
        b"".join(answer)  # read to its end, so that it is closed
    return answer.status_code


def test_papers_of_who_left_are_kept_with_their_year(home: Household, cast: dict[str, User], client_as: ClientAs, acting: Acting, pack: Pack) -> None:
    village, url = client_as("village"), f"/households/{home.pk}/on-site"
    assert f"change_proof-{living(home).pk}" not in village.get(url).content.decode(), "nothing changed"
    person = left(home, cast, acting, pack)
    page = village.get(url).content.decode()
    assert f'name="change_proof-{person.pk}"' in page and person.member_name in page and "自然减少" in page
    assert f"/households/{home.pk}/on-site#m-{person.pk}" in village.get(f"/households/{home.pk}/").content.decode()
    before = lead_of(home, acting).values
    assert keep(village, home, **of(person, **{"": [file(photo()), file(photo(colour="red"))]})).status_code == 302
    record = proofs_of(person, acting)
    first, second = record.values["change_proof"]
    assert {(one.record_id, one.item) for one in StoredFile.objects.filter(pk__in=[first, second])} == {(record.pk, "person_year.change_proof")}
    assert lead_of(home, acting).values == before
    sent = of(person, **{".id": [first, second], ".was": f"{first} {second}", ".drop": first, "": file(photo(colour="blue"))})
    assert keep(village, home, **sent, **{f"seen-{person.pk}": str(record.version)}).status_code == 302
    now = proofs_of(person, acting)
    assert now.values["change_proof"][0] == second and len(now.values["change_proof"]) == 2 and now.version == record.version + 1
    assert looked_at(village, first) == 200, "what was taken out is still to be seen"
    history = village.get(f"/households/{home.pk}/history/{person.pk}/change_proof").content.decode()
    assert person.member_name in history and "2 张" in history
    assert "2 张" in village.get(f"/households/{home.pk}/").content.decode().split(f'id="m-{person.pk}"')[1].split("</details>")[0]
    act(home, cast, acting("village"), {"op": "stay", "person_id": str(person.pk)})
    assert f'name="change_proof-{person.pk}"' in village.get(url).content.decode(), "taken back: what was handed in is still there"


def test_whose_papers_are_asked_for(home: Household, cast: dict[str, User], client_as: ClientAs, acting: Acting, pack: Pack) -> None:
    village, url = client_as("village"), f"/households/{home.pk}/on-site"
    newcomer, day = uuid4(), datetime.date(2021, 3, 5)
    arrive = {"op": "arrive", "person_id": str(newcomer), "reason": sorted(pack.change_reasons("increase"))[0], "date": day.isoformat()}
    act(home, cast, acting("village"), {**arrive, "values": {"member_name": "新来的"}})
    gone = Person.objects.create(  # out of a roster file: there is no record of the year
        code=f"{home.code}-99", household=home, village_code=home.village_code, member_name="早走的", member_state="02", change_kind="02",
        change_date=day,
    )  # fmt: skip
    page = village.get(url).content.decode()
    assert f'name="change_proof-{newcomer}"' in page and f'name="change_proof-{gone.pk}"' in page
    assert f"history/{gone.pk}/" not in page
    assert keep(village, home, **of(gone, **{"": file(photo())})).status_code == 302
    record = proofs_of(gone, acting)
    assert len(record.values["change_proof"]) == 1 and record.parent_id == lead_of(home, acting).pk
    before = datetime.date(2020, 9, 30)  # the day before the period
    Person.objects.filter(pk__in=[newcomer, gone.pk]).update(change_date=before)
    page = village.get(url).content.decode()
    assert f'name="change_proof-{newcomer}"' not in page and f'name="change_proof-{gone.pk}"' in page


def test_papers_are_seen_and_handed_in_by_whom_the_households_pictures_are(
    home: Household, cast: dict[str, User], client_as: ClientAs, acting: Acting, pack: Pack
) -> None:
    person = left(home, cast, acting, pack)
    assert keep(client_as("village"), home, **of(person, **{"": file(photo())})).status_code == 302
    (picture,) = proofs_of(person, acting).values["change_proof"]
    for name, saving in (("county", None), ("township", 302), ("village", 302), ("inspector", 403)):
        client = client_as(name)
        page = client.get(f"/households/{home.pk}/on-site").content.decode()
        assert (picture in page) == (name != "inspector"), name
        assert name != "inspector" or "1 张" in page.split(f'id="m-{person.pk}"')[1].split("</section>")[0]
        assert looked_at(client, f"{picture}/small") == (404 if name == "inspector" else 200), name
        if saving is not None:
            assert keep(client, home, **of(person)).status_code == saving, name
    acting("system")
    far = Household.objects.filter(kind="assisted").exclude(village_code__startswith=home.village_code[:9]).order_by("code")[0]
    stranger = far.persons.filter(member_state="01").first()
    assert stranger is not None
    assert keep(client_as("village"), far, **of(stranger, **{"": file(photo())})).status_code == 404
    for foreign in (str(stranger.pk), "nobody"):
        answer = keep(client_as("village"), home, member=foreign, **{f"change_proof-{foreign}": file(photo())})
        assert answer.status_code == 422 and "不在本户" in answer.content.decode()


def test_what_is_wrong_with_a_paper_is_told_at_its_member(
    home: Household, cast: dict[str, User], client_as: ClientAs, acting: Acting, pack: Pack
) -> None:
    person, village = left(home, cast, acting, pack), client_as("village")
    answer = keep(village, home, photos=file(photo()), **of(person, **{"": file(b"GIF89a")}))
    page = answer.content.decode()
    assert answer.status_code == 422 and "只能上传照片" in page.split(f'id="fault-change_proof-{person.pk}"')[1].split("</div>")[0]
    assert page.count('name="photos.id"') == 1, "the household's are not lost"
    assert keep(client_as("township"), home, photos=file(photo(colour="red"))).status_code == 302
    (theirs,) = lead_of(home, acting).values["photos"]
    answer = keep(village, home, **of(person, **{".id": theirs}))
    assert answer.status_code == 422
    assert "有照片不能用在这里" in answer.content.decode().split(f'id="fault-change_proof-{person.pk}"')[1].split("</div>")[0]
    acting("system")
    Record.objects.filter(pk=lead_of(home, acting).pk).update(state="approved")
    Clue.objects.filter(household=home).update(state="closed")
    page = village.get(f"/households/{home.pk}/on-site").content.decode()
    assert "已审核通过" in page and f'id="m-{person.pk}"' in page and f'name="change_proof-{person.pk}"' not in page
    assert keep(village, home, **of(person, **{"": file(photo())})).status_code == 422


def test_of_two_offers_both_can_be_looked_at_and_the_chosen_one_is_the_records(
    home: Household, cast: dict[str, User], client_as: ClientAs, acting: Acting, pack: Pack
) -> None:
    person = left(home, cast, acting, pack)
    seen = {f"seen-{person.pk}": str(proofs_of(person, acting).version)}
    assert keep(client_as("township"), home, **of(person, **{"": file(photo())}), **seen).status_code == 302
    assert keep(client_as("village"), home, **of(person, **{"": file(photo(colour="red"))}), **seen).status_code == 302
    acting("system")
    conflict = Conflict.objects.get(household=home, name="change_proof")
    record = proofs_of(person, acting)
    assert conflict.target == str(person.pk) and conflict.stored == record.values["change_proof"]
    assert conflict.offered is not None
    (offered,) = conflict.offered
    assert looked_at(client_as("county"), offered) == 200
    assert keep(client_as("township"), home, photos=file(photo(colour="blue"))).status_code == 302
    decide = partial(resolve_conflict, conflict=conflict, pack=pack_of(clock.current().pack), year=2021, by=cast["village"])
    with pytest.raises(SaveFaults):
        decide(choice="other", value=lead_of(home, acting).values["photos"])
    decide(choice="mine", value=None)
    assert proofs_of(person, acting).values["change_proof"] == [offered]
