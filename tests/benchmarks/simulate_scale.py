"""What many requests a second would take, by a simulation with the service times that were measured here.

python -m tests.benchmarks.simulate_scale [--size N] [--out docs/benchmarks/scale.json]

A replica is a tandem of queues: its event loop (one server), its detector processes (new text alone), its committer
(one server: all that waits is one transaction). Requests arrive at random (Poisson), service times vary (gamma).
Replicas are alike, so one is simulated with its share. PostgreSQL, the integrator and the index are shared: their load
is records a second against what one writer, one integrator was measured to do. `--size N` measures bytes a record, by
writing N records to a real PostgreSQL.
"""

from __future__ import annotations

import argparse
import heapq
import json
import math
import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy

from tests.benchmarks.ledger_maker import fill, house_in

BENCHMARKS = Path(__file__).resolve().parents[2] / "docs" / "benchmarks"
LOADS = (100, 1_000, 10_000)
NEW_TEXT = 0.5
DETECTORS = 4
TARGET = 0.6
_SHAPE = 4.0  # a coefficient of variation of one half, as the detector's p50 and p99 have it
_MOST_IN_A_BATCH = 256
_RECORDS_A_REQUEST = 2
_TABLES = ("records", "record_salts", "tree_entries", "tree_nodes", "search_bitmaps", "search_times", "search_blocks")
Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Costs:
    """Measured service times, in milliseconds, and rates, in records a second."""

    loop: float
    detect: float
    commit: float
    commit_record: float
    postgres: float
    tree: float
    index: float


def measured() -> Costs:
    """From the committed figures of the other benchmarks."""
    gateway = json.loads((BENCHMARKS / "gateway.json").read_text())
    rows = json.loads((BENCHMARKS / "ledger.json").read_text())["rows"]
    loaded = next(row for row in rows if (row["name"], row["writers"]) == ("postgresql", 1))
    idle = next(row for row in rows if row["name"] == "postgresql, idle")
    reading = json.loads((BENCHMARKS / "ledger-reading.json").read_text())["sqlite"]
    each = 1000 / loaded["per_second"]
    return Costs(
        loop=1000 / gateway["requests_per_second"]["same text"],
        detect=52.3,  # one new turn of 500 characters: docs/benchmarks/detection.md, row 11
        commit=idle["p50"] - each,
        commit_record=each,
        postgres=loaded["per_second"],
        tree=reading["changed_records"] / reading["integrate_cpu_s"],
        index=reading["changed_records"] / (reading["integrate_cpu_s"] + reading["index_cpu_s"]),
    )


def queue(arrivals: Sequence[float], mean: float, servers: int, chance: random.Random) -> list[float]:
    """When each leaves a first-come-first-served stage with so many servers. Milliseconds, sorted by arrival."""
    free = [0.0] * servers
    left = []
    for at in arrivals:
        start = max(at, heapq.heappop(free))
        end = start + chance.gammavariate(_SHAPE, mean / _SHAPE)
        heapq.heappush(free, end)
        left.append(end)
    return left


def batches(arrivals: Sequence[float], fixed: float, each: float) -> Iterator[float]:
    """When each leaves a committer that takes all that waits at once."""
    free, at = 0.0, 0
    while at < len(arrivals):
        start = max(free, arrivals[at])
        until = at
        while until < len(arrivals) and arrivals[until] <= start and until - at < _MOST_IN_A_BATCH:
            until += 1
        free = start + fixed + each * (until - at) * _RECORDS_A_REQUEST
        yield from [free] * (until - at)
        at = until


def replica(costs: Costs, per_second: float, seconds: float, chance: random.Random) -> list[float]:
    """What one replica adds to each request of its share, in milliseconds, sorted."""
    at, arrivals = 0.0, []
    while at < seconds * 1000:
        at += chance.expovariate(per_second / 1000)
        arrivals.append(at)
    after_loop = sorted(zip(queue(arrivals, costs.loop, 1, chance), arrivals, strict=True))
    new = [each for each in after_loop if chance.random() < NEW_TEXT]
    known = sorted(set(after_loop) - set(new))
    examined = zip(queue([t for t, _ in new], costs.detect, DETECTORS, chance), (a for _, a in new), strict=True)
    decided = sorted([*examined, *known])
    done = batches([t for t, _ in decided], costs.commit, costs.commit_record)
    return sorted(end - arrived for end, (_, arrived) in zip(done, decided, strict=True))


def capacity(costs: Costs) -> float:
    """Requests a second of a replica whose busiest stage is fully used."""
    return 1000 / max(costs.loop, NEW_TEXT * costs.detect / DETECTORS, _RECORDS_A_REQUEST * costs.commit_record)


def simulated(costs: Costs, load: int, bytes_a_record: float, chance: random.Random) -> Figures:
    """One load: how many replicas at the target's use, what they add, how used what they share is."""
    replicas = max(2, math.ceil(load / (capacity(costs) * TARGET)))
    share = load / replicas
    added = replica(costs, share, max(30.0, 3000 / share), chance)
    records = load * _RECORDS_A_REQUEST
    return {
        "requests_per_second": load,
        "replicas": replicas,
        "loop_use": round(share * costs.loop / 1000, 2),
        "detector_use": round(share * NEW_TEXT * costs.detect / DETECTORS / 1000, 2),
        "added_p50_ms": round(added[len(added) // 2], 1),
        "added_p99_ms": round(added[len(added) * 99 // 100], 1),
        "records_per_second": records,
        "postgres_use": round(records / costs.postgres, 2),
        "tree_use": round(records / costs.tree, 2),
        "tree_and_index_use": round(records / costs.index, 2),
        "gib_per_day": round(records * 86_400 * bytes_a_record / 2**30, 1),
    }


def measured_size(records: int) -> Figures:
    """Bytes a record of each table, indexes and tree included, in a real PostgreSQL."""
    with tempfile.TemporaryDirectory(prefix="gateway-scale-") as folder, house_in(Path(folder), postgres=True) as house:
        fill(house, records)
        size = sqlalchemy.text("SELECT pg_total_relation_size(:name)")
        with house.engine.connect() as connection:
            sizes = {name: connection.execute(size, {"name": name}).scalar_one() for name in _TABLES}
    return {name: round(each / records, 1) for name, each in sizes.items()}


def main() -> None:
    """Measure, simulate, print, and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=0)
    parser.add_argument("--out", type=Path, default=BENCHMARKS / "scale.json")
    chosen = parser.parse_args()
    before = json.loads(chosen.out.read_text()) if chosen.out.exists() else {}
    sizes = measured_size(chosen.size) if chosen.size else before.get("bytes_per_record", {})
    costs, chance = measured(), random.Random(7)
    rows = [simulated(costs, load, sum(sizes.values()), chance) for load in LOADS]
    told = {
        "costs": {name: round(getattr(costs, name), 3) for name in costs.__slots__},
        "assumed": {"new_text": NEW_TEXT, "detectors_per_replica": DETECTORS, "target_use": TARGET},
        "capacity_per_replica": round(capacity(costs), 1),
        "bytes_per_record": sizes,
        "rows": rows,
    }
    chosen.out.write_text(json.dumps(told, indent=1) + "\n")
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
