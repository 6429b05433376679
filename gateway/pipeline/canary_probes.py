"""What the canary asks: a request for each place where text travels, and synthetic values that no policy lets out.

Each value is drawn anew and right by its own check digits, so that it is found by what it is and not from the cache.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gateway.domain.conversation import Operation
from gateway.domain.strict_json import Json, dump_json

_TEXT = "{text}"
_MODEL = "{model}"
_DIGITS = "0123456789"
_KEY_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@dataclass(frozen=True, slots=True)
class Probe:
    """One request of one operation. `place` is the address of the text in it that holds the value."""

    operation: Operation
    place: str
    template: bytes = field(repr=False)

    def body(self, model: str, text: str) -> bytes:
        """The request, for this model and with this text."""
        return self.template.replace(_MODEL.encode(), _inner(model)).replace(_TEXT.encode(), _inner(text))


@dataclass(frozen=True, slots=True)
class Value:
    """A synthetic value, and a sentence with it. `name` says what it is."""

    name: str
    value: str = field(repr=False)
    text: str = field(repr=False)


def card() -> Value:
    """A card number that is right by its last digit."""
    digits = "4" + "".join(secrets.choice(_DIGITS) for _ in range(14))
    number = digits + str(-_luhn(f"{digits}0") % 10)
    grouped = " ".join(number[at : at + 4] for at in range(0, 16, 4))
    return Value("card", grouped, f"Charge the credit card {grouped} for the order.")


def social_security_number() -> Value:
    """A number of an area, group and serial that are given out."""
    area, group, serial = 100 + secrets.randbelow(500), 1 + secrets.randbelow(99), 1 + secrets.randbelow(9999)
    number = f"{area}-{group:02}-{serial:04}"
    return Value("social security number", number, f"His social security number is {number} as of today.")


def access_key() -> Value:
    """A cloud provider's access key."""
    key = "AKIA" + "".join(secrets.choice(_KEY_LETTERS) for _ in range(16))
    return Value("access key", key, f"The access key {key} does not work any more.")


def iban() -> Value:
    """A bank account that is right by its check digits."""
    account = "".join(secrets.choice(_DIGITS) for _ in range(18))
    check = 98 - int(f"{account}131400") % 97  # D is 13, E is 14
    number = f"DE{check:02}{account}"
    return Value("bank account", number, f"Please transfer it to the IBAN {number} by Friday.")


KINDS: tuple[Callable[[], Value], ...] = (card, social_security_number, access_key, iban)


def _luhn(number: str) -> int:
    digits = [int(each) for each in reversed(number)]
    return sum(digits[::2]) + sum(sum(divmod(2 * each, 10)) for each in digits[1::2])


def _inner(text: str) -> bytes:
    """A text as it stands within the quotes of a JSON string."""
    return json.dumps(text)[1:-1].encode()


def _probes(operation: Operation, bodies: Mapping[str, Mapping[str, Json]]) -> tuple[Probe, ...]:
    return tuple(Probe(operation, at, dump_json({"model": _MODEL, **body})) for at, body in bodies.items())


def _said(*messages: Mapping[str, Json]) -> list[Json]:
    return [dict(each) for each in messages]


_HELLO: Mapping[str, Json] = {"role": "user", "content": "Go on, please."}
_ASKED: Mapping[str, Json] = {"role": "user", "content": _TEXT}
_ARGUMENTS = f'{{"note": "{_TEXT}"}}'
_CALL: Json = {"id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": _ARGUMENTS}}
_PLAIN_CALL: Json = {"id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
_SCHEMA: Json = {"type": "object", "properties": {}}
_USED: Json = {"type": "tool_use", "id": "call_1", "name": "look_up", "input": {}}

PROBES: tuple[Probe, ...] = (
    *_probes(
        Operation.CHAT,
        {
            "/messages/0/content": {"messages": _said(_ASKED)},
            "/messages/0/content (system)": {"messages": _said({"role": "system", "content": _TEXT}, _HELLO)},
            "/messages/0/content/0/text": {
                "messages": _said({"role": "user", "content": [{"type": "text", "text": _TEXT}]})
            },
            "/messages/1/tool_calls/0/function/arguments": {
                "messages": _said(_HELLO, {"role": "assistant", "content": None, "tool_calls": [_CALL]})
            },
            "/messages/2/content (tool)": {
                "messages": _said(
                    _HELLO,
                    {"role": "assistant", "content": None, "tool_calls": [_PLAIN_CALL]},
                    {"role": "tool", "tool_call_id": "call_1", "content": _TEXT},
                )
            },
            "/tools/0/function/description": {
                "messages": _said(_HELLO),
                "tools": [{"type": "function", "function": {"name": "f", "description": _TEXT, "parameters": _SCHEMA}}],
            },
        },
    ),
    *_probes(
        Operation.RESPONSES,
        {
            "/input": {"input": _TEXT},
            "/instructions": {"input": "Go on, please.", "instructions": _TEXT},
            "/input/0/content/0/text": {
                "input": [{"role": "user", "content": [{"type": "input_text", "text": _TEXT}]}]
            },
            "/input/1/output": {
                "input": [
                    {"type": "function_call", "call_id": "call_1", "name": "look_up", "arguments": "{}"},
                    {"type": "function_call_output", "call_id": "call_1", "output": _TEXT},
                ]
            },
        },
    ),
    *_probes(Operation.INPUT_TOKENS, {"/input": {"input": _TEXT}}),
    *_probes(Operation.COMPLETIONS, {"/prompt": {"prompt": _TEXT}}),
    *_probes(Operation.EMBEDDINGS, {"/input": {"input": _TEXT}, "/input/1": {"input": ["Go on.", _TEXT]}}),
    *_probes(Operation.MODERATIONS, {"/input": {"input": _TEXT}}),
    *_probes(
        Operation.MESSAGES,
        {
            "/messages/0/content": {"max_tokens": 16, "messages": _said(_ASKED)},
            "/system": {"max_tokens": 16, "system": _TEXT, "messages": _said(_HELLO)},
            "/messages/2/content/0/content": {
                "max_tokens": 16,
                "messages": _said(
                    _HELLO,
                    {"role": "assistant", "content": [_USED]},
                    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": _TEXT}]},
                ),
            },
        },
    ),
)
"""Every operation, and every kind of place in it that holds an app's words."""
