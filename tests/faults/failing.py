"""Runs above the shim: appends and integrates in a child process whose database fails, or which dies, at its Nth write
or sync; then looks at what is left. Prints what it found, one JSON line a child."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from gateway.adapters.database import DatabaseUnfit, open_database
from gateway.adapters.ledger_key import LedgerKey
from gateway.adapters.sql_audit import auditing
from gateway.adapters.sql_chain import Chain
from gateway.verifier.checks import Verification
from tests.adapters.ledger_house import House, house_at
from tests.evidence import CLOCK, activated, decided
from tests.faults.door import EagerChain
from tests.faults.shim import Shim

MANNERS = {"die": (-1, False), "eio": (errno.EIO, False), "full": (errno.ENOSPC, True), "ro": (errno.EROFS, True)}
_BATCHES = 3


def main(folder: Path, chain: str, stride: int) -> None:
    """Each manner at every `stride`th operation of an append and of what follows it."""
    shim = Shim()
    template = folder / "template"
    template.mkdir()
    with house_at(f"sqlite:///{template}/gateway.db", template) as house:
        house.write("gw-00000001", activated())
        house.integrate()
    total = int(_child(shim, folder, template, chain, None)[-1])
    for manner in MANNERS:
        for after in range(0, total, stride):
            told = _child(shim, folder, template, chain, (manner, after))
            print(json.dumps({"manner": manner, "after": after, **_left(folder, told)}))


def _child(shim: Shim, folder: Path, template: Path, chain: str, fault: tuple[str, int] | None) -> list[str]:
    """What a child acknowledged before it ended, and at last how many operations its database had."""
    shutil.rmtree(folder / "house", ignore_errors=True)
    shutil.copytree(template, folder / "house")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        with contextlib.suppress(Exception):
            _append(shim, folder / "house", writing, chain, fault)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        lines = told.read().split()
    os.waitpid(child, 0)
    return lines


def _append(shim: Shim, folder: Path, told: int, kind: str, fault: tuple[str, int] | None) -> None:
    before = shim.operations
    if fault is not None:
        error, always = MANNERS[fault[0]]
        shim.fail(fault[1], error, always=always)
    with house_at_once(folder) as house:
        made = (EagerChain if kind == "eager" else Chain)(house.engine, "gw-00000002", CLOCK.now)
        for _ in range(_BATCHES):
            batch = [decided(), decided()]
            with contextlib.suppress(SQLAlchemyError, DatabaseUnfit):
                made.write(batch)
                os.write(told, "".join(f"{each.decision_id}\n" for each in batch).encode())
            with contextlib.suppress(SQLAlchemyError):
                house.integrate()
        made.close()
    os.write(told, f"{shim.operations - before}\n".encode())


@contextlib.contextmanager
def house_at_once(folder: Path) -> Iterator[House]:
    """The copy of a template, whose tables are there."""
    engine = open_database(f"sqlite:///{folder}/gateway.db")
    yield House(engine, folder, LedgerKey.load(folder / "ledger.key"))
    engine.dispose()


def _left(folder: Path, told: list[str]) -> dict[str, object]:
    """What verification says of the files, and which acknowledged records are not there."""
    acknowledged = {each for each in told if len(each) == 26}
    with house_at_once(folder / "house") as house:
        kept = {str(row[0]) for row in house.rows("SELECT decision_id FROM records")}
        with auditing(house.engine) as source:
            verdict = Verification(source, house.public).run().verdict
    return {"acknowledged": len(acknowledged), "lost": len(acknowledged - kept), "verdict": int(verdict)}


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
