"""Whether one record is what was signed, as a light: green, amber or red, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.adapters.sql_audit import SqlAudit
from gateway.adapters.sql_records import NOT_IN_TREE, StoredRecord
from gateway.adapters.sql_tree import StoredTree, newest_note
from gateway.verifier.formats import NotGenuine, leaf_hash, open_checkpoint, read_public_key, root_of_proof


class Light(StrEnum):
    """Green: proven. Amber: not yet. Red: altered."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


@dataclass(frozen=True, slots=True)
class Proof:
    """A light, the reason for it, and the hashes from the leaf to the root where there is a proof."""

    light: Light
    why: str
    leaf: str = ""
    path: Sequence[str] = ()
    size: int = 0


def proof_of(audit: SqlAudit, record: StoredRecord, public_key: str) -> Proof:
    """The inclusion proof of a record under the newest checkpoint, checked here with nothing but the public key."""
    note = newest_note(audit.connection)
    leaf = leaf_hash(record.body)
    if not note:
        return Proof(
            Light.AMBER, "There is no signed checkpoint yet: the gateway makes one within a second.", leaf.hex()
        )
    try:
        signed = open_checkpoint(note, read_public_key(public_key))
    except NotGenuine:
        return Proof(Light.RED, "The newest checkpoint is not signed by this ledger's key.", leaf.hex())
    if record.position == NOT_IN_TREE or record.position >= signed.size:
        why = "The record is durable and not under a signed checkpoint yet: that takes a second. Load the page again."
        return Proof(Light.AMBER, why, leaf.hex(), size=signed.size)
    try:
        path = StoredTree(audit.connection).inclusion(record.position, signed.size)
        proven = root_of_proof(leaf, record.position, signed.size, path) == signed.root
    except (ValueError, LookupError, NotGenuine):
        path, proven = (), False
    if not proven:
        why = "ALTERED: this record, or the tree over it, is not what was signed. Have the ledger verified."
        return Proof(Light.RED, why, leaf.hex(), size=signed.size)
    why = f"The record is at position {record.position} of the tree of {signed.size} records whose root is signed."
    return Proof(Light.GREEN, why, leaf.hex(), [each.hex() for each in path], signed.size)
