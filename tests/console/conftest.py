"""One console a file of tests: they share its ledger, and look for what they made themselves."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.console.site import Site, site_at
from tests.postgres import fresh_database


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """A console over an empty ledger, in SQLite where a file of tests does not ask for both databases."""
    with contextlib.ExitStack() as stack:
        url = ""
        if getattr(request, "param", "sqlite") == "postgresql":
            url = stack.enter_context(fresh_database(request.getfixturevalue("postgres")))
        async with site_at(tmp_path_factory.mktemp("console"), url=url) as running:
            yield running
