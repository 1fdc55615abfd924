"""Pictures that records name: which may be named, whose they are, who may see them.

A record's value is the list of their ids. The file itself stays whatever becomes of the value: history still shows what was taken out. Only what no
record ever named goes (`clear`).
"""

import datetime
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from uuid import UUID

from django.db.models import ManyToOneRel, Q
from django.http import Http404

from fangfanpin.accounts.models import User
from fangfanpin.accounts.permissions import can, within_reach
from fangfanpin.accounts.reach import Reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.files.models import StoredFile
from fangfanpin.pack import Form, Indicator, Pack
from fangfanpin.pack.codec import is_file_id
from fangfanpin.records.current_year import year_if_any
from fangfanpin.records.models import Conflict, Record

_PICTURES = StoredFile.objects.filter(purpose=StoredFile.Purpose.PICTURE)


def not_to_be_named(ids: Sequence[str], *, held: Collection[str], record_id: UUID | None, by_id: int) -> list[str]:
    """Of file ids that somebody sends with a record those that are none of its pictures: `held` are in the item now, others must be this record's, or
    this person's and nobody's yet."""
    asked = [one for one in ids if one not in held]
    found = _PICTURES.select_for_update().filter(pk__in=[one for one in asked if is_file_id(one)])  # none is cleared away before it is named
    mine = {str(file.pk) for file in found if (file.owner_id == by_id if file.record_id is None else file.record_id == record_id)}
    return [one for one in asked if one not in mine]


def keep_with(record: Record, form: Form) -> None:
    """The pictures that a stored record names are its own from now on: whoever sees the record sees them."""
    for item in form.indicators:
        ids = record.values.get(item.name) if item.is_picture else None
        if ids:
            keep_ids(record, item, ids)


def keep_ids(record: Record, item: Indicator, ids: Collection[str]) -> None:
    """As `keep_with`, of one item."""
    _PICTURES.filter(pk__in=ids, record_id__isnull=True).update(record_id=record.pk, item=item.key)


def files_of(ids: Iterable[str]) -> Mapping[str, StoredFile]:
    """By id; one query, none for none."""
    wanted = {one for one in ids if is_file_id(one)}
    return {str(file.pk): file for file in _PICTURES.filter(pk__in=wanted)} if wanted else {}


def clear(before: datetime.datetime) -> int:
    """Take out the rows of pictures that were handed in before a moment and never kept with anything; returns how many. Their bytes are nobody's then
    (`files.services.sweep`). Needs the system's reach, else what names them is not seen; without a year in force nothing goes."""
    year = year_if_any()
    if year is None:
        return 0
    # Locked: whoever is naming one of them just now is left alone, or finds it gone.
    old = _PICTURES.select_for_update(skip_locked=True).filter(record_id__isnull=True, created_at__lt=before).order_by()
    ids = {str(pk) for pk in old.values_list("pk", flat=True)}
    if not ids:
        return 0
    ids -= set(_named(sorted(ids), year.pack))
    return StoredFile.objects.filter(pk__in=ids).delete()[0]


def _named(ids: Sequence[str], pack: Pack) -> Iterator[str]:
    """By whatever there is that can name a file: a record's items, both values of a conflict, rows that point to it (clue steps, jobs, imports)."""
    for form in pack.forms.values():
        for item in form.indicators:
            if item.is_picture:
                holding = Record.objects.filter(**{"form": form.key, f"values__{item.name}__has_any_keys": ids})
                for value in holding.values_list(f"values__{item.name}", flat=True):
                    yield from value
    for values in Conflict.objects.filter(Q(offered__has_any_keys=ids) | Q(stored__has_any_keys=ids)).values_list("offered", "stored"):
        for value in values:
            yield from value or ()
    for relation in StoredFile._meta.get_fields(include_hidden=True):
        if isinstance(relation, ManyToOneRel):
            pointing = relation.related_model._base_manager.filter(**{f"{relation.field.name}__in": ids})
            yield from map(str, pointing.values_list(relation.field.attname, flat=True))


def seen_by(user: User, reach: Reach, file_id: UUID) -> StoredFile:
    """A picture for whoever may see the record that it belongs to, its owner where it belongs to none yet. Raises Http404."""
    file = _PICTURES.filter(pk=file_id).first()
    if file is None or (file.record_id is None and file.owner_id != user.pk):
        raise Http404
    if file.record_id is None:
        return file
    record = within_reach(Record.objects.all(), reach, pk=file.record_id)
    year = year_if_any()
    item = year.pack.indicators.get(file.item) if year is not None else None
    is_plain = item is not None and item.privacy == "none"  # of an item that is no more nobody knows how private it was
    if not is_plain and not can(reach, Verb.SENSITIVE_VIEW, record):
        raise Http404
    return file
