"""A dictionary changes between years: items are renamed, codes are replaced. What was written before is read in today's words.

`renamed.csv`: since, form, name, was. `recoded.csv`: since, list, code, was. `since` is the form year from which the new one is used: a
value of an earlier year is brought over, step by step where it changed more than once. Stored values stay as they were written.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fangfanpin.pack.files import Row
from fangfanpin.pack.indicators import Indicator, ListItem
from fangfanpin.pack.source import Source

RENAMED_COLUMNS = ("since", "form", "name", "was")
RECODED_COLUMNS = ("since", "list", "code", "was")


@dataclass(frozen=True, slots=True)
class Succession:
    """`items`: (since, form, was, name); `codes`: (since, list, was, code). In the order of their years."""

    items: tuple[tuple[int, str, str, str], ...] = ()
    codes: tuple[tuple[int, str, str, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.items or self.codes)

    def names(self, form: str, year: int) -> dict[str, str]:
        """{name in that year: name today} of the items of a form that were renamed since."""
        found: dict[str, str] = {}
        for since, in_form, was, name in self.items:
            if in_form == form and since > year:
                found = {old: name if now == was else now for old, now in found.items()} | {was: name}
        return found

    def recoded(self, list_name: str, year: int) -> dict[str, str]:
        """{code in that year: code today} of a list; a code that later rows change again ends at the last."""
        found: dict[str, str] = {}
        for since in sorted({row[0] for row in self.codes if row[0] > year}):
            step = {was: code for at, in_list, was, code in self.codes if at == since and in_list == list_name}
            found = {old: step.get(now, now) for old, now in found.items()} | {was: code for was, code in step.items() if was not in found}
        return found

    def brought(self, form: str, values: dict[str, Any], year: int, indicators: Mapping[str, Indicator]) -> dict[str, Any]:
        """Values in JSON form as written in a year → under today's names and codes; what needs nothing is given back as it is."""
        if not self:
            return values
        names = self.names(form, year)
        found: dict[str, Any] = {}
        for was, value in values.items():
            name = names.get(was, was)
            item = indicators.get(f"{form}.{name}")
            if item is not None and item.list and value is not None:
                codes = self.recoded(item.list, year)
                value = sorted({codes.get(one, one) for one in value}) if isinstance(value, list) else codes.get(value, value)
            if found.get(name) is None or was == name:
                found[name] = value if value is not None else found.get(name)  # under both names: the newer, unless it was left empty
        return found


def read_succession(source: Source, indicators: Mapping[str, Indicator], lists: Mapping[str, tuple[ListItem, ...]], form_year: int) -> Succession:
    """Both files over the chain; every fault with its line."""
    items, codes = [], []
    for row in source.rows("renamed.csv", RENAMED_COLUMNS):
        if (since := _since(source, row, form_year)) is None:
            continue
        if f"{row['form']}.{row['name']}" not in indicators:
            source.reader.fault(row.file, row.line, f"没有指标“{row['form']}.{row['name']}”", f"unknown item {row['form']}.{row['name']}")
        elif row["was"] == row["name"] or not row["was"]:
            source.reader.fault(row.file, row.line, "was 要是以前的名称，和现在的不同", "was must be another name")
        elif (old := indicators.get(f"{row['form']}.{row['was']}")) is not None and not old.retired:
            source.reader.fault(row.file, row.line, f"“{row['was']}”还在问，不是以前的名称", f"{row['was']} is still asked")
        else:
            items.append((since, row["form"], row["was"], row["name"]))
    for row in source.rows("recoded.csv", RECODED_COLUMNS):
        if (since := _since(source, row, form_year)) is None:
            continue
        if row["list"] not in lists:
            source.reader.fault(row.file, row.line, f"没有清单“{row['list']}”", f"unknown list {row['list']}")
        elif row["code"] not in {item.code for item in lists[row["list"]]}:
            source.reader.fault(row.file, row.line, f"清单“{row['list']}”里没有代码“{row['code']}”", f"no code {row['code']} in {row['list']}")
        elif not row["was"] or row["was"] == row["code"]:
            source.reader.fault(row.file, row.line, "was 要是以前的代码，和现在的不同", "was must be another code")
        else:
            codes.append((since, row["list"], row["was"], row["code"]))
    _once(source, "renamed.csv", items)
    _once(source, "recoded.csv", codes)
    return Succession(tuple(sorted(items)), tuple(sorted(codes)))


def _since(source: Source, row: Row, form_year: int) -> int | None:
    if row["since"].isdigit() and 2000 < int(row["since"]) <= form_year:
        return int(row["since"])
    source.reader.fault(row.file, row.line, f"since 要是从哪一年起（不晚于 {form_year}），不是“{row['since']}”", "since is a form year")
    return None


def _once(source: Source, name: str, rows: Iterable[tuple[int, str, str, str]]) -> None:
    """What was is one thing only, or nobody knows which is meant."""
    seen: dict[tuple[int, str, str], str] = {}
    for since, place, was, now in rows:
        if seen.setdefault((since, place, was), now) != now:
            source.wrong(
                source.chain[-1] / name, (was,), f"“{was}”在 {since} 年改成了两样：{seen[since, place, was]}、{now}", f"{was} became two things"
            )
