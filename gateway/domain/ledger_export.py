"""What an exported record looks like: a line with its proof, a row of a table, an event of a SIEM."""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Mapping, Sequence

from gateway.domain.evidence import Route
from gateway.domain.strict_json import Json, object_at, text_at

OCSF_VERSION = "1.4.0"
"""The version of the Open Cybersecurity Schema Framework that events follow. It stands in each of them."""

CSV_COLUMNS = (
    "position", "writer", "sequence", "time_us", "kind", "decision_id", "tenant", "app", "label", "classes", "route",
    "destination", "reason", "rules", "entities", "transforms", "policy_revision", "exceptions", "result", "status",
    "action", "subject",
)  # fmt: skip

_OUTSIDE = (Route.EXTERNAL.value, Route.EXTERNAL_TRANSFORMED.value)
_FINDING_CLASS, _CREATED = 2006, 1
_SEVERITY = {"public": 1, "internal": 2, "confidential": 3}
_HIGH = 4
_ACTION = {Route.EXTERNAL.value: 1, Route.EXTERNAL_TRANSFORMED.value: 4, Route.LOCAL.value: 2, Route.BLOCKED.value: 2}
"""OCSF's `action_id`: 1 allowed, 2 denied (to leave), 4 modified."""


def line_of(position: int, writer: str, sequence: int, leaf: bytes, body: bytes | None, proof: Sequence[bytes]) -> str:
    """A record with the proof that it is in the exported tree, as a line of JSON. `body` is its exact text; without one
    only its leaf is left."""
    hashes = ",".join([_quoted(each) for each in proof])
    said = "" if body is None else f',"body":{json.dumps(body.decode("ascii"))}'
    place = f'"position":{position},"writer":{json.dumps(writer)},"sequence":{sequence}'
    return f'{{{place},"leaf":"{leaf.hex()}","proof":[{hashes}]{said}}}\n'


@functools.lru_cache(maxsize=4096)
def _quoted(value: bytes) -> str:
    """A hash of a proof. Neighbouring records share most of theirs."""
    return f'"{base64.b64encode(value).decode()}"'


def row_of(position: int, document: Mapping[str, Json]) -> tuple[str, ...]:
    """A record as a row of `CSV_COLUMNS`; lists are joined by spaces, for no member holds one."""
    does, policy = object_at(document, "do"), object_at(document, "pol")
    found = document.get("find")
    names = {text_at(each, "d") for each in found if isinstance(each, dict)} if isinstance(found, list) else set()
    entities: list[Json] = [*sorted(names)]
    values: list[Json] = [
        position, document.get("w"), document.get("s"), document.get("t"), document.get("k"), document.get("id"),
        document.get("tenant"), document.get("app"), document.get("label"), document.get("classes"), does.get("route"),
        does.get("destination"), policy.get("reason"), policy.get("rules"), entities, does.get("transforms"),
        policy.get("rev"), policy.get("exc"), document.get("result"), document.get("status"), document.get("action"),
        document.get("subject"),
    ]  # fmt: skip
    return tuple(_cell(value) for value in values)


def event_of(position: int, document: Mapping[str, Json], product_version: str) -> dict[str, Json] | None:
    """A decision as an OCSF Data Security Finding; `None` for a record that is no decision."""
    does, policy = object_at(document, "do"), object_at(document, "pol")
    route, decision = text_at(does, "route"), text_at(document, "id")
    if not route:
        return None
    label, at = text_at(document, "label"), document.get("t")
    return {
        "class_uid": _FINDING_CLASS,
        "class_name": "Data Security Finding",
        "category_uid": 2,
        "category_name": "Findings",
        "activity_id": _CREATED,
        "type_uid": _FINDING_CLASS * 100 + _CREATED,
        "severity_id": _SEVERITY.get(label, _HIGH),
        "time": at // 1000 if isinstance(at, int) else 0,
        "action_id": _ACTION.get(route, 99),
        "metadata": {
            "version": OCSF_VERSION,
            "uid": f"{text_at(document, 'w')}/{document.get('s')}",
            "product": {"name": "privacy-gateway", "vendor_name": "privacy-gateway", "version": product_version},
            "profiles": ["security_control"],
        },
        "finding_info": {"uid": decision, "title": f"Request {_done(route)}", "types": document.get("classes")},
        "unmapped": {
            "position": position,
            "tenant": document.get("tenant"),
            "app": document.get("app"),
            "label": label,
            "route": route,
            "destination": does.get("destination"),
            "reason": policy.get("reason"),
            "rules": policy.get("rules"),
            "policy_revision": policy.get("rev"),
            "transforms": does.get("transforms"),
        },
    }


def _done(route: str) -> str:
    return "sent outside" if route in _OUTSIDE else "kept inside" if route == Route.LOCAL.value else "refused"


def _cell(value: Json) -> str:
    if isinstance(value, list):
        return " ".join(str(each) for each in value)
    return "" if value is None else str(value)
