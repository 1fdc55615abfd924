"""Open the year for households: what is due."""

from collections.abc import Sequence
from uuid import UUID

from django.db import connection, transaction

from fangfanpin.records.models import Record
from fangfanpin.records.units import HOUSEHOLD_FORM

# Ids rise with time like those of `ordered_ids`, so that rows written together stand together in the indexes.
# What is there already is read once: of a county just taken in the planner knows nothing yet and would look it up for each household.
_OPEN_YEAR = """
WITH have AS MATERIALIZED (
    SELECT subject_id FROM records_record
    WHERE form = %(form)s AND year = %(year)s AND period = '' AND subject_kind = %(kind)s AND subject_id IS NOT NULL
)
INSERT INTO records_record (id, form, year, period, subject_kind, subject_id, subject_code, household_id, village_code, state, version,
    values, ticks, subject, pack_hash, origin, visitors, return_reason, created_at, updated_at)
SELECT overlay(gen_random_uuid()::text PLACING stamp.text FROM 1 FOR 13)::uuid, %(form)s, %(year)s, '', %(kind)s, h.id, '', h.id, h.village_code,
    %(state)s, 1, '{}', '{}', '{}', %(pack)s, 'entry', '{}', '', now(), now()
FROM households_household h,
    (SELECT substr(hex, 1, 8) || '-' || substr(hex, 9, 4) AS text
     FROM (SELECT lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') AS hex) s) stamp
WHERE h.kind = 'assisted' AND h.household_state IN ('', '01') AND (%(chosen)s::uuid[] IS NULL OR h.id = ANY(%(chosen)s::uuid[]))
    AND h.id NOT IN (SELECT subject_id FROM have)
ORDER BY h.village_code, h.id
"""


@transaction.atomic
def open_year(*, year: int, pack_hash: str, households: Sequence[UUID] | None = None) -> int:
    """An empty household_year record of the campaign year for each assisted household on the register that has none: what is due.

    Within the transaction's reach, and of `households` only where given. Returns how many were made; the act is the caller's
    (`set_act`). Doing it twice changes nothing.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _OPEN_YEAR,
            {
                "form": HOUSEHOLD_FORM,
                "year": year,
                "kind": Record.SubjectKind.HOUSEHOLD.value,
                "state": Record.State.EMPTY.value,
                "pack": pack_hash,
                "chosen": None if households is None else list(households),
            },
        )
        return int(cursor.rowcount)
