"""A record of a decision in one plain sentence, from nothing but what stands in it.

Kept inside because one high-confidence MEDICAL_RECORD_NUMBER was found in message 3; rule phi-stays-inside, policy
revision 412.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from gateway.domain.evidence import Route
from gateway.domain.finding import CONFIDENCE
from gateway.domain.strict_json import Json, object_at, text_at, words_at

_DONE = {
    Route.EXTERNAL.value: "Sent outside",
    Route.EXTERNAL_TRANSFORMED.value: "Sent outside with values replaced",
    Route.LOCAL.value: "Kept inside",
    Route.BLOCKED.value: "Refused",
}
_BEYOND_RULES = {
    "ABOVE_CLEARANCE": "what would be sent is above the clearance of the destination",
    "DESTINATION_NOT_ALLOWED": "the rules do not let it go to the destination of its model",
    "LOCAL_ALIAS": "the model that was asked for has no destination outside",
    "NOT_MASKABLE": "this kind of request cannot be sent with stand-ins",
    "NO_LOCAL_DESTINATION": "no destination inside may see it",
    "NO_POLICY_IN_SCOPE": "no policy speaks of this caller",
    "UNREADABLE": "a part of it could not be examined",
    "LOCAL_MODEL_CANNOT": "the model inside cannot do what was asked",
}
_COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_MOST_NAMED = 3
_MESSAGE = re.compile(r"/(?:messages|input)/(\d+)(/.*)?")
_PLACES = (
    ("/system", "the system prompt"), ("/instructions", "the instructions"), ("/prompt", "the prompt"),
    ("/tools", "a tool's definition"), ("/metadata", "the metadata"), ("/input", "the input"),
)  # fmt: skip


def sentence(document: Mapping[str, Json]) -> str:
    """Where a request went and why, from its `intent`, `local` or `block` record."""
    does, policy = object_at(document, "do"), object_at(document, "pol")
    reason, rules = text_at(policy, "reason"), words_at(policy, "rules")
    by = f"rule{'s' if len(rules) > 1 else ''} {_joined(rules)}" if rules else "no rule matched, so the default holds"
    where = f" to {text_at(does, 'destination')}" if text_at(does, "route").startswith("external") else ""
    head = f"{_DONE.get(text_at(does, 'route'), 'Decided')}{where}"
    return f"{head} because {_because(document, reason)}; {by} ({reason}), policy revision {policy.get('rev')}."


def place(address: str) -> str:
    """A path of the wire schema as people say it: `/messages/2/content` is `message 3`."""
    message = _MESSAGE.fullmatch(address)
    if message:
        inside = message[2] or ""
        tool = " (a tool call)" if "tool_calls" in inside else ""
        return f"message {int(message[1]) + 1}{tool}"
    return next((said for start, said in _PLACES if address.startswith(start)), address or "the request")


def surely(confidence: int) -> str:
    """A confidence from 0 to 1000 as a word."""
    words = sorted(((least, word) for word, least in CONFIDENCE.items()), reverse=True)
    return next((word for least, word in words if confidence >= least), "very low")


def found(document: Mapping[str, Json]) -> list[Mapping[str, Json]]:
    """The findings of a record, the surest first."""
    said = document.get("find")
    each = [finding for finding in said if isinstance(finding, dict)] if isinstance(said, list) else []
    return sorted(each, key=lambda finding: (-_whole(finding, "conf"), text_at(finding, "d"), text_at(finding, "at")))


def _because(document: Mapping[str, Json], reason: str) -> str:
    if reason in _BEYOND_RULES:
        return _BEYOND_RULES[reason]
    findings = [finding for finding in found(document) if _whole(finding, "new") or _whole(finding, "n")]
    if not findings:
        failed = _whole(object_at(document, "body"), "failed")
        return "a part of it could not be examined" if failed else "nothing sensitive was found in it"
    named = [_finding(finding) for finding in findings[:_MOST_NAMED]]
    more = [f"{len(findings) - _MOST_NAMED} more"] if len(findings) > _MOST_NAMED else []
    one = len(findings) == 1 and _whole(findings[0], "n") == 1
    return f"{_joined([*named, *more])} {'was' if one else 'were'} found"


def _finding(finding: Mapping[str, Json]) -> str:
    count, address = _whole(finding, "n"), text_at(finding, "at")
    many = _COUNTS[count] if count < len(_COUNTS) else str(count)
    return f"{many} {surely(_whole(finding, 'conf'))}-confidence {text_at(finding, 'd')} in {place(address)}"


def _whole(document: Mapping[str, Json], key: str) -> int:
    value = document.get(key)
    return value if isinstance(value, int) else 0


def _joined(parts: Iterable[str]) -> str:
    some: Sequence[str] = list(dict.fromkeys(parts))
    return " and ".join(part for part in (", ".join(some[:-1]), some[-1]) if part) if some else ""
