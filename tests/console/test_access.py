"""Who gets in, who may see what, and that each look is recorded before anything is shown."""

from __future__ import annotations

import json
import re

import pytest

from gateway.adapters.sql_accounts import MOST_TRIES
from gateway.console.decisions import WORDS
from gateway.console.gate import Route
from gateway.console.rendering import NAVIGATION
from gateway.console.routes import ROUTES
from gateway.domain.accounts import Role
from tests.console.site import PASSWORD, Site
from tests.evidence import activated, decided

pytestmark = pytest.mark.asyncio(loop_scope="module")

GUARDED = [route for route in ROUTES if route.roles]


def path_of(route: Route) -> str:
    """A path of a route, about nothing that there is."""
    return "/console" + re.sub(r"\{[a-z]+\}", "01JDXXXXXXXXXXXXXXXXXXXXXX", route.path)


def named(route: Route) -> str:
    """What a test of a route is called."""
    return f"{route.method} {route.path}"


@pytest.mark.parametrize("route", GUARDED, ids=named)
async def test_nobody_gets_a_page_without_signing_in(site: Site, route: Route) -> None:
    """A page leads to the form; an act is refused."""
    async with site.visitor() as client:
        await client.page("/console/sign-in")
        answer = await client.request(route.method, path_of(route), data={"token": client.token})

    expected = 303 if route.method == "GET" else 403
    assert answer.status_code == expected
    assert route.method == "POST" or answer.headers["location"].startswith("/console/sign-in?next=")


@pytest.mark.parametrize("role", list(Role), ids=[each.value for each in Role])
async def test_each_route_is_refused_to_every_role_that_it_is_not_for(site: Site, role: Role) -> None:
    """Asked directly, with a valid session and form; and each refusal is recorded."""
    client = await site.person(f"table-{role.value}", role)
    wrong = [route for route in GUARDED if role not in route.roles]
    before = len(site.records("view"))

    statuses = {
        named(route): (await client.request(route.method, path_of(route), data={"token": client.token})).status_code
        for route in wrong
    }

    assert {named(route): 403 for route in wrong} == statuses
    refusals = [json.loads(body)["action"] for body in site.records("view")[before:]]
    assert ["refused"] * len(wrong) == refusals


async def test_the_navigation_leads_to_every_page_that_the_role_may_see() -> None:
    """The links' roles are those of the routes: of all first pages, and of no others."""
    first = [
        each for each in GUARDED if each.method == "GET" and each.path.count("/") == 1 and "export" not in each.path
    ]

    assert {f"/console{each.path}": each.roles for each in first} == {path: roles for path, _, roles in NAVIGATION}


@pytest.mark.parametrize("route", [route for route in ROUTES if route.method == "POST"], ids=named)
async def test_no_form_is_taken_without_the_token_of_its_session(site: Site, route: Route) -> None:
    """Nor with that of another one, nor from another site."""
    client = await site.person("table-administrator", Role.ADMINISTRATOR)
    for token in ("", "x" * 32):
        assert (await client.post(path_of(route), data={"token": token})).status_code == 403
    elsewhere = {"sec-fetch-site": "cross-site"}
    assert (await client.post(path_of(route), data={"token": client.token}, headers=elsewhere)).status_code == 403


async def test_nothing_is_loaded_from_elsewhere_and_nothing_kept(site: Site) -> None:
    """Every page says so in its headers, and holds no script."""
    client = await site.person("table-viewer", Role.VIEWER)
    for path in ("/console/", "/console/nowhere", "/console/sign-in"):
        answer = await client.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert "<script" not in answer.text
        assert "style=" not in answer.text
    cookie = (await client.get("/console/sign-in")).headers["set-cookie"]
    assert all(word in cookie for word in ("HttpOnly", "Secure", "SameSite=lax", "Path=/console", "Max-Age=1800"))


async def test_an_invitation_holds_once_and_passwords_are_long(site: Site) -> None:
    """A second use is refused, as is a short password."""
    invitation = await site.accounts.invite(site.host.ledger, "once", Role.VIEWER, site.whole)
    async with site.visitor() as client:
        path = f"/console/invitation/{invitation.token}"
        await client.page(path)
        assert (await client.submit(path, password="short", again="short")).status_code == 400
        assert (await client.submit(path, password=PASSWORD, again=PASSWORD + "x")).status_code == 400
        assert (await client.submit(path, password=PASSWORD, again=PASSWORD)).status_code == 303
    async with site.visitor() as client:
        await client.page(path)
        assert (await client.submit(path, password=PASSWORD, again=PASSWORD)).status_code == 400


async def test_sign_in_is_recorded_and_locks_after_too_many_tries(site: Site) -> None:
    """Good and bad; the lock holds for the right password too, and says nothing of who there is."""
    await site.person("lena", Role.VIEWER)
    async with site.visitor() as client:
        await client.page("/console/sign-in")
        good = await client.submit("/console/sign-in", name="lena", password=PASSWORD, next="/console/policies")
        assert (good.status_code, good.headers["location"]) == (303, "/console/policies")
    async with site.visitor() as client:
        await client.page("/console/sign-in")
        nobody = await client.submit("/console/sign-in", name="nobody", password=PASSWORD)
        wrong = [await client.submit("/console/sign-in", name="lena", password="wrong") for _ in range(MOST_TRIES)]
        locked = await client.submit("/console/sign-in", name="lena", password=PASSWORD)

    assert [401] * (MOST_TRIES + 1) == [each.status_code for each in [nobody, *wrong]]
    assert len({re.sub(r'token" value="[^"]+', "", each.text) for each in [nobody, *wrong]}) == 1
    assert locked.status_code == 429
    actions = [json.loads(body)["action"] for body in site.records("view")][-8:]
    assert ["signed_in", *["sign_in_failed"] * (MOST_TRIES + 2)] == actions


@pytest.mark.parametrize(
    "path", ["//evil.example", "https://evil.example", "/console/\\evil", "/elsewhere", "/console//x"]
)
async def test_signing_in_leads_nowhere_else(site: Site, path: str) -> None:
    """Whatever the link says."""
    await site.person("nora", Role.VIEWER)
    async with site.visitor() as client:
        await client.page("/console/sign-in")
        answer = await client.submit("/console/sign-in", name="nora", password=PASSWORD, next=path)

    assert answer.headers["location"] == "/console/"


async def test_signing_out_and_disabling_end_every_session(site: Site) -> None:
    """A kept cookie is worth nothing afterwards."""
    client = await site.person("mila", Role.VIEWER)
    kept = client.cookies["gateway_console"]
    await client.submit("/console/sign-out")
    async with site.visitor() as other:
        other.cookies.set("gateway_console", kept, domain="console.test")
        assert (await other.get("/console/")).status_code == 303


async def test_a_forged_session_is_nobodys(site: Site) -> None:
    """One letter changed."""
    client = await site.person("table-viewer", Role.VIEWER)
    cookie = next(iter(client.cookies.values()))
    async with site.visitor() as other:
        forged = cookie[:-2] + ("A" if cookie[-2] != "A" else "B") + cookie[-1]  # of the last one, not every bit counts
        other.cookies.set("gateway_console", forged, domain="console.test")
        assert (await other.get("/console/")).status_code == 303


async def test_what_cannot_be_recorded_is_not_shown(site: Site) -> None:
    """A ledger that refuses keeps every page closed to every role, and who signs in outside."""
    people = {role: await site.person(f"table-{role.value}", role) for role in Role}
    pages = [(people[role], path_of(route)) for route in GUARDED if route.method == "GET" for role in route.roles]
    site.house.change("ALTER TABLE records RENAME TO records_away")
    try:
        shown = [await client.get(path) for client, path in pages]
        signed = await people[Role.VIEWER].submit("/console/sign-in", name="table-viewer", password=PASSWORD)
    finally:
        site.house.change("ALTER TABLE records_away RENAME TO records")

    assert {503} == {each.status_code for each in [*shown, signed]}
    assert all("nothing is shown" in each.text for each in shown)


async def test_a_form_that_is_too_long_is_refused(site: Site) -> None:
    """Before it is read whole."""
    async with site.visitor() as client:
        await client.page("/console/sign-in")
        assert (await client.submit("/console/sign-in", name="x" * 70_000)).status_code == 413


MARKUP = "<script>alert(1)</script>{{7*7}}"


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.POLICY_EDITOR, Role.ADMINISTRATOR], ids=lambda each: each.value)
async def test_what_a_link_asks_for_stays_text_on_every_page(site: Site, role: Role) -> None:
    """Whatever stands in each part of it."""
    client = await site.person(f"table-{role.value}", role)
    names = (*WORDS, "since", "until", "id", "after", "days", "state", "sample", "old", "new", "kind", "next", "who")
    for route in (each for each in GUARDED if each.method == "GET" and role in each.roles):
        for name in names:
            answer = await client.get(path_of(route), params={name: MARKUP})
            assert "<script" not in answer.text, (route.path, name)
            assert "alert(1)&lt;/script&gt;49" not in answer.text
            assert answer.status_code < 500, (route.path, name)


async def test_what_somebody_wrote_into_the_database_stays_text(site: Site) -> None:
    """Names of people, keys and searches, comments, and the records themselves."""
    one, name = decided(), "table-reviewer"
    site.add(activated(), one)
    await site.settle()
    rosa = await site.person(name, Role.REVIEWER)
    admin = await site.person("table-administrator", Role.ADMINISTRATOR)
    await admin.submit("/console/administration/keys", name="bot", tenant="acme", app="bot")
    path = f"/console/decisions/{one.decision_id}"
    for act, fields in (("add", {}), ("take", {}), ("comment", {"words": "Fine."})):
        await rosa.page(path)
        await rosa.submit(f"/console/review/{one.decision_id}/{act}", **fields)
    await rosa.submit("/console/views", name="mine", app="bot")
    site.house.change("UPDATE console_accounts SET name = :to WHERE name = :name", to=MARKUP, name=name)
    site.house.change("UPDATE api_keys SET name = :to, tenant = :to, app = :to", to=MARKUP)
    site.house.change("UPDATE review_notes SET words = :to", to=MARKUP)
    site.house.change("UPDATE console_views SET name = :to, link = :to", to=MARKUP)
    site.house.alter(one.decision_id, "claims-bot", MARKUP)

    shown = [await rosa.get(each) for each in (path, "/console/", "/console/decisions", "/console/review")]
    shown += [await admin.get(f"/console/{each}") for each in ("administration", "access", "access?kind=review")]
    assert {200} == {each.status_code for each in shown}
    assert not any("<script" in each.text for each in shown)
    assert sum("alert(1)" in each.text for each in shown) >= 5
