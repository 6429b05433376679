"""Step 1: a request is read by its own declaration, and asked as chat where its destination speaks nothing else."""

from __future__ import annotations

import json

import pytest

from gateway.dialects.messages_answer import MessagesFromChat
from gateway.dialects.registry import AsItIs
from gateway.domain.alias import Alias
from gateway.domain.conversation import Operation
from gateway.domain.errors import CallerError, ErrorCode
from gateway.domain.strict_json import Json
from gateway.main import DECLARATIONS
from gateway.pipeline.reading import Request, RequestReader
from gateway.testing.fake_local import FakeLocal
from gateway.testing.recording_external import RecordingExternal

ALIASES = {
    "gpt-*": Alias("openai", "local-slm"),
    "vectors": Alias("openai", ""),
    "inside": Alias("", "local-slm"),
    "both": Alias("all", "vllm"),
    "all": Alias("all", "local-slm"),
    "omni-moderation-*": Alias("all", ""),
    "lost": Alias("nowhere", "nowhere"),
}


def reader() -> RequestReader:
    """Two destinations that speak chat alone, and two that speak everything."""
    chat, everything = RecordingExternal("openai"), RecordingExternal("all")
    everything.speaks = frozenset(Operation)
    small, vllm = FakeLocal(), FakeLocal()
    vllm.speaks = frozenset({Operation.CHAT, Operation.EMBEDDINGS})
    return RequestReader(
        declarations=lambda operation, destination: DECLARATIONS[operation],
        aliases=ALIASES,
        externals={"openai": chat, "all": everything},
        locals_={"local-slm": small, "vllm": vllm},
        decoder=_in_words,
    )


def _in_words(document: dict[str, Json], model: str) -> dict[str, Json]:
    return {**document, "input": "hello"} if document.get("input") == [9906] else document


def read(operation: Operation, **body: object) -> Request:
    """A request read."""
    return reader().read(operation, json.dumps(body).encode())


MESSAGES = {"max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}
ASKED = {
    Operation.RESPONSES: {"input": "hi"},
    Operation.MESSAGES: MESSAGES,
    Operation.COMPLETIONS: {"prompt": "hi"},
    Operation.CHAT: {"messages": [{"role": "user", "content": "hi"}]},
}


@pytest.mark.parametrize("operation", list(ASKED))
def test_a_destination_that_speaks_the_dialect_gets_it(operation: Operation) -> None:
    """What is judged is what would be sent: the request as it is."""
    request = read(operation, model="all", **ASKED[operation])

    assert operation is request.conversation.operation
    assert isinstance(request.telling, AsItIs)


@pytest.mark.parametrize("operation", [each for each in ASKED if each is not Operation.CHAT])
def test_a_destination_that_speaks_chat_alone_is_asked_in_chat(operation: Operation) -> None:
    """Before anything is judged; and the answer is told in the caller's dialect."""
    request = read(operation, model="gpt-x", **ASKED[operation])

    assert Operation.CHAT is request.conversation.operation
    assert [{"role": "user", "content": "hi"}] == json.loads(request.conversation.body)["messages"]
    assert not isinstance(request.telling, AsItIs)


def test_a_request_that_stays_inside_is_judged_in_its_own_dialect_and_asked_in_chat() -> None:
    """The model inside speaks chat."""
    request = read(Operation.MESSAGES, model="inside", **MESSAGES)
    inside = reader().inside(request, "local-slm")

    assert (Operation.MESSAGES, Operation.CHAT) == (request.conversation.operation, inside.conversation.operation)
    assert isinstance(inside.telling, MessagesFromChat)
    assert reader().inside(inside, "local-slm") == inside


@pytest.mark.parametrize(
    ("model", "operation", "alias"),
    [
        ("gpt-x", Operation.CHAT, Alias("openai", "local-slm")),
        ("all", Operation.EMBEDDINGS, Alias("all", "")),
        ("both", Operation.MODERATIONS, Alias("all", "")),
        ("both", Operation.RESPONSES, Alias("all", "vllm")),
        ("lost", Operation.CHAT, Alias("nowhere", "nowhere")),
    ],
)
def test_an_alias_leads_only_where_the_operation_is_served(model: str, operation: Operation, alias: Alias) -> None:
    """In its own dialect or as chat. A destination that is missing is told when it is asked."""
    body = ASKED.get(operation, {"input": "hi"})

    assert alias == read(operation, model=model, **body).alias


def test_where_nobody_serves_the_operation_the_caller_is_told() -> None:
    """Neither the provider nor the model inside makes vectors."""
    with pytest.raises(CallerError) as refused:
        read(Operation.EMBEDDINGS, model="gpt-x", input="hi")
    assert (ErrorCode.UNSUPPORTED_BY_DESTINATION, "/model") == (refused.value.code, refused.value.param)


def test_a_name_whose_vectors_would_come_from_two_models_is_refused() -> None:
    """They could not be compared. What is no vector goes by the same name."""
    with pytest.raises(CallerError) as refused:
        read(Operation.EMBEDDINGS, model="both", input="hi")
    assert (ErrorCode.AMBIGUOUS_EMBEDDINGS, "/model") == (refused.value.code, refused.value.param)


def test_a_policy_cannot_send_to_a_model_inside_that_does_not_speak_it() -> None:
    """A rule may name a destination that the alias does not."""
    request = read(Operation.EMBEDDINGS, model="all", input="hi")
    with pytest.raises(CallerError) as refused:
        reader().inside(request, "local-slm")
    assert ErrorCode.UNSUPPORTED_BY_LOCAL_MODEL is refused.value.code


def test_token_ids_are_read_as_words() -> None:
    """So they can be inspected; those that nobody can read are refused."""
    assert "hello" == json.loads(read(Operation.EMBEDDINGS, model="all", input=[9906]).conversation.body)["input"]
    with pytest.raises(CallerError) as refused:
        read(Operation.EMBEDDINGS, model="all", input=[1, 2])
    assert ErrorCode.TOKEN_IDS_UNREADABLE is refused.value.code


def test_a_moderation_without_a_model_has_the_dialects_own() -> None:
    """Its clients leave it out."""
    assert "omni-moderation-latest" == read(Operation.MODERATIONS, input="hi").conversation.model


@pytest.mark.parametrize(
    "body", [b"[]", b'"x"', b"{}", b'{"model": 1}', b'{"model": null, "messages": []}', b"\xff", b""]
)
@pytest.mark.parametrize("operation", list(Operation))
def test_what_is_no_request_is_refused(operation: Operation, body: bytes) -> None:
    """Whatever stands in the place of a body."""
    with pytest.raises(CallerError):
        reader().read(operation, body)


@pytest.mark.parametrize("operation", list(ASKED))
def test_an_undeclared_field_is_refused_before_it_is_translated(operation: Operation) -> None:
    """It does not vanish on the way into another dialect."""
    with pytest.raises(CallerError) as refused:
        read(operation, model="gpt-x", novel_field="text", **ASKED[operation])
    assert (ErrorCode.UNSUPPORTED_FIELD, "/novel_field") == (refused.value.code, refused.value.param)
