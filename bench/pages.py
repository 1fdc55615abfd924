"""Pages and saving through HTTP with row security on, at the county's size and tenfold, asked in turn in one run.

In the tenfold county `township` and `village` have the same villages with ten times the households, persons, records, clues and events;
`helper` has the same households among ten times as many. Every page is asked of households, villages and numbers drawn from the whole reach.
"""

import datetime
import json
import random
import statistics
import subprocess
import sys
import tomllib
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.county import COUNTY, TIMES, Running, Session, built, served, sweep_once, tenfold
from fangfanpin.runtime.postgres import ROLES

ROUNDS, WARM = 60, 5
TENFOLD = ", tenfold county"
NAMES = ("wage_migrant", "wage_public_dept", "biz_crop", "biz_livestock")
DECRYPT = (
    "import django; django.setup(); import json, sys; from fangfanpin.privacy.secrets import decrypt;"
    " print(json.dumps([decrypt(secret) for secret in json.load(sys.stdin)]))"
)
# The reach in SQL of our own: what the pages show is measured, not believed.
IN_REACH = (
    "WHERE h.kind = 'assisted' AND CASE WHEN %(who)s = 'helper' THEN h.id IN (SELECT g.household_id FROM households_pairing g"
    " JOIN accounts_user u ON u.id = g.user_id WHERE u.username = %(who)s) ELSE h.village_code LIKE %(prefix)s END"
)
Ask = Callable[[], float]


class Person:
    """Somebody of the cast at work: a session, the households in reach, and identity numbers of people there."""

    def __init__(self, county: Running, name: str, draw: random.Random) -> None:
        self.county, self.session, self.draw = county, county.sign_in(name), draw
        found = county.sql("SELECT a.region_id FROM accounts_assignment a JOIN accounts_user u ON u.id = a.user_id WHERE u.username = %s", (name,))
        asked = {"who": name, "prefix": f"{found[0][0]}%"}
        rows = county.sql(f"SELECT h.id, h.village_code FROM households_household h {IN_REACH} ORDER BY h.code", asked)
        self.households = [str(row[0]) for row in rows]
        self.villages = sorted({str(row[1]) for row in rows})
        join = "JOIN households_household h ON h.id = p.household_id"
        secrets = county.sql(f"SELECT p.id_number_secret FROM households_person p {join} {IN_REACH} ORDER BY md5(p.code) LIMIT 300", asked)
        self.numbers = _decrypted(county, [row[0] for row in secrets if row[0]])

    def household_page(self) -> float:
        return self.session.timed("GET", f"/households/{self.draw.choice(self.households)}/")

    def list_page(self) -> float:
        return self.session.timed(
            "GET", f"/households/?place={self.draw.choice(self.villages)}&state={self.draw.choice(('empty', 'draft', 'submitted'))}"
        )

    def search(self) -> float:
        # One hit leads straight to the household: the answer of the search itself is what is measured.
        return self.session.timed("GET", f"/households/?q={self.draw.choice(self.numbers)}", expect=(200, 302))


def _decrypted(county: Running, secrets: list[str]) -> list[str]:
    environment = {"DATA_DIR": str(county.data_dir), "DJANGO_SETTINGS_MODULE": "fangfanpin.settings", "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", DECRYPT], input=json.dumps(secrets), env=environment, capture_output=True, text=True, check=True)
    numbers: list[str] = json.loads(done.stdout)
    return numbers


def saves(county: Running, *states: str) -> Iterator[float]:
    """Each save changes four values of a household whose year is in one of the states; the re-check of its rules is in the time. A household
    that was handed in is swept: all rules are judged and its clues brought in step."""
    session: Session = county.sign_in("village")
    found = county.sql(
        "SELECT r.subject_id FROM records_record r JOIN accounts_user u ON u.username = 'village' JOIN accounts_assignment a ON a.user_id = u.id"
        " WHERE r.form = 'household_year' AND r.year = 2021 AND r.state = ANY (%s) AND r.village_code = a.region_id ORDER BY r.subject_id",
        (list(states),),
    )
    draw = random.Random(3)
    while True:
        household = str(draw.choice(found)[0])
        ops = [{"op": "set", "target": "household", "name": name, "value": draw.randrange(1, 40_000) * 100} for name in NAMES]
        body = {
            "client_id": str(uuid.uuid4()),
            "household_id": household,
            "ops": ops,
            "claimed_at": datetime.datetime.now(datetime.UTC).isoformat(),
        }
        yield session.timed("POST", "/field/save", json.dumps(body))


def measured(asks: dict[str, Ask], rounds: int) -> dict[str, list[float]]:
    """Ask each in turn, so that whatever else the machine does falls on all alike."""
    times: dict[str, list[float]] = {name: [] for name in asks}
    for number in range(WARM + rounds):
        for name, ask in asks.items():
            taken = ask()
            if number >= WARM:
                times[name].append(taken)
    return times


def result(name: str, times: list[float], rows: int) -> dict[str, Any]:
    p95 = statistics.quantiles(times, n=20)[-1]
    return {"name": name, "value": round(statistics.median(times), 1), "unit": "ms", "n": len(times), "p95": round(p95, 1), "rows": rows}


def run() -> list[dict[str, Any]]:
    larger = tomllib.loads((Path(__file__).parent / "goals.toml").read_text(encoding="utf-8"))["times_larger"]
    size, small, large = COUNTY * TIMES, built(COUNTY), tenfold(COUNTY)
    for data_dir in (small, large):
        sweep_once(data_dir)
    with served(small) as county, served(large) as tenfold_county:
        asks: dict[str, Ask] = {}
        for place, words in ((county, ""), (tenfold_county, TENFOLD)):
            _check_row_security(place)
            for who in ("township", "helper"):
                person = Person(place, who, random.Random(7))
                asks[f"household page as {who}{words}"] = person.household_page
                asks[f"list page with two filters as {who}{words}"] = person.list_page
                asks[f"search by identity number as {who}{words}"] = person.search
            asks[f"save of four changed values{words}"] = saves(place, "empty", "draft").__next__
            asks[f"save of four changed values, handed in{words}"] = saves(place, "submitted").__next__
        found = measured(asks, ROUNDS)
        results = [result(name, taken, size if name.endswith(TENFOLD) else COUNTY) for name, taken in found.items()]
    at_county = {entry["name"]: entry["value"] for entry in results}
    for entry in results:
        base = at_county.get(entry["name"].removesuffix(TENFOLD))
        if entry["rows"] == size and base is not None:
            most = larger["factor"] * base + larger["plus"]
            entry |= {"against": f"county: {base:g} ms", "ratio": round(entry["value"] / base, 2)}
            entry |= {"goal": f"<= {most:.1f}", "holds": entry["value"] <= most}
    return results


def _check_row_security(county: Running) -> None:
    """What is measured without row security says nothing: the tables are protected, and the web server's role does not pass it."""
    role, owner = ROLES["web"], ROLES["owner"]
    found = county.sql("SELECT rolsuper OR rolbypassrls OR pg_has_role(oid, %s::name, 'USAGE') FROM pg_roles WHERE rolname = %s", (owner, role))
    tables = ["households_household", "households_person", "records_record", "quality_clue"]
    held = county.sql("SELECT bool_and(relrowsecurity) FROM pg_class WHERE oid = ANY (%s::regclass[])", (tables,))
    serving = county.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = %s", (role,))
    if found != [(False,)] or held != [(True,)] or serving[0][0] == 0:
        raise RuntimeError("the county is served without row security")
