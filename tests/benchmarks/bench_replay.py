"""How fast past decisions are made again: python -m tests.benchmarks.bench_replay [--records N] [--out FILE]

Generated decisions of the shipped policy (many apps and keys, a few findings each, now and then hundreds) are put into
SQLite as the ledger writes them; then the commands are run: replay under the same policy, and diff against another one.
Their time is that of the whole command, its start and its processes with it; memory is the peak of the largest process.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import Engine, insert

from gateway.adapters.database import open_database, upgrade
from gateway.adapters.file_policies import FilePolicies
from gateway.adapters.tables import records
from gateway.domain.alias import Alias
from gateway.domain.commitment import Secrets
from gateway.domain.declaration import Source
from gateway.domain.facts import Context, Facts, FindingFact
from gateway.domain.finding import Permille
from gateway.domain.labels import DEFAULT_TABLE, Label
from gateway.domain.policy import Bundle
from gateway.domain.record import NO_LEAF, Link, encode
from gateway.paths import data_path
from tests.replays import evidence_for

START = 1_790_000_000_000_000
SECRETS = Secrets(b"d" * 32, b"t" * 32, b"s" * 16)
_GATEWAY = "from gateway.cli import main; main()"
ENTITIES = sorted(DEFAULT_TABLE)
USUAL = ("PERSON", "DATE_TIME", "ORGANIZATION", "LOCATION", "EMAIL_ADDRESS", "PHONE_NUMBER", "URL", "AGE", "US_SSN")
EVERYDAY = [*USUAL, *(each for each in ENTITIES if each not in USUAL)]
"""The commonest first: twice as often as the second, three times as often as the third, and so on (Zipf's law)."""
WEIGHTS = [1 / rank for rank in range(1, len(EVERYDAY) + 1)]


def facts(chance: random.Random, at: int, mix: str) -> Facts:
    """A request: half find nothing, most others a few values of a few kinds, one in a hundred very many.

    In the mix `everyday` some kinds are common and most are rare, in `even` all are found equally often, so that hardly
    two requests with findings are alike.
    """
    many = 0 if chance.random() < 0.5 else chance.randint(1, 6)
    many = 120 if chance.random() < 0.01 else many
    found = tuple(
        FindingFact(
            chance.choices(EVERYDAY, WEIGHTS)[0] if mix == "everyday" else chance.choice(ENTITIES),
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


def fill(engine: Engine, bundle: Bundle, count: int, mix: str) -> None:
    """Put decisions into the database, as records of one writer."""
    chance, leaf, alias = random.Random(7), NO_LEAF, Alias("openai", "local-slm")
    for start in range(0, count, 1000):
        rows = []
        for number in range(start, min(count, start + 1000)):
            evidence = evidence_for(bundle, facts(chance, START + number * 50_000, mix), alias)
            record = encode(evidence, Link("gw-00000000", number, leaf, bytes(16)), SECRETS)
            leaf, search = record.leaf, record.search
            derived = {name: getattr(search, name) for name in search.__slots__ if name in records.columns}
            rows.append({"writer": record.writer, "sequence": number, "body": record.body, "leaf": leaf, **derived})
        with engine.begin() as connection:
            connection.execute(insert(records), rows)


def measured(name: str, config: Path, mix: str, *arguments: object) -> dict[str, object]:
    """One run of a command over all decisions: what it says, and how long it took, its processes with it."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    command = [sys.executable, "-c", _GATEWAY, "policy", *map(str, arguments), "--json", "--config", str(config)]
    ran = subprocess.run([*command, "--since", "2026-01-01"], stdout=subprocess.PIPE, check=False)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    said, used = json.loads(ran.stdout), after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    told = {
        "run": name,
        "mix": mix,
        "decisions": said["decisions"],
        "per_second": round(said["decisions"] / wall),
        "per_second_of_processor_time": round(said["decisions"] / used),
        "most_memory_of_a_process_mib": round(after.ru_maxrss / 1024),
        "equal": said.get("equal", 0),
        "different": said.get("different", 0),
        "would_leave": said.get("kept_inside_to_external", 0),
        "not_replayed": sum(each["decisions"] for each in said["not_replayed"]),
    }
    print(json.dumps(told), flush=True)
    return told


def runs(folder: Path, count: int, mix: str) -> list[dict[str, object]]:
    """Fill a database, replay, compare."""
    shipped = data_path("policies") / "default.policy.yaml"
    (old := folder / "old").mkdir()
    (new := folder / "new").mkdir()
    (old / shipped.name).write_text(shipped.read_text())
    (new / shipped.name).write_text(shipped.read_text().replace("        - finding: {entity: DRIVER_LICENSE}\n", ""))
    config = folder / "gateway.yaml"
    config.write_text(f'database: {{url: "sqlite:///{folder}/replay.db"}}\nledger: {{key_file: "{folder}/k"}}\n')
    engine = open_database(f"sqlite:///{folder}/replay.db")
    upgrade(engine)
    fill(engine, FilePolicies(old).current(), count, mix)
    engine.dispose()
    return [
        measured("replay, one process", config, mix, "replay", "--bundle", old, "--processes", 1),
        measured("replay", config, mix, "replay", "--bundle", old),
        measured("diff", config, mix, "diff", old, new),
    ]


def main() -> None:
    """Both mixes; a fifth as many decisions of the even one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    told = []
    for mix in ("everyday", "even"):
        with tempfile.TemporaryDirectory() as folder:
            told += runs(Path(folder), chosen.records if mix == "everyday" else chosen.records // 5, mix)
    if chosen.out:
        chosen.out.write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main()
