"""Commands of the process side: serve, stop, migrate, worker, backup, restore, doctor."""

import argparse
import importlib
import os
import sys
from pathlib import Path

from fangfanpin.cli import Answer, Command, CommandFault
from fangfanpin.runtime import backup, doctor, supervisor
from fangfanpin.runtime.postgres import in_use


def data_dir() -> Path:
    return Path(os.environ.get("DATA_DIR", "./var")).resolve()


def _nothing(_parser: argparse.ArgumentParser) -> None:
    return None


def _serve(arguments: argparse.Namespace) -> Answer:
    word = os.environ.get("PORT", "8000")
    if not word.isdigit() or not 0 < int(word) < 65536:
        raise CommandFault(f"PORT={word} 不是端口号，请用 1–65535 的整数 (PORT is not a port number)")
    bind = os.environ.get("BIND", "127.0.0.1")
    running = supervisor.Supervisor(data_dir=data_dir(), bind=bind, port=int(word), quiet=arguments.json)
    code = running.run()
    return Answer(facts={"url": running.url, "stopped": True}, text="已停止 (stopped)", exit_code=code)


def _stop(_arguments: argparse.Namespace) -> Answer:
    stopped = supervisor.stop(data_dir())
    return Answer(facts={"stopped": stopped}, text="已停止 (stopped)" if stopped else "没有在运行的系统 (nothing was running)")


def _migrate(_arguments: argparse.Namespace) -> Answer:
    supervisor.prepare_data_dir(data_dir())
    supervisor.settle(data_dir())
    with in_use(data_dir()):
        changed = supervisor.migrate(data_dir(), force=True)
    return Answer(facts={"migrated": changed}, text="数据库结构已是最新 (up to date)")


def _worker(_arguments: argparse.Namespace) -> Answer:
    os.environ.update(supervisor.process_environment(data_dir(), role="worker"))
    importlib.import_module("django").setup()
    importlib.import_module("fangfanpin.jobs.services").take_up_lost()
    # Replaces this process: signals and the parent's death reach the worker itself.
    command = [sys.executable, "-m", "django", "procrastinate", "worker", "--concurrency", "1", "--shutdown-graceful-timeout", "10"]
    os.execv(sys.executable, command)


def _backup_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, help="备份文件或目录，默认 DATA_DIR/backups")


def _backup(arguments: argparse.Namespace) -> Answer:
    made = backup.make(data_dir=data_dir(), out=arguments.out)
    text = f"已备份到 {made.path}（{made.size_bytes / 1e6:.1f} MB）。备份不含密钥：请另行保管 {data_dir() / 'keys'}，没有它备份不能用。"
    return Answer(facts={"path": str(made.path), "bytes": made.size_bytes, "sha256": made.sha256, "keys_included": False}, text=text)


def _restore_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="备份文件")
    parser.add_argument("--keys", type=Path, help="备份时的 keys 目录；DATA_DIR 已有 keys 时可不给")
    parser.add_argument("--force", action="store_true", help="覆盖已有数据的县")


def _restore(arguments: argparse.Namespace) -> Answer:
    backup.restore(data_dir=data_dir(), file=arguments.file, keys=arguments.keys, force=arguments.force)
    return Answer(facts={"restored": str(arguments.file)}, text="已恢复，可用 make run 启动 (restored)")


def _doctor(_arguments: argparse.Namespace) -> Answer:
    checks = doctor.examine(data_dir())
    return Answer(
        facts={"checks": [check.facts() for check in checks], "ok": not doctor.is_bad(checks)},
        text="\n".join(check.line() for check in checks),
        exit_code=1 if doctor.is_bad(checks) else 0,
    )


COMMANDS = {
    "serve": Command(_nothing, _serve),
    "stop": Command(_nothing, _stop),
    "migrate": Command(_nothing, _migrate),
    "worker": Command(_nothing, _worker),
    "backup": Command(_backup_arguments, _backup),
    "restore": Command(_restore_arguments, _restore),
    "doctor": Command(_nothing, _doctor),
}
