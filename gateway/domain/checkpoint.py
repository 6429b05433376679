"""Checkpoints: size and root of the tree as a note to be signed, in the formats of C2SP (tlog-checkpoint, signed-note).

    <origin>                                        the name of this log
    <size>
    <root, base64>
                                                    an empty line
    — <origin> <base64 of key id and signature>

Whoever holds the verifier key, `<origin>+<key id>+<base64 of algorithm and key>`, can check one. Signing itself is done
where the key is.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass

_ED25519 = b"\x01"
_KEY_BYTES = 32
_ORIGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,127}")
_CHECKPOINT = re.compile(
    r"(?P<origin>[^\n]+)\n(?P<size>0|[1-9][0-9]{0,18})\n(?P<root>[A-Za-z0-9+/]{43}=)\n"
    r"\n(?:— [^\n ]+ [A-Za-z0-9+/=]+\n)+"
)


class CheckpointError(ValueError):
    """A text that is not a checkpoint."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What one says: a tree of `size` leaves has this root."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def is_origin(name: str) -> bool:
    """Whether `name` can name a log: letters, digits, `.`, `_`, `-` and `/`."""
    return _ORIGIN.fullmatch(name) is not None


def key_id(name: str, public: bytes) -> bytes:
    """The four bytes by which a note says which key signed it."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]


def verifier_key(name: str, public: bytes) -> str:
    """What an auditor gets: the name of the log and its Ed25519 key (32 bytes), in one line."""
    return f"{name}+{key_id(name, public).hex()}+{base64.b64encode(_ED25519 + public).decode()}"


def read_verifier_key(line: str) -> bytes:
    """The Ed25519 key (32 bytes) in such a line. Raises `CheckpointError`."""
    name, _, rest = line.strip().partition("+")
    try:
        public = base64.b64decode(rest.partition("+")[2], validate=True).removeprefix(_ED25519)
    except ValueError:
        public = b""
    if len(public) != _KEY_BYTES or verifier_key(name, public) != line.strip():
        raise CheckpointError("not a public key as `gateway ledger public-key` prints it")
    return public


def signed_note(checkpoint: Checkpoint, public: bytes, signature: bytes) -> str:
    """The checkpoint with its signature."""
    signed = base64.b64encode(key_id(checkpoint.origin, public) + signature).decode()
    return f"{checkpoint.text}\n— {checkpoint.origin} {signed}\n"


def read_note(note: str) -> Checkpoint:
    """What a note says, unchecked. Raises `CheckpointError`."""
    read = _CHECKPOINT.fullmatch(note)
    if read is None:
        raise CheckpointError("not a checkpoint")
    return Checkpoint(read["origin"], int(read["size"]), base64.b64decode(read["root"]))


def tlog_proof(position: int, proof: tuple[bytes, ...], note: str) -> str:
    """The proof that a record is in the tree of a checkpoint, in C2SP's tlog-proof format."""
    hashes = "".join(f"{base64.b64encode(each).decode()}\n" for each in proof)
    return f"c2sp.org/tlog-proof@v1\nindex {position}\n{hashes}\n{note}"
