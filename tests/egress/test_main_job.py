"""The gateway's main job, through the front door with the real SDK."""

from __future__ import annotations

import json

import pytest
from openai import APIStatusError, BadRequestError, NotFoundError, PermissionDeniedError

from tests.egress.conftest import House
from tests.egress.harness import holds, left, outcome_of, stored

EMAIL = "dana.whitfield@example.com"
INSIDE = {
    "ssn": ("My social security number is 536-22-8145, is that on file?", "536-22-8145"),
    "card": ("Why was card 4111 1111 1111 1111 declined?", "4111 1111 1111 1111"),
    "iban": ("Transfer to IBAN GB82 WEST 1234 5698 7654 32 please", "GB82 WEST 1234 5698 7654 32"),
    "phi": ("Patient John Smith was diagnosed with type 2 diabetes and takes metformin.", "John Smith"),
}


def ask(house: House, text: str, **more: object) -> tuple[str, dict[str, str]]:
    """One question with the SDK: the answer and the headers."""
    raw = house.client.chat.completions.with_raw_response.create(
        model="gpt-4o-mini",
        messages=[{"role": "user", "content": text}],
        **more,  # type: ignore[call-overload]
    )
    return raw.parse().choices[0].message.content or "", dict(raw.headers)


def test_a_plain_question_goes_out(house: House) -> None:
    """And the answer's own bytes come back."""
    before = len(house.provider.requests)
    answer, headers = ask(house, "What is a Merkle tree?")
    sent = house.provider.requests[before]

    assert "What is a Merkle tree?" in answer
    assert ("external", "openai") == (headers["x-gateway-route"], headers["x-gateway-destination"])
    assert {"x-gateway-decision-id", "x-gateway-receipt", "x-gateway-policy", "x-request-id"} <= headers.keys()
    assert json.loads(sent.body)["store"] is False


@pytest.mark.parametrize("kind", sorted(INSIDE))
@pytest.mark.parametrize("stream", [False, True])
def test_sensitive_requests_are_answered_inside(house: House, kind: str, *, stream: bool) -> None:
    """Nothing of them reaches the provider, streamed or not."""
    text, canary = INSIDE[kind]
    before = len(house.provider.requests)
    raw = house.client.chat.completions.with_raw_response.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": text}], stream=stream, max_tokens=24
    )
    parsed = raw.parse()
    pieces = list(parsed) if stream else [parsed]  # type: ignore[call-overload]

    assert "local" == raw.headers["x-gateway-route"]
    assert pieces[-1].choices[0].finish_reason in {"stop", "length"}
    assert before == len(house.provider.requests)
    assert not holds(left(house.provider), canary)


@pytest.mark.parametrize("stream", [False, True])
def test_an_address_leaves_as_a_placeholder_and_comes_back(house: House, *, stream: bool) -> None:
    """The provider sees a stand-in; the caller sees the address."""
    text = f"Draft a reply to {EMAIL}, cc {EMAIL.upper()}."
    raw = house.client.chat.completions.with_raw_response.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": text}], stream=stream
    )
    parsed = raw.parse()
    answer = (
        "".join(chunk.choices[0].delta.content or "" for chunk in parsed if chunk.choices)  # type: ignore[union-attr]
        if stream
        else parsed.choices[0].message.content
    )

    assert EMAIL in (answer or "")
    assert "external-transformed" == raw.headers["x-gateway-route"]
    assert not holds(left(house.provider), EMAIL)


def test_tool_arguments_come_back_restored(house: House) -> None:
    """Also inside the JSON of a tool call."""
    tool = {"type": "function", "function": {"name": "send_mail", "parameters": {"type": "object"}}}
    reply = house.client.chat.completions.create(
        model="gpt-4o-mini",
        messages=[{"role": "user", "content": f"mail {EMAIL}"}],
        tools=[tool],  # type: ignore[list-item]
    )
    arguments = (reply.choices[0].message.tool_calls or [])[0].function.arguments  # type: ignore[union-attr]

    assert EMAIL in json.dumps(json.loads(arguments))
    assert not holds(left(house.provider), EMAIL)


def test_a_blocked_request_gets_a_typed_error_with_a_reason(house: House) -> None:
    """A credential is refused, with the rule's own words and the decision's id, and without an echo."""
    secret = "sk-proj-Zk3vT9qLm2Xw8RbN4yHc7JdP1sGf6AuE"
    with pytest.raises(PermissionDeniedError) as refused:
        ask(house, f"Fix this: client = Client(api_key='{secret}')")

    body = refused.value.response.json()["error"]
    assert "policy_refused" == body["code"]
    assert len(body["message"]) > 20
    assert refused.value.response.headers["x-gateway-decision-id"]
    assert secret not in refused.value.response.text
    assert not holds(left(house.provider), secret)


def test_the_gateways_key_and_the_callers_headers_stay_here(house: House) -> None:
    """Only what the adapter builds goes up: no gateway key, cookie, baggage, organisation or user agent."""
    before = len(house.provider.requests)
    house.client.chat.completions.create(
        model="gpt-4o-mini",
        messages=[{"role": "user", "content": "hello"}],
        extra_headers={"cookie": "canary=1", "baggage": "canary=2", "OpenAI-Organization": "canary", "x-any": "canary"},
    )
    sent = house.provider.requests[before]

    assert not [value for _, value in sent.headers if "canary" in value and "provider-key" not in value]
    assert "Bearer provider-key-canary" == sent.header("authorization")
    assert house.running.first_key not in str(sent.headers)


def test_a_client_cannot_weaken_the_policy(house: House) -> None:
    """A lower label is no help; a higher one is honoured."""
    _, low = ask(house, INSIDE["ssn"][0], extra_headers={"x-gateway-label": "public"}, max_tokens=8)
    _, high = ask(house, "hello", extra_headers={"x-gateway-label": "restricted"}, max_tokens=8)

    assert ["local", "local"] == [low["x-gateway-route"], high["x-gateway-route"]]


@pytest.mark.parametrize(
    "place",
    [
        {"user": EMAIL},
        {"metadata": {"contact": EMAIL}},
        {"stop": [EMAIL]},
        {"prompt_cache_key": EMAIL},
        {"safety_identifier": EMAIL},
        {"prediction": {"type": "content", "content": EMAIL}},
        {"tools": [{"type": "function", "function": {"name": "f", "description": f"for {EMAIL}"}}]},
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"enum": [EMAIL], EMAIL: 1}}}]},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"title": EMAIL}}}},
    ],
)
def test_no_corner_of_the_request_is_forgotten(house: House, place: dict[str, object]) -> None:
    """An address in any field leaves masked or not at all."""
    house.client.chat.completions.create(  # type: ignore[call-overload]
        model="gpt-4o-mini", messages=[{"role": "user", "content": "hello"}], max_tokens=8, **place
    )

    assert not holds(left(house.provider), EMAIL)


def test_history_and_tool_results_are_read(house: House) -> None:
    """Not only the last message: system text, earlier turns, arguments, results."""
    arguments = json.dumps({"to": EMAIL})
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": arguments}}
    messages = [
        {"role": "system", "content": f"You write for {EMAIL}"},
        {"role": "assistant", "content": f"Shall I mail {EMAIL}?", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": f"sent to {EMAIL}"},
        {"role": "user", "content": [{"type": "text", "text": "thanks"}, {"type": "text", "text": EMAIL}]},
    ]
    house.client.chat.completions.create(model="gpt-4o-mini", messages=messages)  # type: ignore[arg-type]

    assert not holds(left(house.provider), EMAIL)


def test_errors_of_the_contract_reach_the_sdk(house: House) -> None:
    """Typed, with codes, and without an echo."""
    with pytest.raises(NotFoundError) as unknown:
        house.client.chat.completions.create(model="canary-model", messages=[{"role": "user", "content": "x"}])
    with pytest.raises(BadRequestError) as field:
        ask(house, "x", extra_body={"canary_field": 1})
    with pytest.raises(NotFoundError) as endpoint:
        house.client.images.generate(model="gpt-4o-mini", prompt="canary-text")
    codes = [error.value.response.json()["error"]["code"] for error in (unknown, field, endpoint)]

    assert ["model_not_found", "unsupported_field", "unknown_endpoint"] == codes
    assert "canary-model" not in unknown.value.response.text
    assert not holds(left(house.provider), "canary-text")


def test_a_wrong_key_is_refused(house: House) -> None:
    """401, as the SDK expects."""
    with pytest.raises(APIStatusError) as refused:
        house.client.with_options(api_key="gw_wrong_key").models.list()

    assert (401, "invalid_api_key") == (refused.value.status_code, refused.value.response.json()["error"]["code"])


def test_the_configured_models_are_listed(house: House) -> None:
    """With the SDK's own call; the embedded model has its name."""
    names = {model.id for model in house.client.models.list()}

    assert {"gpt-*", "local/embedded"} <= names


def test_the_record_holds_every_decision_and_no_text(house: House) -> None:
    """After all of the above the database knows the decisions and none of the words."""
    _, headers = ask(house, f"My name is Ann, mail {EMAIL}")
    data = stored(house.folder)

    assert headers["x-gateway-decision-id"].encode() in data
    for canary in (EMAIL, "536-22-8145", "4111 1111 1111 1111", "sk-proj-Zk3vT9qLm2Xw8RbN4yHc7JdP1sGf6AuE"):
        assert not holds(data, canary)
    assert house.running.first_key.encode() not in data


def test_outcomes_tell_what_both_ways_cost(house: House) -> None:
    """Of a question that left and of one that stayed: what it cost, and where else it could have gone."""
    _, out = ask(house, "What is a Merkle tree?")
    _, inside = ask(house, INSIDE["ssn"][0], max_tokens=8)
    went, stayed = (outcome_of(house.folder, headers["x-gateway-decision-id"]) for headers in (out, inside))

    assert ("local-slm", 1) == (went["other"]["d"], went["cost"]["known"])
    assert 0 < went["cost"]["nusd"] < 1_000_000
    assert ("openai", 1) == (stayed["other"]["d"], stayed["other"]["known"])
    assert 0 < stayed["other"]["nusd"] < 1_000_000
    assert 0 < stayed["other"]["us"]
    assert 0 < stayed["other"]["seen"]
    assert {"nusd": 0, "known": 0} == stayed["cost"]  # nobody said what the machine costs
