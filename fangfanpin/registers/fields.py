"""A register's form as the page needs it: one field per item with its kind of input, what stands in it and what is wrong with it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from fangfanpin.accounts.permissions import SignedInRequest
from fangfanpin.accounts.reach import Reach
from fangfanpin.files.models import StoredFile
from fangfanpin.files.pictures import MOST_BYTES, NotAPicture, Upload, drawn, keep
from fangfanpin.households.subjects import initials
from fangfanpin.pack import Indicator, Pack
from fangfanpin.pack.codec import MOST_PICTURES
from fangfanpin.policy.notes import notes_on
from fangfanpin.records.models import Record
from fangfanpin.records.pictures import files_of
from fangfanpin.registers.definitions import Register
from fangfanpin.registers.mirror import value_of
from fangfanpin.registers.references import Choice, Words
from fangfanpin.registers.services import Given, Refused

FEW = 4  # so many words of a list are shown at once


@dataclass(frozen=True, slots=True)
class Field:
    """`kind`: text, lines, number, code, few, many, bool, date, month, year, ref, refs, point, picture, signature. `texts`: what stands in it;
    `chosen`: ids of references with their words; `pictures`: files that are there; `options`: code, word, first letters; `above`: the item whose code
    begins the codes of this one (class and measure)."""

    item: Indicator
    kind: str
    texts: tuple[str, ...]
    chosen: tuple[Choice, ...]
    options: tuple[tuple[str, str, str], ...]
    above: str
    unit: str
    fault: str
    choices: Sequence[Choice]
    within: str
    fixed: bool
    notes: Sequence[str]
    pictures: tuple[StoredFile, ...] = ()
    of: str = ""  # where a page asks one item of several people: whose field it is

    @property
    def name(self) -> str:
        """What its inputs are called."""
        return input_name(self.item, self.of)

    @property
    def text(self) -> str:
        return self.texts[0] if self.texts else ""


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    fields: tuple[Field, ...]


def given_of(register: Register, request: SignedInRequest, *, whose: bool = True) -> dict[str, Given]:
    """What the page sent, by item; without `whose` not the subject, which stays as it is. Pictures are kept at once, whatever becomes of the rest:
    the page that comes back names them."""
    post = request.POST
    return {
        item.name: handed_in(item, request)
        if item.is_picture
        else Given(tuple(text[:600] for text in post.getlist(item.name)), tuple(post.getlist(f"{item.name}.id")))
        for item in register.asked
        if whose or item != register.subject
    }


def input_name(item: Indicator, of: str = "") -> str:
    """What the inputs of an item are called on a page; `of`: whose, where it asks several people."""
    return f"{item.name}-{of}" if of else item.name


def handed_in(item: Indicator, request: SignedInRequest, *, of: str = "") -> Given:
    """Files that stay, and new ones: uploaded, or drawn on the pad. Of an item that holds one the new one takes its place. `of`: see `input_name`."""
    post, name = request.POST, input_name(item, of)
    gone = set(post.getlist(f"{name}.drop"))
    ids = [one for one in dict.fromkeys(post.getlist(f"{name}.id")) if one not in gone]
    wrong = ""
    try:
        uploads = [Upload(file.read(MOST_BYTES + 1), file.name or "") for file in request.FILES.getlist(name)]
        if address := post.get(f"{name}.drawn"):
            uploads.append(drawn(address))
        if item.multi and len(ids) + len(uploads) > MOST_PICTURES:
            raise NotAPicture(_("“%(item)s”最多 %(most)d 张，没有再加。") % {"item": item.label, "most": MOST_PICTURES})
        for upload in uploads:
            ids.append(str(keep(upload, by=request.user, called=item.zh, pdf=item.type == "image").pk))
    except NotAPicture as fault:
        wrong = str(fault)
    return Given(chosen=tuple(ids if item.multi else ids[-1:]), wrong=wrong)


def given_from(record: Record, register: Register, pack: Pack) -> dict[str, Given]:
    """What a row holds, as the page would send it."""
    found = {}
    for item in register.asked:
        value = value_of(record, register, item)
        if item.type == "ref":
            ids = tuple(value) if isinstance(value, list) else (value,) if value else ()
            found[item.name] = Given(chosen=ids)
        elif item.is_picture:
            found[item.name] = Given(chosen=tuple(value or ()))
        elif item.type == "bool":
            found[item.name] = Given(() if value is None else (str(int(value)),))
        elif item.multi or item.type == "code":
            found[item.name] = Given(tuple(value) if isinstance(value, list) else (value,) if value else ())
        else:
            found[item.name] = Given((pack.display(item, value),) if value is not None else ())
    return found


def groups(
    register: Register, pack: Pack, given: Mapping[str, Given], refused: Refused | None, reach: Reach, *, fixed: frozenset[str] = frozenset()
) -> list[Group]:
    """The form by section, the subject first wherever it stands. `fixed`: items that cannot be changed here."""
    words, notes = Words(reach), notes_on(register.key)
    asked = {item.name: item for item in register.asked}
    files = files_of(one for item in register.asked if item.is_picture and item.name in given for one in given[item.name].chosen)
    found = []
    for section in register.form.sections:
        names = [name for name in section.items if name in asked]
        fields = [_field(asked[name], register, pack, given.get(name, Given()), refused, words, name in fixed, notes, files) for name in names]
        fields.sort(key=lambda field: field.item != register.subject)
        if fields:
            found.append(Group(section.title, tuple(fields)))
    found.sort(key=lambda group: not any(field.item == register.subject for field in group.fields))
    return found


def _field(
    item: Indicator,
    register: Register,
    pack: Pack,
    given: Given,
    refused: Refused | None,
    words: Words,
    fixed: bool,
    notes: Mapping[str, Sequence[str]],
    files: Mapping[str, StoredFile],
) -> Field:
    options = tuple(options_of(item, pack)) if item.type == "code" else ()
    over = above(item, register, pack)
    chosen: tuple[Choice, ...] = ()
    if item.type == "ref":
        chosen = tuple(Choice(value, words.say(item.ref, value)) for value in given.chosen if value)
    texts = given.texts
    if item.type == "code":
        texts = tuple(_code(text, pack, item) for text in texts)
    return Field(
        item=item,
        kind=kind_of(item, len(options)),
        texts=texts,
        chosen=chosen,
        options=options,
        above=over.name if over else "",
        unit=item.unit_beside,
        fault=refused.faults.get(item.name, "") if refused else "",
        choices=refused.choices.get(item.name, ()) if refused else (),
        within=register.subject.name if item.ref == "person" and register.subject.ref == "household" else "",
        fixed=fixed,
        notes=notes.get(item.name, ()),
        pictures=tuple(files[one] for one in given.chosen if one in files) if item.is_picture else (),
    )


def options_of(item: Indicator, pack: Pack) -> list[tuple[str, str, str]]:
    """Code, word, first letters (pinyin of the Chinese word) of an item's list."""
    return [(entry.code, entry.word, initials("".join(re.findall(r"\w", entry.zh)))) for entry in pack.lists[item.list]]


def above(item: Indicator, register: Register, pack: Pack) -> Indicator | None:
    """The item whose codes begin every code of this one: 39 产业帮扶 and 3901 种植. Its answer narrows what this one offers."""
    if item.type != "code":
        return None
    codes = [entry.code for entry in pack.lists[item.list]]
    for other in register.asked:
        if other.type == "code" and not other.multi and other.list != item.list:
            classes = tuple(entry.code for entry in pack.lists[other.list])
            if all(code.startswith(classes) and code not in classes for code in codes):
                return other
    return None


def _code(text: str, pack: Pack, item: Indicator) -> str:
    """Words that came as words are shown chosen all the same."""
    return next((entry.code for entry in pack.lists[item.list] if text in (entry.code, entry.zh, entry.en)), text)


def kind_of(item: Indicator, options: int = FEW + 1) -> str:
    """How the item is typed or chosen; `options`: how many words its list has."""
    match item.type:
        case "ref":
            return "refs" if item.multi else "ref"
        case "code":
            return "many" if item.multi else "few" if options <= FEW else "code"
        case "money" | "area_mu" | "decimal" | "int" | "year":
            return "number"
        case "bool" | "date" | "month" | "point" | "signature":
            return item.type
        case "image":
            return "picture"
        case "phone" | "secret_number":
            return "text"
        case _:
            # Text that no list shows is a description: it gets room.
            return "text" if item.marks else "lines"


def filter_kind(item: Indicator) -> str:
    """How a list is narrowed by the item: day and number from … to …, code, bool, or a text."""
    if item.is_number:
        return "number"
    return {"date": "day", "month": "day", "code": "code", "bool": "bool"}.get(item.type, "text")


def states() -> list[tuple[Any, Any]]:
    """States a list can be narrowed to."""
    return [
        (Record.State.SUBMITTED.value, _("待审核")),
        (Record.State.RETURNED.value, Record.State.RETURNED.label),
        (Record.State.APPROVED.value, Record.State.APPROVED.label),
        (Record.State.VOID.value, Record.State.VOID.label),
    ]
