"""`models/manifest.toml`: which model files travel with the gateway, and how one is checked before it is used."""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

_SHA256 = re.compile(r"[0-9a-f]{64}")


class ModelFileRefused(Exception):
    """A model file or the manifest is missing, unreadable or not what the manifest says. Constant text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """One model of the manifest. `context` is in tokens, `sha256` in lower-case hex."""

    name: str
    path: Path
    sha256: str
    context: int
    licence: str
    source: str
    description: str

    def verify(self) -> None:
        """Raise `ModelFileRefused` unless the file is there and has the recorded hash."""
        verify_sha256(self.path, self.sha256)


def verify_sha256(path: Path, expected: str) -> None:
    """Raise `ModelFileRefused` unless the file at `path` has the SHA-256 `expected`."""
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        raise ModelFileRefused("a model file cannot be read") from None
    if found != expected:
        raise ModelFileRefused("a model file does not have the hash that its manifest records")


def load_manifest(path: Path) -> tuple[ModelFile, ...]:
    """The models of the manifest at `path`, in its order. Files are named relative to its folder.

    Raises `ModelFileRefused` for a manifest that is missing, malformed, or names a file outside its folder.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ModelFileRefused("the model manifest cannot be read") from None
    entries = document.get("model", [])
    if not isinstance(entries, list) or set(document) - {"model"}:
        raise ModelFileRefused("the model manifest holds something else than [[model]] entries")
    models = tuple(_entry(entry, path.parent) for entry in entries)
    if len({model.name for model in models}) != len(models):
        raise ModelFileRefused("the model manifest names a model twice")
    return models


def find_model(manifest: Path, name: str) -> ModelFile:
    """The model called `name`. Raises `ModelFileRefused` when the manifest does not have it."""
    for model in load_manifest(manifest):
        if model.name == name:
            return model
    raise ModelFileRefused("the model manifest has no model of the configured name")


def _entry(entry: object, folder: Path) -> ModelFile:
    if not isinstance(entry, dict):
        raise ModelFileRefused("an entry of the model manifest is not a table")
    texts = {key: entry.get(key) for key in ("name", "file", "sha256", "licence", "source", "description")}
    context = entry.get("context")
    if set(entry) != {*texts, "context"} or not isinstance(context, int) or isinstance(context, bool) or context < 1:
        raise ModelFileRefused("an entry of the model manifest lacks a field or has an unknown one")
    text = {key: value for key, value in texts.items() if isinstance(value, str) and value}
    if len(text) != len(texts) or not _SHA256.fullmatch(text["sha256"]):
        raise ModelFileRefused("a field of the model manifest does not have the right form")
    path = (folder / text["file"]).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ModelFileRefused("the model manifest names a file outside its folder")
    return ModelFile(
        name=text["name"],
        path=path,
        sha256=text["sha256"],
        context=context,
        licence=text["licence"],
        source=text["source"],
        description=text["description"],
    )
