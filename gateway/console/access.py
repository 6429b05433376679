"""Who looked, searched, exported, reviewed and administered: from the ledger, where each of it was written first."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.adapters.sql_search import search
from gateway.console.asked import Answer, Asked, Page, Refused
from gateway.console.decisions import begin_of, whole_at
from gateway.console.rendering import linked
from gateway.domain.ledger_search import Query
from gateway.domain.strict_json import Json, text_at, words_at

KINDS = ("view", "review", "admin")
_ON_A_PAGE = 100


async def access_log(asked: Asked) -> Answer:
    """The log of one kind of records, the newest first. It speaks of all tenants, so it is not for who sees one."""
    if asked.holder.sight.tenant:
        raise Refused(403, "Your access is limited to one tenant, and the access log speaks of all of them.")
    kind = asked.query.get("kind", "view")
    if kind not in KINDS:
        raise Refused(400, "There is no such kind.")
    after = begin_of(asked.query)
    query = asked.holder.sight.narrowed(Query(kind=kind))
    page = await asked.read(lambda audit: search(audit.connection, query, after, _ON_A_PAGE))
    names = {each.id: each.name for each in await asked.parts.accounts.list()}
    return Page("access.html", {
        "title": "Access log",
        "kinds": KINDS,
        "kind": kind,
        "rows": [_row(each.document, names) for each in page.records],
        "older": linked("/console/access", kind=kind, after=str(page.last)) if page.more else "",
    })  # fmt: skip


def _row(document: Mapping[str, Json], names: Mapping[str, str]) -> dict[str, object]:
    who = text_at(document, "who")
    subject = text_at(document, "subject") or text_at(document, "id")
    return {
        "at": whole_at(document, "t"),
        "who": names.get(who, who) or ("gateway or command" if text_at(document, "k") == "admin" else "-"),
        "action": text_at(document, "action").replace("_", " "),
        "subject": names.get(subject, subject),
        "decision": subject if len(subject) == len("01JDXXXXXXXXXXXXXXXXXXXXXX") and subject.isalnum() else "",
        "asked": ", ".join(each for each in words_at(document, "asked") if each != "kind:decision"),
        "since": whole_at(document, "since"),
        "until": whole_at(document, "until"),
        "entity": text_at(document, "d"),
    }
