"""A village's table as a paper for signature: filled from the system, or blank with last year's values beside."""

from django.utils import timezone, translation

from fangfanpin.accounts.permissions import can
from fangfanpin.accounts.reach import Reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.pack import Indicator, Pack
from fangfanpin.papers.village_table import TablePart, TableRow, VillageTable, render_village_table
from fangfanpin.policy.periods import sentence, window
from fangfanpin.records.models import Record
from fangfanpin.regions.names import name_of
from fangfanpin.registers import yearly
from fangfanpin.registers.definitions import Register
from fangfanpin.registers.mirror import place_of
from fangfanpin.registers.reading import say
from fangfanpin.registers.references import Words

_UNVERIFIED = "△ 这一项的依据还没有找到，须由县里确认后再使用。"


def paper_of(record: Record, register: Register, pack: Pack, reach: Reach) -> bytes:
    """PDF of the table as it stands. In Chinese, whoever prints it: it is filed."""
    return _render(record, register, pack, reach, is_blank=False)


def blank_of(record: Record, register: Register, pack: Pack, reach: Reach) -> bytes:
    """PDF with last year's values and, of this year, only what the system finds itself."""
    return _render(record, register, pack, reach, is_blank=True)


def _render(record: Record, register: Register, pack: Pack, reach: Reach, *, is_blank: bool) -> bytes:
    with translation.override("zh-hans"):
        return render_village_table(_table(record, register, pack, reach, is_blank=is_blank))


def _table(record: Record, register: Register, pack: Pack, reach: Reach, *, is_blank: bool) -> VillageTable:
    words, sensitive = Words(reach), can(reach, Verb.SENSITIVE_VIEW, record)
    last = yearly.last_of(record)
    # What no other document states takes no line, and nobody is asked to write it in.
    unsaid = {item.name for _computed, item in register.stated if is_blank or record.values.get(item.name) is None}
    shown = {item.name: item for item in register.lines if item.name not in unsaid}

    def row(item: Indicator) -> TableRow:
        before = last.values.get(item.name) if last else None
        value = None if is_blank and item.home != "computed" else record.values.get(item.name)
        return TableRow(
            label=item.zh,
            unit=item.unit_beside,
            asks=window(pack, item.kind),
            last=say(item, before, pack, words, sensitive=sensitive),
            now=say(item, value, pack, words, sensitive=sensitive),
            is_computed=item.home == "computed",
            is_unverified=not item.verified,
        )

    parts = [TablePart(section.title, tuple(row(shown[name]) for name in section.items if name in shown)) for section in register.form.sections]
    is_natural = register.form.subject == "natural_village"
    return VillageTable(
        title=f"{register.title}表",
        county=name_of(record.village_code[:6]),
        township=name_of(record.village_code[:9]),
        village=name_of(record.village_code) if is_natural else place_of(record),
        place=place_of(record),
        code=record.subject_code,
        year=record.year,
        period=sentence(pack),
        parts=tuple(part for part in parts if part.rows),
        is_blank=is_blank,
        signers=("小组长签字", "村信息员签字", "村负责人签字") if is_natural else ("村信息员签字", "村负责人签字", "乡镇审核人签字"),
        note=_UNVERIFIED if any(one.is_unverified for part in parts for one in part.rows) else "",
        pack=pack.id,
        printed_on=f"{timezone.localdate():%Y-%m-%d}",
    )
