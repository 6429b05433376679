"""Accounts and roles, API keys, limits, destinations. Every change is recorded first; nothing is deleted."""

from __future__ import annotations

import asyncio

from gateway.adapters.sql_accounts import AccountError
from gateway.adapters.sql_keys import KeyNameError
from gateway.console.asked import Answer, Asked, Page, Redirect, Refused
from gateway.console.decisions import moment_of
from gateway.domain.accounts import FAR, Role, Sight
from gateway.pipeline.ports import Health

_PATIENCE_S = 2.0
_HERE = "/console/administration"


async def administration(asked: Asked) -> Answer:
    """Everything on one page."""
    settings = asked.parts.settings
    keys = await asked.parts.keys.list()
    health = await _health(asked)
    limits = {
        "gateway": settings.limits.gateway,
        "every tenant": settings.limits.every_tenant,
        "every app": settings.limits.every_app,
        "every key": settings.limits.every_key,
        **{f"tenant {name}": each for name, each in settings.limits.tenants.items()},
        **{f"app {name}": each for name, each in settings.limits.apps.items()},
        **{f"key {name}": each for name, each in settings.limits.keys.items()},
    }
    return Page("administration.html", {
        "title": "Administration",
        "accounts": await asked.parts.accounts.list(),
        "roles": list(Role),
        "keys": keys,
        "apps": sorted({(each.tenant, each.app) for each in keys}),
        "limits": {name: each.model_dump() for name, each in limits.items()},
        "destinations": [
            (name, each.zone.value, each.adapter, health.get(f"destination:{name}"))
            for name, each in settings.destinations.items()
        ],
        "models": settings.models,
        "parts": {name: each for name, each in health.items() if not name.startswith("destination:")},
        "far": FAR,
    })  # fmt: skip


async def invite(asked: Asked) -> Answer:
    """A one-time link for somebody, shown this once."""
    name = asked.form.get("name", "").strip()
    if name == asked.holder.name:
        raise Refused(403, "Nobody changes their own account: have another administrator do it.")
    try:
        invitation = await asked.parts.accounts.invite(asked.parts.ledger, name, _role(asked), _sight(asked), asked.who)
    except AccountError as error:
        raise Refused(400, f"{error}.") from None
    link = f"/console/invitation/{invitation.token}"
    return Page("once.html", {"title": "Invitation", "what": f"The one-time link of {name}, for a day", "once": link})


async def change_role(asked: Asked) -> Answer:
    """Another role for somebody else."""
    await asked.parts.accounts.change_role(asked.parts.ledger, _other(asked), _role(asked), _sight(asked), asked.who)
    return Redirect(_HERE)


async def disable(asked: Asked) -> Answer:
    """Let somebody else in no more."""
    await asked.parts.accounts.disable(asked.parts.ledger, _other(asked), asked.who)
    return Redirect(_HERE)


async def create_key(asked: Asked) -> Answer:
    """A new API key, shown this once."""
    form = {name: asked.form.get(name, "").strip() for name in ("name", "tenant", "app")}
    try:
        key = await asked.parts.keys.create(asked.parts.ledger, **form, by=asked.who)
    except KeyNameError as error:
        raise Refused(400, f"{error}.") from None
    what = f"The key {key.id} for the app {key.app} of {key.tenant}"
    return Page("once.html", {"title": "API key", "what": what, "once": key.key})


async def revoke_key(asked: Asked) -> Answer:
    """Revoke a key for good."""
    if not await asked.parts.keys.revoke(asked.parts.ledger, asked.path["id"], asked.who):
        raise Refused(404, "There is no valid key of this id.")
    return Redirect(_HERE)


async def _health(asked: Asked) -> dict[str, Health]:
    """How each part is, as far as it says so in time."""

    async def told(name: str) -> Health:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return await asked.parts.health[name]()
        except TimeoutError:
            return Health(ok=False, detail="no answer in time")

    names = list(asked.parts.health)
    return dict(zip(names, await asyncio.gather(*(told(name) for name in names)), strict=True))


def _other(asked: Asked) -> str:
    """The account that is to be changed, which is not the own one."""
    if asked.path["id"] == asked.who:
        raise Refused(403, "Nobody changes their own account: have another administrator do it.")
    return asked.path["id"]


def _role(asked: Asked) -> Role:
    role = asked.form.get("role", "")
    if role not in set(Role):
        raise Refused(400, "Choose a role.")
    return Role(role)


def _sight(asked: Asked) -> Sight:
    tenant = asked.form.get("tenant", "").strip()
    since, until = asked.form.get("since", ""), asked.form.get("until", "")
    return Sight(tenant[:63], moment_of(since, 0), moment_of(until, FAR, whole_day=True))
