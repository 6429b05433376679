"""Who is calling: one key, one principal; anything else is nobody."""

from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from gateway.domain.errors import CallerError, ErrorCode, GatewayFault
from gateway.pipeline.ports import Principal, UnknownKey
from gateway.wire.auth import ANONYMOUS, Authenticator
from tests.wire.parts import KEY, WHO, OneKey


def bearing(value: str) -> Headers:
    """Headers with this authorization."""
    return Headers({"authorization": value})


@pytest.mark.parametrize("written", [f"Bearer {KEY}", f"bearer {KEY}", f"BEARER   {KEY} "])
async def test_a_known_key_is_its_principal(written: str) -> None:
    """The scheme is read in any case, the key as it is."""
    keys = OneKey()

    assert WHO == await Authenticator(keys, required=True).principal(bearing(written))
    assert [KEY] == keys.presented


@pytest.mark.parametrize("written", ["", "Bearer", "Bearer ", KEY, f"Basic {KEY}", f"Bearer{KEY}", f"Token {KEY}"])
async def test_what_is_no_bearer_key_is_refused_without_a_look(written: str) -> None:
    """The store is not even asked."""
    keys = OneKey()

    with pytest.raises(CallerError) as refused:
        await Authenticator(keys, required=True).principal(bearing(written))
    assert ErrorCode.INVALID_API_KEY is refused.value.code
    assert [] == keys.presented


async def test_no_header_is_nobody() -> None:
    """As an empty one."""
    with pytest.raises(CallerError):
        await Authenticator(OneKey(), required=True).principal(Headers({"accept": KEY}))


async def test_the_header_of_anthropics_clients_is_a_key_too() -> None:
    """And `authorization` wins where both are there."""
    assert WHO == await Authenticator(OneKey(), required=True).principal(Headers({"x-api-key": KEY}))
    both = Headers({"x-api-key": KEY, "authorization": "Bearer other"})
    with pytest.raises(CallerError):
        await Authenticator(OneKey(), required=True).principal(both)


@pytest.mark.parametrize("key", [f"{KEY}x", KEY[:-1], KEY.upper(), f"{KEY} {KEY}"])
async def test_an_unknown_key_is_refused_without_being_repeated(key: str) -> None:
    """The error holds its constant code alone."""
    with pytest.raises(CallerError) as refused:
        await Authenticator(OneKey(), required=True).principal(bearing(f"Bearer {key}"))

    assert ErrorCode.INVALID_API_KEY is refused.value.code
    assert key not in f"{refused.value!s}{refused.value!r}{refused.value.param}"


async def test_a_store_that_cannot_be_read_lets_nobody_in() -> None:
    """Not even as anonymous."""

    class Broken:
        async def find(self, presented: str) -> Principal | UnknownKey:
            raise GatewayFault(ErrorCode.INTERNAL_ERROR)

    with pytest.raises(GatewayFault):
        await Authenticator(Broken(), required=True).principal(bearing(f"Bearer {KEY}"))


@pytest.mark.parametrize("written", ["", f"Bearer {KEY}", "Bearer sk-of-a-provider"])
async def test_without_keys_everyone_is_the_same(written: str) -> None:
    """A key that is sent anyway makes nobody somebody, and is not looked up."""
    keys = OneKey()

    assert ANONYMOUS == await Authenticator(keys, required=False).principal(bearing(written))
    assert [] == keys.presented
