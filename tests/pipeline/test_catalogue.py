"""The names that callers may use: configured ones, and what destinations list behind a pattern."""

from __future__ import annotations

import pytest

from gateway.domain.alias import Alias
from gateway.domain.errors import ErrorCode, UpstreamError
from gateway.pipeline.catalogue import Catalogue
from gateway.testing.recording_external import RecordingExternal


class Listing(RecordingExternal):
    """A provider that lists models, or fails to."""

    def __init__(self, *names: str, error: Exception | None = None) -> None:
        super().__init__("openai")
        self.names, self.error, self.asked = names, error, 0

    async def models(self) -> tuple[str, ...]:
        """The list."""
        self.asked += 1
        if self.error:
            raise self.error
        return self.names


class Hours:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.time = 1_000_000_000

    def now(self) -> int:
        """The time."""
        return self.time

    def new_id(self) -> str:
        """None is needed."""
        raise AssertionError


ALIASES = {"gpt-*": Alias("openai", ""), "text-embedding-3-small": Alias("openai", ""), "x/*": Alias("", "lost")}


async def test_a_pattern_shows_what_its_destination_lists_and_it_matches() -> None:
    """Beside the configured names themselves."""
    provider = Listing("gpt-5", "gpt-5-mini", "dall-e-3")
    names = await Catalogue(ALIASES, {"openai": provider}, Hours()).names()

    assert ("gpt-*", "gpt-5", "gpt-5-mini", "text-embedding-3-small", "x/*") == names


async def test_a_destination_is_asked_once_in_a_while() -> None:
    """And again when the list is old."""
    provider, clock = Listing("gpt-5"), Hours()
    catalogue = Catalogue(ALIASES, {"openai": provider}, clock)
    await catalogue.names()
    await catalogue.names()
    assert 1 == provider.asked
    clock.time += 301 * 1_000_000
    provider.names = ("gpt-6",)

    assert "gpt-6" in await catalogue.names()


async def test_a_destination_that_does_not_answer_lists_nothing() -> None:
    """The configured names remain."""
    provider = Listing(error=UpstreamError(ErrorCode.UPSTREAM_TIMEOUT))

    assert tuple(sorted(ALIASES)) == await Catalogue(ALIASES, {"openai": provider}, Hours()).names()


async def test_a_fault_of_our_own_is_not_hidden() -> None:
    """Only what a provider does wrong means that it lists nothing."""
    with pytest.raises(ZeroDivisionError):
        await Catalogue(ALIASES, {"openai": Listing(error=ZeroDivisionError())}, Hours()).names()
