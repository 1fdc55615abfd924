"""A running installation as a newcomer has it (`fangfanpin serve` with a small demo) and a real Chromium that works it.

Nothing here touches the ORM: the browser's event loop runs in this thread, and Django refuses the ORM beside one. These tests therefore run last
(`pytest_collection_modifyitems`), and look at the installation from outside: pages, files, the command line, SQL through `installation.sql`.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, sync_playwright

from fangfanpin.runtime.postgres import EmbeddedPostgres, read_urls

DEMO_HOUSEHOLDS = 200
STARTED_IN_S = 240
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: "tests/end_to_end/" in item.path.as_posix())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_environment(data_dir: Path, **more: str) -> dict[str, str]:
    """The environment of a newcomer's shell: without the database role and URLs of this test run."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith("DATABASE_URL") and not name.startswith(("FFP_", "DJANGO_"))}
    return {**kept, "DATA_DIR": str(data_dir), "PYTHONUNBUFFERED": "1", **more}


@dataclass
class Installation:
    """One `fangfanpin serve` with its own DATA_DIR and port; `start()` returns when it answers."""

    data_dir: Path
    port: int = field(default_factory=free_port)
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log_path(self) -> Path:
        """What serve, web and worker printed."""
        return self.data_dir.parent / f"{self.data_dir.name}.log"

    def start(self) -> None:
        settings = {"PORT": str(self.port), "FFP_DEMO_HOUSEHOLDS": str(DEMO_HOUSEHOLDS), **self.environment}
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [Path(sys.executable).with_name("fangfanpin"), "serve"],
                env=clean_environment(self.data_dir, **settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.wait_answering(STARTED_IN_S)

    def is_answering(self) -> bool:
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(f"{self.url}/healthz", timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            return False

    def wait_answering(self, timeout_s: float = 60) -> None:
        deadline = time.monotonic() + timeout_s
        while not self.is_answering():
            if self.process is None or self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("the installation does not answer; it printed:\n" + self.log_path.read_text(errors="replace")[-4000:])
            time.sleep(0.1)

    def stop(self) -> int:
        """SIGTERM, as from a terminal or a service manager; returns the exit code. Stopping what is stopped is harmless."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            EmbeddedPostgres(self.data_dir).stop()

    def kill(self) -> None:
        """kill -9 of the parent; web and worker follow it, the database stays for the next start to adopt."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def kill_web(self) -> None:
        """kill -9 of the web server with all its processes: requests under way are lost. The supervisor starts it again."""
        os.killpg(self._child("gunicorn"), signal.SIGKILL)

    def restart_web(self) -> None:
        """`kill_web`, then wait until the new web server answers."""
        self.kill_web()
        self.wait_answering()

    def kill_worker(self) -> None:
        """kill -9 of the background worker: its running job must be taken up again. The supervisor starts it again."""
        os.killpg(self._child("procrastinate"), signal.SIGKILL)

    def _child(self, word: str) -> int:
        assert self.process is not None
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            for child in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split():
                with contextlib.suppress(OSError):
                    if word.encode() in Path(f"/proc/{child}/cmdline").read_bytes():
                        return int(child)
            time.sleep(0.05)
        raise AssertionError(f"no {word} process under the supervisor")

    def command(self, *words: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `fangfanpin WORDS` on this DATA_DIR."""
        done = subprocess.run(
            [Path(sys.executable).with_name("fangfanpin"), *words],
            env=clean_environment(self.data_dir, **environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"fangfanpin {' '.join(words)} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
        return done

    def facts(self, *words: str, **environment: str) -> dict[str, Any]:
        """The JSON object of `fangfanpin WORDS --json`."""
        answer: dict[str, Any] = json.loads(self.command(*words, "--json", check=True, **environment).stdout)
        return answer

    def password(self, name: str) -> str:
        """The demo account's password."""
        for line in (self.data_dir / "demo" / "accounts.txt").read_text(encoding="utf-8").splitlines():
            account, _, password = line.partition("\t")
            if account == name:
                return password
        raise KeyError(name)

    def sql(self, query: str, *values: object, role: str = "snapshot") -> list[tuple[Any, ...]]:
        """Rows straight from the database as one of its roles (snapshot: reads every personal table; owner: everything)."""
        with psycopg.connect(getattr(read_urls(self.data_dir), role), autocommit=True) as connection:
            return connection.execute(query.encode(), values or None).fetchall()


@pytest.fixture(scope="session")
def workplace() -> Iterator[Path]:
    """A short path of the run's own: a database's socket address may not be long."""
    path = Path(tempfile.mkdtemp(prefix="ffp-e2e-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def installation(workplace: Path) -> Iterator[Installation]:
    """The demo county that all end-to-end tests share."""
    made = Installation(workplace / "demo")
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="package")
def _playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="package")
def browser(_playwright: Playwright) -> Iterator[Browser]:
    """The system's Chromium; a test that needs the browser itself killed starts its own with `launch_browser`."""
    started = launch_chromium(_playwright)
    yield started
    started.close()


def chromium_path() -> str:
    path = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
    if path is None:
        pytest.fail("Chromium is not installed: apt-get install chromium, then run make test again", pytrace=False)
    return path


def launch_chromium(running: Playwright) -> Browser:
    return running.chromium.launch(executable_path=chromium_path(), headless=True, args=CHROMIUM_ARGUMENTS)


@pytest.fixture
def launch_browser(_playwright: Playwright) -> Iterator[Callable[[], Browser]]:
    """Start further browsers, closed at the end of the test."""
    started: list[Browser] = []

    def launch() -> Browser:
        started.append(launch_chromium(_playwright))
        return started[-1]

    yield launch
    for one in started:
        with contextlib.suppress(Exception):  # the test may have killed it
            one.close()


@dataclass
class Troubles:
    """Errors of the console (refusals of the content policy among them) and of scripts; they fail the test unless allowed by pattern."""

    found: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)

    def allow(self, pattern: str) -> None:
        self.allowed.append(pattern)

    def watch(self, page: Page) -> None:
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.found.append(f"script error on {page.url}: {error}"))

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error" or "Content Security Policy" in message.text or "Content-Security-Policy" in message.text:
            self.found.append(f"{message.text} [{message.location.get('url', '')}]")

    def left(self) -> list[str]:
        return [text for text in self.found if not any(re.search(pattern, text) for pattern in self.allowed)]


@pytest.fixture
def troubles() -> Iterator[Troubles]:
    """Collects console errors and content-policy refusals of the test's pages; `troubles.allow("status of 404")` lets expected ones pass."""
    collected = Troubles()
    yield collected
    assert not collected.left(), "the browser's console reported:\n" + "\n".join(collected.left())


@pytest.fixture
def open_page(browser: Browser, installation: Installation, troubles: Troubles) -> Iterator[Callable[..., Page]]:
    """Open a page in a browser context of its own (its own cookies: another person, another machine). Takes options of `new_context`."""
    contexts: list[BrowserContext] = []

    def opened(**options: Any) -> Page:
        defaults = {"locale": "zh-CN", "timezone_id": "Asia/Shanghai", "viewport": {"width": 1366, "height": 768}, "base_url": installation.url}
        context = browser.new_context(**{**defaults, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        troubles.watch(page)
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    return open_page()


@pytest.fixture
def sign_in(installation: Installation) -> Callable[[Page, str], None]:
    """Sign a cast member (county, township, village, helper, department, inspector, auditor, admin) in on a page; ends on the start page."""

    def signed_in(page: Page, name: str) -> None:
        page.goto("/accounts/sign-in")
        page.fill("#id_username", name)
        page.fill("#id_password", installation.password(name))
        page.click("main button[type=submit]")
        page.wait_for_url(f"{installation.url}/")

    return signed_in
