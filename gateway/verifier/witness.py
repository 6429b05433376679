"""A witness: somebody outside of the operator's reach who has seen the ledger grow, and says so by signing it as well.

It speaks C2SP's tlog-witness. Asked to cosign a checkpoint, it wants the proof that the ledger of its last one was gone
on with, and refuses any other: a log that shows two histories gets cosignatures for one of them only. It keeps one
small file, and never sees a record.

    python -m verifier.witness --log-key ledger.pub --name witness.example/acme --key witness.key
"""

from __future__ import annotations

import argparse
import base64
import binascii
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from .formats import (
    Checkpoint,
    NotGenuine,
    PublicKey,
    consistent,
    cosignature,
    open_checkpoint,
    read_public_key,
    witness_key,
)

PATH = "/add-checkpoint"
_MOST_BYTES = 64 * 1024
_MOST_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Answer:
    """A status of HTTP and the text that goes with it: a cosignature, or the size that the witness knows."""

    status: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A checkpoint to be cosigned, and the proof that it goes on from the tree of `old` leaves."""

    old: int
    proof: tuple[bytes, ...]
    note: str


class Witness:
    """Cosigns what goes on from what it cosigned before. `state` is the file of the newest; lost, it begins anew."""

    def __init__(self, log: PublicKey, name: str, key: Ed25519PrivateKey, state: Path, now: Callable[[], int]) -> None:
        """`now` gives seconds since the epoch. Raises `NotGenuine` for a state of another log, `OSError`."""
        self._log, self._name, self._key, self._state, self._now = log, name, key, state, now
        self._public = key.public_key().public_bytes_raw()
        self._newest = Checkpoint(0, b"")
        if state.exists():
            self._newest = open_checkpoint(state.read_text(encoding="utf-8"), log)

    @property
    def public_key(self) -> str:
        """The line that auditors check its cosignatures with."""
        return witness_key(self._name, self._public)

    @property
    def size(self) -> int:
        """The size of the newest checkpoint that it cosigned."""
        return self._newest.size

    def add(self, body: str) -> Answer:
        """Cosign a checkpoint, or say why not: 400 unreadable, 403 not signed by the log, 404 another log, 409 another
        size or root than this witness knows, 422 no continuation. Raises `OSError` where it cannot remember."""
        asked = _read(body)
        if asked is None:
            return Answer(400)
        if asked.note.partition("\n")[0] != self._log.name:
            return Answer(404)
        try:
            said = open_checkpoint(asked.note, self._log)
        except NotGenuine:
            return Answer(403)
        known = self._newest
        if asked.old > said.size:
            return Answer(400)
        if asked.old != known.size or (said.size == known.size and known.size and said.root != known.root):
            return Answer(409, f"{known.size}\n")
        if known.size and not consistent(known.size, known.root, said.size, said.root, asked.proof):
            return Answer(422)
        line = cosignature(self._name, self._public, self._now(), self._key.sign, asked.note)
        _keep(self._state, asked.note + line)
        self._newest = said
        return Answer(200, line)


def serve(witness: Witness, host: str, port: int) -> HTTPServer:
    """A server that answers for a witness, one request after the other, once `serve_forever` is called."""

    class Handler(BaseHTTPRequestHandler):
        timeout = _MOST_SECONDS

        def do_POST(self) -> None:
            length = self.headers.get("content-length", "")
            if self.path != PATH or not length.isdecimal() or int(length) > _MOST_BYTES:
                self.send_error(404 if self.path != PATH else 400)
                return
            answer = witness.add(self.rfile.read(int(length)).decode("utf-8", "replace"))
            print(f"{answer.status}, cosigned up to {witness.size}", flush=True)  # noqa: T201 - a command line prints
            data = answer.text.encode()
            self.send_response(answer.status)
            self.send_header(
                "content-type", "text/x.tlog.size" if answer.status == 409 else "text/plain; charset=utf-8"
            )
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base's own name
            """Nothing of what a stranger sent."""

    return HTTPServer((host, port), Handler)


def load_key(path: Path) -> Ed25519PrivateKey:
    """The witness's own key, made at the first start. Raises `NotGenuine`, also for one that others can read."""
    if not path.exists():
        pem = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
    if path.stat().st_mode & 0o077:
        raise NotGenuine(f"{path} is open to others: run chmod 600 {path}")
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError):
        raise NotGenuine(f"{path} does not hold a private key") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise NotGenuine(f"{path} does not hold an Ed25519 key")
    return key


def run(log_key: Path, name: str, key: Path, listen: str) -> int:
    """Serve until interrupted; the newest checkpoint is kept beside the key. Exit code 78 for what cannot be used."""
    host, _, port = listen.rpartition(":")
    try:
        log = read_public_key(log_key.read_text(encoding="utf-8"))
        state = key.with_name(f"{key.name}.checkpoint")
        witness = Witness(log, name, load_key(key), state, lambda: int(time.time()))
        server = serve(witness, host, int(port))
    except (NotGenuine, OSError, ValueError) as error:
        print(f"cannot witness: {error}", file=sys.stderr)  # noqa: T201 - a command line prints
        return 78
    print(f"{witness.public_key}\nhttp://{host}:{server.server_port}{PATH}", flush=True)  # noqa: T201 - as above
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        return 0
    return 0


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="verifier.witness", description=__doc__)
    parser.add_argument("--log-key", type=Path, required=True, help="what `gateway ledger public-key` prints")
    parser.add_argument("--name", required=True, help="the name of this witness, such as witness.example/acme")
    parser.add_argument("--key", type=Path, required=True, help="its own key; made at the first start")
    parser.add_argument("--listen", default="127.0.0.1:8090")
    chosen = parser.parse_args()
    return run(chosen.log_key, chosen.name, chosen.key, chosen.listen)


def _read(body: str) -> _Asked | None:
    """`old N`, the proof a line a hash, an empty line, the checkpoint."""
    head, empty, note = body.partition("\n\n")
    first, *lines = head.split("\n")
    word, _, old = first.partition(" ")
    if not empty or word != "old" or not old.isdecimal() or len(old) > 19:
        return None
    try:
        return _Asked(int(old), tuple(base64.b64decode(line, validate=True) for line in lines), note)
    except binascii.Error:
        return None


def _keep(state: Path, note: str) -> None:
    """On the disk before anybody sees it."""
    fresh = state.with_name(f".{state.name}.{os.getpid()}")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(note)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(state)


if __name__ == "__main__":
    sys.exit(main())
