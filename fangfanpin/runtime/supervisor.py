"""`fangfanpin serve`: database, migrations, demo, web server and worker under one parent; nothing stays behind.

Web and worker ask the kernel to end them when this parent dies (kill -9 included). The database is stopped in order by the keeper then; should the
keeper be killed too, the database is found again by its pid file and adopted by the next start, or stopped by `fangfanpin stop`.
"""

import contextlib
import ctypes
import fcntl
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import psycopg

from fangfanpin.cli import CommandFault
from fangfanpin.runtime import swap
from fangfanpin.runtime.postgres import EmbeddedPostgres, in_use, read_urls

PROJECT_DIR = Path(__file__).resolve().parents[2]
PR_SET_PDEATHSIG = 1
LEAST_FREE_BYTES = 500 * 1024 * 1024
STARTED_IN_S = 60
# A web server or worker that falls this often in this time is not started again.
MOST_FALLS, FALLS_WITHIN_S = 40, 60
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass
class Supervisor:
    """One running installation: `run()` blocks until SIGINT, SIGTERM or the end of a child; returns the exit code."""

    data_dir: Path
    bind: str = "127.0.0.1"
    port: int = 8000
    quiet: bool = False  # nothing on stdout: it belongs to --json
    _children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _commands: dict[str, tuple[list[str], str]] = field(default_factory=dict)
    _keeper: subprocess.Popen[bytes] | None = None
    _falls: list[float] = field(default_factory=list)
    _asked_to_stop: bool = False
    _parent: int = field(default_factory=os.getppid)
    _parent_caught: bool = field(default_factory=lambda: _catches(os.getppid(), signal.SIGINT))

    def run(self) -> int:
        prepare_data_dir(self.data_dir)
        with hold_lock(self.data_dir) as was_killed:
            # The web server of a killed run may still be finishing its last requests.
            check_port(bind=self.bind, port=self.port, wait_s=15 if was_killed else 0)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, self._ask_to_stop)
            if self._follows_parent:
                _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            swap.settle(self.data_dir)
            with in_use(self.data_dir):
                try:
                    self._keep_clean()
                    return self._run_held()
                finally:
                    self._stop_children()

    def _run_held(self) -> int:
        migrate(self.data_dir)
        if not self._is_to_stop():
            self._fill_when_empty()
        if self._is_to_stop():
            return 0
        at = f"[{self.bind}]" if ":" in self.bind else self.bind
        threads = os.environ.get("FFP_WEB_THREADS", "8")
        self._spawn(
            "web",
            [sys.executable, "-m", "gunicorn", "fangfanpin.wsgi:application", "--worker-class", "gthread"]
            + ["--workers", os.environ.get("FFP_WEB_WORKERS", "2"), "--threads", threads, "--bind", f"{at}:{self.port}"]
            + ["--timeout", "120", "--graceful-timeout", "10", "--keep-alive", "20", "--no-control-socket", "--log-level", "warning"],
            role="web",
        )
        self._spawn("worker", [sys.executable, "-m", "fangfanpin.cli", "worker"], role="worker")
        if not self._wait_answering():
            return 0 if self._asked_to_stop else 1
        self._announce()
        while not self._is_to_stop():
            if not self._revive():
                return 1
            time.sleep(0.3)
        return 0

    def _revive(self) -> bool:
        """Start again what ended by itself; False when it ends again and again: then the fault is not chance, and a person must look."""
        for name, child in list(self._children.items()):
            if child.poll() is None:
                continue
            now = time.monotonic()
            self._falls = [at for at in self._falls if now - at < FALLS_WITHIN_S] + [now]
            print(f"{name} 意外退出（代码 {child.returncode}），重新启动 ({name} ended unexpectedly, starting it again)", file=sys.stderr, flush=True)
            if len(self._falls) > MOST_FALLS:
                print(f"{name} 反复退出，系统停止，原因见上 ({name} keeps falling)", file=sys.stderr)
                return False
            # Whatever it had started must let go of the port first.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
            self._spawn(name, *self._commands[name])
        return True

    def _keep_clean(self) -> None:
        """Beside us runs the keeper: it stops the database when we are gone without having done it."""
        if os.environ.get("DATABASE_URL"):
            return
        # Its end of the pipe closes with this process, by kill -9 too; it ends by itself then, so nobody waits for it.
        self._keeper = subprocess.Popen(
            [sys.executable, "-m", "fangfanpin.runtime.keeper", str(self.data_dir)], stdin=subprocess.PIPE, start_new_session=True
        )

    def _fill_when_empty(self) -> None:
        """A first start makes the demo county, unless `fangfanpin init` has made a real one here or FFP_DEMO=0 asks for an empty place."""
        with psycopg.connect(read_urls(self.data_dir).owner, autocommit=True) as connection:
            found = connection.execute("SELECT EXISTS (SELECT FROM campaigns_campaign)").fetchone()
        if (found is not None and found[0]) or os.environ.get("FFP_DEMO", "1") == "0":
            return
        households = os.environ.get("FFP_DEMO_HOUSEHOLDS", "2000")
        if not households.isdigit() or not 1 <= int(households) <= 1_000_000:
            raise CommandFault(f"FFP_DEMO_HOUSEHOLDS={households} 不是户数，请用 1–1000000 的整数 (not a number of households)")
        self._say(f"正在生成演示县（{households} 户） (making the demo county)…")
        self._step("demo", [sys.executable, "-m", "fangfanpin.cli", "demo", "--if-empty", "--households", households], role="owner")

    def _ask_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._asked_to_stop = True

    @property
    def _follows_parent(self) -> bool:
        """Started by `make run`: make waits for us, so whoever ends make means us."""
        return os.environ.get("FFP_FOLLOW_PARENT") == "1"

    def _is_to_stop(self) -> bool:
        if self._follows_parent and not self._asked_to_stop:
            # A SIGINT sent to make alone is not passed on; make then puts its handler back to the default and waits for us.
            let_go = self._parent_caught and not _catches(self._parent, signal.SIGINT)
            self._asked_to_stop = let_go or os.getppid() != self._parent
        return self._asked_to_stop

    def _step(self, name: str, command: list[str], *, role: str) -> None:
        self._spawn(name, command, role=role)
        while self._children[name].poll() is None:
            if self._is_to_stop():
                return
            time.sleep(0.1)
        code = self._children.pop(name).returncode
        if code != 0:
            raise CommandFault(f"启动步骤 {name} 失败，原因见上 (start-up step {name} failed with code {code})")

    def _spawn(self, name: str, command: list[str], role: str) -> None:
        self._commands[name] = (command, role)
        self._children[name] = subprocess.Popen(
            command,
            env=process_environment(self.data_dir, role=role),
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            preexec_fn=_die_with_parent(os.getpid()),
            start_new_session=True,
        )

    def _fallen(self) -> str | None:
        for name, child in self._children.items():
            if child.poll() is not None:
                print(f"{name} 意外退出（代码 {child.returncode}），系统停止 ({name} ended unexpectedly)", file=sys.stderr)
                return name
        return None

    def _wait_answering(self) -> bool:
        deadline = time.monotonic() + STARTED_IN_S
        while time.monotonic() < deadline and not self._is_to_stop() and self._fallen() is None:
            if is_answering(bind=self.bind, port=self.port):
                return True
            time.sleep(0.1)
        return False

    @property
    def url(self) -> str:
        return f"http://{reachable_host(self.bind)}:{self.port}/"

    def _announce(self) -> None:
        self._say(f"\n防返贫系统已启动：{self.url} （按 Ctrl-C 停止） (running; stop with Ctrl-C)")
        with contextlib.suppress(OSError):
            accounts = (self.data_dir / "demo" / "accounts.txt").read_text(encoding="utf-8")
            self._say(f"演示县，账号和密码 (demo county; name, password)：\n{accounts}")

    def _say(self, text: str) -> None:
        print(text, file=sys.stderr if self.quiet else sys.stdout, flush=True)

    def _stop_children(self) -> None:
        if self._keeper is not None:
            self._keeper.kill()
            self._keeper.communicate()
        for child in reversed(self._children.values()):
            if child.poll() is None:
                child.terminate()
        for child in self._children.values():
            try:
                child.wait(15)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
                child.wait()


def _catches(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler for the signal; False when that cannot be told."""
    try:
        caught = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigCgt:"))
    except (OSError, StopIteration):
        return False
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)


def _die_with_parent(parent: int) -> Callable[[], None]:
    def ask() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        # The parent may have died before the request was made.
        if os.getppid() != parent:
            os._exit(1)

    return ask


def process_environment(data_dir: Path, *, role: str) -> dict[str, str]:
    """Environment of a child: its database role, and not the owner's DATABASE_URL unless it is the owner."""
    kept = {name: value for name, value in os.environ.items() if role == "owner" or not name.endswith("DATABASE_URL")}
    return {**kept, "DATA_DIR": str(data_dir), "FFP_DB_ROLE": role, "DJANGO_SETTINGS_MODULE": "fangfanpin.settings"}


def prepare_data_dir(data_dir: Path) -> None:
    """Make DATA_DIR (0700) and see that it can be written; raises CommandFault with what to do."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = data_dir / ".writable"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as fault:
        raise CommandFault(f"数据目录 {data_dir} 不能写入：请改权限或另设 DATA_DIR (cannot write DATA_DIR: {fault.strerror})") from None
    if shutil.disk_usage(data_dir).free < LEAST_FREE_BYTES:
        raise CommandFault(f"{data_dir} 所在磁盘剩余不足 500 MB，请先清理 (disk nearly full)")


def check_port(*, bind: str, port: int, wait_s: float = 0) -> None:
    """Raises CommandFault when the address cannot be listened on, `wait_s` from now."""
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    deadline = time.monotonic() + wait_s
    while True:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((bind, port))
            except OSError as fault:
                if time.monotonic() >= deadline:
                    said = f"{bind}:{port} 不能使用（可能已被占用），请换一个，例如 PORT=8001 make run ({fault.strerror})"
                    raise CommandFault(said) from None
            else:
                return
        time.sleep(0.2)


def reachable_host(bind: str) -> str:
    """Where this machine itself reaches a server bound to `bind`, as written in a URL."""
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(bind, f"[{bind}]" if ":" in bind else bind)


def is_answering(*, bind: str, port: int) -> bool:
    """Does the web server there answer, its database with it? Never through a proxy of the environment."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    asked = urllib.request.Request(f"http://{reachable_host(bind)}:{port}/healthz", headers={"Host": f"localhost:{port}"})
    try:
        with direct.open(asked, timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


@contextlib.contextmanager
def hold_lock(data_dir: Path) -> Iterator[bool]:
    """One supervisor per DATA_DIR; its pid stands in the file for `fangfanpin stop`. The lock falls with the process.

    Gives True when the last holder was killed: it did not wipe its pid.
    """
    with (data_dir / "serve.pid").open("a+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CommandFault(f"{data_dir} 的系统已在运行，停止请用 fangfanpin stop (already running on this DATA_DIR)") from None
        stream.seek(0)
        was_killed = bool(stream.read())
        stream.seek(0)
        stream.truncate()
        stream.write(str(os.getpid()))
        stream.flush()
        try:
            yield was_killed
        finally:
            stream.seek(0)
            stream.truncate()


def holder(data_dir: Path) -> int | None:
    """Pid of the supervisor that holds DATA_DIR now, None if none does."""
    try:
        with (data_dir / "serve.pid").open("r+") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return int(stream.read())
    except (FileNotFoundError, ValueError):
        pass
    return None


def stop(data_dir: Path, *, timeout_s: float = 60) -> bool:
    """Stop the running installation of DATA_DIR, also what a killed supervisor left; True if anything ran."""
    pid = holder(data_dir)
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + timeout_s
        while holder(data_dir) is not None:
            if time.monotonic() > deadline:
                raise CommandFault(f"进程 {pid} 没有停下，请稍后再试 (did not stop)")
            time.sleep(0.1)
    server = EmbeddedPostgres(data_dir)
    left = server.is_running()
    if left:
        server.stop()
    return pid is not None or left


@contextlib.contextmanager
def database_at_hand(data_dir: Path) -> Iterator[None]:
    """For a command: the database runs while the block does, and its structure is the code's."""
    prepare_data_dir(data_dir)
    settle(data_dir)
    with in_use(data_dir):
        migrate(data_dir)
        yield


def settle(data_dir: Path) -> None:
    """For a command: a restore that was cut off is undone or finished first; one that is under way is not disturbed."""
    if not swap.is_interrupted(data_dir):
        return
    if holder(data_dir) is not None:
        raise CommandFault(f"{data_dir} 正在恢复备份，请等它结束 (a restore is under way)")
    with hold_lock(data_dir):
        swap.settle(data_dir)


def migration_state() -> str:
    """Hash of every migration file, of ours and of installed packages' versions (the lock decides those)."""
    digest = hashlib.sha256()
    for path in sorted((PROJECT_DIR / "fangfanpin").glob("*/migrations/*.py")) + sorted((PROJECT_DIR / "fangfanpin").glob("*/sql/*.sql")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    lock = PROJECT_DIR / "locks" / "run.lock"
    digest.update(lock.read_bytes() if lock.exists() else b"")
    return digest.hexdigest()


def migrate(data_dir: Path, *, force: bool = False, keys: Path | None = None) -> bool:
    """Bring the database to the code's structure; False if the recorded state shows that nothing is to do. `keys`: others than DATA_DIR's."""
    state = migration_state()
    with psycopg.connect(read_urls(data_dir).owner, autocommit=True) as connection:
        # The database keeps the state itself: a note in a file would be wrong after a restore or against another server.
        found = connection.execute("SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()").fetchone()
        if found is not None and found[0] == state and not force:
            return False
        command = [sys.executable, "-m", "django", "migrate", "-v0", "--no-input"]
        environment = process_environment(data_dir, role="owner") | ({"FFP_KEYS_FILE": str(keys)} if keys is not None else {})
        done = subprocess.run(command, env=environment, check=False)
        if done.returncode != 0:
            raise CommandFault("数据库结构没有更新成功，原因见上 (migrate failed)")
        database = psycopg.sql.Identifier(connection.info.dbname)
        connection.execute(psycopg.sql.SQL("COMMENT ON DATABASE {} IS {}").format(database, psycopg.sql.Literal(state)))
    return True
