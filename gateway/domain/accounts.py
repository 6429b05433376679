"""Who may use the console, and for what: accounts, their roles, and the part of the ledger that they may see."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum

from gateway.domain.ledger_search import Query

FAR = 2**62
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@+-]{0,119}")


class Role(StrEnum):
    """What somebody is at the console. No role can delete anything."""

    VIEWER = "viewer"
    REVIEWER = "reviewer"
    AUDITOR = "auditor"
    POLICY_EDITOR = "policy_editor"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class Sight:
    """The part of the ledger that an account may see: a tenant (empty: all), and the time of its records from `since`
    until before `until`, in microseconds."""

    tenant: str = ""
    since: int = 0
    until: int = FAR

    @property
    def whole(self) -> bool:
        """Whether that is all of it."""
        return self == Sight()

    def narrowed(self, query: Query) -> Query:
        """The query, of what may be seen. Another tenant's name finds nothing: no tenant is called `?`."""
        since, until = max(query.since, self.since), min(query.until, self.until)
        if not self.tenant:
            return replace(query, since=since, until=until)
        tenant = self.tenant if query.tenant in {"", self.tenant} else "?"
        return replace(query, since=since, until=until, tenant=tenant)

    def covers(self, tenant: str, at: int) -> bool:
        """Whether a record of this tenant and time may be seen."""
        return self.tenant in {"", tenant} and self.since <= at < self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody who may sign in. `id` stands in records, `name` does not. `epoch` rises whenever all sessions end.

    `local` says that there is a password; `disabled` is a time in microseconds, 0 for an account that is not."""

    id: str
    name: str
    role: Role
    sight: Sight
    epoch: int
    created: int
    disabled: int
    local: bool


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in with an identity provider: where to send the browser, and what the session has to keep until then."""

    url: str
    state: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


class NotVouched(Exception):
    """The identity provider does not vouch for somebody. The message is constant."""


def is_account_name(name: str) -> bool:
    """Whether an account can be called so: a user name or an e-mail address."""
    return _NAME.fullmatch(name) is not None
