"""The gateway's signing key (Ed25519), and the receipts, checkpoints and clearances that it signs.

A token is `<base64url of the statement>.<base64url of the signature>`, without padding. Anyone with the public
key can check one. A receipt says that this decision stood at this place of this writer's chain when the answer was
given; a seal says that the gateway lets the egress send these bytes.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
import os
import stat
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway.domain.checkpoint import Checkpoint

_RECEIPT = b"gateway receipt v1\n"
_CLEARANCE = b"gateway clearance v1\n"
"""Signed before each statement, so that no signature of this key can be passed off as one of another kind."""


class LedgerKeyError(ValueError):
    """The key file cannot be used. The message names the file and how to mend it."""


class ReceiptError(Exception):
    """A token is not a receipt of this key."""


class LedgerKey:
    """Signs receipts and checkpoints. Shows nothing of the key."""

    __slots__ = ("_key",)

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @classmethod
    def load(cls, path: Path) -> LedgerKey:
        """The key in `path`, made at the first start. Raises `LedgerKeyError`, also for a key that others can read."""
        try:
            if not path.exists():
                _create(path)
            _check_mode(path)
            return cls(_read(path))
        except OSError:
            raise LedgerKeyError(f"ledger.key_file {path} cannot be read or made") from None

    def __repr__(self) -> str:
        return "LedgerKey()"

    @property
    def public(self) -> bytes:
        """The public key, 32 bytes."""
        return self._key.public_key().public_bytes_raw()

    @property
    def fingerprint(self) -> str:
        """The first 16 hex digits of the public key's SHA-256."""
        return hashlib.sha256(self.public).hexdigest()[:16]

    def signature_of(self, checkpoint: Checkpoint) -> bytes:
        """The signature of a checkpoint. Its text begins with an origin, and no origin is the purpose of receipts."""
        return self._key.sign(checkpoint.text.encode())

    def derived_secret(self, purpose: bytes) -> bytes:
        """A secret of 32 bytes for another purpose, the same at every start. It tells nothing of the key."""
        return hmac.new(self._key.private_bytes_raw(), b"gateway secret v1\n" + purpose, hashlib.sha256).digest()

    def token(self, statement: bytes) -> str:
        """The signed receipt for a statement."""
        return self._signed(_RECEIPT, statement)

    def seal(self, statement: bytes) -> str:
        """The signed clearance for the egress."""
        return self._signed(_CLEARANCE, statement)

    def _signed(self, purpose: bytes, statement: bytes) -> str:
        return f"{_encode(statement)}.{_encode(self._key.sign(purpose + statement))}"


def verify(token: str, public: bytes) -> bytes:
    """The statement of a genuine receipt. Raises `ReceiptError` for every other token."""
    return _verified(_RECEIPT, token, public)


def verify_seal(token: str, public: bytes) -> bytes:
    """The statement of a genuine seal. Raises `ReceiptError` for every other token."""
    return _verified(_CLEARANCE, token, public)


def _verified(purpose: bytes, token: str, public: bytes) -> bytes:
    statement, dot, signature = token.partition(".")
    try:
        said = _decode(statement)
        Ed25519PublicKey.from_public_bytes(public).verify(_decode(signature), purpose + said)
    except (InvalidSignature, ValueError):
        raise ReceiptError("the token is not genuine") from None
    if not dot or token != f"{_encode(said)}.{_encode(_decode(signature))}":
        raise ReceiptError("the token is not in its canonical form")
    return said


def _create(path: Path) -> None:
    """Write a new key under another name and link it into place: of two first starts at once, one key wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(fresh, path)
    finally:
        fresh.unlink()


def _check_mode(path: Path) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise LedgerKeyError(f"ledger.key_file {path} is open to others (mode {mode:04o}): run chmod 600 {path}")


def _read(path: Path) -> Ed25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError):
        raise LedgerKeyError(f"ledger.key_file {path} does not hold a private key in PEM form") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise LedgerKeyError(f"ledger.key_file {path} holds a key that is not Ed25519")
    return key


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise ValueError("not base64url") from None
