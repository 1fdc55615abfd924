"""Ask, answer, ask again; an answer that holds for everybody becomes a note on the indicator."""

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.accounts.permissions import can
from fangfanpin.accounts.reach import Reach, set_act
from fangfanpin.accounts.verbs import Verb
from fangfanpin.households.models import Household
from fangfanpin.pack import Pack
from fangfanpin.quality.models import Clue
from fangfanpin.questions.models import Question, Reply
from fangfanpin.records.models import Record
from fangfanpin.regions.holding import hold

SHORTEST, LONGEST = 5, 1000


class QuestionRefused(Exception):
    """Nothing was stored; the message says what to do."""


@dataclass(frozen=True, slots=True)
class About:
    """Where a question is asked: one of the three, fetched within reach."""

    household: Household | None = None
    record: Record | None = None
    clue: Clue | None = None

    @property
    def home(self) -> Household | None:
        """The household that it is about, if any."""
        if self.clue is not None:
            return self.clue.household
        return self.record.household if self.record is not None else self.household

    @property
    def place(self) -> Clue | Record | Household:
        place = self.clue or self.record or self.household
        assert place is not None
        return place

    @property
    def village_code(self) -> str:
        return self.place.village_code


def _checked(text: str) -> str:
    text = text.strip()
    if len(text) < SHORTEST:
        raise QuestionRefused(_("请把问题写清楚（至少 %(least)d 个字）。") % {"least": SHORTEST})
    if len(text) > LONGEST:
        raise QuestionRefused(_("写得太长了，请不超过 %(most)d 个字。") % {"most": LONGEST})
    return text


@transaction.atomic
def ask(*, question_id: UUID, about: About, item: str, text: str, pack: Pack, by: User) -> Question:
    """One question. The same page sent twice asks once. Raises QuestionRefused."""
    known = Question.objects.filter(pk=question_id, asked_by=by).first()
    if known is not None:
        return known
    text = _checked(text)
    if item and item not in pack.indicators:
        raise QuestionRefused(_("指标库里没有选中的指标，请重新选择。"))
    hold([about.village_code])
    about.place.refresh_from_db(fields=["village_code"])
    set_act("question.ask")
    return Question.objects.create(
        id=question_id, household=about.home, record=about.record, clue=about.clue, village_code=about.village_code, item=item, text=text, asked_by=by
    )


@transaction.atomic
def reply(*, question: Question, text: str, by: User, reach: Reach) -> Reply:
    """The county answers; anybody else who works there adds a word, which asks again. Raises QuestionRefused."""
    text = _checked(text)
    hold([question.village_code])
    question = Question.objects.select_for_update().get(pk=question.pk)
    is_answer = can(reach, Verb.QUESTION_ANSWER, question)
    if not is_answer and not can(reach, Verb.RECORD_ENTER, question):
        raise QuestionRefused(_("您的岗位不能在这里回复。"))
    last = question.replies.order_by("-at").first()
    if last is not None and last.by_id == by.pk and last.text == text:
        return last  # the button pressed twice
    set_act("question.answer" if is_answer else "question.ask_again")
    made = Reply.objects.create(
        question=question, household_id=question.household_id, village_code=question.village_code, is_answer=is_answer, text=text, by=by
    )
    question.state = Question.State.ANSWERED if is_answer else Question.State.ASKED
    question.is_answer_seen = not is_answer or question.asked_by_id == by.pk
    question.save(update_fields=["state", "is_answer_seen", "changed_at"])
    return made


def seen(question: Question, by: User) -> None:
    """Who asked has opened the answer: it is no longer on their start page."""
    if question.asked_by_id == by.pk and not question.is_answer_seen:
        set_act("question.seen")
        question.is_answer_seen = True
        question.save(update_fields=["is_answer_seen"])
