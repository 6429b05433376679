"""Holes in the reading of requests."""

from __future__ import annotations

import base64
import gzip
import json
from urllib.parse import quote

import tiktoken

from gateway.domain.strict_json import Json
from gateway.wire.schema import OPERATIONS
from tests.egress.leaks.fields import Slot, others, refused_tags
from tests.egress.leaks.front import (
    CARD,
    CHAT,
    COMPLETIONS,
    EMAIL,
    EMBEDDINGS,
    MODEL,
    MODERATIONS,
    RESPONSES,
    SECRET,
    SSN,
    TERM,
    TOLD_SSN,
    Front,
)
from tests.egress.leaks.holes import hole
from tests.egress.leaks.matrix import WAYS, bytes_of

FUNCTION: Json = {"name": "find", "parameters": {"type": "object"}}


def _called(arguments: Json) -> list[Json]:
    call: Json = {"id": "call_1", "type": "function", "function": {"name": "find", "arguments": json.dumps(arguments)}}
    return [
        {"role": "user", "content": "look it up"},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "found"},
    ]


@hole(1)
def tool_arguments(front: Front) -> None:
    """In chat, legacy functions, Responses and Messages; masked values come back inside the JSON."""
    assert front.chat(_called({"ssn": SSN})).kept()
    legacy: Json = {"role": "assistant", "function_call": {"name": "find", "arguments": json.dumps({"q": TOLD_SSN})}}
    assert front.chat([{"role": "user", "content": "x"}, legacy]).kept()
    item: Json = {"type": "function_call", "call_id": "c", "name": "find", "arguments": json.dumps({"ssn": SSN})}
    assert front.responses([{"role": "user", "content": "x"}, item]).kept()
    block: Json = {"type": "tool_use", "id": "t", "name": "find", "input": {"ssn": SSN}}
    assert front.messages([{"role": "user", "content": "x"}, {"role": "assistant", "content": [block]}]).kept()
    masked = front.chat(_called({"to": EMAIL}))
    assert masked.sent
    assert not masked.left(EMAIL)


@hole(2)
def tool_results(front: Front) -> None:
    """In every dialect's form of a tool's answer."""
    messages = [*_called({})[:2], {"role": "tool", "tool_call_id": "call_1", "content": TOLD_SSN}]
    assert front.chat(messages).kept()
    output: Json = {"type": "function_call_output", "call_id": "c", "output": TOLD_SSN}
    assert front.responses([{"role": "user", "content": "x"}, output]).kept()
    result: Json = {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": TOLD_SSN}]}
    assert front.messages([{"role": "user", "content": [result]}]).kept()


@hole(3)
def tool_schemas(front: Front) -> None:
    """Every word of a schema."""
    for schema in (
        {"type": "object", "description": TOLD_SSN},
        {"type": "object", "properties": {f"ssn-{SSN}": {"type": "string"}}},
        {"type": "string", "enum": [TOLD_SSN]},
        {"type": "string", "default": TOLD_SSN},
        {"type": "string", "examples": [{"ssn": SSN}]},
    ):
        tool: Json = {"type": "function", "function": {"name": "find", "parameters": schema}}
        assert front.chat("x", tools=[tool]).kept()
        assert front.responses("x", tools=[{"type": "function", "name": "find", "parameters": schema}]).kept()
        assert front.messages("x", tools=[{"name": "find", "input_schema": schema}]).kept()


@hole(4)
def earlier_messages(front: Front) -> None:
    """Whichever of six messages holds it."""
    for place in range(6):
        roles = ("user", "assistant")
        said: list[Json] = [{"role": roles[at % 2], "content": "plain words"} for at in range(6)]
        said[place] = {"role": roles[place % 2], "content": TOLD_SSN}
        assert front.chat(said).kept()


@hole(5)
def instructions(front: Front) -> None:
    """System, developer, instructions."""
    for role in ("system", "developer"):
        assert front.chat([{"role": role, "content": TOLD_SSN}, {"role": "user", "content": "x"}]).kept()
        assert front.responses([{"role": role, "content": TOLD_SSN}]).kept()
    assert front.responses("x", instructions=TOLD_SSN).kept()
    assert front.messages("x", system=TOLD_SSN).kept()
    assert front.messages("x", system=[{"type": "text", "text": TOLD_SSN}]).kept()


@hole(6, "tests/egress/leaks/test_matrix.py::test_nothing_leaks")
def split_values(front: Front) -> None:
    """Over messages, over parts, over items of a list."""
    first, second = "My social security number is 536-22-", "8145, is it on file?"
    said: list[Json] = [{"role": "user", "content": first}, {"role": "user", "content": second}]
    assert front.chat(said).kept()
    parts: Json = [{"type": "text", "text": first}, {"type": "text", "text": second}]
    assert front.chat([{"role": "user", "content": parts}]).kept()
    assert front.messages([{"role": "user", "content": parts}]).kept()
    typed: Json = [{"type": "input_text", "text": first}, {"type": "input_text", "text": second}]
    assert front.responses([{"role": "user", "content": typed}]).kept()
    assert front.chat("x", metadata={"a": "My card is 4111 1111", "b": "1111 1111"}).kept()
    three = ("My social security number is 536-22-", "8145", "what now?")
    assert front.chat([{"role": "user", "content": text} for text in three]).kept()


@hole(12, "tests/detection/test_shadow.py")
def homoglyphs(front: Front) -> None:
    """Full-width digits, mathematical digits, foreign digits, combining marks, a homoglyph in an address."""
    for start in (0xFF10, 0x1D7CE, 0x0660, 0x0966):
        disguised = "".join(chr(start + int(sign)) if sign.isdigit() else sign for sign in SSN)
        assert front.chat(f"My social security number is {disguised}.").kept()
    wide = EMAIL.replace("@", "\uff20")
    masked = front.chat(f"write to {wide} today")
    assert masked.sent
    assert not masked.left(EMAIL)
    assert not masked.left(wide)
    for mark in ("\u0332", "\u0305", "\u20e3"):
        for value in (CARD, SSN, SECRET):
            marked = "".join(f"{sign}{mark}" for sign in value)
            assert front.chat(f"Why was {marked} declined?").kept(), (value, mark)


@hole(13, "tests/detection/test_shadow.py")
def invisible_signs(front: Front) -> None:
    """Between every two characters."""
    for sign in ("\u200b", "\u00ad", "\u2060", "\u200e", "\u202e", "\ufeff", "\u034f"):
        assert front.chat(f"My social security number is {sign.join(SSN)}.").kept()


@hole(14, "tests/egress/leaks/test_matrix.py::test_nothing_leaks")
def encodings(front: Front) -> None:
    """base64 in both alphabets, hex, URL, escapes, and one inside the other."""
    raw = TOLD_SSN.encode()
    encoded = base64.b64encode(raw).decode()
    for text in (
        encoded,
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
        raw.hex(),
        quote(TOLD_SSN, safe=""),
        "".join(f"%{byte:02x}" for byte in raw),
        "".join(f"\\u{byte:04x}" for byte in raw),
        "".join(f"&#{byte};" for byte in raw),
        base64.b64encode(encoded.encode()).decode(),
        base64.b64encode(gzip.compress(raw, mtime=0)).decode(),
    ):
        assert front.chat(f"decode this: {text}").kept(), text


@hole(15)
def unreadable_content(front: Front) -> None:
    """Every field that the declarations call opaque: nothing of such a request leaves, whatever else is in it."""
    seen = 0
    for way in WAYS:
        for spot in others(OPERATIONS[way.operation], Slot.OPAQUE):
            picture = f"data:image/png;base64,{base64.b64encode(TOLD_SSN.encode()).decode()}"
            for content in (picture, f"https://example.org/{SSN}.png"):
                reply = front.send(way.path, bytes_of(way, spot.plant(content)))
                assert reply.kept(), (way.name, spot.path)
                seen += 1
    assert seen >= 100


@hole(16)
def stored_content(front: Front) -> None:
    """Every field and tag that the declarations refuse is answered with 400, by name, and nothing leaves."""
    seen = 0
    for way in WAYS:
        declaration = OPERATIONS[way.operation]
        for spot in (*others(declaration, Slot.REFUSED), *refused_tags(declaration)):
            for content in ("file_123", {"id": "file_123"}, ["file_123"]):
                body = spot.plant(content)
                reply = front.send(way.path, bytes_of(way, body))
                assert (400, []) == (reply.status, reply.sent), (way.name, spot.path)
                seen += 1
    assert seen >= 500
    for name in ("previous_response_id", "conversation", "background", "prompt"):
        reply = front.responses("x", **{name: "resp_1"})
        assert (400, "unsupported_field") == (reply.status, reply.code)


@hole(19, "tests/egress/leaks/test_matrix.py::test_nothing_leaks")
def corners(front: Front) -> None:
    """Each by itself, in its dialect; a control value holds no text at all."""
    schema: Json = {"name": "n", "schema": {"title": TOLD_SSN}}
    for place in (
        {"user": TOLD_SSN},
        {"safety_identifier": TOLD_SSN},
        {"prompt_cache_key": TOLD_SSN},
        {"metadata": {"note": TOLD_SSN}},
        {"metadata": {f"ssn-{SSN}": "x"}},
        {"stop": [TOLD_SSN]},
        {"prediction": {"type": "content", "content": TOLD_SSN}},
        {"response_format": {"type": "json_schema", "json_schema": schema}},
        {"logit_bias": {TOLD_SSN: 1}},
        {"reasoning_effort": TOLD_SSN},
        {"service_tier": TOLD_SSN},
        {"seed": 4111111111111111},
    ):
        assert front.chat("x", **place).kept(), place
    assert front.chat([{"role": "user", "content": "x", "name": f"ssn-{SSN}"}]).kept()
    assert front.messages("x", metadata={"user_id": TOLD_SSN}).kept()


@hole(20, "tests/wire/test_tokens.py")
def token_ids(front: Front) -> None:
    """Ids are read as the text that they stand for, or refused; they never leave unread."""
    ids: Json = list(tiktoken.get_encoding("cl100k_base").encode(TOLD_SSN))
    for model in ("gpt-3.5-turbo-instruct", "text-embedding-3-small", MODEL, "gpt-unheard-of"):
        for path, field in ((COMPLETIONS, "prompt"), (EMBEDDINGS, "input")):
            for value in (ids, [ids], ["plain", ids]):
                assert front.send(path, {"model": model, field: value}).kept(), (model, path)
    assert front.send(EMBEDDINGS, {"model": MODEL, "input": [999_999_999]}).kept()
    assert front.send(MODERATIONS, {"input": ids}).kept()


@hole(21, "tests/egress/test_bad_input.py::test_bad_requests")
def tricks(front: Front) -> None:
    """Keys twice, keys in other cases, depth, NaN, compression, charsets, marks; chunked bodies are read."""
    good = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": TOLD_SSN}]})
    plain = good.replace(TOLD_SSN, "x")
    for raw, headers in (
        (plain[:-1].encode() + b"," + good[1:].encode(), {}),
        (good.replace('"messages"', '"Messages"').encode(), {}),
        (plain[:-1].encode() + b',"Messages":' + json.dumps(TOLD_SSN).encode() + b"}", {}),
        (plain[:-1].encode() + b',"messages\\u0000":1}', {}),
        (plain.replace('"x"', "NaN").encode(), {}),
        (plain.replace('"x"', "[" * 200 + "]" * 200).encode(), {}),
        (gzip.compress(good.encode(), mtime=0), {"content-encoding": "gzip"}),
        (gzip.compress(good.encode(), mtime=0), {}),
        (good.encode("utf-16"), {}),
        (b"\xef\xbb\xbf" + good.encode(), {}),
        (good.encode(), {"content-type": "application/json; charset=utf-7"}),
        (good.encode(), {"content-type": "text/plain"}),
        (good.encode() + b"{}", {}),
        (good.encode(), {}),
    ):
        assert front.send(CHAT, raw, headers=headers).kept(), raw[:40]
    url = f"{front.house.running.base_url}/chat/completions"
    before = len(front.house.provider.requests)
    chunked = front.house.client.post(url, content=(good.encode()[at : at + 7] for at in range(0, len(good), 7)))
    assert (200, "local") == (chunked.status_code, chunked.headers["x-gateway-route"])
    assert before == len(front.house.provider.requests)


@hole(23)
def long_texts(front: Front) -> None:
    """At the end of a text that is longer than any window, and at the end of many messages."""
    assert front.chat("plain words, " * 20_000 + TOLD_SSN).kept()
    said: list[Json] = [{"role": "user", "content": f"note {number}"} for number in range(2_000)]
    assert front.chat([*said, {"role": "user", "content": TOLD_SSN}]).kept()


@hole(40)
def connection_strings(front: Front) -> None:
    """A password in a connection string is a secret, however like an address it looks."""
    reply = front.chat("Why does postgresql://admin:S3cr3tP4ss@db.example.com:5432/app not connect?")
    assert (403, []) == (reply.status, reply.sent)


@hole(41, "tests/detection/test_analyzer.py::test_findings_do_not_overlap_and_are_sorted")
def overlaps(front: Front) -> None:
    """The strictest class of what overlaps counts."""
    for text in (
        f"see https://example.org/?ssn={SSN}&q=1",
        f"his card {CARD.replace(' ', '')} is at https://pay.example.org/4111111111111111",
        f"write to {EMAIL}, SSN {SSN}",
        f"Jane {SSN} Doe",
    ):
        assert front.chat(text).kept(), text


@hole(42)
def languages(front: Front) -> None:
    """Numbers, addresses and keys are found in any language; where names cannot be, the whole text stays inside."""
    for text in (
        f"Meine Kreditkarte {CARD} wurde abgelehnt.",
        f"Mon numéro de sécurité sociale américain est {SSN}.",
        f"クレジットカード {CARD} です",
        f"بطاقتي الائتمانية {CARD} مرفوضة",
        f"Мой номер SSN {SSN}, проверьте.",
    ):
        assert front.chat(text).kept(), text
    masked = front.chat(f"Bitte an {EMAIL}, 联系{EMAIL}谢谢")  # too short to be of any language
    assert masked.sent
    assert not masked.left(EMAIL)
    for text in (  # scripts without spaces
        f"私のクレジットカード番号は{CARD}です。",
        f"私のSSNは{SSN}です。",
        f"密码是{SECRET}吗",
        f"카드{CARD}입니다",
        f"บัตร{CARD}ของ",
        f"關於{TERM}的",
        "Frau Quintanaro war gestern bei uns und hat sich über ihren Nachbarn beschwert.",
        "Иванова Мария вчера снова не пришла на работу, потому что заболела.",
    ):
        assert front.chat(text).kept(), text


@hole(47)
def earlier_turns(front: Front) -> None:
    """A question about what was said earlier is judged with what was said earlier."""
    said: list[Json] = [
        {"role": "user", "content": TOLD_SSN},
        {"role": "assistant", "content": "Thank you."},
        {"role": "user", "content": "Summarise the above."},
    ]
    assert front.chat(said).kept()
    assert front.responses([{**item, "type": "message"} for item in said if isinstance(item, dict)]).kept()
    assert front.messages(said).kept()
    assert front.send(RESPONSES, {"model": MODEL, "input": "Summarise", "previous_response_id": "resp_1"}).kept()
