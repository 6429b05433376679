"""The canary in a whole gateway: clean under the shipped policy, and loud under one that lets values leave."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from starlette.types import ASGIApp

from gateway.domain.policy import Zone
from gateway.main import Gateway, build
from gateway.pipeline.canary_probes import KINDS, PROBES
from gateway.settings import Database, Detector, Ledger, ModelAlias, OpenAiExternal, Policies, Settings
from gateway.testing.stand_in import StandIn
from tests.conftest import REPOSITORY

LAX = """\
apiVersion: gateway/v1
kind: Policy
metadata: {name: lax, owner: a@b.example, description: Lets everything leave., controls: [NONE]}
scope: {apps: ["*"], tenants: ["*"]}
labels: [public, internal, confidential, restricted, sealed]
destinations:
  openai: {zone: external, max_label: restricted}
rules:
  - id: everything
    reason: CLEARED
    severity: info
    controls: [NONE]
    when: {label: {at_most: restricted}}
    then: {route: external}
default: {route: local, reason: NO_RULE_MATCHED}
on_failure:
  detector: {treat_as: sealed}
  opaque_part: {treat_as: sealed}
  local_model_down: {block: 503}
"""


async def get(app: ASGIApp, path: str) -> httpx.Response:
    """What the gateway answers."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway.test") as client:
        return await client.get(path)


async def into_force(gateway: Gateway) -> None:
    """Have the files read until another bundle than before is in force, whoever else reads them meanwhile."""
    before = gateway._policies.current().digest
    while gateway._policies.current().digest == before:
        await gateway._policies.reload()


@pytest.fixture
async def policies(tmp_path: Path) -> Path:
    """The shipped default policy, in a folder that a test may change."""
    folder = tmp_path / "policies"
    folder.mkdir()
    shutil.copy(REPOSITORY / "policies" / "default.policy.yaml", folder)
    return folder


@pytest.fixture
async def provider() -> AsyncIterator[StandIn]:
    """Who would get what leaves."""
    with StandIn() as running:
        yield running


@pytest.fixture
async def gateway(tmp_path: Path, policies: Path, provider: StandIn) -> AsyncIterator[Gateway]:
    """A started gateway with the real detector and one destination outside."""
    openai = OpenAiExternal(
        zone=Zone.EXTERNAL, adapter="openai", base_url=provider.base_url, api_key_env="STAND_IN_KEY"
    )
    settings = Settings(
        database=Database(url=SecretStr(f"sqlite:///{tmp_path}/gateway.db")),
        ledger=Ledger(key_file=tmp_path / "ledger.key", append_deadline_ms=60_000),
        detector=Detector(deadline_ms=20_000),
        policies=Policies(dir=str(policies)),
        destinations={"openai": openai},
        models={"gpt-*": ModelAlias(external="openai")},
    )
    made = build(settings, {"STAND_IN_KEY": "canary-key"})
    await made.start()
    yield made
    await made.stop()


async def test_a_policy_that_lets_values_leave_fails_readiness(
    gateway: Gateway, policies: Path, provider: StandIn
) -> None:
    """Clean before and after it; every operation and place is named while it holds; the provider never hears of it."""
    for _ in KINDS:  # each place with each kind of value
        assert "clean" == await gateway._canary.round()
    assert 200 == (await get(gateway.app, "/readyz")).status_code

    (policies / "default.policy.yaml").write_text(LAX)
    await into_force(gateway)
    assert "passed" == await gateway._canary.round()
    ready, metrics = await get(gateway.app, "/readyz"), (await get(gateway.app, "/metrics")).text
    assert 503 == ready.status_code
    assert "openai chat /messages/0/content" in ready.json()["parts"]["canary"]["detail"]
    for probe in PROBES:
        assert f'gateway_canary_passed{{field="{probe.place}",operation="{probe.operation}"}} 1.0' in metrics
    assert 'gateway_part_ok{part="canary"} 0.0' in metrics
    assert "gateway_decisions_total{" not in metrics

    shutil.copy(REPOSITORY / "policies" / "default.policy.yaml", policies)
    await into_force(gateway)
    assert "clean" == await gateway._canary.round()
    assert 200 == (await get(gateway.app, "/readyz")).status_code
    assert [] == provider.requests
