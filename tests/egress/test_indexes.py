"""Customers and documents of an index, through the front door of a whole gateway."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from openai import OpenAI

from gateway.cli.running import RunningGateway
from gateway.paths import data_path
from gateway.settings import Detector, Policies
from gateway.testing.stand_in import StandIn
from tests.detection.test_indexed import CONTRACT, DISGUISES
from tests.egress.harness import ENVIRONMENT, client_for, left, settings_for, stored
from tests.egress.test_policy_reload import until
from tests.indexes import documents, table

ROWS = [{"member": "M123456789", "name": "Kowalska"}, {"member": "QX77ZEBRA", "name": "Vandersloot"}]
POLICY = """\
apiVersion: gateway/v1
kind: Policy
metadata: {name: indexes}
destinations:
  local-slm: {zone: in_network, max_label: restricted}
  openai: {zone: external, max_label: internal, never: [phi, secret, financial, proprietary]}
detectors:
  customers: {type: exact_match, index: indexes/customers.edm, columns: [member, name], min_columns: 2,
              label: restricted, classes: [pii]}
  contract: {type: fingerprint, index: indexes/contracts.fp, min_similarity: 0.3, label: confidential,
             classes: [proprietary]}
rules: []
"""


@dataclass(frozen=True)
class Office:
    """A gateway whose indexes a test may build anew."""

    running: RunningGateway
    provider: StandIn
    client: OpenAI
    folder: Path

    def route(self, *texts: str) -> str:
        """Where a conversation goes."""
        messages = [{"role": "user", "content": text} for text in texts]
        raw = self.client.chat.completions.with_raw_response.create(
            model="gpt-4o-mini",
            messages=messages,  # type: ignore[arg-type]
            max_tokens=4,
        )
        return raw.headers["x-gateway-route"]

    def digest(self) -> str:
        """The bundle in force."""
        told = httpx.get(self.running.base_url.removesuffix("/v1") + "/readyz", timeout=10).json()
        return str(told["policy"]["digest"])


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """The policy that ships, and one beside it that names two indexes."""
    folder = tmp_path_factory.mktemp("office")
    policies = folder / "policies"
    policies.mkdir()
    (policies / "default.policy.yaml").write_bytes((data_path("policies") / "default.policy.yaml").read_bytes())
    (policies / "indexes.policy.yaml").write_text(POLICY)
    table(policies, ROWS)
    documents(policies, [CONTRACT])
    with StandIn() as provider:
        settings = settings_for(
            folder,
            provider.base_url,
            policies=Policies(dir=str(policies)),
            detector=Detector(deadline_ms=20_000, index_key_file=policies / "index.key"),
        )
        with RunningGateway(settings, ENVIRONMENT) as running:
            client = client_for(running.base_url, running.first_key)
            yield Office(running, provider, client, folder)
            client.close()


@pytest.mark.parametrize("text", ["What does M123456789 of Kowalska owe?", *DISGUISES])
def test_a_customer_stays_inside(office: Office, text: str) -> None:
    """However the row is written, none of it reaches the provider."""
    before = len(office.provider.requests)

    assert "local" == office.route(text)
    assert before == len(office.provider.requests)


def test_a_customer_over_two_messages_stays_inside(office: Office) -> None:
    """The number in one turn, the name in the next."""
    assert "local" == office.route("my number is QX77-ZEBRA", "and my name is Vandersloot")
    assert b"VANDERSLOOT" not in left(office.provider).upper()


def test_a_passage_of_a_contract_stays_inside(office: Office) -> None:
    """In capitals and with other words around it."""
    assert "local" == office.route("Make this shorter, please: " + CONTRACT[20:300].upper() + " Thank you!")
    assert b"HARWICH" not in left(office.provider).upper()


def test_what_is_in_no_index_leaves(office: Office) -> None:
    """One value of a row, and words of the contract, are plain text."""
    assert "external" == office.route("Is M123456789 a prime number?")
    assert "external" == office.route("How are welds of a crane inspected?")


def test_records_hold_the_detector_and_no_value(office: Office) -> None:
    """What is found counts by the detector's id."""
    office.route("What does QX77ZEBRA of Vandersloot owe?")
    data = stored(office.folder)

    assert b'"customers"' in data
    assert not any(word in data.upper() for word in (b"QX77ZEBRA", b"VANDERSLOOT", b"HARWICH"))


def test_an_index_that_was_built_anew_is_in_force(office: Office) -> None:
    """The bundle has another digest, and the new customer stays inside; a broken index changes nothing."""
    asked = "What does K555 of Nightingale owe?"
    before, first = office.digest(), office.route(asked)
    policies = office.folder / "policies"
    table(policies, [*ROWS, {"member": "K555", "name": "Nightingale"}])
    until(lambda: office.digest() != before)
    after, second = office.digest(), office.route(asked)
    (policies / "indexes" / "customers.edm.new").write_bytes(b"no index")
    (policies / "indexes" / "customers.edm.new").replace(policies / "indexes" / "customers.edm")
    ready = office.running.base_url.removesuffix("/v1") + "/readyz"
    until(lambda: not httpx.get(ready, timeout=10).json()["parts"]["policies"]["ok"])
    broken = json.dumps(httpx.get(ready, timeout=10).json())

    assert ("external", "local") == (first, second)
    assert (after, "local") == (office.digest(), office.route(asked))
    assert "Nightingale" not in broken
