"""Signing in and out, and choosing the first password by a one-time link. Each try is recorded."""

from __future__ import annotations

from gateway.adapters.sql_accounts import LEAST_PASSWORD, AccountError, NotIn
from gateway.console.asked import Answer, Asked, Page, Redirect
from gateway.console.sessions import signed_in, visitor
from gateway.domain.accounts import Account
from gateway.domain.evidence import ViewAction

_WRONG = "This name and password do not belong together."
_LOCKED = "Too many tries: wait a quarter of an hour, or have an administrator invite you again."


async def sign_in_page(asked: Asked) -> Answer:
    """The form."""
    return _form(asked, "")


async def sign_in(asked: Asked) -> Answer:
    """Let somebody in, or say constantly that it was wrong."""
    found = await asked.parts.accounts.sign_in(asked.form.get("name", ""), asked.form.get("password", ""))
    if isinstance(found, NotIn):
        await asked.record(ViewAction.SIGN_IN_FAILED, who=found.account_id)
        return _form(asked, _LOCKED if found.locked else _WRONG, 429 if found.locked else 401)
    return await let_in(asked, found, _own_path(asked.form.get("next", "")))


async def let_in(asked: Asked, account: Account, to: str) -> Answer:
    """Begin a session, once that is recorded."""
    await asked.record(ViewAction.SIGNED_IN, who=account.id)
    return Redirect(to, signed_in(account, asked.parts.clock.now() // 1_000_000))


async def sign_out(asked: Asked) -> Answer:
    """End all sessions of the account."""
    if asked.account is not None:
        await asked.record(ViewAction.SIGNED_OUT)
        await asked.parts.accounts.end_sessions(asked.account.id)
    return Redirect("/console/sign-in", visitor(asked.parts.clock.now() // 1_000_000))


async def invitation_page(_: Asked) -> Answer:
    """Where somebody who was invited chooses a password."""
    return _invitation("")


async def accept_invitation(asked: Asked) -> Answer:
    """Set the password and let them in."""
    password = asked.form.get("password", "")
    if password != asked.form.get("again", ""):
        return _invitation("The two are not the same.", 400)
    try:
        account = await asked.parts.accounts.accept(asked.parts.ledger, asked.path["secret"], password)
    except AccountError as error:
        return _invitation(str(error), 400)
    return await let_in(asked, account, "/console/")


def _form(asked: Asked, wrong: str, status: int = 200) -> Page:
    following = _own_path(asked.form.get("next", "") or asked.query.get("next", ""))
    return Page(
        "sign_in.html",
        {"title": "Sign in", "wrong": wrong, "next": following, "elsewhere": asked.parts.oidc is not None},
        status,
    )


def _invitation(wrong: str, status: int = 200) -> Page:
    return Page("invitation.html", {"title": "Choose a password", "wrong": wrong, "least": LEAST_PASSWORD}, status)


def _own_path(path: str) -> str:
    """A path of the console, and nothing that leads elsewhere."""
    ours = (
        path.startswith("/console/")
        and "\\" not in path
        and path.isprintable()
        and "//" not in path.split("?", maxsplit=1)[0]
    )
    return path if ours else "/console/"
