"""The side of bench/registers.py that works in the database: rows drawn in it, a file written, taken in, taken back, made. Imported where Django
is set up."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import xlsxwriter
from django.conf import settings
from django.db import connection, transaction
from psycopg import sql

from bench.memory import most_held
from fangfanpin.accounts.reach import set_act, set_database_reach, system_reach
from fangfanpin.households.models import Household
from fangfanpin.pack import Pack
from fangfanpin.records.current_year import current_year
from fangfanpin.records.models import Record
from fangfanpin.records.workbooks.batches import take_in
from fangfanpin.records.workbooks.copying import contents, insert, json_maker, objects, ordered_ids
from fangfanpin.records.workbooks.reading import sniff
from fangfanpin.registers.bulk import write_entries, write_links
from fangfanpin.registers.definitions import Register, register_of
from fangfanpin.registers.exporting import Wish, make
from fangfanpin.registers.workbooks.columns import HOUSEHOLD, Headers, Parsers
from fangfanpin.registers.workbooks.services import apply_batch, check_batch, receive
from fangfanpin.registers.workbooks.taking_back import take_back
from fangfanpin.runtime.postgres import read_urls

FORM, IMPORTED = "microcredit", "measure"
# Twenty columns: four say whose row it is, two its state and number.
COLUMNS = (
    "borrower_person", "bank", "contract_no", "principal", "rate", "lpr_basis", "granted_on", "due_on", "term_months", "purpose",
    "passed_to_enterprise", "balance", "loan_status", "overdue_days",
)  # fmt: skip
_HOMES = """
CREATE TEMPORARY TABLE homes AS SELECT h.id, h.village_code, row_number() OVER (ORDER BY h.code) - 1 AS n,
    (SELECT p.id FROM households_person p WHERE p.household_id = h.id ORDER BY p.position LIMIT 1) AS person
FROM households_household h WHERE h.kind = 'assisted'
"""
_ROWS = """
INSERT INTO records_record (id, form, year, period, subject_kind, subject_id, subject_code, household_id, village_code, state, version, values, ticks,
    subject, pack_hash, origin, visitors, return_reason, entered_by_id, created_at, updated_at, submitted_at)
SELECT uuidv7(), %(form)s, 2021, '', 'household', h.id, '', h.id, h.village_code, CASE WHEN g %% 10 < 3 THEN 'submitted' ELSE 'approved' END, 1,
    jsonb_build_object(
        'borrower_person', h.person, 'bank', (ARRAY['固镇农村商业银行', '邮储银行固镇县支行', '农业银行固镇县支行'])[1 + g %% 3],
        'contract_no', 'XD' || lpad(g::text, 7, '0'), 'principal', (1 + g %% 50) * 100000, 'rate', 435, 'lpr_basis', 385,
        'granted_on', ('2020-01-01'::date + (g %% 600)::int)::text, 'due_on', ('2023-01-01'::date + (g %% 700)::int)::text, 'term_months', 36,
        'purpose', '0' || (1 + g %% 5)::text, 'passed_to_enterprise', g %% 7 = 0, 'guarantee', '01', 'interest_subsidy_rate', 10000,
        'subsidy_paid', NULL, 'balance', (g %% 50) * 100000, 'loan_status', '0' || (1 + g %% 3)::text, 'overdue_days', g %% 30, 'renewed_count', 0,
        'risk_compensation', NULL),
    '{}', '{}', %(pack)s, 'demo', '{}', '', NULL, now(), now(), now()
FROM generate_series(1, %(count)s::bigint) g JOIN homes h ON h.n = (g * 7919) %% (SELECT count(*) FROM homes) ORDER BY g
"""
_GONE = """
WITH links AS (DELETE FROM registers_link l USING records_record r WHERE r.id = l.record_id AND r.form = %(form)s)
DELETE FROM registers_entry WHERE form = %(form)s
"""


def _register(pack: Pack, key: str) -> Register:
    register = register_of(pack, key)
    assert register is not None
    return register


def _nobody_watches(done: int, total: int) -> None:
    """Progress is not shown."""


def fill(count: str) -> dict[str, Any]:
    """So many loans, as if they had come in over the years; without their events, which would be another million rows."""
    pack = current_year().pack
    with psycopg.connect(read_urls(Path(settings.DATA_DIR)).owner, autocommit=True) as owner:
        owner.execute("ALTER TABLE records_record DISABLE TRIGGER USER")
        owner.execute(_GONE, {"form": FORM})
        owner.execute("DELETE FROM records_record WHERE form = %s", [FORM])
        owner.execute(_HOMES)
        owner.execute(_ROWS, {"form": FORM, "pack": pack.hash, "count": int(count)})
        owner.execute("ALTER TABLE records_record ENABLE TRIGGER USER")
    with transaction.atomic():
        made = write_entries(_register(pack, FORM), pack)
        write_links(_register(pack, FORM))
    return {"rows": made}


def write(path: str, count: str) -> dict[str, Any]:
    """A file of so many measures of the county's households, all different."""
    with transaction.atomic():
        set_database_reach(system_reach(), act="bench", source="job")
        codes = list(Household.objects.filter(kind="assisted").order_by("code").values_list("code", flat=True))
    items = [entry.zh for entry in current_year().pack.lists["measure_item"] if entry.zh != "其他"]
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet("帮扶措施")
        sheet.write_row(0, 0, ["户编号", "措施类别", "措施", "帮扶措施备注", "金额或折价", "责任单位", "帮扶措施开始日期", "帮扶措施结束日期"])
        for number in range(int(count)):
            day = f"2021-{number % 9 + 1:02d}-{number % 27 + 1:02d}"
            what = ("产业帮扶", items[number % len(items)], f"第{number}项", number % 5000 + 0.5, f"单位{number % 300}", day, "2021-12-31")
            row = [codes[number * 7919 % len(codes)], *what]
            sheet.write_row(number + 1, 0, row)
    return {"rows": int(count)}


def export(format: str) -> dict[str, Any]:
    """The whole register as a file, in the worker's way."""
    pack = current_year().pack
    began = time.perf_counter()
    with transaction.atomic():
        reach = system_reach()
        set_database_reach(reach, act="bench", source="job")
        wish = Wish(columns=COLUMNS, format=format)
        file, rows = make(_register(pack, FORM), pack, reach, wish, by=None, report=_nobody_watches)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "rows": rows, "columns": len(COLUMNS) + 6, "bytes": file.size, "peak": most_held()}


def take(path: str) -> dict[str, Any]:
    """The file from its bytes to stored rows with list rows, links and history; then back again."""
    year = current_year()
    register = _register(year.pack, IMPORTED)
    began = time.perf_counter()
    with transaction.atomic():
        reach = system_reach()
        set_database_reach(reach, act="bench", source="job")
        batch = receive(content=Path(path), name="measures.xlsx", register=register, keep_good=False, year=year, by=None)
        batch = apply_batch(batch=batch, year=year, reach=reach, by=None, keep_good=False, report=_nobody_watches)
    taken = time.perf_counter() - began
    if batch.state != "applied":
        raise RuntimeError(f"the file was not taken: {batch.faults[:3]}")
    began = time.perf_counter()
    with transaction.atomic():
        set_database_reach(reach, act="bench", source="job")
        take_back(batch=batch, register=register, pack=year.pack, report=_nobody_watches)
    return {"seconds": taken, "rows": batch.summary["written"]["new"], "back": time.perf_counter() - began}


def fault(path: str) -> dict[str, Any]:
    """The same file with one amount that is none: what is told of it, and that nothing is stored."""
    year = current_year()
    spoilt = Path(path).with_suffix(".csv")
    source = sniff(Path(path), "a.xlsx")
    pack, register = year.pack, _register(year.pack, IMPORTED)
    [intake] = take_in(source, Headers(register, pack), Parsers(pack, date1904=False), lead=HOUSEHOLD, notes=[], report=_nobody_watches)
    assert intake.block is not None
    columns = list(intake.block.columns.values())
    lines = [",".join(column.mapped.header for column in columns)]
    lines += [",".join(str(column.raw[column.codes[row]]) for column in columns) for row in intake.block.rows]
    lines[len(lines) // 2] = lines[len(lines) // 2].replace("产业帮扶", "产业帮扶帮扶")
    spoilt.write_text("\n".join(lines), encoding="utf-8")
    before = Record.objects.filter(form=IMPORTED).count()
    began = time.perf_counter()
    with transaction.atomic():
        reach = system_reach()
        set_database_reach(reach, act="bench", source="job")
        batch = receive(content=spoilt, name="measures.csv", register=register, keep_good=False, year=year, by=None)
        batch = check_batch(batch=batch, year=year, reach=reach, report=_nobody_watches)
        assert Record.objects.filter(form=IMPORTED).count() >= before
    return {"seconds": time.perf_counter() - began, "faults": batch.summary["faults"]}


def bare(path: str) -> dict[str, Any]:
    """What is least: the cells parsed, COPY, records with their events. No row is looked up, checked, listed; rolled back."""
    year = current_year()
    pack, register = year.pack, _register(year.pack, IMPORTED)
    began = time.perf_counter()
    with transaction.atomic():
        set_database_reach(system_reach(), act="bench", source="job")
        set_act("import.apply bench")
        homes = dict(Household.objects.values_list("code", "id"))
        villages = dict(Household.objects.values_list("code", "village_code"))
        source = sniff(Path(path), "a.xlsx")
        [intake] = take_in(source, Headers(register, pack), Parsers(pack, date1904=False), lead=HOUSEHOLD, notes=[], report=_nobody_watches)
        block = intake.block
        assert block is not None
        codes = block.values(HOUSEHOLD, block.rows)
        items = [column for key, column in block.columns.items() if key.startswith(f"{IMPORTED}.")]
        pieces = [column.made("json", json_maker(column.mapped.indicator.name), [column.codes[row] for row in block.rows]) for column in items]
        values = objects(pieces, len(codes))
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL work_mem = '128MB'")
            cursor.execute("CREATE TEMPORARY TABLE bare (id uuid, household_id uuid, village_code text, values jsonb) ON COMMIT DROP")
            with cursor.copy("COPY bare FROM STDIN") as copy:
                for piece in contents([ordered_ids(len(codes)), [str(homes[code]) for code in codes], [villages[code] for code in codes], values]):
                    copy.write(piece)
            given: dict[str, sql.Composable] = {
                **{name: sql.SQL("s.{}").format(sql.Identifier(name)) for name in ("id", "household_id", "village_code", "values")},
                "form": sql.Literal(IMPORTED),
                "year": sql.Literal(year.year),
                "subject_kind": sql.Literal("household"),
                "subject_id": sql.SQL("s.household_id"),
                "state": sql.Literal("submitted"),
                "pack_hash": sql.Literal(pack.hash),
            }
            insert(cursor, Record, given, sql.SQL("bare s"), next(iter(homes.values())))
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        seconds = time.perf_counter() - began
        transaction.set_rollback(True)
    return {"seconds": seconds}


DEEDS: dict[str, Callable[..., dict[str, Any]]] = {"fill": fill, "write": write, "export": export, "import": take, "fault": fault, "bare": bare}
