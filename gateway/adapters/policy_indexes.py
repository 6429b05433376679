"""The index files in the folder `indexes` beside the policies. Each is read through: its digest counts in the bundle's.

What cannot be used is kept with the reason, for the detector that names it to tell.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from gateway.detection.index_file import Header, IndexRefused, describe, load_key
from gateway.domain.detectors import IndexFile

FOLDER: Final = "indexes"
ANY_KEY: Final = ""
"""Where no index is opened, it does not matter with which key it was built."""
NO_KEY: Final = "none"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class FoundIndex:
    """An index that can be used."""

    file: IndexFile
    header: Header


@dataclass(frozen=True, slots=True)
class BrokenIndex:
    """A file that is no index, or not one for this gateway. `problem` goes on from the file's name."""

    problem: str


Indexes = Mapping[str, FoundIndex | BrokenIndex]
"""By the name that policies use: `indexes/customers.edm`."""

NO_INDEXES: Final[Indexes] = MappingProxyType({})


def read_indexes(directory: Path, key_id: str) -> Indexes:
    """The indexes of a folder of policies, sorted by name. Reads all their bytes. `key_id` is that of the key which the
    detector has. Hidden files are passed over."""
    folder = directory / FOLDER
    try:
        names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    except OSError:
        return NO_INDEXES  # whoever names one is told that it is missing
    return {f"{FOLDER}/{name}": _read(folder / name, key_id) for name in names if is_index_name(name)}


def is_index_name(name: str) -> bool:
    """Whether a file may be called so."""
    return _NAME.fullmatch(name) is not None


def key_id_of(path: Path) -> str:
    """The id of the key in a file; `NO_KEY` where there is none that can be used."""
    try:
        return load_key(path).id
    except IndexRefused:
        return NO_KEY


def _read(path: Path, key_id: str) -> FoundIndex | BrokenIndex:
    try:
        header, digest = describe(path)
    except IndexRefused as refused:
        return BrokenIndex(str(refused))
    if key_id not in {ANY_KEY, header.key_id}:
        return BrokenIndex("was built with a key that this gateway does not have (detector.index_key_file)")
    return FoundIndex(IndexFile(str(path.absolute()), digest), header)
