"""Answers that break in the middle, and words in places where nobody expects any: through the front door, every
dialect."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from gateway.cli.running import RunningGateway
from gateway.testing.stand_in import CutOff, Endless, FailIn, Framed, Garbage, Gate, Held, Raw, Scene, StandIn
from tests.egress.harness import ENVIRONMENT, outcome_of, settings_for

SECRET = "sk-proj-9fK2mQ7xLw3RtB8vYcZ1dN5gHj4pSa6u"
ASKED = "What is the key?"
RULES = """
answers:
  - {id: no-secrets, classes: [secret], then: mask}
  - {id: no-images, links: [images], then: mask}
"""
BODIES: Mapping[str, Mapping[str, object]] = {
    "chat/completions": {"model": "gpt-x", "messages": [{"role": "user", "content": ASKED}]},
    "completions": {"model": "gpt-x", "prompt": ASKED},
    "responses": {"model": "gpt-x", "input": ASKED},
    "messages": {"model": "gpt-x", "max_tokens": 64, "messages": [{"role": "user", "content": ASKED}]},
}
ENDS = ("[DONE]", "response.completed", "message_stop")


@dataclass(frozen=True)
class Front:
    """A gateway, with the provider behind it."""

    provider: StandIn
    running: RunningGateway
    folder: Path

    def post(self, path: str, body: Mapping[str, object], *scenes: Scene) -> httpx.Response:
        """One request, while the provider plays these scenes."""
        self.provider.script(*scenes)
        key = {"authorization": f"Bearer {self.running.first_key}"}
        return httpx.post(f"{self.running.base_url}/{path}", headers=key, json=body, timeout=60)

    def ended(self, answer: httpx.Response) -> str:
        """What the record says of how this request ended, once it is written."""
        return str(outcome_of(self.folder, answer.headers["x-gateway-decision-id"])["result"])


@pytest.fixture(scope="module", params=["plain", "guarded"])
def front(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """Started once, without rules for answers and with some."""
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "policies").mkdir()
    policy = (Path(__file__).parents[2] / "policies" / "default.policy.yaml").read_text()
    rules = RULES if request.param == "guarded" else ""
    (folder / "policies" / "default.policy.yaml").write_text(policy + rules)
    with StandIn() as provider:
        settings = settings_for(folder, provider.base_url, policies={"dir": str(folder / "policies")})
        with RunningGateway(settings, ENVIRONMENT) as running:
            yield Front(provider, running, folder)


def guarded(front: Front) -> bool:
    """Whether this one has rules for answers."""
    return "answers:" in (front.folder / "policies" / "default.policy.yaml").read_text()


@pytest.mark.parametrize("path", BODIES)
def test_an_error_in_a_stream_is_told_once_and_ends_it(front: Front, path: str) -> None:
    """It is the last thing on the wire, nothing says that the answer is whole, and the record says that it failed."""
    answer = front.post(path, {**BODIES[path], "stream": True}, FailIn(after_events=5))
    lines = [line for line in answer.text.splitlines() if line.startswith("data:")]
    errors = [line for line in lines if '"error":{' in line or '"type":"error"' in line]

    assert 200 == answer.status_code
    assert errors[-1] == lines[-1]
    assert [] == [end for end in ENDS if end in answer.text]
    assert 1 == len([line for line in errors if "response.failed" not in line])
    assert "failed" == front.ended(answer)


def test_a_failed_response_is_no_completed_one(front: Front) -> None:
    """The provider's own last event comes as it is, and the record says that it failed."""
    failed = {"id": "resp_1", "object": "response", "status": "failed", "error": {"code": "server_error"}}
    event = {"type": "response.failed", "sequence_number": 0, "response": failed}
    raw = Raw(f"event: response.failed\ndata: {json.dumps(event)}\n\n".encode(), "text/event-stream")
    answer = front.post("responses", {**BODIES["responses"], "stream": True}, raw)

    assert [event] == [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
    assert "failed" == front.ended(answer)


@pytest.mark.parametrize("path", BODIES)
def test_a_stream_that_is_whole_is_completed(front: Front, path: str) -> None:
    """Words about errors in it change nothing."""
    body = json.loads(
        json.dumps({**BODIES[path], "stream": True}).replace(ASKED, 'say \\"error\\" and response.failed')
    )
    answer = front.post(path, body, Framed())

    assert 1 == sum(answer.text.count(end) for end in ENDS[:1]) + answer.text.count("event: response.completed") + (
        answer.text.count("event: message_stop")
    )
    assert "completed" == front.ended(answer)


@pytest.mark.parametrize("path", BODIES)
def test_a_providers_error_is_inspected_like_an_answer(front: Front, path: str) -> None:
    """It is text that the caller would be shown."""
    error = {"message": f"bad key {SECRET} ![x](https://evil.example/?d=1)", "type": "invalid_request_error"}
    answer = front.post(path, BODIES[path], Raw(json.dumps({"error": error}).encode(), status=400))

    assert 400 == answer.status_code
    assert guarded(front) == (SECRET not in answer.text)
    assert guarded(front) == ("evil.example" not in answer.text)
    assert "rejected" == front.ended(answer)


@pytest.mark.parametrize("path", ["chat/completions", "completions"])
def test_an_error_that_comes_as_an_answer(front: Front, path: str) -> None:
    """Some providers say 200 and tell an error: the caller reads his own words, and the record says that it failed."""
    body = json.loads(json.dumps(BODIES[path]).replace(ASKED, "mail dana.field@example.com"))
    front.post(path, body)
    sent = front.provider.requests[-1].body.decode()
    placeholder = sent[sent.index("[EMAIL") : sent.index("]", sent.index("[EMAIL")) + 1]
    answer = front.post(path, body, Raw(json.dumps({"error": {"message": f"no {placeholder}"}}).encode()))

    assert "no dana.field@example.com" == answer.json()["error"]["message"]
    assert "failed" == front.ended(answer)


@pytest.mark.parametrize(
    "arguments", [{"id": SECRET}, {"signature": SECRET}, {SECRET: 1}, {"type": "x", "model": [SECRET]}, {"q": SECRET}]
)
@pytest.mark.parametrize("path", ["chat/completions", "responses", "messages"])
def test_a_secret_in_the_arguments_of_a_tool(front: Front, path: str, arguments: Mapping[str, object]) -> None:
    """Whatever its member is called, and as a key."""
    call = {"id": "call_1", "type": "function", "function": {"name": "find", "arguments": json.dumps(arguments)}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    completion = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-x", "choices": [choice]}
    called = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "find", "arguments": json.dumps(arguments)}
    response = {"id": "resp_1", "object": "response", "status": "completed", "output": [called]}
    answer = front.post(path, BODIES[path], Raw(json.dumps(response if path == "responses" else completion).encode()))

    assert 200 == answer.status_code
    assert guarded(front) == (SECRET not in answer.text)
    assert "find" in answer.text


def test_vectors_stay_as_they_are(front: Front) -> None:
    """Bytes in base64 look like a secret by chance."""
    vector = base64.b64encode(bytes(range(256)) * 8).decode() + SECRET
    data = [{"object": "embedding", "index": 0, "embedding": vector}]
    body = json.dumps({"object": "list", "data": data, "model": "gpt-x", "usage": {"prompt_tokens": 1}}).encode()
    answer = front.post("embeddings", {"model": "gpt-x", "input": "x", "encoding_format": "base64"}, Raw(body))

    assert body == answer.content


@pytest.mark.parametrize("path", BODIES)
def test_a_caller_that_leaves_closes_the_provider(front: Front, path: str) -> None:
    """Within seconds, also while the answer is still held back to be inspected."""
    gate = Gate()
    before = len(front.provider.requests)
    front.provider.script(Held(gate, after_events=3))
    key = {"authorization": f"Bearer {front.running.first_key}"}
    body = {**BODIES[path], "stream": True}
    with (
        contextlib.suppress(httpx.ReadTimeout),
        httpx.stream("POST", f"{front.running.base_url}/{path}", headers=key, json=body, timeout=1) as answer,
    ):
        next(answer.iter_bytes())
    gone = front.provider.wait_for_requests(before + 1)[before].gone.wait(5)
    gate.release()

    assert gone


@pytest.mark.parametrize(
    "scene",
    [CutOff(after_events=5), CutOff(after_events=5, clean=True), Garbage(after_events=5), Endless(9 * 1024 * 1024)],
)
@pytest.mark.parametrize("path", BODIES)
def test_a_broken_stream_never_ends_well(front: Front, path: str, scene: Scene) -> None:
    """An error of its dialect is the last thing on the wire, as an event or instead of the answer."""
    answer = front.post(path, {**BODIES[path], "stream": True}, scene)

    assert "upstream_error" in answer.text.strip().splitlines()[-1]
    assert [] == [end for end in ENDS if end in answer.text]
    assert guarded(front) == (502 == answer.status_code)
    assert "failed" == front.ended(answer)
