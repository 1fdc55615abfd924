"""Questions in reach: filters, search in what was asked and answered, keyset pages."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from fangfanpin.accounts.reach import Reach
from fangfanpin.questions.models import Question, Reply
from fangfanpin.web.paging import cut

PAGE = 30
MINE = "mine"


@dataclass(frozen=True, slots=True)
class Chosen:
    """`state`: a state, `mine`, or empty for all; `item`: form.name."""

    state: str = ""
    place: str = ""
    item: str = ""
    q: str = ""

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "Chosen":
        state, place = given.get("state", ""), given.get("place", "")
        return cls(
            state if state in (*Question.State.values, MINE) else "",
            place if place.isdigit() else "",
            given.get("item", "")[:120],
            given.get("q", "").strip()[:60],
        )

    def as_query(self) -> dict[str, str]:
        return {name: value for name in ("state", "place", "item", "q") if (value := getattr(self, name))}


def questions(reach: Reach, chosen: Chosen) -> QuerySet[Question, Question]:
    """Newest first. A word is looked for in the question, its answers and the head's name."""
    rows = Question.objects.visible_to(reach)
    if chosen.state == MINE:
        rows = rows.filter(asked_by_id=reach.user_id)
    elif chosen.state:
        rows = rows.filter(state=chosen.state)
    if chosen.place:
        rows = rows.filter(village_code__startswith=chosen.place)
    if chosen.item:
        rows = rows.filter(item=chosen.item)
    if chosen.q:
        said = Reply.objects.visible_to(reach).filter(question=OuterRef("pk"), text__contains=chosen.q)
        rows = rows.filter(Q(text__contains=chosen.q) | Q(household__head_name=chosen.q) | Q(household__code=chosen.q) | Exists(said))
    return rows.select_related("household", "record__entry", "clue", "asked_by").order_by("-asked_at", "id")


def page(rows: QuerySet[Question, Question], cursor: str, *, size: int = PAGE) -> tuple[list[Question], str]:
    """One keyset page and the cursor of the next ('' at the end)."""
    at, _tilde, key = cursor.partition("~")
    if key:
        try:
            moment = datetime.fromisoformat(at)
        except ValueError:
            return [], ""
        rows = rows.filter(Q(asked_at__lt=moment) | Q(asked_at=moment, id__gt=key))
    return cut(rows, size, lambda row: f"{row.asked_at.isoformat()}~{row.pk}")
