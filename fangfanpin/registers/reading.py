"""A row read for people: words instead of codes, sensitive values masked for those without the right."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.accounts.permissions import can
from fangfanpin.accounts.reach import Reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.files.models import StoredFile
from fangfanpin.households.services import histories
from fangfanpin.pack import Indicator, Pack
from fangfanpin.policy.services import item_as_of
from fangfanpin.privacy.secrets import mask_sensitive
from fangfanpin.records.models import Record
from fangfanpin.records.pictures import files_of
from fangfanpin.registers.definitions import Register
from fangfanpin.registers.escaping import list_words
from fangfanpin.registers.mirror import value_of
from fangfanpin.registers.models import Entry
from fangfanpin.registers.references import Words


def say(item: Indicator, value: Any, pack: Pack, words: Words, *, sensitive: bool) -> str:
    """One value in words."""
    if value is None or value == "" or value == []:
        return ""
    if item.type == "ref":
        return words.say(item.ref, value)
    if item.is_picture:  # how many there are says nothing of what they show
        return pack.display(item, value)
    if item.privacy == "sensitive" and not sensitive:
        return mask_sensitive(value, is_phone=item.type == "phone")
    return pack.display(item, value)


def file_text(item: Indicator, value: Any, pack: Pack, words: Words) -> str:
    """One value as a file says it in words, before anything is masked. `words`: with codes behind them."""
    if value is None or value == "" or value == []:
        return ""
    if item.type == "code":
        said = list_words(pack, item.list)
        return "、".join(said.get(code, code) for code in (value if isinstance(value, list) else [value]))
    return words.say(item.ref, value) if item.type == "ref" else pack.display(item, value)


@dataclass(frozen=True, slots=True)
class Cell:
    item: Indicator
    text: str

    @property
    def is_day(self) -> bool:
        return self.item.type in ("date", "month")


def cells(entries: Sequence[Entry], register: Register, pack: Pack, reach: Reach) -> list[tuple[Cell, ...]]:
    """The list's columns of every row; one query per kind of reference."""
    words = Words(reach)
    words.learn((item.ref, entry.record.values.get(item.name)) for entry in entries for item in register.columns if item.type == "ref")
    return [
        tuple(
            Cell(
                item,
                say(item, entry.record.values.get(item.name), pack, words, sensitive=can(reach, Verb.SENSITIVE_VIEW, entry)),
            )
            for item in register.columns
        )
        for entry in entries
    ]


@dataclass(frozen=True, slots=True)
class Line:
    """`pictures`: files to be looked at; none for those who may not."""

    item: Indicator
    called: str
    text: str
    pictures: tuple[StoredFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    title: str
    lines: tuple[Line, ...]


def parts(record: Record, register: Register, pack: Pack, reach: Reach) -> list[Part]:
    """Every item of a row by section, empty ones too: what was not filled must be seen."""
    words, sensitive = Words(reach), can(reach, Verb.SENSITIVE_VIEW, record)
    shown = {item.name: item for item in register.lines}
    values = {name: value_of(record, register, item) for name, item in shown.items()}
    pictures = pictures_of(values, register.lines, sensitive=sensitive)
    found = []
    for section in register.form.sections:
        lines = tuple(
            Line(shown[name], shown[name].label, say(shown[name], values[name], pack, words, sensitive=sensitive), pictures.get(name, ()))
            for name in section.items
            if name in shown
        )
        if lines:
            found.append(Part(section.title, lines))
    if gone := tuple(_gone(record, register, pack, words, sensitive=sensitive)):
        found.append(Part(_("以前的指标"), gone))
    return found


def pictures_of(values: Mapping[str, Any], items: Sequence[Indicator], *, sensitive: bool) -> dict[str, tuple[StoredFile, ...]]:
    """By item the files that somebody may look at."""
    named = {item.name: values.get(item.name) or [] for item in items if item.is_picture and (sensitive or item.privacy == "none")}
    files = files_of(one for ids in named.values() for one in ids)
    return {name: tuple(files[one] for one in ids if one in files) for name, ids in named.items()}


def gone(record: Record, register: Register, pack: Pack, reach: Reach) -> list[Line]:
    """Values of a village's table whose items are no longer asked, as `parts` shows them of other rows."""
    return list(_gone(record, register, pack, Words(reach), sensitive=can(reach, Verb.SENSITIVE_VIEW, record)))


def _gone(record: Record, register: Register, pack: Pack, words: Words, *, sensitive: bool) -> Iterator[Line]:
    """Values of items that are no longer asked: kept, and read as the pack had them that they were written under."""
    for name, value in record.values.items():
        item = register.item(name) or item_as_of(record.pack_hash, f"{register.key}.{name}")
        if value is None or value == "" or item is None or item.privacy == "secret" or not (item.retired or register.item(name) is None):
            continue
        called = _("%(item)s（已停用）") % {"item": item.label}
        yield Line(item, called, say(item, value, pack, words, sensitive=sensitive))


@dataclass(frozen=True, slots=True)
class Changed:
    """One item before and after, in words. `gone`: pictures that were taken out by it; they are still there to be looked at."""

    item: str
    before: str
    after: str
    gone: tuple[StoredFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One change of a row: who, when, and each item before and after. `source`: where it came from, or the act that found values again."""

    at: Any
    by: str
    source: str
    lines: tuple[Changed, ...]


def steps(record: Record, register: Register, pack: Pack, reach: Reach) -> list[Step]:
    """The history of a row, the newest first, from what the database wrote."""
    words, sensitive = Words(reach), can(reach, Verb.SENSITIVE_VIEW, record)
    states = dict(Record.State.choices)
    by_moment: dict[Any, list[Changed]] = {}
    who: dict[Any, tuple[int, str]] = {}
    changes = histories("records_record", record.pk, [*(f"values.{item.name}" for item in register.lines), "state"])
    for item in register.lines:
        for change in changes[f"values.{item.name}"]:
            before, after = (say(item, value, pack, words, sensitive=sensitive) for value in (change.before, change.after))
            gone: tuple[StoredFile, ...] = ()
            if item.is_picture and change.before:
                out = [one for one in change.before if one not in (change.after or ())]
                gone = pictures_of({item.name: out}, [item], sensitive=sensitive).get(item.name, ())
                if out and before == after:
                    after = _("%(count)s（换了 %(n)d 张）") % {"count": after, "n": len(out)}
            if before != after:
                by_moment.setdefault(change.at, []).append(Changed(item.label, before, after, gone))
                who[change.at] = (change.by, change.origin)
    for change in changes["state"]:
        before, after = (str(states.get(value, value or "")) for value in (change.before, change.after))
        by_moment.setdefault(change.at, []).append(Changed(_("状态"), before, after))
        who[change.at] = (change.by, change.source)
    names = _names({by for by, _source in who.values()})
    return [
        Step(moment, names.get(who[moment][0], _("系统")), who[moment][1], tuple(lines))
        for moment, lines in sorted(by_moment.items(), key=lambda pair: pair[0], reverse=True)
    ]


def _names(keys: set[int]) -> Mapping[int, str]:
    return dict(User.objects.filter(pk__in=keys).values_list("pk", "name"))
