"""The child that verifies the whole ledger once: last in line for the processor, and the first to go for memory."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from gateway.adapters.database import open_database
from gateway.adapters.sql_audit import auditing, but_unsigned
from gateway.adapters.worker_child import Channel
from gateway.domain.strict_json import Json
from gateway.verifier.checks import Outside, Verification
from gateway.verifier.findings import Report, Verdict
from gateway.verifier.formats import read_public_key, read_witness_key

_LAST_IN_LINE = 19
_FIRST_TO_GO = "1000"


def verified(url: str, key: str, witnesses: list[str]) -> Report:
    """What verification of a database comes to. Raises what the database and the keys raise."""
    engine, outside = open_database(url), Outside(witnesses=[read_witness_key(each) for each in witnesses])
    try:
        with auditing(engine) as audit:
            report, count = Verification(audit, read_public_key(key), outside).run(), audit.count()
        return but_unsigned(engine, report, count + report.pending)
    finally:
        engine.dispose()


def answer(do: dict[str, Json]) -> Json:
    """The verdict in a word, and how often each thing was found."""
    try:
        report = verified(cast("str", do["url"]), cast("str", do["key"]), cast("list[str]", do["witnesses"]))
    except Exception:  # noqa: BLE001 - whatever the database does, nothing can be said of the ledger
        return {"verdict": Verdict.CANNOT_JUDGE.name.lower(), "found": {}}
    return {"verdict": report.verdict.name.lower(), "found": dict(report.found)}


def step_back() -> None:
    """Give way to every other process of the machine, as far as the system lets it."""
    with contextlib.suppress(OSError):
        os.nice(_LAST_IN_LINE)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO, encoding="ascii")


def main() -> None:
    """Answer one job. Whatever the parent sends after it, and its end, is the end."""
    step_back()
    channel = Channel.of_this_process()
    messages = channel.messages()
    channel.ready({})
    job = next(messages)
    threading.Thread(target=_end_after, args=(messages,), daemon=True).start()
    channel.end(cast("int", job["job"]), answer(cast("dict[str, Json]", job["do"])))
    threading.Event().wait()


def _end_after(messages: Iterator[dict[str, Json]]) -> None:
    next(messages, None)
    os._exit(0)


if __name__ == "__main__":
    main()
