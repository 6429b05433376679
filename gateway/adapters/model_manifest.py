"""`models/manifest.toml`: which model files there are, where each comes from, and how it is checked before it is used.

A model travels with the package (`file` alone), or is pulled once into the folder for models: from a model hub (`hub`),
or out of a wheel on the package index (`package`). A digest that the manifest does not know is recorded when the file
is first pulled, and holds from then on.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import assert_never

_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_PACKAGE = re.compile(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+")
_TEXTS = frozenset({"name", "file", "licence", "source", "description"})
_OPTIONAL = frozenset({"kind", "sha256", "memory_mb", "hub", "package", "package_sha256", "adapter", "narrow"})
RECORDED = "digests.json"


class ModelFileRefused(Exception):
    """A model file or the manifest is missing, unreadable or not what the manifest says. Constant text."""


class Kind(StrEnum):
    """What a model is for."""

    CHAT = "chat"
    EMBEDDINGS = "embeddings"
    ADAPTER = "adapter"
    LABELS = "labels"
    READER = "reader"


_NARROW = frozenset({Kind.EMBEDDINGS, Kind.LABELS, Kind.READER})


@dataclass(frozen=True, slots=True)
class Shipped:
    """It travels with the package."""


@dataclass(frozen=True, slots=True)
class OnHub:
    """It is a file of a repository on a model hub."""

    repository: str
    file: str


@dataclass(frozen=True, slots=True)
class InPackage:
    """It is a member of a wheel on the package index; the wheel's own digest is known."""

    requirement: str
    sha256: str
    member: str


Origin = Shipped | OnHub | InPackage


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """A model file that can be run. `context` is in tokens, `sha256` in lower-case hex."""

    name: str
    path: Path
    sha256: str
    context: int

    def verify(self) -> None:
        """Raise `ModelFileRefused` unless the file is there and has the recorded hash."""
        verify_sha256(self.path, self.sha256)


@dataclass(frozen=True, slots=True, kw_only=True)
class NarrowModels:
    """What answers narrow jobs in the place of a model that generates: a sentence encoder, labels that it knows, and a
    reader of fields, if there is one."""

    sentences: ModelFile
    labels: ModelFile
    reader: ModelFile | None = None

    def files(self) -> tuple[ModelFile, ...]:
        """All of them."""
        return (self.sentences, self.labels, *((self.reader,) if self.reader is not None else ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One model of the manifest. `sha256` is empty where it is known only once the file was pulled; `memory_mb` is what
    it takes to run, 0 where nobody measured; `adapter` names the low-rank adapter that is made for it, `narrow` the
    models that answer narrow jobs in its place."""

    name: str
    kind: Kind
    origin: Origin
    path: Path
    sha256: str
    context: int
    memory_mb: int
    licence: str
    source: str
    description: str
    adapter: str
    narrow: tuple[str, ...]

    def model(self) -> ModelFile:
        """The model, if its digest is known. Raises `ModelFileRefused` for one that was never pulled."""
        if not self.sha256:
            raise ModelFileRefused(f"the model {self.name} is not here yet: gateway models pull {self.name}")
        return ModelFile(name=self.name, path=self.path, sha256=self.sha256, context=self.context)


def sha256_of(path: Path) -> str:
    """The digest of a file. Raises `OSError`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify_sha256(path: Path, expected: str) -> None:
    """Raise `ModelFileRefused` unless the file at `path` has the SHA-256 `expected`."""
    try:
        found = sha256_of(path)
    except OSError:
        raise ModelFileRefused("a model file cannot be read") from None
    if found != expected:
        raise ModelFileRefused("a model file does not have the hash that its manifest records")


def load_manifest(path: Path, pulled: Path) -> tuple[Entry, ...]:
    """The models of the manifest at `path`, in its order. Shipped files are named relative to its folder; the others
    lie in the folder `pulled`, which also records their digests.

    Raises `ModelFileRefused` for a manifest that is missing, malformed, or names a file outside its folder.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ModelFileRefused("the model manifest cannot be read") from None
    entries = document.get("model", [])
    if not isinstance(entries, list) or set(document) - {"model"}:
        raise ModelFileRefused("the model manifest holds something else than [[model]] entries")
    recorded = recorded_digests(pulled)
    models = tuple(_entry(entry, path.parent, pulled, recorded) for entry in entries)
    if len({model.name for model in models}) != len(models):
        raise ModelFileRefused("the model manifest names a model twice")
    return models


def find_model(entries: Iterable[Entry], name: str) -> Entry:
    """The model called `name`. Raises `ModelFileRefused` where there is none."""
    for model in entries:
        if model.name == name:
            return model
    raise ModelFileRefused("no model manifest has a model of the configured name")


def narrow_models(entries: Iterable[Entry], of: Entry) -> NarrowModels | None:
    """The models that answer narrow jobs in the place of `of`; None where it names none. Raises `ModelFileRefused`."""
    if not of.narrow:
        return None
    models = {entry.kind: entry.model() for entry in entries if entry.name in of.narrow}
    if len(models) != len(of.narrow) or not {Kind.EMBEDDINGS, Kind.LABELS} <= set(models) <= _NARROW:
        raise ModelFileRefused(
            "the models for narrow jobs that the manifest names are not there, or of the wrong kinds"
        )
    return NarrowModels(sentences=models[Kind.EMBEDDINGS], labels=models[Kind.LABELS], reader=models.get(Kind.READER))


def recorded_digests(pulled: Path) -> dict[str, str]:
    """The digests that were recorded when models were first pulled, by name. Raises `ModelFileRefused`."""
    try:
        document = json.loads((pulled / RECORDED).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        raise ModelFileRefused("the recorded digests of pulled models cannot be read") from None
    digests = document if isinstance(document, dict) else {"": ""}
    if not all(isinstance(digest, str) and _SHA256.fullmatch(digest) for digest in digests.values()):
        raise ModelFileRefused("the recorded digests of pulled models do not have the right form")
    return digests


def record_digest(pulled: Path, name: str, digest: str) -> None:
    """Remember the digest of a model that was pulled for the first time. Raises `ModelFileRefused`."""
    digests = {**recorded_digests(pulled), name: digest}
    fresh = pulled / f"{RECORDED}.new"
    fresh.write_text(json.dumps(digests, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    fresh.replace(pulled / RECORDED)


def _entry(entry: object, folder: Path, pulled: Path, recorded: dict[str, str]) -> Entry:
    if not isinstance(entry, dict) or not set(entry) - _OPTIONAL == {*_TEXTS, "context"}:
        raise ModelFileRefused("an entry of the model manifest lacks a field or has an unknown one")
    text = {key: entry.get(key, "") for key in (*_TEXTS, *_OPTIONAL) if key != "memory_mb"}
    if not all(isinstance(value, str) for value in text.values()) or not all(text[key] for key in _TEXTS):
        raise _misshapen()
    if not _NAME.fullmatch(text["name"]) or not _digest_or_empty(text["sha256"]):
        raise _misshapen()
    origin = _origin(text)
    if isinstance(origin, Shipped) and not text["sha256"]:
        raise _misshapen()  # what ships has a known digest
    return Entry(
        name=text["name"],
        kind=_kind(text["kind"]),
        origin=origin,
        path=_path(text, origin, folder, pulled),
        sha256=text["sha256"] or recorded.get(text["name"], ""),
        context=_whole(entry.get("context"), 1),
        memory_mb=_whole(entry.get("memory_mb", 0), 0),
        licence=text["licence"],
        source=text["source"],
        description=text["description"],
        adapter=text["adapter"],
        narrow=tuple(text["narrow"].split()),
    )


def _origin(text: dict[str, str]) -> Origin:
    if text["hub"] and not text["package"]:
        return OnHub(text["hub"], text["file"])
    if _PACKAGE.fullmatch(text["package"]) and not text["hub"] and _SHA256.fullmatch(text["package_sha256"]):
        return InPackage(text["package"], text["package_sha256"], text["file"])
    if text["hub"] or text["package"] or text["package_sha256"]:
        raise _misshapen()
    return Shipped()


def _path(text: dict[str, str], origin: Origin, folder: Path, pulled: Path) -> Path:
    match origin:
        case Shipped():
            path = (folder / text["file"]).resolve()
            if not path.is_relative_to(folder.resolve()):
                raise ModelFileRefused("the model manifest names a file outside its folder")
            return path
        case OnHub() | InPackage():
            return pulled / f"{text['name']}.gguf"
        case _:
            assert_never(origin)


def _kind(text: str) -> Kind:
    try:
        return Kind(text or Kind.CHAT)
    except ValueError:
        raise _misshapen() from None


def _whole(value: object, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise _misshapen()
    return value


def _digest_or_empty(text: str) -> bool:
    return not text or _SHA256.fullmatch(text) is not None


def _misshapen() -> ModelFileRefused:
    return ModelFileRefused("a field of the model manifest does not have the right form")
