"""Three networks of one machine: the gateway's, the egress's, the provider's. Only the egress is in two of them.

    gateway  10.77.1.1 ---- 10.77.1.2  egress  10.77.2.1 ---- 10.77.2.2  provider

Run as a module it is what stands inside them: `provider` answers, keeps count and tells on its standard output what
reached it; `insider` is code in the gateway's network that tries to get out without a decision.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

GATEWAY, EGRESS, EGRESS_OUT, PROVIDER = "10.77.1.1", "10.77.1.2", "10.77.2.1", "10.77.2.2"


@dataclass(frozen=True)
class Networks:
    """The names of the three namespaces."""

    gateway: str
    egress: str
    provider: str

    def command(self, namespace: str, *command: str) -> list[str]:
        """A command that runs inside one of them."""
        return ["ip", "netns", "exec", namespace, *command]


def not_possible() -> str:
    """Why this machine cannot make namespaces; empty when it can."""
    if shutil.which("ip") is None:
        return "iproute2 is not installed"
    probe = f"probe-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True, check=False)
    if made.returncode:
        return "network namespaces are not permitted here (run as root)"
    subprocess.run(["ip", "netns", "del", probe], capture_output=True, check=False)
    return ""


@contextlib.contextmanager
def three_networks() -> Iterator[Networks]:
    """Made, and removed whatever happens."""
    tag = os.getpid() % 100_000
    made = Networks(f"gw-{tag}", f"eg-{tag}", f"pv-{tag}")
    try:
        for name in (made.gateway, made.egress, made.provider):
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
        _join((made.gateway, f"g{tag}", GATEWAY), (made.egress, f"ei{tag}", EGRESS))
        _join((made.egress, f"eo{tag}", EGRESS_OUT), (made.provider, f"p{tag}", PROVIDER))
        yield made
    finally:
        for name in (made.gateway, made.egress, made.provider):
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


def _join(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    _ip("-n", one[0], "link", "add", one[1], "type", "veth", "peer", "name", other[1], "netns", other[0])
    for namespace, link, address in (one, other):
        _ip("-n", namespace, "address", "add", f"{address}/30", "dev", link)
        _ip("-n", namespace, "link", "set", link, "up")


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


@contextlib.contextmanager
def running(
    command: list[str], until: str, folder: Path, **environment: str
) -> Iterator[tuple[str, Callable[[], str]]]:
    """A process that says `until` when it is ready: what it said so far, and how to ask for its next line."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**inherited, "PYTHONPATH": str(Path(__file__).resolve().parents[2]), **environment},
    )
    assert process.stdin is not None
    assert process.stdout is not None

    def ask() -> str:
        process.stdin.write("tell\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
        return process.stdout.readline()  # type: ignore[union-attr]

    told = []
    try:
        for line in process.stdout:
            told.append(line)
            if until in line:
                break
        yield "".join(told), ask
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdin.close()
        process.stdout.close()


def provider() -> None:
    """Answer; for each line on the standard input, tell what has arrived: key and body of each request."""
    from gateway.testing.stand_in import StandIn

    with StandIn(host=PROVIDER, port=8000) as running_provider:
        print(running_provider.base_url, flush=True)
        for _ in sys.stdin:
            seen = [[each.header("authorization"), each.body.decode()] for each in running_provider.requests]
            print(json.dumps(seen), flush=True)


def insider(key_file: str) -> None:
    """Everything that code in the gateway's network may try, with its signing key in hand and a stranger's."""
    from gateway.adapters.ledger_key import LedgerKey

    key, stranger = LedgerKey.load(Path(key_file)), LedgerKey.load(Path(f"{key_file}.stranger"))
    told = {"connect": _connects(PROVIDER, 8000), "beyond": _connects("198.51.100.7", 443)}
    told |= asyncio.run(_attempts(key, stranger))
    print(json.dumps(told), flush=True)


def _connects(host: str, port: int) -> str:
    try:
        socket.create_connection((host, port), timeout=3).close()
    except OSError as error:
        return type(error).__name__
    return "connected"


async def _attempts(key: object, stranger: object) -> dict[str, object]:
    import hashlib

    import httpx

    from gateway.adapters.ledger_key import LedgerKey
    from gateway.adapters.openai_external import OpenAiExternal
    from gateway.domain.conversation import Operation
    from gateway.domain.errors import GatewayError
    from gateway.domain.sealed import HEADER, PATH, Sealed
    from tests.adapters.clearing import body_of, cleared

    assert isinstance(key, LedgerKey)
    assert isinstance(stranger, LedgerKey)
    direct = OpenAiExternal("openai", f"http://{PROVIDER}:8000/v1", "sk-stolen", allow_http=True, connect_timeout_s=3)
    try:
        await direct.complete(cleared(body_of("straight out")))
        sent = "sent"
    except GatewayError as error:
        sent = error.code.value
    await direct.aclose()

    body, now = body_of("by force"), time.time_ns() // 1000
    decision = "01HF0000000000000000000009"
    good = Sealed(
        decision_id=decision,
        destination="openai",
        operation=Operation.CHAT,
        digest=hashlib.sha256(body).digest(),
        size=len(body),
        receipt=key.token(json.dumps({"id": decision}).encode()),
        issued_at=now,
        expires_at=now + 60_000_000,
    )
    seal = key.seal(good.encode())
    tries = {
        "forged": (stranger.seal(good.encode()), body),
        "altered": (seal, body.replace(b"force", b"ruses")),
        "expired": (key.seal(replace(good, expires_at=now - 1).encode()), body),
        "elsewhere": (key.seal(replace(good, destination="elsewhere").encode()), body),
        "once": (seal, body),
        "replayed": (seal, body),
    }
    async with httpx.AsyncClient(base_url=f"http://{EGRESS}:8090", trust_env=False) as client:
        answers = {
            name: (await client.post(PATH, headers={HEADER: each}, content=what)).status_code
            for name, (each, what) in tries.items()
        }
    return {"direct": sent, **answers}


if __name__ == "__main__":
    {"provider": provider, "insider": insider}[sys.argv[1]](*sys.argv[2:])
