"""How fast past decisions are made again: python -m tests.benchmarks.bench_replay [--records N] [--out FILE]

Generated decisions of the shipped policy (many apps and keys, a few findings each, now and then hundreds) are put into
SQLite as the ledger writes them, then replayed under the same policy, and compared under it and another one. Memory is
the peak of the whole process, before and after.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Engine, insert

from gateway.adapters.database import open_database, upgrade
from gateway.adapters.file_policies import FilePolicies
from gateway.adapters.sql_decisions import SqlDecisions
from gateway.adapters.tables import records
from gateway.domain.alias import Alias
from gateway.domain.commitment import Secrets
from gateway.domain.comparing import Compared, Replayed
from gateway.domain.declaration import Source
from gateway.domain.facts import Context, Facts, FindingFact
from gateway.domain.finding import Permille
from gateway.domain.labels import DEFAULT_TABLE, Label
from gateway.domain.policy import Bundle
from gateway.domain.record import NO_LEAF, Link, encode
from gateway.domain.recorded import Past, past_of
from gateway.domain.replaying import Replayer
from gateway.paths import data_path
from tests.replays import evidence_for

START = 1_790_000_000_000_000
SECRETS = Secrets(b"d" * 32, b"t" * 32, b"s" * 16)
ENTITIES = sorted(DEFAULT_TABLE)


def facts(chance: random.Random, at: int) -> Facts:
    """A request: half find nothing, most others a few values of a few kinds, one in a hundred very many."""
    many = 0 if chance.random() < 0.5 else chance.randint(1, 6)
    many = 120 if chance.random() < 0.01 else many
    found = tuple(
        FindingFact(
            chance.choice(ENTITIES),
            f"/messages/{chance.randint(0, 30)}/content",
            chance.choice((Source.USER, Source.USER, Source.SYSTEM, Source.TOOL_RESULT)),
            count := min(40, 1 + int(chance.expovariate(1))),
            chance.randint(0, count),
            Permille(chance.randint(300, 1000)),
        )
        for _ in range(many)
    )
    claim = chance.choice(("", "", "", "internal", "restricted"))
    app = f"app-{chance.randint(1, 40)}"
    context = Context("acme", app, f"k{chance.randint(1, 200)}", chance.choice(("", "support")), Label(claim), at)
    return Facts(
        context, "gpt-4o", chance.randint(1, 40), int(chance.random() < 0.01), int(chance.random() < 0.03), found
    )


def fill(engine: Engine, bundle: Bundle, count: int) -> None:
    """Put decisions into the database, as records of one writer."""
    chance, leaf, alias = random.Random(7), NO_LEAF, Alias("openai", "local-slm")
    for start in range(0, count, 1000):
        rows = []
        for number in range(start, min(count, start + 1000)):
            evidence = evidence_for(bundle, facts(chance, START + number * 50_000), alias)
            record = encode(evidence, Link("gw-00000000", number, leaf, bytes(16)), SECRETS)
            leaf, search = record.leaf, record.search
            derived = {name: getattr(search, name) for name in search.__slots__ if name in records.columns}
            rows.append({"writer": record.writer, "sequence": number, "body": record.body, "leaf": leaf, **derived})
        with engine.begin() as connection:
            connection.execute(insert(records), rows)


def peak() -> float:
    """The most memory so far, in MiB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def measured(name: str, engine: Engine, *replayers: Replayer) -> dict[str, object]:
    """One run over all decisions."""
    gc.disable()  # as the commands do
    before, began, cpu = peak(), time.perf_counter(), time.process_time()
    replayed, compared = Replayed(replayers[0].bundle.digest), Compared()
    decisions = SqlDecisions(engine)
    for page in decisions.pages(0, 2**53):
        for body in page.bodies:
            past = past_of(body, {})
            made = [each.again(past) if isinstance(past, Past) else past for each in replayers]
            replayed.add(past, made[0]) if len(made) == 1 else compared.add(past, *made)
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    count = replayed.decisions + compared.decisions
    told = {
        "run": name,
        "decisions": count,
        "per_second": round(count / wall),
        "per_second_of_processor_time": round(count / cpu),
        "memory_mib": [before, peak()],
        "equal": replayed.equal,
        "different": replayed.differing,
        "would_leave": compared.opened,
        "not_replayed": sum(replayed.missed.counts.values()) + sum(compared.missed.counts.values()),
    }
    print(json.dumps(told))
    return told


def main() -> None:
    """Fill, replay, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    bundle = FilePolicies(data_path("policies")).current()
    first, *rest = bundle.policies
    fewer = tuple(rule for rule in first.rules if rule.id != "government-id-stays-inside")
    other = replace(bundle, policies=(replace(first, rules=fewer), *rest), digest="sha256:" + "0" * 64)
    with tempfile.TemporaryDirectory() as folder:
        engine = open_database(f"sqlite:///{folder}/replay.db")
        upgrade(engine)
        fill(engine, bundle, chosen.records)
        told = [
            measured("replay", engine, Replayer(bundle)),
            measured("diff", engine, Replayer(bundle), Replayer(other)),
        ]
        engine.dispose()
    if chosen.out:
        chosen.out.write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main()
