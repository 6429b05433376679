"""What a proof is made of: signed notes, checkpoints and receipts, and the RFC 6962 tree.

Written a second time on purpose, from the published formats (RFC 6962; C2SP's signed-note, tlog-checkpoint and
tlog-cosignature): a verifier that shared its code with what it verifies would share its mistakes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_ED25519, _COSIGNATURE = 1, 4
"""Kinds of keys and signatures, as signed-note numbers them."""

_RECEIPT = b"gateway receipt v1\n"
_MOST_LEAVES = 2**62


class NotGenuine(Exception):
    """A key, note or receipt that is not what it should be. The message says which part."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The key of one log, `<name>+<key id>+<base64>`."""

    name: str
    key_id: bytes
    key: Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree of `size` leaves has this root."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """A caller was told: this decision has this leaf at this place of a writer's chain."""

    decision_id: str
    writer: str
    sequence: int
    leaf: bytes


def read_public_key(text: str) -> PublicKey:
    """The verifier key of a log, in one line. Raises `NotGenuine`."""
    return _read_key(text, _ED25519)


def read_witness_key(text: str) -> PublicKey:
    """The verifier key of a witness, in one line (C2SP's tlog-cosignature). Raises `NotGenuine`."""
    return _read_key(text, _COSIGNATURE)


def witness_key(name: str, public: bytes) -> str:
    """The line by which cosignatures of a witness are checked. `public` is an Ed25519 key, 32 bytes."""
    data = bytes([_COSIGNATURE]) + public
    return f"{name}+{_key_id(name, data).hex()}+{base64.b64encode(data).decode()}"


def cosignature(name: str, public: bytes, at: int, sign: Callable[[bytes], bytes], note: str) -> str:
    """The line that a witness adds to a checkpoint that it saw `at` a time, in seconds since the epoch."""
    signature = sign(_cosigned(note, at))
    signed = _key_id(name, bytes([_COSIGNATURE]) + public) + at.to_bytes(8, "big") + signature
    return f"— {name} {base64.b64encode(signed).decode()}\n"


def cosigned_at(note: str, witness: PublicKey) -> int:
    """When a witness cosigned a checkpoint, in seconds since the epoch; 0 if it did not. Raises `NotGenuine` for a
    cosignature that is forged."""
    for signed in _signatures_of(note.partition("\n\n")[2], witness):
        at = int.from_bytes(signed[4:12], "big")
        try:
            witness.key.verify(signed[12:], _cosigned(note, at))
        except InvalidSignature:
            raise NotGenuine("the cosignature is not of this witness") from None
        return at
    return 0


def _cosigned(note: str, at: int) -> bytes:
    """What a witness signs: that at this time it had seen this text, and nothing that contradicts it."""
    text = note.partition("\n\n")[0]
    return f"cosignature/v1\ntime {at}\n{text}\n".encode()


def _read_key(text: str, kind: int) -> PublicKey:
    name, _, rest = text.strip().partition("+")
    claimed, _, encoded = rest.partition("+")
    data = _decoded(encoded)
    if not name or len(data) != 33 or data[0] != kind:
        raise NotGenuine("the public key is not an Ed25519 key of this kind in the form name+id+key")
    key_id = _key_id(name, data)
    if key_id.hex() != claimed:
        raise NotGenuine("the public key's id does not fit its name and key")
    return PublicKey(name, key_id, Ed25519PublicKey.from_public_bytes(data[1:]))


def _key_id(name: str, data: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + data).digest()[:4]


def open_checkpoint(note: str, key: PublicKey) -> Checkpoint:
    """What a checkpoint says, once its signature is checked. Raises `NotGenuine`."""
    text, separator, signatures = note.partition("\n\n")
    text += "\n"
    if not separator or not _is_signed(text, signatures, key):
        raise NotGenuine("the checkpoint is not signed by this key")
    lines = text.split("\n")
    root = _decoded(lines[2]) if len(lines) >= 4 else b""
    if lines[0] != key.name or not lines[1].isdecimal() or lines[1] != str(int(lines[1])) or len(root) != 32:
        raise NotGenuine("the checkpoint is not in the form of one")
    if int(lines[1]) > _MOST_LEAVES:
        raise NotGenuine("the checkpoint speaks of more records than can be")
    return Checkpoint(int(lines[1]), root)


def open_receipt(token: str, key: PublicKey) -> Receipt:
    """What a receipt says, once its signature is checked. Raises `NotGenuine`."""
    said, _, signature = token.strip().partition(".")
    try:
        statement = base64.urlsafe_b64decode(said + "=" * (-len(said) % 4))
        signed = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
        key.key.verify(signed, _RECEIPT + statement)
        read = json.loads(statement)
        return Receipt(str(read["id"]), str(read["w"]), int(read["s"]), bytes.fromhex(read["leaf"]))
    except (InvalidSignature, binascii.Error, ValueError, KeyError, TypeError):
        raise NotGenuine("the receipt is not signed by this key") from None


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf."""
    return hashlib.sha256(b"\x00" + data).digest()


class Tree:
    """The roots of the complete subtrees from left to right: a leaf more is like adding one to a binary number.

    `tiles` are the roots of 256, 65,536, ... leaves, by (level, number)."""

    def __init__(self) -> None:
        self.size = 0
        self.tiles: dict[tuple[int, int], bytes] = {}
        self._roots: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """One leaf hash more."""
        position, roots, height = self.size, self._roots, 0
        while position & 1:
            leaf = hashlib.sha256(b"\x01" + roots.pop() + leaf).digest()
            position >>= 1
            height += 1
            if height & 7 == 0:
                self.tiles[height >> 3, position] = leaf
        roots.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """The root of all leaves so far."""
        if not self._roots:
            return hashlib.sha256(b"").digest()
        root = self._roots[-1]
        for left in reversed(self._roots[:-1]):
            root = hashlib.sha256(b"\x01" + left + root).digest()
        return root


def root_of_proof(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The root that an inclusion proof leads to (RFC 9162, 2.1.3.2); empty where its length is wrong."""
    position, last, root = index, size - 1, leaf
    for each in proof:
        position, last, root = _climb(position, last, root, each)
    return root if last == 0 else b""


def _climb(position: int, last: int, root: bytes, sibling: bytes) -> tuple[int, int, bytes]:
    """One step of a proof, towards the root. `last` is below 0 where the proof is longer than the tree is high."""
    if last <= 0:
        return position, -1, root
    if position & 1 or position == last:
        root = hashlib.sha256(b"\x01" + sibling + root).digest()
        while position and not position & 1:
            position, last = position >> 1, last >> 1
    else:
        root = hashlib.sha256(b"\x01" + root + sibling).digest()
    return position >> 1, last >> 1, root


class Proofs:
    """Inclusion proofs of one tree, checked one after the other as `root_of_proof` does.

    Neighbours share the upper parts of their proofs: one that comes to where a genuine one was, with the same rest of
    the way before it, leads to the same root, and no hash of that rest is computed again."""

    def __init__(self, size: int, root: bytes) -> None:
        self._size, self._root = size, root
        self._proof: tuple[bytes, ...] = ()
        self._steps: list[tuple[int, int, bytes]] = []

    def lead_to_root(self, leaf: bytes, index: int, proof: tuple[bytes, ...]) -> bool:
        """Whether this proof leads from the leaf at `index` to the root."""
        steps: list[tuple[int, int, bytes]] = []
        step = (index, self._size - 1, leaf)
        longer = len(self._proof) - len(proof)
        for at, each in enumerate(proof):
            same = at + longer
            if same >= 0 and self._steps[same] == step and self._proof[same:] == proof[at:]:
                self._steps, self._proof = [*steps, *self._steps[same:]], proof
                return True
            steps.append(step)
            step = _climb(*step, each)
            if step[1] < 0:
                return False
        if step[1] != 0 or step[2] != self._root:
            return False
        self._steps, self._proof = steps, proof
        return True


def consistent(old: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the tree of `size` leaves begins with the older one (RFC 9162, 2.1.4.2)."""
    if old == size:
        return not proof and old_root == root
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not path:
        return False
    position, last = old - 1, size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    first = second = path[0]
    for each in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            first = hashlib.sha256(b"\x01" + each + first).digest()
            second = hashlib.sha256(b"\x01" + each + second).digest()
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            second = hashlib.sha256(b"\x01" + second + each).digest()
        position, last = position >> 1, last >> 1
    return last == 0 and first == old_root and second == root


def _is_signed(text: str, signatures: str, key: PublicKey) -> bool:
    for signed in _signatures_of(signatures, key):
        try:
            key.key.verify(signed[4:], text.encode())
        except InvalidSignature:
            return False
        return True
    return False


def _signatures_of(lines: str, key: PublicKey) -> Iterator[bytes]:
    """The signatures that name this key, each with the id of the key before it."""
    for line in lines.splitlines():
        mark, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        signed = _decoded(encoded)
        if mark == "—" and name == key.name and signed[:4] == key.key_id:
            yield signed


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
