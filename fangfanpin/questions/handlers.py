"""The list of questions as Excel."""

from collections.abc import Iterator, Mapping
from typing import Any

from fangfanpin.accounts.reach import Reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.jobs.exports import Column, Table, export_list
from fangfanpin.policy.services import spoken
from fangfanpin.questions.models import Question
from fangfanpin.questions.queries import Chosen
from fangfanpin.questions.queries import questions as found
from fangfanpin.records.current_year import current_year
from fangfanpin.regions.names import name_of


@export_list("questions", "提问和答复", Verb.HOUSEHOLD_VIEW, parameters=("state", "place", "item", "q"))
def questions(reach: Reach, given: Mapping[str, str]) -> Table:
    chosen = Chosen.of(given)
    pack = spoken(current_year().pack)
    rows = found(reach, chosen)

    def lines() -> Iterator[list[Any]]:
        for row in rows.prefetch_related("replies__by").iterator(chunk_size=500):
            item = pack.indicators.get(row.item)
            answers = [f"{one.by.name}：{one.text}" for one in row.replies.all()]
            head, code = (row.household.head_name, row.household.code) if row.household else ("", "")
            words = [name_of(row.village_code), head, code, item.label if item else row.item, row.text, Question.State(row.state).label]
            yield [*map(str, words), row.asked_by.name, row.asked_at, "\n".join(answers)]

    titles = ("村", "户主", "户编号", "指标", "问题", "状态", "提问人")
    columns = [Column(title, width=40 if title == "问题" else 14) for title in titles]
    return Table([*columns, Column("提问时间", "time"), Column("答复", width=60)], lines(), rows.count())
