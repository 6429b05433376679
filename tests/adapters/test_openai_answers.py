"""Answers are read within bounds and believed nothing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.openai_answers import (
    AnswerError,
    is_object,
    json_object,
    read_bounded,
    split_base_url,
    wants_stream,
)


@pytest.mark.parametrize(
    ("body", "streamed"),
    [
        (b'{"stream":true}', True),
        (b'{"stream" : true }', True),
        (b'{"stream":false}', False),
        (b'{"stream":"true"}', False),
        (b'{"tools":[{"stream":true}]}', False),
        (b'{"user":"\\"stream\\":true"}', False),
        (b"{}", False),
    ],
)
def test_only_the_top_level_flag_streams(body: bytes, streamed: bool) -> None:
    """In any spacing, and nothing that only looks like it."""
    assert streamed is wants_stream(body)


@given(st.dictionaries(st.text(), st.integers() | st.text()))
def test_every_object_is_one(value: dict[str, int | str]) -> None:
    """And comes back as it is."""
    assert value == json_object(json.dumps(value).encode())


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b'"x"', b"{", b"\xff", "{}".encode("utf-16"), b"\xef\xbb\xbf{}", b"[" * 100_000, b'{"a":' * 9999],
)
def test_what_is_no_object_is_said_without_a_word_of_it(data: bytes) -> None:
    """Also what only another decoder would read."""
    assert not is_object(data)
    with pytest.raises(AnswerError) as caught:
        json_object(data)
    assert caught.value.__context__ is None


@given(st.lists(st.binary(max_size=9)), st.integers(min_value=0, max_value=40))
async def test_at_most_the_limit_is_read(chunks: list[bytes], limit: int) -> None:
    """Exactly what came, or a refusal."""

    async def arriving() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    whole = b"".join(chunks)
    if len(whole) <= limit:
        assert whole == await read_bounded(arriving(), limit)
        return
    with pytest.raises(AnswerError):
        await read_bounded(arriving(), limit)


@pytest.mark.parametrize(
    "base_url",
    ["", "x", "ftp://x", "https://", "https://u@x", "https://x?y", "https://x#y", "https://x:0", "https://x:y"],
)
def test_what_is_no_base_url(base_url: str) -> None:
    """User info among it: a key does not belong there."""
    with pytest.raises(ValueError, match=r"."):
        split_base_url(base_url)


def test_a_base_url_loses_its_last_slash() -> None:
    """So that paths can be added."""
    assert "https://x:1/v1" == split_base_url("https://x:1/v1/").geturl()
