"""Who looked, searched, exported, reviewed and administered: from the ledger, where each of it was written first."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.adapters.sql_audit import SqlAudit
from gateway.adapters.sql_records import StoredRecord
from gateway.adapters.sql_search import search
from gateway.console.asked import Answer, Asked, Page, Refused
from gateway.console.decisions import begin_of, whole_at
from gateway.console.rendering import linked
from gateway.domain.ledger_search import Query
from gateway.domain.strict_json import Json, text_at, words_at

KINDS = ("view", "review", "admin")
_ON_A_PAGE = 100
_MOST_LOOKED_AT = 5_000


async def access_log(asked: Asked) -> Answer:
    """The log of one kind of records, the newest first. It speaks of all tenants, so it is not for who sees one."""
    if asked.holder.sight.tenant:
        raise Refused(403, "Your access is limited to one tenant, and the access log speaks of all of them.")
    kind = asked.query.get("kind", "view")
    if kind not in KINDS:
        raise Refused(400, "There is no such kind.")
    after = begin_of(asked.query)
    query, who = asked.holder.sight.narrowed(Query(kind=kind)), asked.query.get("who", "")
    found, last = await asked.read(lambda audit: _found(audit, query, after, who))
    names = {each.id: each.name for each in await asked.parts.accounts.list()}
    return Page("access.html", {
        "title": "Access log",
        "kinds": KINDS,
        "kind": kind,
        "names": names,
        "who": who,
        "rows": [_row(each.document, names) for each in found],
        "older": linked("/console/access", kind=kind, who=who, after=last) if last else "",
    })  # fmt: skip


def _found(audit: SqlAudit, query: Query, after: int, who: str) -> tuple[list[StoredRecord], str]:
    """About a page of records, of one account where it is named, and where to go on; empty at the end. The index knows
    nothing of accounts, so that no more than `_MOST_LOOKED_AT` are looked at for one page."""
    found: list[StoredRecord] = []
    for _ in range(_MOST_LOOKED_AT // _ON_A_PAGE):
        page = search(audit.connection, query, after, _ON_A_PAGE)
        found += [each for each in page.records if not who or text_at(each.document, "who") == who]
        after = page.last
        if not page.more:
            return found, ""
        if len(found) >= _ON_A_PAGE:
            break
    return found, str(after)


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
