"""The llama.cpp adapter with the real embedded model in a real child process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.adapters.llamacpp_local import LlamaCppLocal, LlamaCppOptions, LocalModelUnavailable
from gateway.adapters.model_manifest import ModelFileRefused, find_model, load_manifest
from gateway.domain.conversation import Conversation, Operation, read
from gateway.domain.errors import CallerError, ErrorCode, GatewayFault
from gateway.domain.strict_json import Json
from gateway.paths import data_path
from gateway.pipeline.ports import LocalAnswer, Streamed, Whole
from gateway.wire.schema import CHAT

pytestmark = pytest.mark.asyncio(loop_scope="module")
MODEL = find_model(load_manifest(data_path("models/manifest.toml"), Path("none")), "embedded").model()
OPTIONS = LlamaCppOptions(model=MODEL)
# A schema that forces some hundred tokens, whatever the model would rather say.
ENDLESS: Json = {
    "type": "json_schema",
    "json_schema": {
        "name": "s",
        "schema": {"type": "object", "properties": {"a": {"type": "string", "minLength": 600}}, "required": ["a"]},
    },
}


def ask(text: str = "Summarise: the parcel of Ana Diaz is late.", **fields: Json) -> Conversation:
    """A chat request with one message."""
    body = {"model": "my-name", "messages": [{"role": "user", "content": text}], **fields}
    return read(Operation.CHAT, CHAT, json.dumps(body).encode())


def whole(answer: LocalAnswer) -> dict[str, Any]:
    """The body of an answer in one piece."""
    assert isinstance(answer, Whole)
    document = json.loads(answer.body)
    assert isinstance(document, dict)
    return document


def content(answer: LocalAnswer) -> str:
    """The text of an answer in one piece."""
    return str(whole(answer)["choices"][0]["message"]["content"])


def stream(answer: LocalAnswer) -> Streamed:
    """The answer, which must be a stream."""
    assert isinstance(answer, Streamed)
    return answer


async def close(answer: Streamed) -> None:
    """Leave a stream as the pipeline does."""
    await answer.events.aclose()  # type: ignore[attr-defined]


@asynccontextmanager
async def running(options: LlamaCppOptions) -> AsyncIterator[LlamaCppLocal]:
    """A started model, stopped at the end."""
    model = LlamaCppLocal(options)
    await model.start()
    try:
        yield model
    finally:
        await model.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model() -> AsyncIterator[LlamaCppLocal]:
    """One model for the tests that leave it in order."""
    async with running(OPTIONS) as started:
        yield started


async def test_an_answer_is_a_chat_completion(model: LlamaCppLocal) -> None:
    """Every field that a client reads is there, and the model goes by the caller's name."""
    body = whole(await model.complete(ask()))
    choice, usage = body["choices"][0], body["usage"]
    assert (body["object"], body["model"], choice["message"]["role"]) == ("chat.completion", "my-name", "assistant")
    assert choice["finish_reason"] in {"stop", "length"}
    assert choice["message"]["content"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["prompt_tokens"] > 5


async def test_a_stream_says_what_the_whole_answer_says(model: LlamaCppLocal) -> None:
    """The pieces joined are the whole answer, and the last chunk tells the same usage."""
    expected = whole(await model.complete(ask()))
    answer = stream(await model.complete(ask(stream=True, stream_options={"include_usage": True})))
    chunks = [json.loads(event) async for event in answer.events]
    text = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks[:-1])
    assert text == expected["choices"][0]["message"]["content"]
    assert chunks[-1]["usage"] == expected["usage"]
    assert len(chunks) > 4
    assert {chunk["model"] for chunk in chunks} == {"my-name"}


async def test_several_choices_are_told_apart(model: LlamaCppLocal) -> None:
    """Each with its index and reason, streamed and whole; usage counts all of them."""
    hot: dict[str, Json] = {"n": 3, "temperature": 1.8, "seed": 5, "max_tokens": 8}
    body = whole(await model.complete(ask(**hot)))
    answer = stream(await model.complete(ask(stream=True, stream_options={"include_usage": True}, **hot)))
    chunks = [json.loads(event) async for event in answer.events]
    texts = ["", "", ""]
    for choice in (choice for chunk in chunks for choice in chunk["choices"]):
        texts[choice["index"]] += choice["delta"].get("content") or ""

    assert [choice["index"] for choice in body["choices"]] == [0, 1, 2]
    assert [choice["message"]["content"] for choice in body["choices"]] == texts
    assert len(set(texts)) > 1
    assert chunks[-1]["usage"]["completion_tokens"] == body["usage"]["completion_tokens"] > 8


async def test_log_probabilities_belong_to_the_tokens_that_are_shown(model: LlamaCppLocal) -> None:
    """They spell the text, the likeliest is the chosen one of a greedy answer, and a stream tells the same."""
    asked: dict[str, Json] = {"logprobs": True, "top_logprobs": 2, "max_tokens": 12}
    choice = whole(await model.complete(ask(**asked)))["choices"][0]
    told = choice["logprobs"]["content"]
    answer = stream(await model.complete(ask(stream=True, **asked)))
    streamed = [
        entry
        for event in [json.loads(event) async for event in answer.events]
        for entry in (event["choices"][0]["logprobs"] or {"content": []})["content"]
    ]

    assert b"".join(bytes(entry["bytes"]) for entry in told).decode() == choice["message"]["content"]
    assert all(entry["top_logprobs"][0]["token"] == entry["token"] for entry in told)
    assert all(entry["logprob"] <= 0 and len(entry["top_logprobs"]) == 2 for entry in told)
    assert streamed == told
    assert whole(await model.complete(ask()))["choices"][0]["logprobs"] is None


async def test_max_tokens_ends_an_answer(model: LlamaCppLocal) -> None:
    """The limit is exact and told as `length`."""
    body = whole(await model.complete(ask(max_tokens=3, response_format=ENDLESS)))
    assert body["usage"]["completion_tokens"] == 3
    assert body["choices"][0]["finish_reason"] == "length"


async def test_a_stop_text_ends_an_answer_before_itself(model: LlamaCppLocal) -> None:
    """The stop is not shown and what stands before it is."""
    full = content(await model.complete(ask()))
    stop = full[3:6]
    body = whole(await model.complete(ask(stop=stop)))
    assert body["choices"][0]["message"]["content"] == full[: full.index(stop)]
    assert body["choices"][0]["finish_reason"] == "stop"


async def test_a_seed_repeats_an_answer(model: LlamaCppLocal) -> None:
    """At a high temperature the same seed says the same and other seeds do not."""
    hot: dict[str, Json] = {"temperature": 1.8, "max_tokens": 20}
    said = [content(await model.complete(ask(seed=seed, **hot))) for seed in (1, 1, 2, 3)]
    assert said[0] == said[1]
    assert len(set(said)) > 1


async def test_json_formats_give_json(model: LlamaCppLocal) -> None:
    """An object, and an object of the caller's schema."""
    anything = json.loads(content(await model.complete(ask(response_format={"type": "json_object"}))))
    schema: Json = {
        "type": "object",
        "properties": {"label": {"enum": ["billing", "shipping"]}},
        "required": ["label"],
        "additionalProperties": False,
    }
    form: Json = {"type": "json_schema", "json_schema": {"name": "s", "schema": schema, "strict": True}}
    chosen = json.loads(content(await model.complete(ask(response_format=form))))
    assert isinstance(anything, dict)
    assert chosen in ({"label": "billing"}, {"label": "shipping"})


async def test_a_schema_that_is_none_is_refused(model: LlamaCppLocal) -> None:
    """What no grammar can be made of is the caller's error, and the child lives on."""
    pid = model.pid
    form: Json = {"type": "json_schema", "json_schema": {"name": "s", "schema": {"$ref": "#/nowhere"}}}
    with pytest.raises(CallerError) as caught:
        await model.complete(ask(response_format=form))
    assert caught.value.code is ErrorCode.UNSUPPORTED_BY_LOCAL_MODEL
    assert model.pid == pid


@pytest.mark.parametrize("size", [30_000, 3_000_000])
async def test_a_prompt_longer_than_the_context_is_refused(model: LlamaCppLocal, size: int) -> None:
    """Nothing is cut off in silence."""
    with pytest.raises(CallerError) as caught:
        await model.complete(ask("1" * size))
    assert caught.value.code is ErrorCode.CONTEXT_LENGTH_EXCEEDED


async def test_a_reader_that_leaves_frees_the_model(model: LlamaCppLocal) -> None:
    """After leaving a long stream the next answer comes sooner than the rest of the long one would have."""
    begun = time.monotonic()
    await model.complete(ask(response_format=ENDLESS))
    long = time.monotonic() - begun
    left = stream(await model.complete(ask(stream=True, response_format=ENDLESS)))
    assert [len(await anext(left.events)) > 0 for _ in range(3)] == [True] * 3
    await close(left)
    begun = time.monotonic()
    await model.complete(ask(max_tokens=2))
    assert time.monotonic() - begun < long / 2
    assert model.open_requests == 0


async def test_a_stream_that_was_never_read_frees_the_model(model: LlamaCppLocal) -> None:
    """Closing is enough."""
    unread = stream(await model.complete(ask(stream=True, response_format=ENDLESS)))
    assert model.open_requests == 1
    await close(unread)
    assert model.open_requests == 0


async def test_a_cancelled_request_frees_the_model(model: LlamaCppLocal) -> None:
    """A caller that leaves while waiting for a whole answer does not hold the model."""
    task = asyncio.create_task(model.complete(ask(response_format=ENDLESS)))
    following = asyncio.create_task(model.complete(ask(max_tokens=2)))
    await asyncio.wait({task, following}, timeout=0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert whole(await following)["usage"]["completion_tokens"] <= 2
    assert model.open_requests == 0


async def test_a_killed_child_fails_its_request_and_serves_the_next() -> None:
    """A crash is a typed error for the request in flight; a new child answers the next one."""
    async with running(OPTIONS) as model:
        answer = stream(await model.complete(ask(stream=True, response_format=ENDLESS)))
        await anext(answer.events)
        killed = model.pid
        os.kill(killed, signal.SIGKILL)
        with pytest.raises(LocalModelUnavailable):
            await drain(answer)
        assert content(await model.complete(ask()))
        assert model.pid not in {0, killed}
        assert (await model.health()).ok


async def drain(answer: Streamed) -> None:
    """Read a stream to its end."""
    async for _ in answer.events:
        pass


async def test_a_full_queue_refuses() -> None:
    """One generates, one waits, the third is refused; the first two are answered."""
    async with running(replace(OPTIONS, queue=1)) as model:
        first = stream(await model.complete(ask(stream=True, response_format=ENDLESS)))
        second = asyncio.create_task(model.complete(ask(max_tokens=2)))
        await asyncio.sleep(0)  # lets the second one in
        assert model.open_requests == 2
        with pytest.raises(GatewayFault) as caught:
            await model.complete(ask())
        assert caught.value.code is ErrorCode.LOCAL_MODEL_UNAVAILABLE
        await close(first)
        assert whole(await second)["usage"]["completion_tokens"] <= 2


async def test_a_deadline_ends_an_answer() -> None:
    """A model that takes too long is unavailable for this request and free for the next."""
    async with running(replace(OPTIONS, deadline_s=0.4)) as model:
        with pytest.raises(LocalModelUnavailable):
            await model.complete(ask(response_format=ENDLESS))
        assert whole(await model.complete(ask(max_tokens=1)))["usage"]["completion_tokens"] == 1


async def test_an_altered_model_file_is_refused_at_start(tmp_path: Path) -> None:
    """One changed byte is enough, and no child is started."""
    model = LlamaCppLocal(replace(OPTIONS, model=replace(MODEL, path=altered(tmp_path))))
    with pytest.raises(ModelFileRefused):
        await model.start()
    assert model.pid == 0
    assert not (await model.health()).ok


async def test_an_altered_adapter_and_a_missing_template_are_refused(tmp_path: Path) -> None:
    """They change what the model says as much as its own file does."""
    with pytest.raises(ModelFileRefused):
        await LlamaCppLocal(replace(OPTIONS, lora=replace(MODEL, path=altered(tmp_path)))).start()
    with pytest.raises(ModelFileRefused):
        LlamaCppLocal(replace(OPTIONS, template=str(tmp_path / "none.jinja")))


async def test_a_chat_template_of_ones_own_is_used(tmp_path: Path) -> None:
    """It says twice as much around the same message."""
    template = tmp_path / "chat.jinja"
    template.write_text("{% for m in messages %}" + "word " * 50 + "{{ m['content'] }}{% endfor %}", encoding="utf-8")
    async with running(replace(OPTIONS, template=str(template))) as model:
        usage = whole(await model.complete(ask(max_tokens=1)))["usage"]
    assert usage["prompt_tokens"] > 60


async def test_a_file_altered_later_is_refused_by_the_child(tmp_path: Path) -> None:
    """The child checks the file itself each time it loads it."""
    copy = tmp_path / "model.gguf"
    copy.write_bytes(MODEL.path.read_bytes())
    async with running(replace(OPTIONS, model=replace(MODEL, path=copy), deadline_s=2.0)) as model:
        altered(tmp_path).replace(copy)
        os.kill(model.pid, signal.SIGKILL)
        with pytest.raises(LocalModelUnavailable):
            await model.complete(ask())
        assert not (await model.health()).ok


def altered(folder: Path) -> Path:
    """A copy of the model with one bit of its last byte changed."""
    data = bytearray(MODEL.path.read_bytes())
    data[-1] ^= 1
    path = folder / "altered.gguf"
    path.write_bytes(data)
    return path


async def test_the_child_writes_no_text_of_a_request(capfd: pytest.CaptureFixture[str]) -> None:
    """Neither an answer nor a refusal leaves a word of the request in the process's output."""
    form: Json = {"type": "json_schema", "json_schema": {"name": "s", "schema": {"$ref": "#/secretword"}}}
    async with running(OPTIONS) as model:
        await model.complete(ask("secretword", max_tokens=5))
        with pytest.raises(CallerError):
            await model.complete(ask("secretword", response_format=form))
        with pytest.raises(CallerError):
            await model.complete(ask("secretword " * 20_000))
    out, err = capfd.readouterr()
    assert "secretword" not in out + err


async def test_the_child_is_ready_soon() -> None:
    """Importing llama.cpp and loading a model of this size takes two seconds of processor time at most."""
    async with running(OPTIONS) as fresh:
        seconds = processor_seconds(fresh.pid)
    assert 0 < seconds < 2.0


def processor_seconds(pid: int) -> float:
    """The processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
