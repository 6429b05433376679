"""The ledger as the settings describe it, for `serve` and for the commands that record or read."""

from __future__ import annotations

from pathlib import Path

from gateway.adapters.checkpoint_signer import CheckpointSigner
from gateway.adapters.database import Database
from gateway.adapters.ledger_key import LedgerKey
from gateway.adapters.ledger_tree import LedgerObserver
from gateway.adapters.ledger_verification import LedgerVerification, Question
from gateway.adapters.sql_ledger import SqlLedger
from gateway.pipeline.ports import Clock
from gateway.settings import ConfigError, Ledger
from gateway.verifier.checks import Outside
from gateway.verifier.formats import NotGenuine, read_witness_key

_COMMAND_DEADLINE_MS = 10_000


def signer_of(chosen: Ledger, key: LedgerKey) -> CheckpointSigner:
    """What signs checkpoints, with its memory beside the key unless the settings say where."""
    beside = chosen.key_file.with_name(f"{chosen.key_file.name}.signed")
    return CheckpointSigner(key, chosen.origin, Path(chosen.signed_file) if chosen.signed_file else beside)


def ledger_of(chosen: Ledger, engine: Database, key: LedgerKey, clock: Clock, observer: LedgerObserver) -> SqlLedger:
    """The ledger of a gateway, not started."""
    return SqlLedger(
        engine=engine,
        key=key,
        clock=clock,
        deadline_ms=chosen.append_deadline_ms,
        signer=signer_of(chosen, key),
        heartbeat_s=chosen.heartbeat_s,
        observer=observer,
    )


def command_ledger(chosen: Ledger, engine: Database, key: LedgerKey, clock: Clock) -> SqlLedger:
    """The ledger of a command, not started: it waits longer for its records than a request may."""
    signer = signer_of(chosen, key)
    return SqlLedger(engine=engine, key=key, clock=clock, deadline_ms=_COMMAND_DEADLINE_MS, signer=signer)


def verification_of(
    chosen: Ledger, engine: Database, key: LedgerKey, ledger: SqlLedger, clock: Clock
) -> LedgerVerification:
    """What verifies the ledger of a process. Raises `ConfigError` for a witness that is none."""
    outside_of(chosen)
    question = Question(engine, signer_of(chosen, key).public_key, chosen.witnesses)
    return LedgerVerification(question, ledger, clock, chosen.verify_interval_s)


def outside_of(chosen: Ledger) -> Outside:
    """The witnesses whose cosignatures have to be there. Raises `ConfigError`."""
    try:
        return Outside(witnesses=[read_witness_key(each) for each in chosen.witnesses])
    except NotGenuine:
        raise ConfigError("ledger.witnesses holds a line that no witness printed") from None
