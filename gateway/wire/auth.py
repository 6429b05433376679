"""Who is calling."""

from __future__ import annotations

from starlette.datastructures import Headers

from gateway.domain.errors import ErrorCode, refuse
from gateway.pipeline.ports import KeyStore, Principal, UnknownKey

ANONYMOUS = Principal(key_id="anonymous", name="anonymous", tenant="default", app="anonymous")
"""Every caller, when the operator has switched keys off."""


class Authenticator:
    """Turns an `authorization: Bearer` header, or an `x-api-key` header (Anthropic's clients), into a principal."""

    def __init__(self, keys: KeyStore, *, required: bool) -> None:
        self._keys = keys
        self._required = required

    async def principal(self, headers: Headers) -> Principal:
        """Who this is. Raises `CallerError(INVALID_API_KEY)` for a missing, unknown or revoked key."""
        if not self._required:
            return ANONYMOUS
        found = await self._keys.find(_presented(headers))
        return refuse(ErrorCode.INVALID_API_KEY) if isinstance(found, UnknownKey) else found


def _presented(headers: Headers) -> str:
    scheme, _, key = headers.get("authorization", f"Bearer {headers.get('x-api-key', '')}").partition(" ")
    return key.strip() if scheme.lower() == "bearer" and key.strip() else refuse(ErrorCode.INVALID_API_KEY)
