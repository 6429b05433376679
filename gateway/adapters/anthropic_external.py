"""A door out to Anthropic: messages in Anthropic's own dialect, everything else through litellm.

Both are given the clearance as it is; which of them redeems it depends on the operation that was cleared.
"""

from __future__ import annotations

import asyncio

from gateway.adapters.litellm_external import LitellmExternal
from gateway.adapters.openai_external import OpenAiExternal
from gateway.domain.clearance import Clearance
from gateway.domain.conversation import Operation
from gateway.pipeline.ports import ExternalAnswer, Health


class AnthropicExternal:
    """Implements `ports.ExternalModel`."""

    def __init__(self, messages: OpenAiExternal, chat: LitellmExternal) -> None:
        self._messages = messages
        self._chat = chat

    @property
    def speaks(self) -> frozenset[Operation]:
        """Messages as they are, chat by translation."""
        return self._messages.speaks | self._chat.speaks

    async def start(self) -> None:
        """Bring up what translates. Raises `NotQuiet`."""
        await self._chat.start()

    async def complete(self, clearance: Clearance) -> ExternalAnswer:
        """The provider's answer to exactly the cleared bytes. Raises `UpstreamError`."""
        native = clearance.operation in self._messages.speaks
        return await (self._messages if native else self._chat).complete(clearance)

    async def models(self) -> tuple[str, ...]:
        """The models that the provider lists. Raises `UpstreamError`."""
        return await self._messages.models()

    async def health(self) -> Health:
        """Whether the destination is configured. Sends nothing."""
        return await self._messages.health()

    async def aclose(self) -> None:
        """Close the pooled connections."""
        await asyncio.gather(self._messages.aclose(), self._chat.aclose())
