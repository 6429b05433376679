"""Signing in with a real OpenID Connect provider, in a process of its own on this machine."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from urllib.parse import parse_qs, urlparse

import httpx
import pytest
import pytest_asyncio

from gateway.adapters.oidc import OidcProvider
from gateway.console.single_sign_on import role_of
from gateway.domain.accounts import NotVouched, Role
from gateway.settings import Oidc
from tests.console.site import Form, Site, site_at

pytestmark = pytest.mark.asyncio(loop_scope="module")

USERS = {
    "rosa": {"preferred_username": "rosa@acme.example", "roles": ["staff", "compliance"]},
    "guest": {"preferred_username": "guest", "roles": ["staff"]},
    "hostile": {"preferred_username": "<script>alert(1)</script>", "roles": "auditors"},
}
ROLES = {"compliance": Role.REVIEWER, "auditors": Role.AUDITOR}


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """A provider that knows three people."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    claims = [f"--user-claims={json.dumps({'sub': sub, **said})}" for sub, said in USERS.items()]
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port), *claims]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        url = f"http://127.0.0.1:{port}"
        assert answers(url)
        yield url
        process.terminate()


def answers(url: str) -> bool:
    """Whether a server comes up within a minute."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            return httpx.get(f"{url}/.well-known/openid-configuration", timeout=5).status_code == 200
        except httpx.TransportError:
            continue
    return False


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory, issuer: str) -> AsyncIterator[Site]:
    """A console that trusts it."""
    oidc = Oidc(issuer=issuer, client_id="console", client_secret_env="OIDC_SECRET", roles=ROLES)
    async with site_at(tmp_path_factory.mktemp("sso"), oidc) as running:
        yield running


async def back_of(client: Form, who: str) -> str:
    """Sign in at the provider. The path that it sends the browser back to."""
    await client.page("/console/sign-in")
    begun = await client.get("/console/oidc")
    assert begun.status_code == 303
    async with httpx.AsyncClient() as elsewhere:
        answer = await elsewhere.post(begun.headers["location"], data={"sub": who})
    back = urlparse(answer.headers["location"])
    assert (back.netloc, back.path) == ("127.0.0.1:8080", "/console/oidc/back")
    return f"{back.path}?{back.query}"


async def test_somebody_of_the_provider_gets_the_role_of_their_claim(site: Site) -> None:
    """The first time makes an account, the next one finds it; both are recorded."""
    for _ in range(2):
        async with site.visitor() as client:
            answer = await client.get(await back_of(client, "rosa"))
            assert (answer.status_code, answer.headers["location"]) == (303, "/console/")
            page = await client.page("/console/")
            assert "rosa@acme.example (reviewer)" in page
    assert len([each for each in await site.accounts.list() if each.name == "rosa@acme.example"]) == 1
    assert "signed_in" in site.records("view")[-2]
    assert "account_created" in site.records("admin")[-1]


async def test_a_name_that_is_none_is_not_taken_over(site: Site) -> None:
    """The account is called by its id."""
    async with site.visitor() as client:
        await client.get(await back_of(client, "hostile"))
        page = await client.page("/console/")

    assert "<script" not in page
    assert "(auditor)" in page


async def test_whoever_has_no_role_is_not_let_in(site: Site) -> None:
    """And that is recorded."""
    async with site.visitor() as client:
        answer = await client.get(await back_of(client, "guest"))
        assert answer.status_code == 403
        assert (await client.get("/console/")).status_code == 303
    assert "sign_in_failed" in site.records("view")[-1]


async def test_a_way_back_that_nobody_began_is_refused(site: Site) -> None:
    """Another browser's answer, another state, a code twice, and none."""
    async with site.visitor() as one, site.visitor() as other:
        back = await back_of(one, "rosa")
        await other.page("/console/sign-in")
        assert (await other.get(back)).status_code == 400
        state = parse_qs(urlparse(back).query)["state"][0]
        assert (await one.get(back.replace(state, "x" * 20))).status_code == 400
        assert (await one.get(f"/console/oidc/back?state={state}&code=guessed")).status_code == 403
        kept = one.cookies["gateway_console"]
        assert (await one.get(back)).status_code == 303
        one.cookies.set("gateway_console", kept, domain="console.test", path="/console")
        assert (await one.get(back)).status_code in {400, 403}


async def test_a_provider_that_is_gone_lets_nobody_in(site: Site) -> None:
    """With a message, not a fault."""
    gone = OidcProvider("http://127.0.0.1:9", "console", "x", "http://127.0.0.1:8080/console/oidc/back")
    with pytest.raises(NotVouched):
        await gone.begin()


@pytest.mark.parametrize("said", [None, "staff", ["staff", 7], {"compliance": True}, 7])
async def test_only_a_configured_value_gives_a_role(said: object) -> None:
    """Whatever the claim holds."""
    with pytest.raises(NotVouched):
        role_of({"roles": said}, "roles", ROLES)  # type: ignore[dict-item]
