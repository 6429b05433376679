"""Requests made from the OpenAPI document, right and wrong ones, through a whole gateway: no fault, and no echo.

`GATEWAY_FUZZ_EXAMPLES` sets how many of each sort an endpoint gets (20). The same ones come in every run, unless
`GATEWAY_FUZZ_RANDOM` is set.
"""

from __future__ import annotations

import copy
import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig

from gateway.wire.openapi import document
from gateway.wire.openapi_schema import schema_of
from gateway.wire.schema import OPERATIONS
from tests.egress.leaks.house import House, house_of, masking_policy
from tests.egress.told import end_of

pytestmark = pytest.mark.filterwarnings("ignore:Item .* on TypedDict class:UserWarning")  # litellm's own types

EXAMPLES = int(os.environ.get("GATEWAY_FUZZ_EXAMPLES", "20"))
RANDOM = bool(os.environ.get("GATEWAY_FUZZ_RANDOM"))
MODELS = ["gpt-x", "chat-x", "claude-x", "out-x", "omni-moderation-latest"]
FUZZED = settings(
    max_examples=EXAMPLES,
    derandomize=not RANDOM,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def _document() -> dict[str, Any]:
    """The document, with models and labels that there are, so that requests come further than to their names."""
    whole: Any = copy.deepcopy(document())
    whole["components"]["parameters"]["x-gateway-label"]["schema"] = {"enum": ["public", "internal", "restricted"]}
    for name, body in whole["components"]["schemas"].items():
        if name.endswith("Request"):
            body["properties"]["model"] = {"enum": MODELS}
    return whole  # type: ignore[no-any-return]


DOCUMENT = _document()
CONFIG = SchemathesisConfig.from_dict({"generation": {"with-security-parameters": False}})
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT, config=CONFIG)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A gateway that masks what it finds, so that much of it leaves and comes back."""
    with house_of(tmp_path_factory.mktemp("fuzz"), masking_policy()) as house:
        yield house


@pytest.fixture(scope="module")
def session(house: House) -> Iterator[requests.Session]:
    """What sends the cases, with the key."""
    with requests.Session() as session:
        session.trust_env = False
        session.headers["authorization"] = f"Bearer {house.running.first_key}"
        yield session


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("key", OPERATIONS)
def test_requests_made_from_the_document(
    house: House, session: requests.Session, key: str, mode: GenerationMode
) -> None:
    """Each is answered or refused, in the form that the document says. Some of the right ones are answered, and none
    that does not fit its schema."""
    method, path = key.split(" ")
    operation = SCHEMA[path][method]
    ends: Counter[str] = Counter()
    fits = jsonschema_rs.Draft202012Validator(schema_of(OPERATIONS[key]))

    @FUZZED
    @given(data=st.data())
    def sent(data: st.DataObject) -> None:
        case = data.draw(operation.as_strategy(mode))
        note(f"{case.headers} {case.media_type} {case.body!r}")
        reply = case.call(base_url=house.running.base_url.removesuffix("/v1"), session=session, timeout=30)
        end = end_of(key, reply.status_code, reply.headers, reply.content)
        assert end != "200" or fits.is_valid(case.body)
        ends[end] += 1

    sent()
    print(mode.value, key, dict(ends))

    assert ends["200" if mode is GenerationMode.POSITIVE else "invalid_field"] > 0
