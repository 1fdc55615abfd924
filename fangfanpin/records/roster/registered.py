"""What is registered already of the households and persons a roster names: a few set-wise questions.

Within the reach rows are read as they are; beyond it two functions of the database name the village and no more.
"""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from fangfanpin.accounts.reach import Reach


@dataclass(frozen=True, slots=True)
class KnownHousehold:
    id: UUID
    code: str
    village_code: str
    kind: str
    bank_card_secret: str | None
    bank_card_mask: str


@dataclass(frozen=True, slots=True)
class KnownPerson:
    id: UUID
    code: str
    household_id: UUID
    village_code: str
    name: str
    birth: datetime.date | None
    digest: str
    card_secret: str | None
    card_mask: str
    is_live_head: bool
    position: int
    is_live: bool


_HOUSEHOLDS = """
SELECT id, code, village_code, kind, bank_card_secret, bank_card_mask FROM households_household
WHERE code = ANY(%s) AND (village_code = ANY(%s) OR id = ANY(%s))
"""
_PERSONS = """
SELECT id, code, household_id, village_code, member_name, birth_date, id_number_digest, disability_card_secret, disability_card_mask,
       member_state = '01' AND relation_to_head = '01', position, member_state = '01'
FROM households_person WHERE (household_id = ANY(%s) OR code = ANY(%s)) AND (village_code = ANY(%s) OR household_id = ANY(%s))
"""


def households_by_code(codes: Sequence[str], reach: Reach) -> dict[str, KnownHousehold]:
    with connection.cursor() as cursor:
        cursor.execute(_HOUSEHOLDS, [list(codes), list(reach.villages), list(reach.households)])
        return {row[1]: KnownHousehold(*row) for row in cursor.fetchall()}


def persons_of(households: Iterable[UUID], person_codes: Sequence[str], reach: Reach) -> list[KnownPerson]:
    """Persons of these households, and those elsewhere who carry one of these codes."""
    with connection.cursor() as cursor:
        cursor.execute(_PERSONS, [list(households), list(person_codes), list(reach.villages), list(reach.households)])
        return [KnownPerson(*row) for row in cursor.fetchall()]


def villages_of_codes(household_codes: Sequence[str], person_codes: Sequence[str]) -> dict[tuple[str, str], str]:
    """{("household" or "person", code): name of the village}, the whole county's."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT kind, code, village FROM ffp_villages_of_codes(%s, %s)", [list(household_codes), list(person_codes)])
        return {(kind, code): village for kind, code, village in cursor.fetchall()}


def villages_of_identities(digests: Sequence[str]) -> list[tuple[str, UUID, str]]:
    """Live persons of the whole county with one of these numbers: (digest, person, name of the village)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT number_digest, person_id, village FROM ffp_villages_of_identities(%s)", [list(digests)])
        return [(number, person, village) for number, person, village in cursor.fetchall()]


def registry_is_empty() -> bool:
    """Is nobody registered, in the whole county?"""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ffp_registry_is_empty()")
        row = cursor.fetchone()
    return bool(row[0])
