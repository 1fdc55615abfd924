"""Notes on indicators (口径说明): how the county reads an item, beside the item wherever it is asked."""

from collections.abc import Mapping, Sequence

from django.utils import timezone

from fangfanpin.accounts.models import User
from fangfanpin.pack import Pack
from fangfanpin.policy.models import IndicatorNote

LONGEST = 500


def notes_on(form: str = "") -> Mapping[str, Sequence[str]]:
    """{item name: notes in force} of one form; without a form {form.name: notes}."""
    rows = IndicatorNote.objects.filter(withdrawn_at=None)
    if form:
        rows = rows.filter(item__startswith=f"{form}.")
    found: dict[str, list[str]] = {}
    for item, text in rows.values_list("item", "text"):
        found.setdefault(item.removeprefix(f"{form}.") if form else item, []).append(text)
    return found


def write_note(*, item: str, text: str, pack: Pack, by: User) -> IndicatorNote:
    """Raises ValueError where the pack has no such item or the text is empty or too long."""
    text = text.strip()
    if item not in pack.indicators or not text or len(text) > LONGEST:
        raise ValueError(item)
    return IndicatorNote.objects.create(item=item, text=text, by=by)


def withdraw_note(*, note: IndicatorNote, by: User) -> None:
    """It is no longer shown and stays readable. Twice changes nothing."""
    IndicatorNote.objects.filter(pk=note.pk, withdrawn_at=None).update(withdrawn_at=timezone.now(), withdrawn_by=by)
