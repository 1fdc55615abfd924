"""`fangfanpin doctor`: is this installation fit, and if not, what is to do. Looks only; changes nothing."""

import ipaddress
import os
import re
import shutil
import stat
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import psycopg

from fangfanpin.cli import CommandFault
from fangfanpin.pack import PackFaults, load_pack
from fangfanpin.papers.fonts import FontsMissing, font_directories
from fangfanpin.runtime import supervisor
from fangfanpin.runtime.postgres import ROLES, DatabaseFault, EmbeddedPostgres, read_urls

State = Literal["ok", "warn", "bad"]
_WORDS: dict[str, str] = {"ok": "正常", "warn": "注意", "bad": "有问题"}


@dataclass(frozen=True, slots=True)
class Check:
    """`name` is the same word for ever (machines read it), `text` says what was found and, unless ok, what to do."""

    name: str
    state: State
    text: str

    def facts(self) -> dict[str, Any]:
        return asdict(self)

    def line(self) -> str:
        return f"{_WORDS[self.state]}  {self.name}：{self.text}"


def is_bad(checks: list[Check]) -> bool:
    return any(check.state == "bad" for check in checks)


def examine(data_dir: Path) -> list[Check]:
    """Every check in turn; one that cannot be made is a finding, not a fault of the doctor."""
    checks: list[Check] = []
    for name, look in _LOOKS.items():
        try:
            checks.extend(Check(name, state, text) for state, text in look(data_dir))
        except (CommandFault, DatabaseFault, OSError) as fault:
            checks.append(Check(name, "bad", str(fault)))
    return checks


Finding = tuple[State, str]


def _disk(data_dir: Path) -> Iterator[Finding]:
    if not data_dir.is_dir():
        yield "bad", f"数据目录 {data_dir} 不存在：先运行 make run 或 fangfanpin init"
        return
    if not os.access(data_dir, os.W_OK):
        yield "bad", f"数据目录 {data_dir} 不能写入：请改权限或另设 DATA_DIR"
    if data_dir.stat().st_mode & 0o077:
        yield "warn", f"其他账号能看到 {data_dir}：请运行 chmod 700 {data_dir}"
    free = shutil.disk_usage(data_dir).free
    shown = f"{data_dir} 剩余 {free / 1e9:.1f} GB"
    if free < supervisor.LEAST_FREE_BYTES:
        yield "bad", f"{shown}，不足 0.5 GB，系统不会启动：请清理磁盘"
    elif free < 5e9:
        yield "warn", f"{shown}，不足 5 GB：备份和导出可能放不下"
    else:
        yield "ok", shown


def _port(data_dir: Path) -> Iterator[Finding]:
    bind, word = os.environ.get("BIND", "127.0.0.1"), os.environ.get("PORT", "8000")
    if not word.isdigit() or not 0 < int(word) < 65536:
        yield "bad", f"PORT={word} 不是端口号，请用 1–65535 的整数"
        return
    if supervisor.holder(data_dir) is None:
        supervisor.check_port(bind=bind, port=int(word))
        yield "ok", f"{bind}:{word} 可用，系统没有在运行"
    elif supervisor.is_answering(bind=bind, port=int(word)):
        yield "ok", f"{bind}:{word} 正在服务"
    else:
        yield "bad", f"系统在运行，但 {bind}:{word} 没有回答：核对 BIND、PORT 和启动时一样，再看启动窗口的提示"


def _address(_data_dir: Path) -> Iterator[Finding]:
    """BIND, HOSTS and TLS belong together: which other machines may ask, under which names, and whether passwords travel in clear."""
    bind = os.environ.get("BIND", "127.0.0.1")
    hosts = [host for host in os.environ.get("HOSTS", "").split(",") if host]
    tls = os.environ.get("FFP_TLS", "")
    try:
        only_here = ipaddress.ip_address(bind).is_loopback
    except ValueError:
        only_here = bind == "localhost"
    if tls not in {"", "0", "1"}:
        yield "bad", f"FFP_TLS={tls} 不认识：在 HTTPS 代理后面写 FFP_TLS=1，否则不写"
    wrong = [host for host in hosts if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\]", host)]
    if wrong:
        yield "bad", f"HOSTS 中 {wrong[0]} 不是主机名：只写域名或地址，用英文逗号隔开，不带 http:// 、端口和 *"
    if not only_here and not hosts:
        yield "bad", f"BIND={bind} 对其他电脑开放，但没有写 HOSTS：他们会看到 400。请写 HOSTS=本机的域名或地址"
    if not only_here and tls != "1":
        yield "warn", f"BIND={bind} 没有加密，密码和数据在网上是明文：请按 docs/operations.md 在前面放 HTTPS 代理，并设 FFP_TLS=1"
    if not only_here and tls == "1":
        yield "warn", f"FFP_TLS=1 时 BIND 应是 127.0.0.1，只让代理能连：别人绕过代理可以冒充加密连接（现在是 {bind}）"
    if tls == "1" and not hosts:
        yield "bad", "FFP_TLS=1 但没有写 HOSTS：经代理登录会被拒绝。请写 HOSTS=对外的域名"
    if only_here and tls != "1":
        yield "ok", "只供本机使用 (BIND=127.0.0.1)；供全县使用见 docs/operations.md"
    elif only_here and hosts and not wrong:
        yield "ok", f"在 HTTPS 代理后面，域名 {'、'.join(hosts)}"


def _proxy(data_dir: Path) -> Iterator[Finding]:
    """Ask as the proxy does, where the installation runs behind one."""
    hosts = [host for host in os.environ.get("HOSTS", "").split(",") if host]
    if os.environ.get("FFP_TLS") != "1" or not hosts or supervisor.holder(data_dir) is None:
        return
    bind, port = os.environ.get("BIND", "127.0.0.1"), int(os.environ.get("PORT", "8000"))
    asked = urllib.request.Request(
        f"http://{supervisor.reachable_host(bind)}:{port}/accounts/sign-in", headers={"Host": hosts[0], "X-Forwarded-Proto": "https"}
    )
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked, timeout=10) as answer:
            cookies = answer.headers.get_all("Set-Cookie") or []
    except urllib.error.HTTPError as fault:
        yield "bad", f"按代理的方式访问 {hosts[0]} 得到 {fault.code}：启动时的 HOSTS 和现在检查的不一样，请用同样的设置重新启动"
        return
    except OSError as fault:
        yield "bad", f"按代理的方式访问没有回答：{fault}"
        return
    if not cookies or any("secure" not in cookie.lower() for cookie in cookies):
        yield "bad", "启动时没有 FFP_TLS=1：登录凭据没有标为只走加密连接。请设好后重新启动"
    else:
        yield "ok", f"代理方式访问 {hosts[0]} 正常，登录凭据只走加密连接"


def _database(data_dir: Path) -> Iterator[Finding]:
    outside = bool(os.environ.get("DATABASE_URL"))
    if not outside and not EmbeddedPostgres(data_dir).is_running():
        yield "warn", "数据库没有在运行，以下数据库检查没有做：请先 make run"
        return
    with _owner(data_dir) as connection:
        version = connection.info.server_version
        size = connection.execute("SELECT pg_database_size(current_database())").fetchone()
        shown = f"PostgreSQL {version // 10000}.{version % 10000}，{'外部' if outside else '自带'}，{(size[0] if size else 0) / 1e6:.0f} MB"
        yield ("ok", shown) if version >= 160000 else ("bad", f"{shown}：需要 16 或更高版本")


def _roles(data_dir: Path) -> Iterator[Finding]:
    """The web server's role must not pass row security, nor own what it could then switch it off on."""
    if not _has_database(data_dir):
        return
    urls = read_urls(data_dir)
    names = {psycopg.conninfo.conninfo_to_dict(url)["user"]: role for role, url in ((role, getattr(urls, role)) for role in ROLES)}
    with _owner(data_dir) as connection:
        found = connection.execute(
            "SELECT rolname, rolsuper OR rolbypassrls OR rolreplication OR rolcreaterole,"
            " EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid AND c.relnamespace = 'public'::regnamespace)"
            " FROM pg_roles r WHERE rolname = ANY(%s)",
            [list(names)],
        ).fetchall()
        missing = set(names) - {row[0] for row in found}
        if missing:
            yield "bad", f"缺少数据库角色 {'、'.join(sorted(map(str, missing)))}：重新启动会建好"
        for name, mighty, owns in found:
            if names[name] != "owner" and (mighty or owns):
                yield "bad", f"数据库角色 {name} 权限过大，行级安全对它不起作用：收回 SUPERUSER、BYPASSRLS、CREATEROLE 和表的所有权"
        open_tables = connection.execute(
            "SELECT c.relname FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE p.polname = 'reach' AND NOT c.relrowsecurity"
        ).fetchall()
        if open_tables:
            yield "bad", f"表 {open_tables[0][0]} 的行级安全被关闭了：ALTER TABLE … ENABLE ROW LEVEL SECURITY"
        protected = connection.execute("SELECT count(DISTINCT polrelid) FROM pg_policy WHERE polname = 'reach'").fetchone()
        yield "ok", f"{len(found)} 个角色，{protected[0] if protected else 0} 张个人信息表受行级安全保护"


def _keys(data_dir: Path) -> Iterator[Finding]:
    place = Path(os.environ.get("FFP_KEYS_FILE", str(data_dir / "keys" / "privacy.json")))
    if not place.exists():
        yield "bad", f"没有密钥 {place}：已有数据时请从保管处放回，千万不要新建；新县启动时会自动生成"
        return
    for path in sorted({place, *(data_dir / "keys").glob("*.json")}):
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            yield "bad", f"其他账号能读密钥 {path}（{mode:o}）：请运行 chmod 600 {path}"
    yield "ok", f"密钥在 {place}；备份不含它，请另行保管一份"


def _structure(data_dir: Path) -> Iterator[Finding]:
    if not _has_database(data_dir):
        return
    with _owner(data_dir) as connection:
        if connection.execute("SELECT to_regclass('public.django_migrations')").fetchone() == (None,):
            yield "warn", "数据库还是空的：make run 会建好"
            return
        applied = {tuple(row) for row in connection.execute("SELECT app, name FROM django_migrations").fetchall()}
        recorded = connection.execute("SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()").fetchone()
    pending = [
        f"{path.parent.parent.name}.{path.stem}"
        for path in sorted((supervisor.PROJECT_DIR / "fangfanpin").glob("*/migrations/[0-9]*.py"))
        if (path.parent.parent.name, path.stem) not in applied
    ]
    if pending:
        yield "warn", f"有 {len(pending)} 项数据库结构更新没有做（{pending[0]} 等）：先备份，再重新启动"
    elif recorded is None or recorded[0] != supervisor.migration_state():
        yield "warn", "程序和数据库记下的结构不同：重新启动会核对一遍"
    else:
        yield "ok", f"数据库结构是最新的（{len(applied)} 项）"


def _pack(data_dir: Path) -> Iterator[Finding]:
    packs = Path(os.environ.get("FFP_PACKS_DIR", str(supervisor.PROJECT_DIR / "packs")))
    for directory in sorted(path.parent for path in packs.glob("*/pack.toml")):
        try:
            pack = load_pack(directory)
        except PackFaults as faults:
            first = faults.faults[0]
            yield "bad", f"政策包 {directory.name} 有 {len(faults.faults)} 处错误，例如 {first.file}:{first.line} {first.message_zh}"
        else:
            yield "ok", f"政策包 {pack.id}（{len(pack.rules)} 条规则）"


def _fonts(_data_dir: Path) -> Iterator[Finding]:
    try:
        yield "ok", f"中文字体 {len(font_directories())} 处"
    except FontsMissing as fault:
        yield "bad", str(fault)


def _front_end(_data_dir: Path) -> Iterator[Finding]:
    built = supervisor.PROJECT_DIR / "fangfanpin" / "web" / "static" / "built" / "site.css"
    yield ("ok", "页面样式和录入程序已生成") if built.exists() else ("bad", "页面样式和录入程序没有生成：请运行 make build")


def _clock(data_dir: Path) -> Iterator[Finding]:
    """Deadlines, sessions and the order of events hang on the clock."""
    newest = max((path.stat().st_mtime for path in (supervisor.PROJECT_DIR / "fangfanpin").glob("*/migrations/*.py")), default=0.0)
    if newest > time.time() + 86400:
        yield "bad", f"电脑时间 {time.strftime('%Y-%m-%d %H:%M')} 比程序文件还早：请校准时间"
        return
    if _has_database(data_dir):
        with _owner(data_dir) as connection:
            row = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8, to_regclass('public.audit_event') IS NOT NULL").fetchone()
            if row is not None and abs(row[0] - time.time()) > 5:
                yield "bad", f"数据库服务器和本机时间相差 {abs(row[0] - time.time()):.0f} 秒：请校准两边的时间"
            last = connection.execute("SELECT max(at) > now() + interval '5 seconds' FROM audit_event").fetchone() if row and row[1] else None
            if last is not None and last[0]:
                yield "bad", "最近一次改动的时间在将来：电脑时间被调回过，请校准时间"
                return
    yield "ok", time.strftime("%Y-%m-%d %H:%M:%S %Z")


_WORKER_STARTS_S = 15


def _worker(data_dir: Path) -> Iterator[Finding]:
    if supervisor.holder(data_dir) is None or not _has_database(data_dir):
        return
    with _owner(data_dir) as connection:
        # The worker writes a heartbeat every ten seconds; the web answers some seconds before a worker just started writes its first.
        deadline = time.monotonic() + _WORKER_STARTS_S
        while True:
            alive = connection.execute(
                "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > clock_timestamp() - interval '60 seconds'"
            ).fetchone()
            if (alive and alive[0]) or time.monotonic() > deadline:
                break
            time.sleep(0.5)
        waiting = connection.execute("SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'").fetchone()
    if not alive or not alive[0]:
        yield "bad", "后台任务程序没有在运行：导入、导出、打印都会一直等待。请停止后重新启动"
    else:
        yield "ok", f"后台任务程序在运行，{waiting[0] if waiting else 0} 项等待"


_LOOKS: dict[str, Callable[[Path], Iterator[Finding]]] = {
    "disk": _disk,
    "port": _port,
    "address": _address,
    "proxy": _proxy,
    "database": _database,
    "roles": _roles,
    "keys": _keys,
    "structure": _structure,
    "pack": _pack,
    "fonts": _fonts,
    "front_end": _front_end,
    "clock": _clock,
    "worker": _worker,
}


def _has_database(data_dir: Path) -> bool:
    return bool(os.environ.get("DATABASE_URL")) or EmbeddedPostgres(data_dir).is_running()


def _owner(data_dir: Path) -> psycopg.Connection:
    try:
        return psycopg.connect(read_urls(data_dir).owner, autocommit=True, connect_timeout=10)
    except psycopg.OperationalError:
        raise DatabaseFault("连不上数据库：请看 DATA_DIR/logs/postgres.log，或检查 DATABASE_URL") from None
