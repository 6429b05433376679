"""Placeholders in answers: every choice, every running text, wherever the provider cuts."""

from __future__ import annotations

import json

import pytest

from gateway.dialects.chat import ChatRestorer
from gateway.domain.errors import UpstreamError
from gateway.domain.labels import Entity
from gateway.domain.mask import Vault

VAULT = Vault({"K7QX2M3ABC": 'a"b@c.example'}, frozenset({Entity("EMAIL_ADDRESS")}))
PLACEHOLDER = "[EMAIL_ADDRESS_K7QX2M3ABC]"
VALUE = 'a"b@c.example'


def streamed(restorer: ChatRestorer, *choices: dict[str, object]) -> list[dict[str, object]]:
    """The choices of the chunks that come out, one choice a chunk going in."""
    pieces = [p for choice in choices for p in restorer.event(json.dumps({"id": "x", "choices": [choice]}).encode())]
    return [choice for piece in [*pieces, *restorer.finish()] for choice in json.loads(piece)["choices"]]


def said(choices: list[dict[str, object]], index: int = 0) -> str:
    """The content of one choice, put together."""
    return "".join(c["delta"].get("content") or "" for c in choices if c["index"] == index)  # type: ignore[attr-defined]


@pytest.mark.parametrize("cut", range(1, len(PLACEHOLDER)))
def test_a_last_piece_with_the_finish_reason_is_restored_before_the_end(cut: int) -> None:
    """Some providers send the last text and the finish reason in one chunk."""
    out = streamed(
        ChatRestorer(VAULT),
        {"index": 0, "delta": {"content": PLACEHOLDER[:cut]}, "finish_reason": None},
        {"index": 0, "delta": {"content": PLACEHOLDER[cut:]}, "finish_reason": "stop"},
    )

    assert VALUE == said(out)
    assert "stop" == out[-1]["finish_reason"]
    assert all(choice["finish_reason"] is None for choice in out[:-1])


def test_choices_and_tool_calls_do_not_mix() -> None:
    """Two choices, and two tool calls without an index, are restored apart."""
    calls = [{"function": {"arguments": json.dumps({"to": PLACEHOLDER})}}, {"function": {"arguments": "{}"}}]
    out = streamed(
        ChatRestorer(VAULT),
        {"index": 0, "delta": {"content": PLACEHOLDER[:9]}},
        {"index": 1, "delta": {"content": "plain [EMA"}},
        {"index": 0, "delta": {"content": PLACEHOLDER[9:], "tool_calls": calls}},
        {"index": 0, "delta": {}, "finish_reason": "stop"},
    )
    told = [call["function"]["arguments"] for c in out for call in c["delta"].get("tool_calls", [])]  # type: ignore[attr-defined]

    assert VALUE == said(out)
    assert "plain [EMA" == said(out, 1)
    assert [{"to": VALUE}, {}] == [json.loads(each) for each in told]


def test_a_restored_content_counts_once() -> None:
    """The record says how many placeholders were turned back."""
    restorer = ChatRestorer(VAULT)
    body = restorer.whole(json.dumps({"choices": [{"message": {"content": PLACEHOLDER}}]}).encode())

    assert VALUE == json.loads(body)["choices"][0]["message"]["content"]
    assert 1 == restorer.restored


@pytest.mark.parametrize("index", [{}, []])
def test_an_index_that_is_none_is_the_providers_fault(index: object) -> None:
    """A choice or a tool call that cannot be told apart ends the stream as a broken answer."""
    for choice in (
        {"index": index, "delta": {"content": "x"}},
        {"index": 0, "delta": {"tool_calls": [{"index": index, "function": {"arguments": "x"}}]}},
    ):
        with pytest.raises(UpstreamError):
            streamed(ChatRestorer(VAULT), choice)


def test_a_usage_chunk_passes_with_its_empty_choices() -> None:
    """And an absurd count is not believed."""
    restorer = ChatRestorer(VAULT)
    body = {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 10**40}}
    (out,) = restorer.event(json.dumps(body).encode())

    assert body == json.loads(out)
    assert (3, 0) == (restorer.usage.prompt, restorer.usage.completion)


def test_a_chunk_in_which_nothing_changes_keeps_its_bytes() -> None:
    """Also while placeholders are looked for; spaces and escapes stay as the provider wrote them."""
    restorer = ChatRestorer(VAULT)
    same = rb'{ "choices": [ {"index": 0, "delta": {"content": "\u00e9 "}, "logprobs": null} ], "error": null }'
    held = json.dumps({"choices": [{"index": 0, "delta": {"content": PLACEHOLDER[:9]}}], "error": None}).encode()
    rest = json.dumps({"choices": [{"index": 0, "delta": {"content": PLACEHOLDER[9:] + "."}}], "error": None}).encode()
    told = [piece for data in (same, held, rest) for piece in restorer.event(data)]

    assert [same] == told[:1]
    assert VALUE + "." == said([choice for piece in told[1:] for choice in json.loads(piece)["choices"]])
