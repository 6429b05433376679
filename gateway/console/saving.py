"""Saved searches: links under names, of one account each."""

from __future__ import annotations

from urllib.parse import urlencode

from gateway.console.asked import Answer, Asked, Redirect, Refused
from gateway.console.decisions import filters, query_of

_LONGEST_NAME, _LONGEST_LINK = 60, 1900


async def save_view(asked: Asked) -> Answer:
    """Keep a search under a name, or give one up (`forget`)."""
    name = asked.form.get("name", "").strip()
    if not name.isprintable() or not 0 < len(name) <= _LONGEST_NAME:
        raise Refused(400, f"Give it a name of at most {_LONGEST_NAME} characters.")
    query_of(asked.form, asked.holder)
    link = "" if "forget" in asked.form else f"/console/decisions?{urlencode(filters(asked.form))}"
    if len(link) > _LONGEST_LINK:
        raise Refused(400, "This search is too long to be saved.")
    await asked.parts.views.save(asked.holder.id, name, link)
    return Redirect(link or "/console/decisions")
