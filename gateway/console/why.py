"""For an app's developer: why was my request rerouted? By the decision's id, with a key of that very app."""

from __future__ import annotations

from gateway.console.asked import Answer, Asked, Page, Refused
from gateway.console.decision import findings_of, look
from gateway.console.decisions import row_of
from gateway.domain.evidence import ViewAction
from gateway.domain.plain import sentence
from gateway.domain.strict_json import text_at
from gateway.pipeline.ports import Principal, UnknownKey

_UNKNOWN = "There is no decision of this id by the app of this key."


async def why_page(_: Asked) -> Answer:
    """The form."""
    return _form("")


async def why(asked: Asked) -> Answer:
    """The answer. A wrong key, a wrong id and another app's decision are told alike, and all of it is recorded."""
    wanted = asked.form.get("id", "").strip()
    principal = await asked.parts.keys.find(asked.form.get("key", "").strip())
    known = isinstance(principal, Principal)
    subject = wanted if wanted.isascii() and wanted.isalnum() and len(wanted) <= 26 else ""
    await asked.record(ViewAction.ASKED_WHY, who=principal.key_id if isinstance(principal, Principal) else "",
                       subject=subject if known else "")  # fmt: skip
    if isinstance(principal, UnknownKey):
        return _form(_UNKNOWN, 404)
    try:
        told = await asked.read(lambda audit: look(audit, wanted, asked.parts.public_key))
    except Refused:
        return _form(_UNKNOWN, 404)
    document = told.record.document
    if (text_at(document, "tenant"), text_at(document, "app")) != (principal.tenant, principal.app):
        return _form(_UNKNOWN, 404)
    page = {"row": row_of(told.record), "sentence": sentence(document), "findings": findings_of(document)}
    return Page("why.html", {"title": "Why was my request rerouted?", "wrong": "", "answer": page})


def _form(wrong: str, status: int = 200) -> Page:
    return Page("why.html", {"title": "Why was my request rerouted?", "wrong": wrong, "answer": {}}, status)
