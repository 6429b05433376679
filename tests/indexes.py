"""Indexes for tests: built as `gateway policy index build` builds them, in a folder of policies."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway.detection.index_build import Built, build_documents, build_table
from gateway.detection.index_file import IndexKey, describe, load_key, make_key
from gateway.domain.detectors import ExactMatchDetector, FingerprintDetector, IndexFile
from gateway.domain.labels import Classification, Label

MEANS = Classification(Label("restricted"), frozenset())


def key_in(folder: Path) -> IndexKey:
    """The key of a test."""
    path = folder / "index.key"
    return load_key(path) if path.exists() else make_key(path)


def table(folder: Path, rows: Sequence[Mapping[str, str]], name: str = "customers.edm") -> Built:
    """The index of a table, at `indexes/NAME`."""
    source = folder / "table.csv"
    with source.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return build_table(source, list(rows[0]), _out(folder, name), key_in(folder), lambda _: None)


def documents(folder: Path, texts: Sequence[str], public: Sequence[str] = (), name: str = "contracts.fp") -> Built:
    """The index of documents, at `indexes/NAME`."""
    known = [_text(folder, f"known{number}.txt", text) for number, text in enumerate(texts)]
    without = [_text(folder, f"public{number}.txt", text) for number, text in enumerate(public)]
    return build_documents(known, without, _out(folder, name), key_in(folder), lambda _: None)


def exact(folder: Path, columns: Sequence[str], least: int, within: int = 100) -> ExactMatchDetector:
    """A detector over `indexes/customers.edm`."""
    return ExactMatchDetector("customers", _file(folder, "customers.edm"), tuple(columns), least, within, MEANS)


def fingerprint(folder: Path, permille: int) -> FingerprintDetector:
    """A detector over `indexes/contracts.fp`."""
    return FingerprintDetector("contract", _file(folder, "contracts.fp"), permille, MEANS)  # type: ignore[arg-type]


def _file(folder: Path, name: str) -> IndexFile:
    path = folder / "indexes" / name
    return IndexFile(str(path), describe(path)[1])


def _out(folder: Path, name: str) -> Path:
    (folder / "indexes").mkdir(exist_ok=True)
    return folder / "indexes" / name


def _text(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path
