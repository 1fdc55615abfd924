"""A demo county of benchmark size, built once per seed in bench/cache and served as users have it."""

import contextlib
import hashlib
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from fangfanpin.runtime.postgres import EmbeddedPostgres, in_use, read_urls
from fangfanpin.runtime.supervisor import is_answering, migration_state

PROJECT_DIR = Path(__file__).resolve().parent.parent
CACHE = PROJECT_DIR / "bench" / "cache"
COUNTY, TIMES, SEED = 25_000, 10, 1


@dataclass(frozen=True, slots=True)
class Running:
    """A served county: `url`, its DATA_DIR, and SQL as the owner."""

    data_dir: Path
    port: int

    def password(self, name: str) -> str:
        lines = (self.data_dir / "demo" / "accounts.txt").read_text(encoding="utf-8").splitlines()
        return dict(line.split("\t") for line in lines)[name]

    def sql(self, query: str, values: Sequence[object] | Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
        with psycopg.connect(read_urls(self.data_dir).owner, autocommit=True) as connection:
            return connection.execute(query.encode(), values).fetchall()

    def sign_in(self, name: str) -> "Session":
        session = Session(self.port)
        session.get("/accounts/sign-in")
        form = {"username": name, "password": self.password(name), "csrfmiddlewaretoken": session.cookies["csrftoken"], "next": ""}
        status, _body = session.ask("POST", "/accounts/sign-in", urllib.parse.urlencode(form), "application/x-www-form-urlencoded")
        if status != 302:
            raise RuntimeError(f"{name} was not signed in: {status}")
        return session


class Session:
    """One browser's worth of HTTP: a kept connection and its cookies."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, body: str | None = None, content_type: str = "") -> tuple[int, str]:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if body is not None:
            headers |= {"Content-Type": content_type, "X-CSRFToken": self.cookies.get("csrftoken", "")}
        content = body.encode() if body is not None else None
        try:
            self._connection.request(method, path, content, headers)
            answer = self._connection.getresponse()
        except (http.client.RemoteDisconnected, BrokenPipeError):  # idle for too long: a browser connects again as well
            self._connection.close()
            self._connection.request(method, path, content, headers)
            answer = self._connection.getresponse()
        text = answer.read().decode()
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            found = re.match(r"([^=]+)=([^;]*)", cookie)
            if found:
                self.cookies[found[1]] = found[2]
        return answer.status, text

    def get(self, path: str) -> tuple[int, str]:
        return self.ask("GET", path)

    def timed(self, method: str, path: str, body: str | None = None, *, expect: tuple[int, ...] = (200,)) -> float:
        """Milliseconds from sending the request to the last byte of the answer; raises when the status is another."""
        began = time.perf_counter()
        status, text = self.ask(method, path, body, "application/json")
        taken = (time.perf_counter() - began) * 1000
        if status not in expect:
            raise RuntimeError(f"{method} {path} gave {status}: {text[:300]}")
        return taken


def built(households: int, seed: int = SEED, *, collected: float | None = None) -> Path:
    """DATA_DIR of a demo county of that size; made anew when generator, packs or structure have changed. Not running. `collected`: the share of
    households whose year is collected, the demo's own where None."""

    def draw(data_dir: Path) -> None:
        with in_use(data_dir):
            command = ["demo", "--households", str(households), "--seed", str(seed), "--json"]
            _fangfanpin(data_dir, *command, *([] if collected is None else ["--collected", str(collected)]))
            _vacuum(data_dir)

    name = f"county-{households}-{seed}" if collected is None else f"county-{households}-{seed}-collected-{collected:g}"
    return _made(name, _version(), draw)


def tenfold(households: int = COUNTY, seed: int = SEED) -> Path:
    """DATA_DIR of that county with every household ten times, within the same villages (bench/tenfold_process.py says how the copies are
    placed). Drawing so many would take a quarter of an hour; copying inside the database takes a few minutes and 16 GB. Not running."""
    county = built(households, seed)

    def copy(data_dir: Path) -> None:
        _copied(county, data_dir)
        with in_use(data_dir):
            more = {"DJANGO_SETTINGS_MODULE": "fangfanpin.settings", "FFP_DB_ROLE": "owner"}
            command = [sys.executable, "-c", _MULTIPLY.format(copies=TIMES - 1)]
            subprocess.run(command, env=environment(data_dir, **more), cwd=PROJECT_DIR, check=True)
            _vacuum(data_dir)

    placed_by = hashlib.sha256((PROJECT_DIR / "bench" / "tenfold_process.py").read_bytes()).hexdigest()
    return _made(f"{county.name}-tenfold", f"{_version()} {placed_by}", copy)


def filled(county: Path, name: str, fill: Callable[[Path], None]) -> Path:
    """DATA_DIR of a copy of that county with something more in it, made by `fill` while its database runs. Not running. `name`: of what more, and
    another where it is drawn otherwise."""

    def copy(data_dir: Path) -> None:
        _copied(county, data_dir)
        with in_use(data_dir):
            fill(data_dir)
            _vacuum(data_dir)

    return _made(f"{county.name}-{name}", _version(), copy)


def _copied(county: Path, data_dir: Path) -> None:
    if EmbeddedPostgres(county).is_running():
        raise RuntimeError(f"{county} is in use: its files cannot be copied")
    data_dir.mkdir(mode=0o700)
    # As root the cluster belongs to another account: cp -a keeps whose it is.
    subprocess.run(["cp", "-a", *(str(county / part) for part in ("pg", "keys", "demo", "maps")), str(data_dir)], check=True)
    (data_dir / "keys" / "socket_dir").unlink(missing_ok=True)  # the other cluster's


_MULTIPLY = "import django; django.setup(); from bench.tenfold_process import multiply; multiply({copies})"


def _made(name: str, version: str, make: Callable[[Path], None]) -> Path:
    """The cached DATA_DIR of that name, made anew where another version of what it depends on made it."""
    data_dir = CACHE / name
    made_by = data_dir / "made-by"
    if made_by.exists() and made_by.read_text() == version:
        return data_dir
    if data_dir.exists():
        EmbeddedPostgres(data_dir).stop()
        shutil.rmtree(data_dir)
    print(f"  making {name} …", file=sys.stderr, flush=True)
    CACHE.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    make(data_dir)
    made_by.write_text(version)
    print(f"  made {name} in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return data_dir


def _fangfanpin(data_dir: Path, *words: str) -> None:
    subprocess.run([sys.executable, "-m", "fangfanpin.cli", *words], env=environment(data_dir), check=True, stdout=subprocess.DEVNULL)


def _vacuum(data_dir: Path) -> None:
    """As a county in use has it: autovacuum would get there in some minutes, in the middle of a measurement."""
    with psycopg.connect(read_urls(data_dir).owner, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")


def sweep_once(data_dir: Path) -> None:
    """Pages of a county that was never swept show no clues: sweep it where it was not."""
    with in_use(data_dir):
        with psycopg.connect(read_urls(data_dir).owner) as connection:
            found = connection.execute("SELECT EXISTS (SELECT FROM quality_sweep)").fetchone()
        if found == (False,):
            _fangfanpin(data_dir, "sweep")
            _vacuum(data_dir)


@contextlib.contextmanager
def served(data_dir: Path) -> Iterator[Running]:
    """A county served by `fangfanpin serve` on a free port, at the demo's hour of the campaign."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "fangfanpin.cli", "serve"]
    with (data_dir / "serve.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment(data_dir, PORT=str(port)), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 120
        while not is_answering(bind="127.0.0.1", port=port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the county does not come up, see {data_dir}/serve.log")
            time.sleep(0.2)
        running = Running(data_dir, port)
        # The clock ran on since the county was made: entry would be closed.
        running.sql(
            "UPDATE campaigns_campaign SET clock_offset_seconds = extract(epoch FROM timestamptz '2021-11-15 09:00+08' - now()) RETURNING year"
        )
        yield running
    finally:
        process.terminate()
        process.wait(90)


def environment(data_dir: Path, **more: str) -> dict[str, str]:
    """A newcomer's environment for a command on that DATA_DIR: nothing of this process's roles and URLs."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith("DATABASE_URL") and not name.startswith(("FFP_", "DJANGO_"))}
    return {**kept, "DATA_DIR": str(data_dir), **more}


# Polars is here for a comparison only; ADBC would take it along wherever it finds it.
_DO = """
import importlib, json, sys, django
sys.modules["polars"] = None
django.setup()
print(json.dumps(importlib.import_module(f"bench.{sys.argv[1]}").DEEDS[sys.argv[2]](*sys.argv[3:])))
"""


def process(data_dir: Path, role: str, module: str, *words: str) -> dict[str, Any]:
    """What a deed of bench/MODULE.py has to say, done in a process of its own where Django is set up as that role: worker, web or owner."""
    done = subprocess.run(
        [sys.executable, "-c", _DO, module, *words],
        env=environment(data_dir, FFP_DB_ROLE=role, DJANGO_SETTINGS_MODULE="fangfanpin.settings"),
        cwd=PROJECT_DIR,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    answer: dict[str, Any] = json.loads(done.splitlines()[-1])
    return answer


def drawn_by() -> str:
    """Changes with whatever a drawn county depends on: the generator and the packs."""
    digest = hashlib.sha256()
    for path in [*sorted((PROJECT_DIR / "fangfanpin" / "demo").glob("*.py")), *sorted((PROJECT_DIR / "packs").rglob("*.*"))]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _version() -> str:
    return f"{migration_state()} {drawn_by()}"
