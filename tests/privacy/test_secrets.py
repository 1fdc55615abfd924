"""Numbers that identify a person never leave in clear: not from the database, a page, a file, a log."""

import logging
import re
from collections.abc import Callable

import pytest
from cryptography.exceptions import InvalidTag
from django.conf import settings
from django.db import connection
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql

from fangfanpin.accounts.reach import Reach
from fangfanpin.audit.models import Event
from fangfanpin.households.models import Person, Reveal
from fangfanpin.households.subjects import plain_secret
from fangfanpin.privacy.keys import Keys
from fangfanpin.privacy.secrets import decrypt, digest, encrypt, mask_bank, mask_id, mask_phone

WHOLE_NUMBER = re.compile(r"(?<![0-9A-Fa-f])[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])[0-3][0-9][0-9]{3}[0-9Xx](?![0-9A-Fa-f])")


@given(st.text(alphabet="0123456789X", min_size=6, max_size=30))
def test_what_is_encrypted_comes_back_and_never_looks_the_same(number: str) -> None:
    first, second = encrypt(number), encrypt(number)
    assert first is not None and first != second and number not in first
    assert decrypt(first) == decrypt(second) == number


def test_another_installations_key_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = encrypt("340323199001011234")
    monkeypatch.setattr(settings, "PRIVACY_KEYS", Keys(b"1" * 32, b"2" * 32, "x"))
    with pytest.raises(InvalidTag):
        decrypt(stored)


def test_a_digest_finds_small_and_capital_x_alike() -> None:
    assert digest("34032319900101123x") == digest("34032319900101123X") != digest("340323199001011231")
    assert digest("") == digest(None) == ""


def test_masks() -> None:
    assert mask_id("34032319900101123X") == "340323********123X"
    assert mask_phone("13812345678") == "138****5678"
    assert mask_bank("6217000010001234567") == "***************4567"
    assert mask_id("12") == "12" and mask_id("123") == "*23"


def test_no_column_of_the_database_holds_a_whole_number(acting: Callable[[str], Reach]) -> None:
    """Every text and JSON column of every table is searched, events included."""
    acting("county")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
            " AND data_type IN ('text', 'character varying', 'jsonb') AND table_name NOT LIKE 'pg%'"
        )
        columns = cursor.fetchall()
        known = {plain_secret(person, "id_number") for person in Person.objects.all()[:200]} - {None}
        assert len(known) > 150
        for table, column in columns:
            statement = sql.SQL("SELECT count(*) FROM {} WHERE {}::text ~ %s").format(sql.Identifier(table), sql.Identifier(column))
            pattern = "(" + "|".join(str(number) for number in sorted(known, key=str)[:40]) + ")"
            cursor.execute(statement, [pattern])
            assert cursor.fetchone() == (0,), (table, column)


@pytest.mark.parametrize("name", ["county", "township", "village", "helper", "inspector"])
def test_no_page_shows_a_whole_number(client_as: Callable[[str], Client], acting: Callable[[str], Reach], name: str) -> None:
    acting(name)
    person = Person.objects.exclude(id_number_mask="").filter(member_state="01")[0]
    number = plain_secret(person, "id_number")
    assert number is not None
    client = client_as(name)
    for url in (f"/households/{person.household_id}/", f"/field/households/{person.household_id}.json", "/households/", f"/households/?q={number}"):
        answer = client.get(url, follow=True)
        body = answer.content.decode().replace(f"?q={number}", "").replace(f'value="{number}"', "").replace(f"“{number}”", "")
        assert number not in body, url
        assert not WHOLE_NUMBER.search(body), url


def test_a_number_is_shown_in_full_with_a_reason_and_a_trace(client_as: Callable[[str], Client], acting: Callable[[str], Reach]) -> None:
    acting("township")
    person = Person.objects.exclude(id_number_mask="").filter(member_state="01")[0]
    number = str(plain_secret(person, "id_number"))
    url = f"/households/{person.household_id}/reveal/{person.pk}/id_number"
    client = client_as("township")
    assert number not in client.post(url, {"reason": ""}).content.decode()
    assert not Reveal.objects.filter(subject_id=person.pk).exists()
    answer = client.post(url, {"reason": "核对户口簿"}, headers={"Accept": "application/json"})
    assert number in answer.content.decode()
    trace = Reveal.objects.get(subject_id=person.pk)
    assert (trace.name, trace.reason, trace.revealed_by.username) == ("id_number", "核对户口簿", "township")
    assert Event.objects.filter(table_name="households_reveal", act="secret.reveal id_number").exists()
    assert client_as("village").post(url, {"reason": "核对户口簿"}).status_code == 403


def test_a_crash_writes_no_personal_data_to_the_log(
    client_as: Callable[[str], Client], acting: Callable[[str], Reach], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    acting("county")
    person = Person.objects.exclude(id_number_mask="").filter(member_state="01")[0]
    number, name = plain_secret(person, "id_number"), person.member_name

    def crash(*args: object, **kwargs: object) -> None:
        raise ValueError("something is wrong here")

    monkeypatch.setattr("fangfanpin.archives.views.load_unit", crash)
    client = client_as("county")
    client.raise_request_exception = False
    with caplog.at_level(logging.DEBUG):
        assert client.get(f"/households/{person.household_id}/").status_code == 500
    assert caplog.text and str(number) not in caplog.text and name not in caplog.text
