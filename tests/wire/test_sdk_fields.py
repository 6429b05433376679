"""Every field that the official packages can send is classified: a field that a package grows fails here."""

from __future__ import annotations

import pytest
from anthropic.types import message_create_params
from openai.types import completion_create_params, embedding_create_params, moderation_create_params
from openai.types.chat import completion_create_params as chat_create_params
from openai.types.responses import input_token_count_params, response_create_params

from gateway.domain.declaration import Field, Record, Variants
from gateway.wire.schema import (
    CHAT,
    COMPLETIONS,
    EMBEDDINGS,
    INPUT_TOKENS,
    MESSAGES,
    MODERATIONS,
    OPERATIONS,
    RESPONSES,
)
from tests.wire.sdk_types import Comparison, compare, without_field, without_refused_tag

PAIRS: dict[str, tuple[object, Field, int]] = {
    "chat": (chat_create_params.CompletionCreateParams, CHAT, 100),
    "responses": (response_create_params.ResponseCreateParams, RESPONSES, 200),
    "input_tokens": (input_token_count_params.InputTokenCountParams, INPUT_TOKENS, 180),
    "completions": (completion_create_params.CompletionCreateParams, COMPLETIONS, 18),
    "embeddings": (embedding_create_params.EmbeddingCreateParams, EMBEDDINGS, 5),
    "moderations": (moderation_create_params.ModerationCreateParams, MODERATIONS, 4),
    "messages": (message_create_params.MessageCreateParams, MESSAGES, 150),
}
"""Operation -> the package's type, the declaration, and how many paths there are at least."""

STRICTER = {
    "model: required here, optional in the package",
    "input: required here, optional in the package",
    "prompt: required here, optional in the package",
}
"""A request without these would answer from what the provider keeps, which is refused, or ask nothing."""


def problems(seen: Comparison) -> list[str]:
    """What is wrong, but for what is meant."""
    return [problem for problem in seen.problems if problem not in STRICTER]


def test_every_operation_is_compared() -> None:
    """An operation that is served without a comparison would be one that nobody looks after."""
    assert {id(declaration) for _, declaration, _ in PAIRS.values()} == {id(each) for each in OPERATIONS.values()}


@pytest.mark.parametrize("operation", PAIRS)
def test_every_field_of_the_package_is_classified(operation: str) -> None:
    """Text, control, opaque or refused by name; and nothing that the package may leave out is required."""
    kind, declaration, least = PAIRS[operation]
    seen = compare(kind, declaration)

    assert [] == problems(seen)
    assert len(set(seen.paths)) >= least, "the walk saw less than there is"


@pytest.mark.parametrize("operation", PAIRS)
def test_a_field_that_nobody_classified_is_found(operation: str) -> None:
    """Taking any one field, or any one refused variant, out of the declaration is noticed."""
    kind, declaration, _ = PAIRS[operation]
    seen = compare(kind, declaration)
    for record, name in seen.fields.values():
        told = problems(compare(kind, without_field(declaration, record, name)))
        assert any(problem.endswith(f"{name}: not classified") for problem in told), name
    for variants, tag in seen.tags.values():
        told = problems(compare(kind, without_refused_tag(declaration, variants, tag)))
        assert any(problem.endswith(f"{{{variants.tag}={tag}}}: not classified") for problem in told), tag


def test_the_walk_knows_the_places_that_are_easy_to_forget() -> None:
    """Some paths by name, so that a walk that stops early is noticed."""
    kind, declaration, _ = PAIRS["responses"]
    paths = set(compare(kind, declaration).paths)

    assert {
        "input[]{type=message}{role=user}.content[]{type=input_image}.image_url",
        "input[]{type=function_call}.arguments",
        "input[]{type=reasoning}.encrypted_content",
        "input[]{type=item_reference}",
        "tools[]{type=mcp}",
        "tools[]{type=function}.parameters",
        "prompt",
        "text.format{type=json_schema}.schema",
    } <= paths
    assert isinstance(declaration, Record)
    assert isinstance(declaration.fields["text"], Record)
    assert isinstance(declaration.fields["text"].fields["format"], Variants)
