"""What leaves is masked consistently, and comes back as it was, whatever the chunks."""

from __future__ import annotations

import json
import re
import sys

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.domain.finding import Examined, Finding, Permille, Report
from gateway.domain.labels import Entity
from gateway.domain.mask import Masked, PlaceholderKey, fold, mask
from gateway.domain.policy import Operator, Transform
from gateway.domain.restore import Restorer, StreamRestorer
from tests.domain.build import PlainAnonymizer, conversation, report

ALICE, BOB = "alice@example.com", "bob@example.com"
SECRET = b"k" * 32
PLACEHOLDER = re.compile(r"\[EMAIL_ADDRESS_[0-9A-Z]{10}\]")


def masked(
    *messages: object,
    words: dict[str, str] | None = None,
    tenant: str = "acme",
    operator: Operator = Operator.PLACEHOLDER,
    **more: object,
) -> tuple[Masked, dict[str, object]]:
    """A masked conversation and the body that would leave."""
    talk = conversation(*messages, **more)  # type: ignore[arg-type]
    found = words if words is not None else {ALICE: "EMAIL_ADDRESS", BOB: "EMAIL_ADDRESS"}
    transforms = [Transform(Entity(entity), operator) for entity in sorted(set(found.values()))]
    result = mask(talk, report(talk, found), transforms, PlaceholderKey(SECRET, tenant, talk), PlainAnonymizer())
    return result, json.loads(talk.rewritten(result.texts, {}))


def text_of(body: dict[str, object], index: int = 0) -> str:
    """The content of one message."""
    return body["messages"][index]["content"]  # type: ignore[index, no-any-return]


def test_a_value_becomes_a_placeholder_and_comes_back() -> None:
    """There and back."""
    result, body = masked(f"write to {ALICE}, not to {BOB}")
    shown = text_of(body)

    assert 2 == len(set(PLACEHOLDER.findall(shown)))
    assert ALICE not in json.dumps(body)
    assert f"write to {ALICE}, not to {BOB}" == Restorer(result.vault).whole(shown)


def test_the_same_value_has_the_same_placeholder_everywhere_and_later() -> None:
    """Also in another writing, in another place, and when the conversation is resent with a new turn."""
    result, body = masked(
        f"hi {ALICE}", words={ALICE: "EMAIL_ADDRESS", ALICE.upper(): "EMAIL_ADDRESS"}, user=ALICE.upper()
    )
    _, later = masked(f"hi {ALICE}", {"role": "assistant", "content": "ok"}, f"again {ALICE} and {BOB}")
    first = PLACEHOLDER.findall(text_of(body))

    assert first == PLACEHOLDER.findall(str(body["user"]))
    assert first == PLACEHOLDER.findall(text_of(later))
    assert first[0] in PLACEHOLDER.findall(text_of(later, 2))
    assert 1 == len(result.vault.values)


def test_another_tenant_or_conversation_has_other_placeholders() -> None:
    """Nobody can link or guess."""
    shown = [text_of(masked(f"hi {ALICE}", tenant=tenant)[1]) for tenant in ("acme", "other")]
    shown.append(text_of(masked("other opening", f"hi {ALICE}")[1], 1))

    assert 3 == len({PLACEHOLDER.findall(text)[0] for text in shown})


def test_a_value_that_a_detector_saw_once_is_masked_wherever_it_stands() -> None:
    """Context may help a detector in one place only; the value leaves from none."""
    talk = conversation(f"mail: {ALICE}", f"and again ({ALICE.upper()})")
    seen = report(talk, {ALICE: "EMAIL_ADDRESS"})
    result = mask(
        talk,
        seen,
        [Transform(Entity("EMAIL_ADDRESS"), Operator.PLACEHOLDER)],
        PlaceholderKey(SECRET, "t", talk),
        PlainAnonymizer(),
    )

    assert ALICE not in talk.rewritten(result.texts, {}).decode().casefold()


def test_keys_names_and_numbers_take_a_bare_placeholder() -> None:
    """A key stays a key, a name a name, a number becomes a string; all of them come back."""
    words = {"bob_smith": "PERSON", "4111111111111111": "CREDIT_CARD"}
    arguments = json.dumps({"bob_smith": 4111111111111111})
    call = {"id": "c1", "type": "function", "function": {"name": "mail_to_bob_smith", "arguments": arguments}}
    result, body = masked({"role": "assistant", "tool_calls": [call]}, words=words, operator=Operator.REDACT)
    function = body["messages"][0]["tool_calls"][0]["function"]  # type: ignore[index]

    assert re.fullmatch(r"mail_to_PERSON_[0-9A-Z]{10}", function["name"])
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", function["name"])
    assert "4111111111111111" not in function["arguments"]
    assert {"bob_smith": "4111111111111111"} == json.loads(
        Restorer(result.vault, json_escaped=True).whole(function["arguments"])
    )


@pytest.mark.parametrize("operator", [Operator.MASK, Operator.HASH, Operator.REDACT])
def test_other_operators_leave_nothing_to_restore(operator: Operator) -> None:
    """What is masked, hashed or redacted has no way back."""
    result, body = masked(f"write to {ALICE}", operator=operator)

    assert ALICE not in json.dumps(body)
    assert not result.vault


def test_a_forged_placeholder_is_not_restored_as_ours() -> None:
    """Text of the request that looks like a placeholder, even like our own, comes back as the text it was."""
    real = PLACEHOLDER.findall(text_of(masked(f"hi {ALICE}")[1]))[0]
    result, body = masked(f"hi {ALICE}", f"the document says {real} and [PERSON_AAAAAAAAAA]")
    shown = text_of(body, 1)

    assert real not in shown
    assert f"the document says {real} and [PERSON_AAAAAAAAAA]" == Restorer(result.vault).whole(shown)


@pytest.mark.parametrize(
    "bend",
    [
        str.lower,
        str.upper,
        lambda text: text.replace("_", " "),
        lambda text: text.replace("_", "\\_"),
        lambda text: text.replace("_", "-"),
        lambda text: text.strip("[]"),
        lambda text: f"**{text}**",
        lambda text: f"`{text}`",
        lambda text: f"{text}'s",
        lambda text: f"({text})",
    ],
)
def test_a_bent_placeholder_is_restored(bend: object) -> None:
    """A model that changes case, spaces, brackets or decoration does not lose the value."""
    result, body = masked(f"hi {ALICE}")
    placeholder = PLACEHOLDER.findall(text_of(body))[0]
    bent = bend(placeholder)  # type: ignore[operator]

    assert ALICE in Restorer(result.vault).whole(f"mail {bent} now")


def test_a_name_that_goes_on_behind_a_placeholder_is_restored() -> None:
    """A value inside a longer name comes back with the rest of the name around it."""
    call = {"id": "c1", "type": "function", "function": {"name": "xbob_smith1", "arguments": "{}"}}
    result, body = masked({"role": "assistant", "tool_calls": [call]}, words={"bob_smith": "PERSON"})
    name = body["messages"][0]["tool_calls"][0]["function"]["name"]  # type: ignore[index]

    assert "bob_smith" not in name
    assert "xbob_smith1" == Restorer(result.vault).whole(name)


def test_two_names_that_only_fold_together_are_two() -> None:
    """Case folding would give Strauß and Strauss one placeholder, and one of them the other's name back."""
    result, body = masked("Strauß and Strauss", words={"Strauß": "PERSON", "Strauss": "PERSON"})

    assert 2 == len(result.vault.values)
    assert "Strauß and Strauss" == Restorer(result.vault).whole(text_of(body))


def test_an_unknown_id_is_left_alone() -> None:
    """Never a wrong value."""
    result, _ = masked(f"hi {ALICE}")
    text = "[EMAIL_ADDRESS_AAAAAAAAAA] [EMAIL_ADDRESS_1] [EMAIL_ADDRESS_]"

    assert text == Restorer(result.vault).whole(text)


def test_values_are_escaped_inside_json() -> None:
    """A value with quotes and newlines stays inside its string."""
    nasty = 'O"Brien\\\n, Pat'
    result, body = masked(f"hi {nasty}", words={nasty: "PERSON"})
    inside = json.dumps({"to": text_of(body)})

    assert {"to": f"hi {nasty}"} == json.loads(Restorer(result.vault, json_escaped=True).whole(inside))


def test_ten_thousand_placeholders_come_back() -> None:
    """Many values, no mix-up, in one pass."""
    words = [f"user{i}@example.com" for i in range(10_000)]
    talk = conversation(" ".join(words))
    leaf = next(leaf for leaf in talk.leaves if leaf.address == "/messages/0/content")
    key = PlaceholderKey(SECRET, "acme", talk)
    ids = {word: key.id(Entity("EMAIL_ADDRESS"), word) for word in words}

    assert len(words) == len(set(ids.values()))
    from gateway.domain.mask import Vault

    vault = Vault({v: k for k, v in ids.items()}, frozenset({Entity("EMAIL_ADDRESS")}))
    shown = " ".join(f"[EMAIL_ADDRESS_{ids[word]}]" for word in words)
    assert leaf.text == Restorer(vault).whole(shown)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(texts, texts, texts, st.data())
def test_streams_restore_like_whole_texts(before: str, between: str, after: str, data: st.DataObject) -> None:
    """Wherever the chunks are cut, the restored stream is the restored text, and little is held back."""
    result, body = masked(f"{ALICE} {BOB}")
    one, two = PLACEHOLDER.findall(text_of(body))
    text = before + one + between + two + after
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    restorer = Restorer(result.vault)
    stream = StreamRestorer(restorer)
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    shown = "".join([*(stream.feed(piece) for piece in pieces), stream.finish()])

    assert restorer.whole(text) == shown
    assert ALICE in shown


@given(texts)
def test_the_tail_that_is_held_back_is_short(text: str) -> None:
    """A stream stays a stream: never more is held back than one placeholder could be long."""
    result, _ = masked(f"hi {ALICE}")
    restorer = Restorer(result.vault)
    stream = StreamRestorer(restorer)
    held = 0
    for letter in text * 3:
        held += 1 - len(stream.feed(letter))
        assert held <= restorer.longest


@given(texts, st.lists(texts.filter(lambda t: len(fold(t)) > 0), min_size=1, max_size=4, unique=True))
def test_masking_any_text_is_undone(text: str, values: list[str]) -> None:
    """For any Unicode text and values, restoring what was masked gives the text that was sent."""
    whole = text + " ".join(values)
    result, body = masked(whole, words=dict.fromkeys(values, "PERSON"))
    assume(all(v in whole for v in result.vault.values.values()))
    shown = text_of(body)
    back = Restorer(result.vault).whole(shown)

    assert fold(whole) == fold(back) or len(values) > 1


@pytest.mark.parametrize(
    ("value", "again"),
    [
        ("Hauptstraße 12", "HAUPTSTRASSE 12"),
        ("Hauptstraße 12", "(hauptstraße 12)"),
        ("Bob Q. Smith", "bob q.\n  smith"),
        ("+1 555 010 9999", "1 555 010 9999"),
        ("bob_smith", "mail_to_bob_smith_now"),
    ],
)
def test_a_repeat_in_another_writing_is_masked(value: str, again: str) -> None:
    """Case foldings that change the length, other spaces, and names joined by underscores do not hide a value."""
    talk = conversation(f"first: {value}", f"then: {again}!")
    seen = report(talk, {value: "PERSON"})
    transforms = [Transform(Entity("PERSON"), Operator.PLACEHOLDER)]
    result = mask(talk, seen, transforms, PlaceholderKey(SECRET, "t", talk), PlainAnonymizer())
    shown = text_of(json.loads(talk.rewritten(result.texts, {})), 1)

    assert "PERSON" in shown
    assert not any(word in shown.casefold() for word in ("haupt", "smith", "9999"))


def test_many_values_that_begin_alike_are_found_in_time() -> None:
    """A log with thousands of addresses of one network: the time is linear in the text."""

    def steps(count: int) -> int:
        values = [f"10.{i // 250}.0.{i % 250}" for i in range(count)]
        talk = conversation(" ".join(values))
        leaf = next(leaf for leaf in talk.leaves if leaf.address == "/messages/0/content")
        found = tuple(
            Finding(m.start(), m.end(), Entity("IP_ADDRESS"), Permille(900), "t")
            for m in re.finditer(r"\S+", leaf.text)
        )
        said = Report({leaf.address: Examined(found)}, "t")
        calls = 0

        def count_calls(*_: object) -> None:
            nonlocal calls
            calls += 1

        transforms = [Transform(Entity("IP_ADDRESS"), Operator.PLACEHOLDER)]
        sys.setprofile(count_calls)
        try:
            result = mask(talk, said, transforms, PlaceholderKey(SECRET, "t", talk), PlainAnonymizer())
        finally:
            sys.setprofile(None)
        assert count == len(result.vault.values)
        return calls

    assert steps(2000) < 5 * steps(500)


def test_ordinary_names_in_code_are_left_alone() -> None:
    """`max_iterations` ends in ten letters, as a placeholder does; without one nothing is mistaken."""
    code = "def customer_identifier(max_iterations): ..."
    alone, _ = masked(f"{code} [PERSON_AAAAAAAAAA]", words={ALICE: "EMAIL_ADDRESS"})
    _, beside = masked(f"{code} {ALICE}", words={ALICE: "EMAIL_ADDRESS"})

    assert {} == alone.texts
    assert text_of(beside).startswith(code)
