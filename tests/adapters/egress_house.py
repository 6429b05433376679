"""A real egress on the loopback interface, and a gateway's end of the link to it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.adapters.egress_external import EgressExternal, EgressLink, EgressOptions
from gateway.adapters.ledger_key import LedgerKey
from gateway.cli.http import AnnouncingServer, egress_config_of
from gateway.clock import SystemClock
from gateway.domain.checkpoint import verifier_key
from gateway.domain.clearance import Clearance
from gateway.domain.conversation import Operation
from gateway.domain.policy import Zone
from gateway.egress import EgressProcess
from gateway.settings import Egress, LitellmExternal, OpenAiExternal, Settings
from tests.adapters.clearing import body_of, cleared

KEY = "sk-egress-alone"
ENVIRONMENT = {"EGRESS_HAS": KEY}
SPEAKS = frozenset({Operation.CHAT, Operation.RESPONSES, Operation.MESSAGES})


@dataclass
class EgressHouse:
    """A running egress and what a gateway needs to talk to it."""

    url: str
    refusals_file: Path
    key: LedgerKey
    clock: SystemClock
    ids: int = 0

    @property
    def refusals(self) -> list[str]:
        """The reasons that it recorded."""
        return [line["reason"] for line in self.lines]

    @property
    def lines(self) -> list[dict[str, object]]:
        """What it recorded."""
        return [json.loads(line) for line in self.refusals_file.read_text().splitlines()]

    def clearance(
        self, body: bytes = b"", destination: str = "openai", operation: Operation = Operation.CHAT
    ) -> Clearance:
        """A clearance as the gateway has it: with a receipt of the ledger's key for a decision of its own."""
        self.ids += 1
        decision = f"01HF{self.ids:022}"
        token = self.key.token(json.dumps({"id": decision}).encode())
        return cleared(body or body_of(), destination, operation, decision_id=decision, token=token)

    def link(self, **more: object) -> EgressLink:
        """A gateway's end."""
        options = EgressOptions(**{"url": self.url, **more})  # type: ignore[arg-type]
        return EgressLink(options, self.key, self.clock)

    def external(self, link: EgressLink, destination: str = "openai", timeout_s: float = 10.0) -> EgressExternal:
        """The door to one destination."""
        return EgressExternal(destination, SPEAKS, link, timeout_s)


def destinations(provider: str) -> dict[str, OpenAiExternal | LitellmExternal]:
    """Both kinds, at one provider."""
    openai = OpenAiExternal(zone=Zone.EXTERNAL, adapter="openai", base_url=provider, api_key_env="EGRESS_HAS")
    other = LitellmExternal(
        zone=Zone.EXTERNAL,
        adapter="litellm",
        provider="anthropic",
        base_url=provider.removesuffix("/v1"),
        api_key_env="EGRESS_HAS",
    )
    return {"openai": openai, "anthropic": other}


@contextlib.asynccontextmanager
async def running_egress(
    folder: Path, provider: str, names: tuple[str, ...] = ("openai",), **more: object
) -> AsyncIterator[EgressHouse]:
    """Started, and stopped again. `more` are settings of the section `egress`."""
    key = LedgerKey.load(folder / "ledger.key")
    chosen: Mapping[str, object] = {
        "port": 0,
        "gateway_keys": (verifier_key("test", key.public),),
        "refusals_file": folder / "refusals.jsonl",
        "clock_skew_s": 0,
        **more,
    }
    known = {name: each for name, each in destinations(provider).items() if name in names}
    settings = Settings(egress=Egress(**chosen), destinations=known, models={})  # type: ignore[arg-type]
    process = EgressProcess(settings, ENVIRONMENT)
    await process.start()
    listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def announce(port: int) -> None:
        listening.set_result(port)

    server = AnnouncingServer(egress_config_of(process.app, settings), announce)
    serving = asyncio.create_task(server.serve())
    try:
        port = await listening
        socket = settings.egress.socket
        scheme = "https" if settings.egress.certificate_file else "http"
        url = f"unix:{socket}" if socket else f"{scheme}://127.0.0.1:{port}"
        yield EgressHouse(url, settings.egress.refusals_file, key, SystemClock())
    finally:
        server.should_exit = True
        await serving
        await process.stop()


def certificate_for(folder: Path) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1, signed by itself, and its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "egress")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "egress.crt", folder / "egress.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    private.write_bytes(key.private_bytes(*form, plain))
    return certificate, private
