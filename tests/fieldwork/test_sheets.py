"""Sheets of the demo county: what is printed for whom, and by whom."""

import json
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import pypdfium2
import pytest
from django.test import Client

from fangfanpin.accounts.reach import Reach
from fangfanpin.campaigns import clock
from fangfanpin.cli import CommandFault
from fangfanpin.fieldwork import commands, handlers
from fangfanpin.fieldwork.models import SheetBatch
from fangfanpin.fieldwork.sheets import household_sections, member_groups, print_sheets, sheet_code, village_sheets, warning
from fangfanpin.files.services import path_of
from fangfanpin.households.models import Household, Person
from fangfanpin.jobs.models import Job
from fangfanpin.jobs.services import JobRefused, Progress
from fangfanpin.papers.sheets import RenderedSheets
from fangfanpin.policy.services import pack_of
from fangfanpin.records.models import Record
from fangfanpin.regions.models import Region

As = Callable[[str], Reach]


def words_of(pdf: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(pdf)
    found = []
    for page in document:
        text = page.get_textpage()
        found.append(text.get_text_bounded())
        text.close()
        page.close()
    document.close()
    return found


def a_village(reach: Reach) -> Region:
    code = Household.objects.visible_to(reach).filter(kind="assisted").values_list("village_code", flat=True).order_by("village_code").first()
    return Region.objects.get(pk=code)


def test_the_sheet_holds_last_years_values_in_words_and_this_years_never(acting: As) -> None:
    reach = acting("township")
    campaign = clock.current()
    pack = pack_of(campaign.pack)
    village = a_village(reach)
    made = village_sheets(village, campaign, pack, reach, version=1)
    sections = household_sections(pack)
    for sheet in made.households:
        household = Household.objects.get(code=sheet.code)
        last = Record.objects.get(form="household_year", year=campaign.year - 1, household=household).values
        for (_section, items), values in zip(sections, sheet.last, strict=True):
            for item, words in zip(items, values, strict=True):
                if item.home != "subject" and item.privacy == "none":
                    assert words == pack.display(item, last.get(item.name)), item.name
                assert words not in pack.words.get(item.list, {}), "a code instead of its word"
    count = sum(len(i) for _s, i in sections) + sum(len(i) for _s, i in member_groups(pack)) + len(made.roster)
    assert count >= 140


def test_households_stand_in_walking_order_with_live_members_only(acting: As) -> None:
    reach = acting("township")
    campaign = clock.current()
    village = a_village(reach)
    gone = Person.objects.visible_to(reach).filter(village_code=village.code, household__kind="assisted", member_state="01").order_by("code").last()
    assert gone is not None
    Person.objects.filter(pk=gone.pk).update(member_state="02")
    made = village_sheets(village, campaign, pack_of(campaign.pack), reach, version=1)
    expected = Household.objects.visible_to(reach).filter(village_code=village.code, kind="assisted", household_state__in=("", "01"))
    assert [h.code for h in made.households] == list(
        expected.order_by("natural_village_code", "walking_order", "code").values_list("code", flat=True)
    )
    sheet = next(h for h in made.households if h.code == gone.household.code)
    assert len(sheet.members) == Person.objects.filter(household=gone.household, member_state="01").count()


def test_secret_numbers_are_masked_and_unprintable_names_are_told(acting: As) -> None:
    reach = acting("township")
    village = a_village(reach)
    household = Household.objects.visible_to(reach).filter(village_code=village.code, kind="assisted").first()
    assert household is not None
    Household.objects.filter(pk=household.pk).update(head_name="张\U000323af")
    _batch, rendered = print_sheets(village=village, campaign=clock.current(), reach=reach, by=None)
    assert rendered.missing == {household.code: "\U000323af"}
    assert household.code in warning(rendered) and "手写" in warning(rendered)
    joined = "".join(words_of(rendered.pdf))
    for person in Person.objects.filter(household__village_code=village.code, household__kind="assisted", member_state="01"):
        if person.id_number_mask:
            assert person.id_number_mask in joined.replace("\r\n", "")


def test_each_printing_has_its_version_and_is_kept_for_the_village(acting: As) -> None:
    reach = acting("township")
    village, campaign = a_village(reach), clock.current()
    first, _ = print_sheets(village=village, campaign=campaign, reach=reach, by=None)
    second, rendered = print_sheets(village=village, campaign=campaign, reach=reach, by=None)
    assert second.version == first.version + 1 and second.pages == rendered.pages == len(words_of(rendered.pdf))
    assert second.file is not None and path_of(second.file).read_bytes() == rendered.pdf and second.file.village_code == village.code


def test_one_household_is_printed_again_alone(acting: As) -> None:
    reach = acting("township")
    village = a_village(reach)
    household = Household.objects.visible_to(reach).filter(village_code=village.code, kind="assisted").first()
    assert household is not None
    batch, rendered = print_sheets(village=village, campaign=clock.current(), reach=reach, by=None, household_id=household.pk)
    assert batch.households == 1 and batch.household_id == household.pk
    found = words_of(rendered.pdf)
    assert len(found) % 2 == 0 and all(household.code in words for words in found) and "清单" not in "".join(found)


def test_the_code_names_household_year_and_version() -> None:
    household = Household(code="x")
    prefix, identity, year, version = sheet_code(household.pk, 2021, 4).split(":")
    assert (prefix, identity.lower(), year, version) == ("FFP1", household.pk.hex, "2021", "4")


def test_a_village_without_households_is_refused_in_words(acting: As) -> None:
    reach = acting("county")
    filled = set(Household.objects.visible_to(reach).values_list("village_code", flat=True))
    empty = next(code for code in reach.villages if code not in filled)
    with pytest.raises(JobRefused, match="没有要采集的农户"):
        print_sheets(village=Region.objects.get(pk=empty), campaign=clock.current(), reach=reach, by=None)


class Silent(Progress):
    def __init__(self) -> None:
        self.reported: list[tuple[int, int]] = []

    def report(self, done: int, total: int, message: str = "") -> None:
        self.reported.append((done, total))


def test_the_job_prints_only_within_its_owners_reach(acting: As) -> None:
    county = acting("county")
    township = acting("township")
    outside = next(code for code in county.villages if code not in township)
    with pytest.raises(JobRefused, match="管辖范围"):
        handlers.sheets(Job(parameters={"village": outside}), township, Silent())
    outcome = handlers.sheets(Job(parameters={"village": a_village(township).code}), township, Silent())
    assert outcome.file is not None and "双面" in outcome.message


def test_printing_is_for_those_who_print_inside_their_reach(client_as: Callable[[str], Client], acting: As) -> None:
    village = a_village(acting("village")).code
    outside = next(code for code in acting("county").villages if code not in acting("village"))
    assert client_as("village").get("/sheets/").status_code == 200
    assert client_as("village").post(f"/sheets/{village}/print").status_code == 302
    assert client_as("village").post(f"/sheets/{outside}/print").status_code == 404
    for name in ("helper", "department", "inspector"):
        assert client_as(name).post(f"/sheets/{village}/print").status_code == 403
    job = Job.objects.filter(kind="fieldwork.sheets").latest("created_at")
    assert job.parameters == {"village": village}


def test_the_last_printing_is_listed_with_its_version(client_as: Callable[[str], Client], acting: As) -> None:
    reach = acting("township")
    batch, _ = print_sheets(village=a_village(reach), campaign=clock.current(), reach=reach, by=None)
    page = client_as("township").get("/sheets/").content.decode()
    assert f"/files/{batch.file_id}" in page


def test_the_command_line_says_what_is_wrong(acting: As, tmp_path: Path) -> None:
    with pytest.raises(CommandFault, match="12 位"):
        commands.COMMANDS["sheets"].run(Namespace(village="34", all=False, out=tmp_path))


def test_the_command_line_prints_a_village(acting: As, tmp_path: Path) -> None:
    village = a_village(acting("township")).code
    answer = commands.COMMANDS["sheets"].run(Namespace(village=village, all=False, out=tmp_path / "out"))
    facts = json.loads(json.dumps(answer.facts))
    assert facts["files"][0]["pages"] % 2 == 0 and Path(facts["files"][0]["file"]).exists()
    assert SheetBatch.objects.filter(village_code=village).exists()


def test_the_message_is_empty_when_every_name_can_be_printed() -> None:
    assert warning(RenderedSheets(b"", 0, {})) == ""
