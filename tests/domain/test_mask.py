"""What leaves agrees with itself, from turn to turn and in every operation, and comes back as it was."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gateway.adapters.presidio_anonymizer import PresidioAnonymizer
from gateway.domain import placeholder
from gateway.domain.conversation import Conversation, Operation, read
from gateway.domain.declaration import Field
from gateway.domain.finding import Examined, Finding, Permille, Report
from gateway.domain.folding import fold
from gateway.domain.labels import Entity
from gateway.domain.mask import Masked, PlaceholderKey, mask
from gateway.domain.policy import Operator, Transform
from gateway.domain.restore import Restorer, restore_json
from gateway.domain.strict_json import Json, parse_json
from gateway.wire.schema import CHAT, MESSAGES, RESPONSES
from tests.domain.build import chat, report
from tests.growth import assert_linear

SECRET = b"k" * 32
ANONYMIZER = PresidioAnonymizer(b"0" * 16)
RESTORABLE = st.sampled_from([Operator.PLACEHOLDER, Operator.SURROGATE])
BOTH = pytest.mark.parametrize("operator", [Operator.PLACEHOLDER, Operator.SURROGATE])
DIALECTS: Mapping[Operation, Field] = {
    Operation.CHAT: CHAT,
    Operation.RESPONSES: RESPONSES,
    Operation.MESSAGES: MESSAGES,
}


def talk(body: object, operation: Operation = Operation.CHAT) -> Conversation:
    """The conversation of a body."""
    return read(operation, DIALECTS[operation], json.dumps(body).encode())


def masked(
    conversation: Conversation,
    words: Mapping[str, str],
    operator: Operator = Operator.PLACEHOLDER,
    tenant: str = "acme",
) -> tuple[Masked, Json]:
    """A masked conversation, and the body that would leave."""
    transforms = [Transform(Entity(entity), operator) for entity in sorted(set(words.values()))]
    key = PlaceholderKey(SECRET, tenant, conversation)
    result = mask(conversation, report(conversation, words), transforms, key, ANONYMIZER)
    return result, parse_json(conversation.rewritten(result.texts, {}))


def echoed(body: Json, result: Masked) -> Json:
    """The body as a model would give it back whole: arguments of tools are JSON, everything else is text."""
    plain, escaped = Restorer(result.vault), Restorer(result.vault, json_escaped=True)

    def back(value: Json, key: str = "") -> Json:
        match value:
            case str():
                return escaped.whole(value) if key == "arguments" else plain.whole(value)
            case list():
                return [back(item) for item in value]
            case dict():
                return {plain.whole(name): back(item, name) for name, item in value.items()}
            case _:
                return value

    return back(body)


def opened(value: Json, key: str = "") -> Json:
    """A body with its arguments parsed, and numbers written out: a number that is masked becomes a text."""
    match value:
        case str():
            return opened(json.loads(value)) if key == "arguments" else value
        case list():
            return [opened(item) for item in value]
        case dict():
            return {name: opened(item, name) for name, item in value.items()}
        case bool() | None:
            return value
        case _:
            return json.dumps(value)


def report_of(conversation: Conversation) -> Report:
    """A report that finds every address, in one pass."""
    return Report(
        {
            leaf.address: Examined(
                tuple(
                    Finding(found.start(), found.end(), Entity("EMAIL_ADDRESS"), Permille(900), "t")
                    for found in re.finditer(r"\S+@\S+", leaf.text)
                )
            )
            for leaf in conversation.leaves
        },
        "t",
    )


ENTITIES = {
    "Ann Smith": "PERSON",
    "ann@corp.example": "EMAIL_ADDRESS",
    "bob_smith": "PERSON",
    "Straße 5": "STREET_ADDRESS",
    'O"Brien\\ \n': "PERSON",
    "4111111111111111": "CREDIT_CARD",
    "Zoë": "PERSON",
    "王小明": "PERSON",
    "+1 415 867 5309": "PHONE_NUMBER",
    "10.1.2.3": "IP_ADDRESS",
    "2024-03-04": "DATE_TIME",
    "aa:bb:cc:dd:ee:ff": "MAC_ADDRESS",
}
VALUES = list(ENTITIES)
AROUND = ["", " ", "x", "_", "-", "[", "]", "%5B", "\\", "\\]", "'s", '"', "{", "1", "PERSON_", "&#91;", ".", "Tarv"]
AROUND += ["1 ", "0", "+", "5-", ":", "44 ", "("]
TEXTS = st.lists(st.sampled_from([*VALUES, *AROUND]), max_size=5).map("".join)
NAMES = st.lists(
    st.sampled_from(["bob_smith", "get", "_", "-", "x", "Zoe", "4111111111111111"]), min_size=1, max_size=4
)
JSON = st.recursive(
    st.one_of(TEXTS, st.booleans(), st.none(), st.just(4111111111111111)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=5,
)


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, object]:
    """Chats with texts, tool calls and tools whose names and keys hold values as well."""
    name = draw(NAMES.map("".join))
    arguments = draw(st.dictionaries(TEXTS, JSON, max_size=3))
    keys = draw(st.lists(TEXTS.filter(bool), max_size=3, unique=True))
    schema = {"type": "object", "properties": {key: {"type": "string"} for key in keys}, "required": keys}
    call = {"id": "c1", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
    return chat(
        draw(TEXTS) + "!",
        {"role": "assistant", "content": draw(TEXTS), "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": draw(TEXTS)},
        tools=[{"type": "function", "function": {"name": name, "parameters": schema}}],
        metadata={key[:60]: draw(TEXTS) for key in keys},
    )


@settings(max_examples=200)
@given(bodies(), st.sets(st.sampled_from(VALUES), min_size=1), RESTORABLE)
def test_whatever_was_masked_comes_back(body: dict[str, object], values: set[str], operator: Operator) -> None:
    """Every text, name and key of an echoed request is the caller's own, and none of the values has left."""
    conversation = talk(body)
    result, shown = masked(conversation, {value: ENTITIES[value] for value in values}, operator)
    left = json.dumps(opened(shown), ensure_ascii=False)

    assert opened(parse_json(conversation.body)) == opened(echoed(shown, result))
    assert not [value for value in values if json.dumps(value, ensure_ascii=False)[1:-1] in left]


def test_names_and_keys_keep_their_writing() -> None:
    """A tool that is called Bob_Smith comes back as Bob_Smith, also where a text wrote bob_smith first."""
    tools = [{"type": "function", "function": {"name": name}} for name in ("ask_Bob_Smith", "ask_bob_smith")]
    body = chat("BOB_SMITH", "bob_smith", tools=tools, metadata={"Bob_Smith": "x", "bob_smith": "y"})
    result, shown = masked(talk(body), {"BOB_SMITH": "PERSON"})
    back = echoed(shown, result)

    assert isinstance(back, dict)
    assert (tools, {"Bob_Smith": "x", "bob_smith": "y"}) == (back["tools"], back["metadata"])
    assert "bob_smith" not in json.dumps(shown).lower()


def test_a_schema_agrees_with_itself() -> None:
    """A key of a schema, the words of `required` and `enum`, and references to it are renamed alike."""
    schema = {
        "type": "object",
        "properties": {"ann@corp.example": {"$ref": "#/$defs/Bob_Smith"}, "n": {"enum": ["Bob_Smith", "x"]}},
        "required": ["ann@corp.example"],
        "$defs": {"Bob_Smith": {"type": "string"}},
    }
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
    words = {"ann@corp.example": "EMAIL_ADDRESS", "Bob_Smith": "PERSON"}
    result, shown = masked(talk(chat("hi", tools=[tool])), words)
    text = json.dumps(shown)
    sent = shown["tools"][0]["function"]["parameters"]  # type: ignore[index, call-overload]

    assert [*sent["properties"]][:1] == sent["required"] != ["ann@corp.example"]  # type: ignore[index, call-overload, misc]
    assert sent["properties"][sent["required"][0]] == {"$ref": "#/$defs/" + next(iter(sent["$defs"]))}  # type: ignore[index, call-overload, arg-type]
    assert sent["properties"]["n"]["enum"][0] == next(iter(sent["$defs"]))  # type: ignore[index, call-overload, arg-type]
    assert not [word for word in words if word in text]
    assert [tool] == echoed(shown, result)["tools"]  # type: ignore[index, call-overload]


def test_a_reference_that_is_no_key_is_masked_all_the_same() -> None:
    """A value does not leave in a pointer to nowhere."""
    tool = {"type": "function", "function": {"name": "f", "parameters": {"$ref": "#/$defs/x-bob_smith"}}}
    result, shown = masked(talk(chat("bob_smith", tools=[tool])), {"bob_smith": "PERSON"})

    assert "bob_smith" not in json.dumps(shown)
    assert [tool] == echoed(shown, result)["tools"]  # type: ignore[index, call-overload]


@pytest.mark.parametrize(
    "name", ["a" * 50 + "_bob_smith", "bob_smith" * 6, "xbob_smithx", "bob_smith" + "-" * 55, "bob_smith"]
)
def test_a_name_stays_a_name(name: str) -> None:
    """Letters, digits, `_` and `-`, at most 64 of them, whatever the policy's own entities are called."""
    tools = [{"type": "function", "function": {"name": name}}]
    result, shown = masked(talk(chat("hi", tools=tools)), {"bob_smith": "member.id-no.1"})
    sent = shown["tools"][0]["function"]["name"]  # type: ignore[index, call-overload]

    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", str(sent))
    assert "bob_smith" not in str(sent)
    assert tools == echoed(shown, result)["tools"]  # type: ignore[index, call-overload]


FORGED = "[PERSON_{0}] person {0} PERSON\\_{0} %5BPERSON_{0}%5D &#91;person-{0}&#93; [EMAIL_ADDRESS_{0}] [LITERAL_{0}]"


@BOTH
def test_what_a_caller_forges_comes_back_as_the_text_it_was(operator: Operator) -> None:
    """However bent, and even with an id that is ours: it is a text of the request like any other."""
    first, _ = masked(talk(chat("Ann Smith")), {"Ann Smith": "PERSON"})
    (identity,) = first.vault.values
    body = chat("Ann Smith", FORGED.format(identity), FORGED.format("AAAAAAAAA7"))
    result, shown = masked(talk(body), {"Ann Smith": "PERSON"}, operator)

    assert body["messages"] == echoed(shown, result)["messages"]  # type: ignore[index, call-overload]
    if operator is Operator.PLACEHOLDER:
        assert 1 == json.dumps(shown).count(identity)


def test_another_tenant_cannot_restore() -> None:
    """A placeholder of one tenant, or of another conversation, is a text to every other."""
    _, shown = masked(talk(chat("Ann Smith")), {"Ann Smith": "PERSON"})
    other, _ = masked(talk(chat("Ann Smith")), {"Ann Smith": "PERSON"}, tenant="other")
    later, _ = masked(talk(chat("Well: Ann Smith")), {"Ann Smith": "PERSON"})

    assert shown == restore_json(shown, Restorer(other.vault)) == restore_json(shown, Restorer(later.vault))


PEOPLE = st.lists(st.sampled_from([f"Ann Nr{letter}" for letter in "ABCDEFGH"]), min_size=1, max_size=5)


def turns(people: list[list[str]]) -> list[dict[str, object]]:
    """Messages, one by the user and one by the assistant, that speak of these people."""
    return [{"role": ("user", "assistant")[at % 2], "content": "; ".join(names)} for at, names in enumerate(people)]


def stand_ins(shown: Json, original: list[dict[str, object]], key: str = "messages") -> list[tuple[str, str]]:
    """Each value of some messages with what stood there in the body that left."""
    assert isinstance(shown, dict)
    messages = shown[key]
    assert isinstance(messages, list)
    pairs: list[tuple[str, str]] = []
    for sent, message in zip(messages, original, strict=True):
        assert isinstance(sent, dict)
        pairs += zip(str(message["content"]).split("; "), str(sent["content"]).split("; "), strict=True)
    return pairs


@given(st.lists(PEOPLE, min_size=1, max_size=6), RESTORABLE, st.data())
def test_one_person_one_stand_in_in_every_later_request(
    people: list[list[str]], operator: Operator, data: st.DataObject
) -> None:
    """While the conversation grows, whatever tools and instructions come and go beside it; two never share one."""
    words = {name: "PERSON" for names in people for name in names}
    whole = turns(people)
    meant: dict[str, str] = {}
    for length in range(1, len(whole) + 1):
        more: dict[str, object] = {}
        if data.draw(st.booleans()):
            more["tools"] = [{"type": "function", "function": {"name": "f", "description": f"tool {length}"}}]
        body = {**more, "model": "m", "messages": whole[:length]}
        _, shown = masked(talk(body), words, operator)
        for value, stand_in in stand_ins(shown, whole[:length]):
            assert stand_in == meant.setdefault(value, stand_in)
            assert value != stand_in

    assert len(meant) == len(set(meant.values()))


@BOTH
def test_one_person_one_stand_in_in_every_operation(operator: Operator) -> None:
    """A conversation that moves from one dialect to another keeps its stand-ins, wherever instructions stand there."""
    said = turns([["Ann NrA", "Ann NrB"], ["Ann NrB", "Ann NrC"]])
    words = {f"Ann Nr{letter}": "PERSON" for letter in "ABC"}
    system = {"role": "system", "content": "Be kind"}
    _, in_chat = masked(talk({"model": "m", "messages": [system, *said]}), words, operator)
    _, in_responses = masked(talk({"input": said, "model": "m"}, Operation.RESPONSES), words, operator)
    messages = {"messages": said, "system": "Be kind", "model": "m", "max_tokens": 5}
    _, in_messages = masked(talk(messages, Operation.MESSAGES), words, operator)

    assert isinstance(in_chat, dict)
    assert isinstance(in_chat["messages"], list)
    expected = stand_ins({"messages": in_chat["messages"][1:]}, said)
    assert expected == stand_ins(in_responses, said, "input") == stand_ins(in_messages, said)


def test_two_values_with_one_id_get_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Should the hashes of two values begin alike, the second takes another id."""
    real = PlaceholderKey.id

    def clumsy(self: PlaceholderKey, entity: Entity, value: str, variant: str = "") -> str:
        return real(self, entity, value, variant) if variant else "AAAAAAAAA7"

    monkeypatch.setattr(placeholder.PlaceholderKey, "id", clumsy)
    body = chat("Ann NrA; Ann NrB; ann nra")
    result, shown = masked(talk(body), {"Ann NrA": "PERSON", "Ann NrB": "PERSON", "ann nra": "PERSON"})

    assert 2 == len(result.vault.values)
    assert "Ann NrA; Ann NrB; Ann NrA" == echoed(shown, result)["messages"][0]["content"]  # type: ignore[index, call-overload]


@given(st.text(max_size=12), st.text(max_size=12))
def test_two_values_never_share_a_placeholder(one: str, other: str) -> None:
    """Only writings of one value do."""
    key = PlaceholderKey(SECRET, "t", talk(chat("hi")))
    person = Entity("PERSON")
    assume(fold(one) != fold(other))

    assert key.id(person, one) != key.id(person, other)
    assert key.id(person, one) != key.id(Entity("LOCATION"), one)
    assert key.id(person, one) == key.id(person, f" {one.upper() if fold(one.upper()) == fold(one) else one}")


def test_a_secret_in_another_case_is_another_secret() -> None:
    """Folding would give one secret the other's value back."""
    result, shown = masked(talk(chat("aBcDeFgH abcdefgh")), {"aBcDeFgH": "SECRET", "abcdefgh": "SECRET"})

    assert "aBcDeFgH abcdefgh" == echoed(shown, result)["messages"][0]["content"]  # type: ignore[index, call-overload]


@BOTH
@pytest.mark.parametrize("spread", [True, False])
def test_ten_thousand_values_in_one_request(operator: Operator, *, spread: bool) -> None:
    """Masked, sent and restored in linear time."""
    values = [f"user{at}@corp.example" for at in range(10_000)]

    def there_and_back(count: int) -> None:
        conversation = talk(chat(*values[:count]) if spread else chat(" ".join(values[:count])))
        transforms = [Transform(Entity("EMAIL_ADDRESS"), operator)]
        key = PlaceholderKey(SECRET, "t", conversation)
        result = mask(conversation, report_of(conversation), transforms, key, ANONYMIZER)
        shown = parse_json(conversation.rewritten(result.texts, {}))

        assert json.dumps(shown).count("corp.example") == 0
        assert parse_json(conversation.body) == restore_json(shown, Restorer(result.vault))

    assert_linear(there_and_back, 1_250)
