"""The part of the policy files' JSON Schema that speaks of detectors."""

from __future__ import annotations

from gateway.adapters.policy_reader import KNOWN_ENTITIES
from gateway.adapters.schema_parts import object_of, one_of, ref, text, texts
from gateway.domain.finding import Topic
from gateway.domain.strict_json import Json

_TOPICS = [topic for topic in Topic if topic is not Topic.UNKNOWN]
_LABEL: dict[str, Json] = {"label": ref("label")}
_CLASSES: dict[str, Json] = {"classes": texts(ref("class"))}
_INDEX = text("^indexes/[A-Za-z0-9][A-Za-z0-9._-]{0,63}$") | {"description": "What `gateway policy index build` wrote."}


def detector_schema() -> Json:
    """The schema of one entry of `detectors`."""
    word = text() | {"maxLength": 4000}
    evidence = object_of(
        "Words that make a match surer.",
        required={"words": texts(word), "within_chars": _whole(1000)},
    )
    sure = object_of("", required={"alone": ref("confidence")}, optional={"with_evidence": ref("confidence")})
    kinds: list[Json] = [
        object_of(
            "What an entity means here.",
            required={"type": {"const": "entity"}, "entity": one_of(KNOWN_ENTITIES), **_LABEL},
            optional=_CLASSES,
        ),
        object_of(
            "An own pattern in RE2.",
            required={"type": {"const": "pattern"}, "re2": text() | {"maxLength": 2000}, **_LABEL},
            optional={**_CLASSES, "evidence": evidence, "confidence": sure},
        ),
        object_of(
            "An own list of phrases.",
            required={"type": {"const": "terms"}, "terms": texts(word), **_LABEL},
            optional=_CLASSES,
        ),
        object_of(
            "What a conversation is about, as the detector judges it.",
            required={"type": {"const": "topic"}, "topic": one_of(_TOPICS), **_LABEL},
            optional={**_CLASSES, "min_confidence": ref("confidence")},
        ),
        *_indexed(),
    ]
    return {"oneOf": kinds}


def _indexed() -> list[Json]:
    share: Json = {"type": "number", "minimum": 0.001, "maximum": 1, "description": "Of the fingerprints of a passage."}
    return [
        object_of(
            "Rows of a table, such as customers.",
            required={
                "type": {"const": "exact_match"},
                "index": _INDEX,
                "columns": texts(text()),
                "min_columns": _whole(64) | {"description": "So many values of a row have to stand near each other."},
                **_LABEL,
            },
            optional={**_CLASSES, "within_chars": _whole(500)},
        ),
        object_of(
            "Passages of documents.",
            required={"type": {"const": "fingerprint"}, "index": _INDEX, "min_similarity": share, **_LABEL},
            optional=_CLASSES,
        ),
    ]


def _whole(most: int) -> dict[str, Json]:
    return {"type": "integer", "minimum": 1, "maximum": most}
