"""Signs checkpoints, and remembers the newest in a file of its own, so that no size ever gets two roots.

The database could be restored from an old copy and grow again, to the same sizes with other records. The file beside
the key knows better: what is not a continuation of the newest signed tree is not signed, and the gateway does not start
until somebody acknowledges the loss.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.adapters.ledger_key import LedgerKey
from gateway.domain.checkpoint import Checkpoint, CheckpointError, read_note, signed_note, verifier_key


class NotAContinuation(Exception):
    """The tree is not what was signed before, gone on: records that were signed are missing or are others."""


class MemoryUnreadable(Exception):
    """The file of the newest checkpoint cannot be read or written. The message names it."""


@dataclass(frozen=True, slots=True)
class _Memory:
    """The size that was signed last, and the note. After an acknowledged loss there is none, only the size."""

    size: int
    note: str

    @property
    def root(self) -> bytes:
        """The root that was signed for this size; empty when it does not count any more."""
        return read_note(self.note).root if self.note else b""


class CheckpointSigner:
    """The one hand that signs. Several processes of a machine may share its file."""

    def __init__(self, key: LedgerKey, origin: str, memory: Path) -> None:
        """`origin` may be empty: then the log is named by its key."""
        self._key = key
        self.origin = origin or f"privacy-gateway/{key.fingerprint}"
        self._path = memory

    @property
    def public_key(self) -> str:
        """What auditors need, in one line."""
        return verifier_key(self.origin, self._key.public)

    def sign(self, size: int, root: bytes) -> str:
        """The signed note; empty for a tree that is smaller than one that was signed already.

        The note is in the file before anybody sees it. Raises `NotAContinuation`, `MemoryUnreadable`."""
        with self._exclusive():
            memory = self._read()
            if size < memory.size or (size == memory.size and not memory.note):
                return ""
            if size == memory.size and root != memory.root:
                raise NotAContinuation
            said = Checkpoint(self.origin, size, root)
            note = signed_note(said, self._key.public, self._key.signature_of(said))
            self._write(_Memory(size, note))
            return note

    def check(self, size: Callable[[], int], root_at: Callable[[int], bytes]) -> None:
        """Raise `NotAContinuation` unless the tree holds what was signed last. `size` and `root_at` read the tree after
        the memory was read, so that a tree which grows meanwhile is not taken for one that is too small."""
        with self._exclusive():
            memory = self._read()
        if memory.note and (size() < memory.size or root_at(memory.size) != memory.root):
            raise NotAContinuation

    def acknowledge(self) -> int:
        """Forget the newest root, but not its size: the tree may go on without what was lost. The size."""
        with self._exclusive():
            memory = self._read()
            self._write(_Memory(memory.size, ""))
            return memory.size

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(f"{self._path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            raise MemoryUnreadable(f"{self._path} cannot be written: set ledger.signed_file to one that can") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _read(self) -> _Memory:
        try:
            read = json.loads(self._path.read_text(encoding="utf-8"))
            memory = _Memory(int(read["size"]), str(read["note"]))
            if memory.note and read_note(memory.note).size != memory.size:
                raise MemoryUnreadable(f"{self._path} does not hold a checkpoint")
        except FileNotFoundError:
            return _Memory(0, "")
        except (OSError, ValueError, KeyError, TypeError, CheckpointError):
            raise MemoryUnreadable(f"{self._path} does not hold a checkpoint") from None
        return memory

    def _write(self, memory: _Memory) -> None:
        fresh = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump({"size": memory.size, "note": memory.note}, file)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
        except OSError:
            raise MemoryUnreadable(f"{self._path} cannot be written: set ledger.signed_file to one that can") from None
