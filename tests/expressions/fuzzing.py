"""One text through parser, checker, both compilers and a run on DuckDB beside a canary file. Also the entry of atheris:
`python -m tests.expressions.fuzzing -runs=20000`, which mutates by what the code was seen to do.
"""

import importlib
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from fangfanpin.expressions import ExpressionFaults, infer
from fangfanpin.expressions.duckdb import value_select
from fangfanpin.expressions.spark import values_select
from tests.conformance.county import county
from tests.conformance.world import CONSTS, SCHEMA, Home, Person

SONG = "the canary sings"
SUBJECTS = ("household", "person", "spell")
TABLES = {*SUBJECTS, "latest_spell", *(relation.stored for relation in SCHEMA.relations.values())}


@dataclass(frozen=True)
class Cage:
    """A small county, and a folder whose file nobody may read, change or add to."""

    database: duckdb.DuckDBPyConnection
    folder: Path

    @property
    def canary(self) -> Path:
        return self.folder / "canary.csv"

    def try_text(self, text: str, subject: str) -> bool:
        """Whether the text is an expression. Fails when it is neither refused with a place nor harmless."""
        try:
            expression = infer(text, SCHEMA, subject=subject)
        except ExpressionFaults as refused:
            assert refused.faults
            for fault in refused.faults:
                assert 0 <= fault.start <= len(text) and fault.start < fault.end <= len(text) + 1, (fault, text)
                assert fault.message_zh and fault.message_en
            return False
        written = value_select(expression, schema=SCHEMA, env=CONSTS).sql("duckdb")
        assert values_select([expression], schema=SCHEMA, env=CONSTS).sql("spark")
        (statement,) = duckdb.extract_statements(written)
        assert statement.type == duckdb.StatementType.SELECT
        assert {name.strip('"') for name in self.database.get_table_names(written)} <= TABLES, text
        try:
            found = self.database.execute(written).fetchall()
        except duckdb.Error as fault:
            raise AssertionError(f"{text}: {fault}") from fault
        assert SONG not in str(found), text
        assert self.canary.read_text(encoding="utf-8") == f"a\n{SONG}\n"
        assert [path.name for path in self.folder.iterdir()] == ["canary.csv"]
        return True


@contextmanager
def cage() -> Iterator[Cage]:
    home = Home(
        {"head_name": "张三", "household_size": 3, "causes": ("01",)}, None, [Person({"member_name": "李四"})], [{"spell_no": 1, "risk": "01"}]
    )
    with county({"h1": home}) as database, tempfile.TemporaryDirectory() as folder:
        found = Cage(database, Path(folder))
        found.canary.write_text(f"a\n{SONG}\n", encoding="utf-8")
        yield found


def main() -> None:
    atheris = importlib.import_module("atheris")
    with cage() as caged:

        def one(data: bytes) -> None:
            text = data[1:].decode("utf-8", "ignore").replace("{file}", str(caged.canary))
            caged.try_text(text, SUBJECTS[data[0] % len(SUBJECTS)] if data else SUBJECTS[0])

        atheris.instrument_all()
        atheris.Setup(sys.argv, one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
