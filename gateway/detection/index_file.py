"""The index file of a policy's `exact_match` or `fingerprint` detector: keyed hashes, and what looking up takes.

    bytes 0-7    GWINDEX1: the format and its version
    bytes 8-11   length of the header, little endian
    header       JSON in UTF-8, padded with spaces so that the body begins at a multiple of 8
    body         exact_match: for each column its hashes (u64, sorted), each column padded to 8 bytes behind their row
                 numbers (u32); fingerprint: hashes (u64, sorted, none twice). Little endian.

A hash is BLAKE2b of 8 bytes over the letters and digits of a value, with a key that is in no index. Who has the file
alone learns how many values there are, how long they are and how often one is there, and no value. docs/indexes.md
describes the header.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import stat
import struct
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final

MAGIC: Final = b"GWINDEX1"
MAX_BYTES: Final = 2 << 30
LETTERS: Final = 32
"""Letters and digits of one shingle."""
WINNOWED: Final = 4
"""Of so many neighbouring shingles the least hash is kept."""

_MAX_HEADER = 1 << 20
_KEY_BYTES = 32
_ALIGNED = 8
_LENGTH = struct.Struct("<I")


class IndexRefused(Exception):
    """The file is no index that can be used, the key no key, or an index cannot be built of what is given. The message
    quotes no value."""


class IndexKind(StrEnum):
    """What an index holds."""

    EXACT_MATCH = "exact_match"
    FINGERPRINT = "fingerprint"


@dataclass(frozen=True, slots=True)
class Header:
    """What an index says of itself. `items` are the rows of a table, or documents; `counts` the hashes of each column,
    or of all documents. `lengths` are those of the values in letters and digits, `words` the most words of one."""

    kind: IndexKind
    key_id: str
    items: int
    columns: tuple[str, ...]
    counts: tuple[int, ...]
    lengths: tuple[int, ...]
    words: int


class IndexKey:
    """Hashes values. Shows nothing of the key."""

    __slots__ = ("_base", "id")

    def __init__(self, key: bytes) -> None:
        self._base = hashlib.blake2b(key=key, digest_size=8, person=b"gateway index 1")
        self.id = hashlib.blake2b(key=key, digest_size=8, person=b"gateway key id").hexdigest()

    def __repr__(self) -> str:
        return "IndexKey()"

    def hashes(self, values: Iterable[str]) -> bytes:
        """The hash of each value, eight bytes each."""
        return b"".join(map(self._digest, values))

    def _digest(self, value: str) -> bytes:
        hashed = self._base.copy()
        hashed.update(value.encode("utf-8", "surrogatepass"))
        return hashed.digest()


def load_key(path: Path) -> IndexKey:
    """The key in `path`: 64 hexadecimal digits. Raises `IndexRefused`, also for a file that others can read."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        raise IndexRefused("the key file of the indexes cannot be read, or holds no key") from None
    if mode & 0o077:
        raise IndexRefused(f"the key file of the indexes is open to others (mode {mode:04o}): run chmod 600 on it")
    if len(key) != _KEY_BYTES:
        raise IndexRefused("the key file of the indexes holds no key of 32 bytes")
    return IndexKey(key)


def make_key(path: Path) -> IndexKey:
    """A new key in `path`, which must not exist. Raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(_KEY_BYTES) + "\n")
    return load_key(path)


def write_header(file: BinaryIO, header: Header) -> None:
    """The beginning of an index; the body follows."""
    said = json.dumps(asdict(header), sort_keys=True).encode()
    said += b" " * (-(len(MAGIC) + _LENGTH.size + len(said)) % _ALIGNED)
    file.write(MAGIC + _LENGTH.pack(len(said)) + said)


def padding(count: int) -> bytes:
    """What follows so many row numbers."""
    return b"\0" * (-4 * count % _ALIGNED)


def describe(path: Path) -> tuple[Header, str]:
    """The header of an index, and the file's SHA-256 in hex. Reads all of it. Raises `IndexRefused`."""
    try:
        with path.open("rb") as file:
            header, _ = read_header(file)
            file.seek(0)
            return header, hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise IndexRefused(f"cannot be read: {error.strerror}") from None


def read_header(file: BinaryIO) -> tuple[Header, int]:
    """The header, and where the body begins. Raises `IndexRefused`, also where the file is not exactly as long as the
    header says."""
    size = os.fstat(file.fileno()).st_size
    begin = file.read(len(MAGIC) + _LENGTH.size)
    if size > MAX_BYTES or begin[: len(MAGIC)] != MAGIC or len(begin) < len(MAGIC) + _LENGTH.size:
        raise IndexRefused("is no index of this version, or is larger than 2 GiB")
    (length,) = _LENGTH.unpack(begin[len(MAGIC) :])
    if length > _MAX_HEADER:
        raise IndexRefused("has a header that is too long")
    header = _header(file.read(length))
    start = len(begin) + length
    if start % _ALIGNED or size != start + _body_bytes(header):
        raise IndexRefused("is cut short, or longer than its header says")
    return header, start


def _body_bytes(header: Header) -> int:
    if header.kind is IndexKind.FINGERPRINT:
        return 8 * header.counts[0]
    return sum(12 * count + len(padding(count)) for count in header.counts)


def _header(data: bytes) -> Header:
    try:
        said = json.loads(data)
        header = Header(
            kind=IndexKind(said["kind"]),
            key_id=_text(said["key_id"]),
            items=_number(said["items"]),
            columns=tuple(map(_text, said["columns"])),
            counts=tuple(map(_number, said["counts"])),
            lengths=tuple(map(_number, said["lengths"])),
            words=_number(said["words"]),
        )
    except (ValueError, KeyError, TypeError):
        raise IndexRefused("has a header that cannot be read") from None
    wanted = len(header.columns) if header.kind is IndexKind.EXACT_MATCH else 1
    if len(header.counts) != wanted or wanted == 0 or len(set(header.columns)) != len(header.columns):
        raise IndexRefused("has a header that cannot be right")
    return header


def _number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TypeError("a count is a whole number")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("a name is a text")
    return value
