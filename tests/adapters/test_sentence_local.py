"""The sentence encoder that ships, in a real child process."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import struct
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.adapters.model_manifest import ModelFileRefused, find_model, load_manifest
from gateway.adapters.sentence_local import SentenceLocal, SentenceOptions
from gateway.domain.conversation import Conversation, Operation, read
from gateway.domain.errors import CallerError, ErrorCode, GatewayFault
from gateway.domain.strict_json import Json
from gateway.paths import data_path
from gateway.pipeline.ports import Whole
from gateway.wire.schema.small import EMBEDDINGS

pytestmark = pytest.mark.asyncio(loop_scope="module")
MODEL = find_model(load_manifest(data_path("models/manifest.toml"), Path("none")), "minilm").model()
OPTIONS = SentenceOptions(model=MODEL)


def ask(given: Json, **fields: Json) -> Conversation:
    """A request for embeddings."""
    body = {"model": "my-name", "input": given, **fields}
    return read(Operation.EMBEDDINGS, EMBEDDINGS, json.dumps(body).encode())


async def told(model: SentenceLocal, given: Json, **fields: Json) -> dict[str, Any]:
    """The body of the answer."""
    answer = await model.complete(ask(given, **fields))
    assert isinstance(answer, Whole)
    body = json.loads(answer.body)
    assert isinstance(body, dict)
    return body


def likeness(one: dict[str, Any], other: dict[str, Any]) -> float:
    """The cosine of two vectors of unit length."""
    return sum(a * b for a, b in zip(one["embedding"], other["embedding"], strict=True))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model() -> AsyncIterator[SentenceLocal]:
    """One encoder for the tests that leave it in order."""
    encoder = SentenceLocal(OPTIONS)
    await encoder.start()
    yield encoder
    await encoder.stop()


async def test_like_texts_have_like_vectors(model: SentenceLocal) -> None:
    """Words are not shared, and yet the right one is nearer."""
    texts: Json = ["The parcel never came.", "Our delivery has not arrived.", "She plays the violin."]
    body = await told(model, texts)
    first, second, third = body["data"]

    assert (body["object"], body["model"], [each["index"] for each in body["data"]]) == ("list", "my-name", [0, 1, 2])
    assert len(first["embedding"]) == 384
    assert likeness(first, first) == pytest.approx(1, abs=1e-5)
    assert likeness(first, second) > 0.3 + likeness(first, third)
    assert body["usage"]["prompt_tokens"] == body["usage"]["total_tokens"] > 12


async def test_base64_holds_the_same_numbers(model: SentenceLocal) -> None:
    """Little-endian floats of 32 bits."""
    floats = (await told(model, "the weather"))["data"][0]["embedding"]
    packed = (await told(model, "the weather", encoding_format="base64"))["data"][0]["embedding"]

    assert list(struct.unpack("<384f", base64.b64decode(packed))) == pytest.approx(floats, abs=1e-7)


async def test_fewer_dimensions_are_the_first_ones_at_unit_length(model: SentenceLocal) -> None:
    """And more than there are are refused by name."""
    whole = (await told(model, "the weather"))["data"][0]
    short = (await told(model, "the weather", dimensions=64))["data"][0]
    ratios = {round(a / b, 4) for a, b in zip(short["embedding"], whole["embedding"][:64], strict=True)}
    with pytest.raises(CallerError) as refused:
        await model.complete(ask("the weather", dimensions=385))

    assert likeness(short, short) == pytest.approx(1, abs=1e-5)
    assert len(ratios) == 1
    assert (refused.value.code, refused.value.param) == (ErrorCode.UNSUPPORTED_BY_LOCAL_MODEL, "/dimensions")


async def test_a_long_text_is_read_to_its_end(model: SentenceLocal) -> None:
    """What stands behind the first window moves the vector; a text beyond the limit is refused, not cut."""
    rain = "It rained. " * 100
    alone, with_end = (await told(model, [rain, rain + "The bank refused my loan. " * 60]))["data"]
    with pytest.raises(CallerError) as refused:
        await model.complete(ask("word " * 8193))

    assert likeness(alone, with_end) < 0.9
    assert (refused.value.code, refused.value.param) == (ErrorCode.CONTEXT_LENGTH_EXCEEDED, "/input")


@pytest.mark.parametrize("given", ["", [], ["a", ""], ["a"] * 2049])
async def test_nothing_and_too_much_are_refused(model: SentenceLocal, given: Json) -> None:
    """As OpenAI refuses them."""
    with pytest.raises(CallerError) as refused:
        await model.complete(ask(given))
    assert (refused.value.code, refused.value.param) == (ErrorCode.INVALID_FIELD, "/input")


async def test_ids_that_nobody_could_read_are_refused(model: SentenceLocal) -> None:
    """Token ids are turned into text before they come here; those that were not cannot be inspected."""
    with pytest.raises(CallerError) as refused:
        await model.complete(ask([1, 2]))
    assert refused.value.code == ErrorCode.TOKEN_IDS_UNREADABLE


async def test_odd_characters_have_vectors(model: SentenceLocal) -> None:
    """Controls, emoji, other scripts, and text that is nothing but a mark of the vocabulary."""
    body = await told(model, ["\x00", "😀", "日本語", "[SEP]", "e\u0301", " "])
    assert all(likeness(each, each) == pytest.approx(1, abs=1e-5) for each in body["data"])


async def test_a_killed_child_is_a_typed_error_and_comes_back() -> None:
    """The request in flight fails, the next one is answered."""
    encoder = SentenceLocal(OPTIONS)
    try:
        await told(encoder, "warm")
        work = asyncio.ensure_future(encoder.complete(ask(["a long text " * 200] * 200)))
        await asyncio.sleep(0)
        os.kill(encoder.pid, signal.SIGKILL)
        with pytest.raises(GatewayFault) as fault:
            await work
        assert (fault.value.code, fault.value.status) == (ErrorCode.LOCAL_MODEL_UNAVAILABLE, 503)
        assert len((await told(encoder, "again"))["data"]) == 1
    finally:
        await encoder.stop()


async def test_a_full_queue_says_when_to_come_back(model: SentenceLocal) -> None:
    """One is answered, one waits, the third is turned away at once."""
    encoder = SentenceLocal(replace(OPTIONS, queue=1))
    try:
        busy = [asyncio.ensure_future(encoder.complete(ask(["some words " * 100] * 20))) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(GatewayFault) as fault:
            await encoder.complete(ask("one more"))
        assert fault.value.retry_after == 1
        for work in busy:
            work.cancel()
        await asyncio.gather(*busy, return_exceptions=True)
        assert len((await told(encoder, "after"))["data"]) == 1
    finally:
        await encoder.stop()


async def test_an_altered_file_is_refused(tmp_path: Path) -> None:
    """Before anything is served."""
    path = tmp_path / "encoder.onnx"
    path.write_bytes(MODEL.path.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelFileRefused):
        await SentenceLocal(SentenceOptions(model=replace(MODEL, path=path))).start()
