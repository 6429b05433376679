"""What is signed: the ledger's checkpoints, those that somebody kept, witnesses' cosignatures, callers' receipts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .findings import Report
from .formats import Checkpoint, NotGenuine, PublicKey, Receipt, cosigned_at, open_checkpoint, open_receipt

Roots = dict[int, set[bytes]]
"""The roots that were signed, by size of the tree."""


def open_notes(notes: Iterable[str], key: PublicKey, witnesses: Sequence[PublicKey], report: Report) -> Roots:
    """The ledger's own checkpoints. The newest, and the newest that each witness has seen, go into `report`."""
    opened: Roots = {}
    for note, checkpoint in _opened(notes, key, report):
        opened.setdefault(checkpoint.size, set()).add(checkpoint.root)
        if checkpoint.size >= report.size:
            report.size, report.root = checkpoint.size, checkpoint.root
        for witness in witnesses:
            _witnessed(note, checkpoint.size, witness, report)
    for witness in witnesses:
        if witness.name not in report.witnessed:
            report.add("unwitnessed", witness.name)
    report.checkpoints += len(opened)
    return opened


def open_kept(notes: Iterable[str], key: PublicKey, report: Report) -> Roots:
    """Checkpoints that somebody outside kept."""
    opened: Roots = {}
    for _, checkpoint in _opened(notes, key, report):
        opened.setdefault(checkpoint.size, set()).add(checkpoint.root)
    report.checkpoints += len(opened)
    return opened


def open_receipts(tokens: Iterable[str], key: PublicKey, report: Report) -> dict[tuple[str, int], Receipt]:
    """Receipts that callers kept, by writer and sequence number."""
    opened = {}
    for number, token in enumerate(tokens, 1):
        try:
            receipt = open_receipt(token, key)
        except NotGenuine:
            report.add("receipt-forged", f"receipt {number}")
            continue
        opened[receipt.writer, receipt.sequence] = receipt
        report.receipts += 1
    return opened


def _opened(notes: Iterable[str], key: PublicKey, report: Report) -> Iterable[tuple[str, Checkpoint]]:
    for note in notes:
        try:
            yield note, open_checkpoint(note, key)
        except NotGenuine:
            report.add("checkpoint-forged", "a checkpoint")


def _witnessed(note: str, size: int, witness: PublicKey, report: Report) -> None:
    try:
        at = cosigned_at(note, witness)
    except NotGenuine:
        report.add("cosignature-forged", f"the checkpoint of size {size}, {witness.name}")
        return
    if at and size >= report.witnessed.get(witness.name, (0, 0))[0]:
        report.witnessed[witness.name] = (size, at)
