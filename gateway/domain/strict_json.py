"""JSON without the parts on which two parsers may disagree, since what is judged must be what is sent."""

from __future__ import annotations

import json
from collections.abc import Mapping

from gateway.domain.errors import CallerError, ErrorCode, refuse

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


def parse_json(body: bytes | str) -> Json:
    """The JSON document in `body` (UTF-8, no byte order mark), refusing what parsers disagree on.

    Duplicate keys, NaN, infinities, lone surrogates and deep nesting raise a `CallerError`.
    """
    try:
        text = body.decode("utf-8") if isinstance(body, bytes) else body
    except UnicodeDecodeError:
        raise CallerError(ErrorCode.INVALID_ENCODING) from None
    try:
        value: Json = _DECODER.decode(text)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except RecursionError:
        raise CallerError(ErrorCode.NESTING_TOO_DEEP) from None
    except UnicodeEncodeError:
        raise CallerError(ErrorCode.INVALID_ENCODING) from None
    except ValueError:
        raise CallerError(ErrorCode.INVALID_JSON) from None
    return value


def dump_json(value: Json) -> bytes:
    """`value` as compact UTF-8 JSON."""
    return _ENCODER.encode(value).encode("utf-8")


def object_at(document: Mapping[str, Json], key: str) -> Mapping[str, Json]:
    """The object under a key; an empty one where none stands there."""
    value = document.get(key)
    return value if isinstance(value, dict) else {}


def text_at(document: Mapping[str, Json], key: str) -> str:
    """The text under a key; an empty one where none stands there."""
    value = document.get(key)
    return value if isinstance(value, str) else ""


def number_at(document: Mapping[str, Json], key: str) -> int:
    """The whole number under a key; 0 where none stands there."""
    value = document.get(key)
    return value if isinstance(value, int) else 0


def words_at(document: Mapping[str, Json], key: str) -> tuple[str, ...]:
    """The texts of the list under a key; none where no list stands there."""
    value = document.get(key)
    return tuple(str(each) for each in value) if isinstance(value, list) else ()


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    result = dict(pairs)
    if len(result) != len(pairs):
        refuse(ErrorCode.DUPLICATE_KEY)
    return result


def _no_constant(_: str) -> Json:
    return refuse(ErrorCode.INVALID_JSON)


def _finite(text: str) -> float:
    number = float(text)
    return number if abs(number) != float("inf") else refuse(ErrorCode.INVALID_JSON)


# Made once: a stream reads and writes one document a token.
_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite)
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
