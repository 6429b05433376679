"""The front door and the provider's ear: a whole gateway with real parts, and a search through the bytes that left."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import sqlite3
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from openai import OpenAI
from pydantic import SecretStr

from gateway.domain.policy import Zone
from gateway.settings import Database, Detector, Ledger, LlamaCpp, ModelAlias, OpenAiExternal, Settings
from gateway.testing.stand_in import StandIn


def settings_for(folder: Path, provider: str, **sections: object) -> Settings:
    """Settings with one provider on loopback, the embedded model, and everything else as shipped."""
    values: dict[str, object] = {
        "database": Database(url=SecretStr(f"sqlite:///{folder}/gateway.db")),
        "ledger": Ledger(key_file=folder / "ledger.key", append_deadline_ms=2000),
        "detector": Detector(deadline_ms=20_000),  # a slow machine is not what these tests are about
        "destinations": {
            "openai": OpenAiExternal(
                zone=Zone.EXTERNAL, adapter="openai", base_url=provider, api_key_env="STAND_IN_KEY"
            ),
            "local-slm": LlamaCpp(zone=Zone.IN_NETWORK, adapter="llama_cpp"),
        },
        "models": {
            "gpt-*": ModelAlias(external="openai", local="local-slm"),
            "local/*": ModelAlias(local="local-slm"),
            "out/*": ModelAlias(external="openai"),
        },
    }
    return Settings(**{**values, **sections})  # type: ignore[arg-type]


ENVIRONMENT = {"STAND_IN_KEY": "provider-key-canary"}


def client_for(base_url: str, key: str) -> OpenAI:
    """The real SDK, pointed at the gateway, without retries of its own."""
    return OpenAI(base_url=base_url, api_key=key, max_retries=0, timeout=60)


def writings(value: str) -> Iterator[bytes]:
    """A value in the forms in which it could travel: clear, escaped, re-spaced, base64, hex, URL, gzip, UTF-16."""
    digits = "".join(letter for letter in value if letter.isalnum())
    for text in {value, value.lower(), value.upper(), digits}:
        raw = text.encode()
        yield raw
        yield json.dumps(text)[1:-1].encode()
        yield "".join(f"\\u{ord(letter):04x}" for letter in text).encode()
        yield raw.hex().encode()
        yield urllib.parse.quote(text).encode()
        yield text.encode("utf-16-le")
        yield text.encode("utf-16-be")
        yield gzip.compress(raw, mtime=0)[10:-8]
        for cut in range(3):
            encoded = base64.b64encode(b"x" * cut + raw)
            yield encoded[4 if cut else 0 : -4]


def holds(data: bytes, value: str) -> bool:
    """Whether `data` holds `value` in any of its writings."""
    squeezed = bytes(byte for byte in data if chr(byte).isalnum())
    digits = "".join(letter for letter in value if letter.isalnum()).encode()
    return any(form in data for form in writings(value) if len(form) >= 6) or digits in squeezed


def left(provider: StandIn, since: int = 0) -> bytes:
    """Everything that reached the provider: request lines, headers and bodies. `since` so many requests had arrived."""
    parts = []
    for request in provider.requests[since:]:
        headers = "\n".join(f"{name}: {value}" for name, value in request.headers)
        parts.append(f"{request.method} {request.path}\n{headers}\n".encode() + request.body)
    return b"\n".join(parts)


def outcome_of(folder: Path, decision_id: str) -> dict[str, Any]:
    """What the record says of how a request ended, once it is written."""
    query = "SELECT body FROM records WHERE kind = 'outcome' AND decision_id = ?"
    deadline = time.monotonic() + 60
    with contextlib.closing(sqlite3.connect(folder / "gateway.db")) as connection:
        while time.monotonic() < deadline:
            for (body,) in connection.execute(query, (decision_id,)):
                told: dict[str, Any] = json.loads(body)
                return told
    raise AssertionError("no outcome was recorded")


def stored(folder: Path) -> bytes:
    """Every byte of the database, its write-ahead log included, after a checkpoint and before."""
    before = b"".join(path.read_bytes() for path in sorted(folder.glob("gateway.db*")))
    with contextlib.closing(sqlite3.connect(folder / "gateway.db")) as connection:
        dump = "\n".join(connection.iterdump()).encode()
    return before + dump
