"""A household's file: cover with index, parts on their pages, missing papers named, numbers masked."""

import re
from collections.abc import Callable

import pypdfium2
import pytest
from django.test import Client
from django.utils import timezone

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach, make_reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.archives import handlers
from fangfanpin.archives.filing import household_file
from fangfanpin.campaigns import clock
from fangfanpin.dashboards.transfer import changed_items
from fangfanpin.files.services import path_of
from fangfanpin.households.models import Household
from fangfanpin.jobs.models import Job
from fangfanpin.jobs.services import JobRefused, Outcome, Progress
from fangfanpin.papers.household_file import render_household_file
from fangfanpin.policy.services import pack_of
from fangfanpin.privacy.secrets import decrypt
from fangfanpin.records.models import Record
from fangfanpin.records.units import load_unit

As = Callable[[str], Reach]


class Silent(Progress):
    def __init__(self) -> None:
        self.reported: list[tuple[int, int]] = []

    def report(self, done: int, total: int, message: str = "") -> None:
        self.reported.append((done, total))


def a_household(reach: Reach, *, submitted: bool = True, monitored: bool | None = None) -> Household:
    states = ("submitted", "approved") if submitted else ("empty",)
    leads = Record.objects.visible_to(reach).filter(form="household_year", year=clock.current().year, state__in=states)
    rows = Household.objects.visible_to(reach).filter(pk__in=leads.values("household_id"), member_count__gte=2)
    if monitored is not None:
        rows = rows.exclude(spells=None) if monitored else rows.filter(spells=None)
    found = rows.order_by("code").first()
    assert found is not None
    return found


def make(reach: Reach, by: User, household: Household) -> Outcome:
    return handlers.make(Job(parameters={"household": str(household.pk)}, owner=by), reach, Silent())


def pages(pdf: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(pdf)
    found = []
    for page in document:
        words = page.get_textpage()
        found.append(words.get_text_bounded().replace("\r\n", "\n"))
        words.close()
        page.close()
    document.close()
    return found


def file_of(outcome: Outcome) -> list[str]:
    assert outcome.file is not None
    return pages(path_of(outcome.file).read_bytes())


def test_the_index_names_the_page_each_part_really_begins_on(acting: As, cast: dict[str, User]) -> None:
    reach = acting("county")
    found = file_of(make(reach, cast["county"], a_household(reach, monitored=True)))
    pack = pack_of(clock.current().pack)
    for number, paper in enumerate(pack.archive, 1):
        title = re.escape(paper.title)
        line = re.search(rf"^{number}\s+{title}\s+(.+?)\s+(\d+|—)$", found[0], re.M)
        assert line, paper.title
        if line[2].isdigit() and number > 1:
            assert found[int(line[2]) - 1].splitlines()[1].strip() == paper.title or paper.title in found[int(line[2]) - 1]
        if line[2] == "—":
            assert line[1].startswith("缺：") and paper.title in found[0].split("缺少的材料")[1].replace("\n", "")
    for number, words in enumerate(found, 1):
        assert f"第 {number} 页" in words and f"共 {len(found)} 页" in words


def test_missing_papers_are_named_in_the_message_and_on_the_cover(acting: As, cast: dict[str, User]) -> None:
    reach = acting("county")
    outcome = make(reach, cast["county"], a_household(reach, submitted=False, monitored=False))
    assert "信息采集表（本年度对照表）" in outcome.result["missing"] and "扶贫手册" in outcome.message
    assert "今年还没有提交" in file_of(outcome)[0]


def test_an_ordinary_household_has_no_papers_of_a_monitored_one(acting: As, cast: dict[str, User]) -> None:
    reach = acting("county")
    cover = file_of(make(reach, cast["county"], a_household(reach, monitored=False)))[0]
    assert "申请及承诺授权书" not in cover and "收入核算表" in cover


def test_last_year_stands_beside_this_year_in_words(acting: As, cast: dict[str, User]) -> None:
    reach = acting("county")
    household = a_household(reach)
    campaign = clock.current()
    unit = load_unit(household, campaign.year)
    lead, last = unit.records["household"], unit.last["household"]
    text = "\n".join(file_of(make(reach, cast["county"], household)))
    pack = pack_of(campaign.pack)
    for name in ("wage_income", "road_type", "housing_area_m2"):
        indicator = pack.indicators[f"household_year.{name}"]
        before, now = pack.display(indicator, last.values.get(name)), pack.display(indicator, lead.values.get(name))
        assert re.search(rf"{re.escape(indicator.zh)}\s+{re.escape(before)}\s+{re.escape(now)}", text), name


def test_no_whole_number_is_printed(acting: As, cast: dict[str, User]) -> None:
    reach = acting("county")
    household = a_household(reach)
    text = "".join(file_of(make(reach, cast["county"], household))).replace("\n", "")
    whole = [decrypt(p.id_number_secret) for p in household.persons.all()] + [decrypt(household.bank_card_secret)]
    assert any(whole) and not [number for number in whole if number and number in text]
    assert all(p.id_number_mask in text for p in household.persons.all() if p.id_number_mask)


def test_a_masked_number_stays_within_its_cell(acting: As) -> None:
    reach = acting("county")
    campaign = clock.current()
    unit = load_unit(a_household(reach), campaign.year)
    mask = unit.persons[0].id_number_mask = "340323" + "*" * 12 + "0142"  # as long as a disability card's
    document = pypdfium2.PdfDocument(render_household_file(household_file(unit, pack_of(campaign.pack), sensitive=True, by="")))
    edges = []
    for page in document:
        words = page.get_textpage()
        if (found := words.search(mask).get_next()) is not None:
            edges.append(words.get_charbox(found[0] + len(mask) - 1)[2])
        words.close()
        page.close()
    document.close()
    cell_ends = (20 + 170 * 62 / 80) / 25.4 * 72  # the four columns before the last take 62 of 80 shares
    assert edges and edges[0] < cell_ends  # the table of members comes before each one's own


def test_the_state_of_a_day_is_said_in_the_order_of_the_paper(acting: As, client_as: Callable[[str], Client]) -> None:
    household = a_household(acting("village"))
    today = timezone.localdate().isoformat()
    page = client_as("village").get(f"/households/{household.pk}/as-of?day={today}").content.decode()
    assert re.search(rf'lead-sentence">{today} 当天结束时', page)
    pack = pack_of(clock.current().pack)
    shown = re.findall(r'<th scope="row">(.+?)</th>', page.split("card-title", 2)[1])
    labels = [pack.indicators[f"household_year.{name}"].label for section in pack.forms["household_year"].sections for name in section.items]
    assert len(shown) > 20 and shown == [label for label in labels if label in shown]


def test_sensitive_values_are_masked_for_those_without_the_right(acting: As) -> None:
    reach = acting("county")
    household = a_household(reach)
    campaign = clock.current()
    unit, pack = load_unit(household, campaign.year), pack_of(campaign.pack)
    phone = unit.records["household"].values["household_phone"]
    shown = "".join(pages(render_household_file(household_file(unit, pack, sensitive=True, by=""))))
    hidden = "".join(pages(render_household_file(household_file(unit, pack, sensitive=False, by=""))))
    assert phone in shown and phone not in hidden


def test_where_a_member_works_is_said_in_words_everywhere(acting: As, client_as: Callable[[str], Client]) -> None:
    """Only this county is loaded down to its villages; who works elsewhere is read by name all the same."""
    reach = acting("county")
    household = a_household(reach)
    campaign = clock.current()
    unit, pack = load_unit(household, campaign.year), pack_of(campaign.pack)
    target = str(unit.live()[0].id)
    record, last = unit.records[target], Record.objects.get(form="person_year", year=unit.year - 1, subject_id=target)
    for row, code in ((last, "340111"), (record, "330110"), (record, "310115")):
        row.values["work_place_code"] = code
        row.save()
    unit = load_unit(household, campaign.year)
    after, before = "上海市浦东新区", "合肥市包河区"

    def no_code(text: str) -> bool:
        return not re.search(r"(?<![0-9a-f-])(310115|330110|340111)(?![0-9a-f-])", text)

    client = client_as("county")
    page = client.get(f"/households/{household.pk}/").content.decode()
    assert after in page and before in page and no_code(page)
    history = client.get(f"/households/{household.pk}/history/{target}/work_place_code").content.decode()
    assert after in history and "杭州市余杭区" in history and no_code(history)
    printed = "".join(pages(render_household_file(household_file(unit, pack, sensitive=True, by=""))))
    assert after in printed and before in printed and no_code(printed)
    told = {item.zh: (item.before, item.after) for item in changed_items(unit, pack)}
    assert told["务工所在地"] == (before, after)


def test_a_section_is_called_unchanged_only_while_nothing_in_it_changed(acting: As, client_as: Callable[[str], Client]) -> None:
    reach = acting("village")
    household = a_household(reach)
    unit = load_unit(household, clock.current().year)
    record, last = unit.records["household"], Record.objects.get(form="household_year", year=unit.year - 1, subject_id=household.pk)
    last.values.update(safe_water=None, road_type="01")
    record.values.update(last.values)
    record.ticks = {"living": {"by": 1, "at": "2021-11-10T09:00:00+08:00"}}
    last.save()
    record.save()
    client = client_as("village")
    assert "已核对无变化" in client.get(f"/households/{household.pk}/").content.decode()
    record.values["road_type"] = "03"
    record.save()
    page = client.get(f"/households/{household.pk}/").content.decode()
    assert "已核对无变化" not in page and ">已核对<" in page


def test_the_file_belongs_to_the_household_and_opens_for_those_who_reach_it(
    acting: As, cast: dict[str, User], client_as: Callable[[str], Client]
) -> None:
    reach = acting("village")
    outcome = make(reach, cast["village"], a_household(reach))
    assert outcome.file is not None and outcome.file.household_id is not None
    assert outcome.file.purpose == "household_file" and outcome.file.name.startswith("一户一档-")
    for name in ("department", "admin", "inspector", "auditor"):
        assert client_as(name).get(f"/files/{outcome.file.pk}").status_code == 404, f"{name} may not see sensitive values"
    for name in ("village", "township"):
        assert client_as(name).get(f"/files/{outcome.file.pk}").getvalue()[:4] == b"%PDF"


def test_outside_the_reach_the_job_is_refused(acting: As, cast: dict[str, User]) -> None:
    county, village = acting("county"), acting("village")
    outside = Household.objects.visible_to(acting("county")).exclude(village_code__in=village.villages).first()
    assert outside is not None and county
    acting("village")
    with pytest.raises(JobRefused, match="管辖范围"):
        make(village, cast["village"], outside)
    inside = a_household(acting("village"))
    blind = make_reach(
        village.user_id, villages=village.villages, scopes=[type(s)(s.role, s.prefix, s.verbs - {Verb.SHEET_PRINT}, False) for s in village.scopes]
    )
    with pytest.raises(JobRefused):
        make(blind, cast["village"], inside)


def test_the_button_queues_the_file_within_reach_only(acting: As, client_as: Callable[[str], Client]) -> None:
    village = acting("village")
    inside = a_household(village)
    outside = Household.objects.visible_to(acting("county")).exclude(village_code__in=village.villages).first()
    assert outside is not None
    assert client_as("village").post(f"/households/{inside.pk}/file").status_code == 302
    assert client_as("village").post(f"/households/{outside.pk}/file").status_code == 404
    assert client_as("inspector").post(f"/households/{inside.pk}/file").status_code == 403
    assert Job.objects.filter(kind="archives.household_file").count() == 1
