"""One engine over one folder of snapshots, in a process of its own, so that its memory is its own: called by bench/engines.py."""

import hashlib
import json
from pathlib import Path

import pyarrow as pa

from bench.memory import most_held
from fangfanpin.snapshots.folder import snapshots_in
from fangfanpin.snapshots.sweep import HIT, engines_of, sweep_with


def catalogue(folder: str, engine: str, threads: int, memory_mb: int, times: int) -> None:
    """The whole catalogue; prints seconds of each run, sizes, what was found and the most memory held."""
    snapshots = snapshots_in(Path(folder))
    seconds = []
    with engines_of(engine, threads=threads, memory_mb=memory_mb) as engines:
        for _ in range(times):
            found = sweep_with(engines, snapshots)
            seconds.append(found.seconds)
    print(
        json.dumps(
            {
                "seconds": seconds,
                "households": found.rows["household"],
                "persons": found.rows["person"],
                "rules": found.rules,
                "rule_rows": found.rule_rows,
                "hits": found.hits.num_rows,
                "digest": digest_of(found.hits),
                "memory_gb": most_held() / 1024,
            }
        )
    )


def digest_of(hits: pa.Table) -> str:
    digest = hashlib.sha256()
    for name in HIT.names:
        digest.update("\n".join(value or "" for value in hits.column(name).to_pylist()).encode())
    return digest.hexdigest()
