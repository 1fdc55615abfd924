"""A Spark session of this process's own: Java found, started and ended with the command; nothing listens beyond this machine."""

import contextlib
import importlib
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

JAVA, PACKAGE = 17, "openjdk-17-jre-headless"
_VERSION = re.compile(r'version "(\d+)')
# What Java says of itself at each start is nothing that people can act on.
_LOGGING = """\
rootLogger.level = error
rootLogger.appenderRef.stderr.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %p %c: %m%n
"""


# Few cores are left to the work itself, and a catalogue is thousands of methods, which must all find their place when they are compiled.
_JAVA = "-XX:+UseParallelGC -XX:ReservedCodeCacheSize=1g"


class SparkMissing(Exception):
    """PySpark or Java is not there; the message says what to install."""


def java_home() -> Path:
    """Where a Java of at least version 17 lives: JAVA_HOME, `java` on the path, or where Debian puts it. Raises SparkMissing."""
    named = os.environ.get("JAVA_HOME")
    on_path = shutil.which("java")
    homes = [
        *([Path(named)] if named else []),
        *([Path(on_path).resolve().parent.parent] if on_path else []),
        *sorted(Path("/usr/lib/jvm").glob("java-*-openjdk*"), reverse=True),
    ]
    for home in homes:
        if (home / "bin" / "java").is_file() and _version(home) >= JAVA:
            return home
    raise SparkMissing(f"Spark 需要 Java {JAVA}：请运行 sudo apt-get install {PACKAGE} (Spark needs Java {JAVA} or newer)")


def _version(home: Path) -> int:
    told = subprocess.run([str(home / "bin" / "java"), "-version"], capture_output=True, text=True, check=False).stderr
    found = _VERSION.search(told)
    return int(found[1]) if found else 0


@contextlib.contextmanager
def spark_session(*, threads: int | None = None, memory_mb: int = 2048, partitions: int | None = None) -> "Iterator[SparkSession]":
    """A local session, gone at the end with all it wrote. `threads`: all of the machine's by default; `partitions`: of a shuffle. Raises
    SparkMissing. Settings that change what a statement means are fixed here: ANSI, the time zone, no substitution of variables."""
    try:
        pyspark = importlib.import_module("pyspark.sql")
    except ModuleNotFoundError:
        raise SparkMissing("没有安装 PySpark：请运行 make spark (PySpark is not installed)") from None
    logging.getLogger("SQLQueryContextLogger").disabled = True  # repeats every refused statement on stderr
    home = java_home()
    cores = threads or os.cpu_count() or 1
    with tempfile.TemporaryDirectory(prefix="ffp-spark-") as folder, _environment(JAVA_HOME=str(home), SPARK_LOCAL_IP="127.0.0.1"):
        log4j = Path(folder) / "log4j2.properties"
        log4j.write_text(_LOGGING, encoding="utf-8")
        settings = {
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.memory": f"{memory_mb}m",
            "spark.driver.extraJavaOptions": f"{_JAVA} -Dlog4j2.configurationFile={log4j.as_uri()} -Dderby.system.home={folder}",
            "spark.local.dir": folder,
            "spark.sql.warehouse.dir": f"{folder}/warehouse",
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            # Nobody looks at them, and the plan of a catalogue is megabytes.
            **dict.fromkeys(("spark.ui.retainedJobs", "spark.ui.retainedStages", "spark.sql.ui.retainedExecutions"), "1"),
            "spark.sql.maxPlanStringLength": "10000",
            # Every small table that is joined takes a page at least; pages of 64 MB were used up by dozens of joins in one query.
            "spark.buffer.pageSize": "2m",
            # A catalogue as one Java method is beyond 64 kB: it was written, refused with a page of trace, and done in parts all the same.
            "spark.sql.codegen.wholeStage": "false",
            "spark.sql.join.preferSortMergeJoin": "false",  # what is joined to a household's rows is smaller than they
            # Planned anew after each of dozens of joins a catalogue took three times as long, and in the end all the memory.
            "spark.sql.adaptive.enabled": "false",
            "spark.sql.shuffle.partitions": str(partitions or 2 * cores),
            "spark.sql.session.timeZone": "Asia/Shanghai",
            "spark.sql.ansi.enabled": "true",
            "spark.sql.variable.substitute": "false",
        }
        builder = pyspark.SparkSession.builder.master(f"local[{cores}]").appName("fangfanpin")
        for name, value in settings.items():
            builder = builder.config(name, value)
        session: SparkSession = builder.getOrCreate()
        gateway = session.sparkContext._gateway
        try:
            yield session
        finally:
            session.stop()
            _end(gateway)


def _end(gateway: Any) -> None:
    """PySpark leaves Java running until this process ends: it is the command that started it, so the command ends it."""
    context = importlib.import_module("pyspark").SparkContext
    process = getattr(gateway, "proc", None)
    gateway.shutdown()
    context._gateway = context._jvm = None
    if process is not None:
        process.stdin.close()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def _environment(**values: str) -> Iterator[None]:
    """Variables that PySpark's launcher reads, put back at the end. Python workers are never needed, but are named all the same."""
    values = {**values, "PYSPARK_PYTHON": sys.executable}
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
