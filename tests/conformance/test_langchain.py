"""LangChain's standard suites for chat (completions and responses) and embeddings, with langchain-openai."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal

import httpx
import pytest
from langchain_core.messages import AIMessage
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from langchain_tests.integration_tests import ChatModelIntegrationTests, EmbeddingsIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests, EmbeddingsUnitTests
from pydantic import SecretStr

from tests.conformance.house import Side

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
"""LangChain warns of what its own suites do: files without a name, models of pydantic's first version."""

Details = Literal["audio_input", "audio_output", "reasoning_output", "cache_read_input", "cache_creation_input"]


@pytest.fixture(autouse=True)
def _files_of_the_web(monkeypatch: pytest.MonkeyPatch) -> None:
    """The suites fetch a picture, a document and a sound from the web; here they get a few bytes."""
    answer = httpx.Response(200, content=PIXEL)
    monkeypatch.setattr("langchain_tests.integration_tests.chat_models.httpx.get", lambda *_, **__: answer)
    monkeypatch.setenv("LANGCHAIN_TESTS_USER_AGENT", "tests")


@pytest.fixture
async def clients() -> AsyncIterator[dict[str, Any]]:
    """Connections of the test's own, closed at its end: LangChain keeps those it opens itself."""
    async with httpx.AsyncClient() as asynchronous:
        with httpx.Client() as synchronous:
            yield {"http_client": synchronous, "http_async_client": asynchronous}


class TestChatUnit(ChatModelUnitTests):
    """What needs no server."""

    @pytest.fixture(autouse=True)
    def _key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The suite makes some models without one."""
        monkeypatch.setenv("OPENAI_API_KEY", "none")

    @property
    def chat_model_class(self) -> type[ChatOpenAI]:
        """The class under test."""
        return ChatOpenAI

    @property
    def chat_model_params(self) -> dict[str, Any]:
        """A model that is never asked."""
        return {"model": "gpt-4o-mini"}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        """As langchain-openai's own suite has it."""
        return (
            {"OPENAI_API_KEY": "api_key", "OPENAI_ORG_ID": "org_id", "OPENAI_API_BASE": "api_base"},
            {},
            {"openai_api_key": "api_key", "openai_organization": "org_id", "openai_api_base": "api_base"},
        )


class TestEmbeddingsUnit(EmbeddingsUnitTests):
    """What needs no server."""

    @property
    def embeddings_class(self) -> type[OpenAIEmbeddings]:
        """The class under test."""
        return OpenAIEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        """A model that is never asked."""
        return {"model": "text-embedding-3-small", "api_key": SecretStr("none")}


class _Chat(ChatModelIntegrationTests):
    """What both dialects of chat have in common."""

    side: Side
    clients: dict[str, Any]

    @pytest.fixture(autouse=True)
    def _point(self, side: Side, clients: dict[str, Any]) -> None:
        """Each test on each side."""
        self.side, self.clients = side, clients

    @property
    def chat_model_class(self) -> type[ChatOpenAI]:
        """The class under test."""
        return ChatOpenAI

    @property
    def chat_model_params(self) -> dict[str, Any]:
        """Pointed at this side, without retries."""
        return {
            "model": "gpt-4o-mini",
            "base_url": self.side.base_url,
            "api_key": SecretStr(self.side.key),
            "max_retries": 0,
            **self.clients,
            "stream_usage": True,
        }

    @property
    def supports_json_mode(self) -> bool:
        """It does."""
        return True

    @property
    def supports_image_inputs(self) -> bool:
        """As data; a picture at an address of the web is refused here."""
        return True

    @property
    def supports_pdf_inputs(self) -> bool:
        """As data."""
        return True

    @property
    def supports_anthropic_inputs(self) -> bool:
        """`cache_control` and the like in messages that another model answered before."""
        return True

    @property
    def model_override_value(self) -> str:
        """Another model of both sides."""
        return "gpt-4o"

    @property
    def supported_usage_metadata_details(self) -> dict[Literal["invoke", "stream"], list[Details]]:
        """What usage tells."""
        return {
            "invoke": ["reasoning_output", "cache_read_input"],
            "stream": ["reasoning_output", "cache_read_input"],
        }

    def invoke_with_reasoning_output(self, *, stream: bool = False) -> AIMessage:
        """An answer that was thought about."""
        return self._asked(stream=stream, reasoning_effort="medium")

    def invoke_with_cache_read_input(self, *, stream: bool = False) -> AIMessage:
        """An answer whose request was seen before."""
        return self._asked(stream=stream)

    def _asked(self, *, stream: bool, **options: Any) -> AIMessage:
        model = ChatOpenAI(**{**self.chat_model_params, **options})
        if not stream:
            return model.invoke("What is 3^3?")
        parts = list(model.stream("What is 3^3?"))
        whole = parts[0]
        for part in parts[1:]:
            whole += part
        return whole


class TestChat(_Chat):
    """Chat completions."""

    @property
    def supports_audio_inputs(self) -> bool:
        """As data."""
        return True


class TestResponses(_Chat):
    """The same model through the Responses API."""

    @property
    def chat_model_params(self) -> dict[str, Any]:
        """With the other dialect."""
        return {**super().chat_model_params, "use_responses_api": True}

    @property
    def supports_image_tool_message(self) -> bool:
        """Tool results may hold pictures in this dialect."""
        return True

    @property
    def supports_pdf_tool_message(self) -> bool:
        """And documents."""
        return True


class TestEmbeddings(EmbeddingsIntegrationTests):
    """With token ids, which langchain-openai sends unless told otherwise."""

    side: Side
    clients: dict[str, Any]

    @pytest.fixture(autouse=True)
    def _point(self, side: Side, clients: dict[str, Any]) -> None:
        """Each test on each side."""
        self.side, self.clients = side, clients

    @property
    def embeddings_class(self) -> type[OpenAIEmbeddings]:
        """The class under test."""
        return OpenAIEmbeddings

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        """Pointed at this side, without retries."""
        return {
            "model": "text-embedding-3-small",
            "base_url": self.side.base_url,
            "api_key": SecretStr(self.side.key),
            "max_retries": 0,
            **self.clients,
        }


class TestEmbeddingsOfText(TestEmbeddings):
    """With text, as other providers want it."""

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        """Without the tokenizer."""
        return {**super().embedding_model_params, "check_embedding_ctx_length": False}
