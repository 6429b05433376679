"""A console in a thread of this process, filled with three months of decisions, for a real browser."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from gateway.adapters.file_policies import FilePolicies
from gateway.adapters.sql_accounts import SqlAccounts
from gateway.cli.http import AnnouncingServer, config_of
from gateway.console_host import ConsoleHost
from gateway.domain.accounts import Role, Sight
from gateway.domain.alias import Alias
from gateway.domain.evidence import Decided, Evidence, PolicyEvidence, Route
from gateway.domain.facts import FindingFact
from gateway.domain.labels import DataClass, Entity, Label
from gateway.domain.sensitivity import MEANINGS
from gateway.paths import data_path
from gateway.settings import Server
from tests.adapters.ledger_house import House, house_at
from tests.console.site import PASSWORD, settings_at, until_settled, weak_hashes
from tests.evidence import CLOCK, activated, decided, finding, outcome

BUNDLE = FilePolicies(data_path("policies")).current()
_DAY = 86_400 * 1_000_000


@dataclass(frozen=True)
class Kind:
    """What one kind of request comes to under the shipped policies."""

    route: Route
    destination: str
    label: str
    classes: frozenset[DataClass]
    found: tuple[FindingFact, ...]
    replaced: tuple[str, ...]
    rules: tuple[str, ...]
    reason: str

    def decided(self, **changes: object) -> Decided:
        """A decision of this kind."""
        evidence = decided(
            label=Label(self.label),
            classes=self.classes,
            findings=self.found,
            route=self.route,
            destination=self.destination,
            alias=Alias("openai", "local-slm"),
            status=403 if self.route is Route.BLOCKED else 0,
            transforms=tuple(Entity(each) for each in self.replaced),
            policy=PolicyEvidence(1, BUNDLE.digest, MEANINGS, self.rules, self.reason, ()),
        )
        return replace(evidence, **changes)  # type: ignore[arg-type]


_RECORD, _PERSON = finding("MEDICAL_RECORD_NUMBER", "/messages/2/content"), finding("PERSON", confidence=700)
PLAIN = Kind(Route.EXTERNAL, "openai", "internal", frozenset(), (), (), ("cleared",), "CLEARED")
CONTACT = Kind(Route.EXTERNAL_TRANSFORMED, "openai", "confidential", frozenset({DataClass.PII}), (finding(),),
               ("EMAIL_ADDRESS",), ("mask-contact",), "CONTACT_MASKED")  # fmt: skip
HEALTH = Kind(Route.LOCAL, "local-slm", "restricted", frozenset({DataClass.PII, DataClass.PHI}), (_RECORD, _PERSON), (),
              ("phi-stays-inside", "restricted-stays-inside"), "PHI")  # fmt: skip
SECRET = Kind(Route.BLOCKED, "", "restricted", frozenset({DataClass.SECRET}), (finding("SECRET"),), (),
              ("restricted-stays-inside", "secret-refused"), "SECRET_IN_REQUEST")  # fmt: skip
PEOPLE = {"vera": Role.VIEWER, "rosa": Role.REVIEWER, "rene": Role.REVIEWER, "ada": Role.AUDITOR,
          "pia": Role.POLICY_EDITOR, "alf": Role.ADMINISTRATOR}  # fmt: skip


@dataclass(frozen=True)
class Running:
    """Where the console is, and what lies under it."""

    url: str
    house: House
    complaint: str


def traffic(count: int, seed: int) -> Sequence[Evidence]:
    """Decisions of the last 89 days by the shipped policies' digest, most of them recent."""
    chance, now, made = Random(seed), CLOCK.now(), list[Evidence]()
    for number in range(count):
        kind = chance.choices((PLAIN, CONTACT, HEALTH, SECRET), (6, 4, 3, 1))[0]
        one = kind.decided(
            at=now - int(chance.random() ** 2 * 89 * _DAY) - number,
            tenant=chance.choice(("acme", "clinic")),
            app=chance.choice(("claims-bot", "triage", "support")),
        )
        made.append(one)
        if kind.route is not Route.BLOCKED:
            made.append(outcome(one.decision_id, at=one.at + 900_000, tenant=one.tenant))
    return made


@contextlib.contextmanager
def running_console(folder: Path) -> Iterator[Running]:
    """A console that serves on a free port of this machine."""
    started, stop, told = threading.Event(), [], []
    host_of: list[tuple[ConsoleHost, asyncio.AbstractEventLoop]] = []

    async def serve() -> None:
        host = ConsoleHost(settings_at(folder), {})
        await host.start()
        host_of.append((host, asyncio.get_running_loop()))
        accounts = SqlAccounts(host.parts.database, CLOCK)
        for name, role in PEOPLE.items():
            invitation = await accounts.invite(host.ledger, name, role, Sight())
            await accounts.accept(host.ledger, invitation.token, PASSWORD)

        async def announce(port: int) -> None:
            told.append(port)
            started.set()

        server = AnnouncingServer(config_of(host.app, Server(port=0)), announce)
        stop.append(server)
        await server.serve()
        await host.stop()

    with weak_hashes(), house_at(f"sqlite:///{folder}/gateway.db", folder) as house:
        complaint = HEALTH.decided(app="triage", tenant="clinic", at=CLOCK.now() - _DAY)
        ended = outcome(complaint.decision_id, tenant="clinic")
        by_time = sorted([complaint, ended, *traffic(120, 7)], key=lambda each: each.at)
        house.write("gw-0000aaaa", activated(BUNDLE.digest), *by_time)
        thread = threading.Thread(target=lambda: asyncio.run(serve()), name="console", daemon=True)
        thread.start()
        assert started.wait(60)
        assert until_settled(house)
        [(host, loop)] = host_of
        asyncio.run_coroutine_threadsafe(host.verification.look(), loop).result(60)
        assert until_settled(house)
        yield Running(f"http://127.0.0.1:{told[0]}/console", house, complaint.decision_id)
        stop[0].should_exit = True
        thread.join(30)
