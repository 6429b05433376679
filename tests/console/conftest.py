"""One console a file of tests: they share its ledger, and look for what they made themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.console.site import Site, site_at


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """A console over an empty ledger."""
    async with site_at(tmp_path_factory.mktemp("console")) as running:
        yield running
