"""The names that callers may use: the configured ones, and for a pattern what its destination lists and it matches.

A destination is asked once in a while, with a request that holds nothing of any caller. One that does not answer
lists nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from gateway.domain.alias import Alias
from gateway.domain.errors import GatewayError
from gateway.pipeline.ports import Clock, ExternalModel, LocalModel

_FRESH_US = 300 * 1_000_000
"""How long a list counts as true, in microseconds."""


class Catalogue:
    """Knows the names. `models` are the destinations by name."""

    def __init__(
        self, aliases: Mapping[str, Alias], models: Mapping[str, ExternalModel | LocalModel], clock: Clock
    ) -> None:
        self._aliases = aliases
        self._models = models
        self._clock = clock
        self._asking = asyncio.Lock()
        self._listed: Mapping[str, Sequence[str]] = {}
        self._fresh_until = 0

    async def names(self) -> tuple[str, ...]:
        """All names, sorted."""
        async with self._asking:
            if self._clock.now() >= self._fresh_until:
                self._listed = await self._ask()
                self._fresh_until = self._clock.now() + _FRESH_US
        found = {name for pattern, alias in self._aliases.items() for name in self._matching(pattern, alias)}
        return tuple(sorted(found | set(self._aliases)))

    def _matching(self, pattern: str, alias: Alias) -> list[str]:
        if not pattern.endswith("*"):
            return []
        listed = [*self._listed.get(alias.external, ()), *self._listed.get(alias.local, ())]
        return [name for name in listed if name.startswith(pattern[:-1])]

    async def _ask(self) -> Mapping[str, Sequence[str]]:
        behind_patterns = {
            destination
            for pattern, alias in self._aliases.items()
            if pattern.endswith("*")
            for destination in (alias.external, alias.local)
            if destination in self._models
        }
        names = sorted(behind_patterns)
        lists = await asyncio.gather(*(self._models[name].models() for name in names), return_exceptions=True)
        listed: dict[str, Sequence[str]] = {}
        for name, answer in zip(names, lists, strict=True):
            if isinstance(answer, BaseException) and not isinstance(answer, GatewayError):
                raise answer
            listed[name] = () if isinstance(answer, BaseException) else answer
        return listed
