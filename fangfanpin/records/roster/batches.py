"""A roster file as somebody looks at it afterwards: whose it is to open, and where it and the registry differ."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from fangfanpin.accounts.permissions import can
from fangfanpin.accounts.reach import Reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.pack import Pack
from fangfanpin.privacy.secrets import mask_sensitive
from fangfanpin.records.models import ImportBatch, ImportDifference
from fangfanpin.records.workbooks.batches import ROSTER
from fangfanpin.records.workbooks.pages import may_open
from fangfanpin.regions.names import place_of


def open_batch(batch_id: UUID, reach: Reach) -> ImportBatch | None:
    """The file, or None whether there is none or it is not this person's to open."""
    found = ImportBatch.objects.select_related("file", "marked_file", "uploaded_by").filter(pk=batch_id, layout=ROSTER).first()
    return found if found is not None and may_open(found, reach, Verb.IMPORT_ROSTER) else None


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference in words. `is_missing`: the file has not got this member."""

    row: ImportDifference
    item: str
    stored: str
    offered: str
    is_missing: bool


def difference(row: ImportDifference, pack: Pack | None, reach: Reach) -> Difference:
    """As it is shown to this person: secret numbers lie masked in the row, sensitive values are masked for those without the right."""
    indicator = pack.indicators.get(f"{row.form}.{row.name}") if pack is not None else None
    sensitive = not reach.scopes or can(reach, Verb.SENSITIVE_VIEW, row)

    def words(value: Any) -> str:
        if value is None or value == "" or value == []:
            return ""
        if pack is None or indicator is None or indicator.privacy == "secret":
            return str(value)
        if indicator.privacy == "sensitive" and not sensitive:
            return mask_sensitive(value, is_phone=indicator.type == "phone")
        return place_of(str(value)) if indicator.type == "ref" and indicator.kind != "admin" else pack.display(indicator, value)

    is_missing = row.name == "member_state" and row.offered is None
    offered = _("文件里没有这位成员") if is_missing else words(row.offered)
    return Difference(row, indicator.label if indicator is not None else row.name, words(row.stored), offered, is_missing)
