"""Pages speak the language of who reads: the pack's words too; what is stored stays Chinese."""

import re
from collections.abc import Callable

from django.test import Client
from django.utils import translation

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach
from fangfanpin.campaigns import clock
from fangfanpin.households.models import Household
from fangfanpin.jobs.models import Job
from fangfanpin.policy.services import pack_of, spoken
from fangfanpin.quality import messages, queries
from fangfanpin.quality.models import Clue
from fangfanpin.quality.recheck import must_be_corrected
from fangfanpin.records.models import Record
from fangfanpin.records.units import load_unit

ENGLISH = {"Accept-Language": "en-GB,en;q=0.9"}
CHINESE = re.compile("[\u4e00-\u9fff]")


def test_a_household_is_described_in_the_language_of_who_reads(client_as: Callable[[str], Client], acting: Callable[[str], Reach]) -> None:
    household = Household.objects.visible_to(acting("village")).filter(kind="assisted").order_by("code").first()
    assert household is not None
    client, url = client_as("village"), f"/households/{household.pk}/"
    english, chinese = client.get(url, headers=ENGLISH).content.decode(), client.get(url).content.decode()
    for word in (
        "Income and expenses",
        "Home address",
        "head of household",
        "Cover and contents",
    ):
        assert word in english
        assert word not in chinese
    for word in ("家庭收入支出", "家庭住址", "本人或户主"):
        assert word in chinese
        assert word not in english


def test_stages_roles_and_the_years_title_are_said_in_english(client_as: Callable[[str], Client]) -> None:
    client = client_as("village")
    home = client.get("/", headers=ENGLISH).content.decode()
    assert "Poverty-relapse monitoring and collection 2021, Guzhen County" in home
    assert "Visits and village forms" in home and "入户采集和村表" not in home
    me = client.get("/me/", headers=ENGLISH, follow=True).content.decode()
    assert "Village information officer" in me and "村信息员 " not in me
    assert "村信息员" in client.get("/me/", follow=True).content.decode()


def test_a_clue_is_kept_in_chinese_and_told_in_english(acting: Callable[[str], Reach], cast: dict[str, User]) -> None:
    acting("system")
    campaign = clock.current()
    pack = pack_of(campaign.pack)
    rule = next(rule for rule in pack.rules if rule.id == "H007")
    used = {"household_size": 5, "members_live": 4}
    clue = Clue(rule_id=rule.id, message=messages.render(rule, used, pack), used=used, where_to_look=rule.where)
    assert clue.message == "家庭人口数填 5 人，在户成员 4 人"
    with translation.override("en"):
        said = spoken(pack)
        rules = {rule.id: rule for rule in said.rules}
        assert queries.sentence(clue, rules, said, sensitive=True) == "Household size is 5, members living here are 4"
        assert queries.where_to_look(clue, rules, said) == "Check the members one by one"
        assert [line.item for line in messages.used_values(rules["H007"], used, said, sensitive=True)] == ["Household size", "Members living here"]
        # What a save writes down is rendered with the pack itself, whoever's language is spoken at the moment.
        assert messages.render(rule, used, pack) == clue.message
    assert queries.sentence(clue, {rule.id: rule}, pack, sensitive=True) == clue.message


def test_what_must_be_corrected_is_told_in_english(acting: Callable[[str], Reach]) -> None:
    acting("system")
    campaign = clock.current()
    pack = pack_of(campaign.pack)
    lead = Record.objects.filter(form="household_year", year=campaign.year, state="submitted").select_related("household").order_by("pk").first()
    assert lead is not None and lead.household is not None
    Record.objects.filter(pk=lead.pk).update(values={**lead.values, "safe_water": None})
    with translation.override("en"):
        told = [fault.message for fault in must_be_corrected(load_unit(lead.household, campaign.year), pack)]
    assert "Safe drinking water is not filled in. Look in the household" in told
    assert "是否解决安全饮用水没有填。入户看" in [fault.message for fault in must_be_corrected(load_unit(lead.household, campaign.year), pack)]


def test_what_a_failed_job_says_is_told_in_english(cast: dict[str, User]) -> None:
    job = Job(kind="x", title="x", message="系统出错，这项工作没有做，数据没有改动。请再试一次；仍不行请把任务编号告诉管理员。")
    counted = Job(kind="x", title="x", message="共 3 户")
    with translation.override("en"):
        assert job.spoken_message.startswith("System error: the job was not done")
        assert (counted.spoken_message, Job(kind="x", title="x").spoken_message) == ("共 3 户", "")
    assert job.spoken_message == job.message
