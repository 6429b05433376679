"""Two houses for the suite: one with the policy that ships, one in which whatever is found leaves as a placeholder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.egress.leaks.front import Front
from tests.egress.leaks.house import House, house_of, shipped_policy


@pytest.fixture(scope="session")
def shipped_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Started once."""
    with house_of(tmp_path_factory.mktemp("shipped"), shipped_policy()) as house:
        yield house


@pytest.fixture
def front(shipped_house: House) -> Front:
    """The front door of it."""
    return Front(shipped_house)
