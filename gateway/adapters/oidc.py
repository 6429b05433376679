"""Signing in with an OpenID Connect provider: authorization code with PKCE, state and nonce, and a checked ID token.

begin     discovery, then the address to send the browser to, and what has to come back with it
finish    the code for tokens, and of the ID token: signature, issuer, audience, time and nonce
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping

from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.integrations.httpx_client._compat import httpx2 as http  # httpx2 where it is installed, else httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from gateway.domain.accounts import Begun, NotVouched
from gateway.domain.strict_json import Json

_ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
_TIMEOUT_S = 10.0
_LEEWAY_S = 60
_UNREACHABLE = "The identity provider cannot be reached, or does not answer as one."
_NOT_VOUCHED = "The identity provider does not vouch for this."


class OidcProvider:
    """One provider, as this gateway is registered with it."""

    def __init__(self, issuer: str, client_id: str, client_secret: str, redirect_uri: str) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._redirect_uri = redirect_uri

    async def begin(self) -> Begun:
        """Begin. Raises `NotVouched`."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        async with self._client() as client:
            found = await self._discovered(client)
            url, _ = client.create_authorization_url(
                found["authorization_endpoint"], state=state, nonce=nonce, code_verifier=verifier
            )
        return Begun(str(url), state, nonce, verifier)

    async def finish(self, code: str, nonce: str, verifier: str) -> Mapping[str, Json]:
        """The claims of whoever came back with this code. Raises `NotVouched`."""
        async with self._client() as client:
            found = await self._discovered(client)
            try:
                tokens = await client.fetch_token(found["token_endpoint"], code=code, code_verifier=verifier)
                keys = KeySet.import_key_set(
                    (await client.request("GET", found["jwks_uri"], withhold_token=True)).json()
                )
                token = jwt.decode(tokens["id_token"], keys, algorithms=_ALGORITHMS)
                self._registry(nonce).validate(token.claims)
            except http.HTTPError:
                raise NotVouched(_UNREACHABLE) from None
            except (OAuthError, JoseError, ValueError, KeyError, TypeError):
                raise NotVouched(_NOT_VOUCHED) from None
        return dict(token.claims)

    def _client(self) -> AsyncOAuth2Client:
        return AsyncOAuth2Client(
            self._client_id,
            self._client_secret,
            scope="openid profile email",
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
            timeout=_TIMEOUT_S,
            follow_redirects=False,
        )

    def _registry(self, nonce: str) -> jwt.JWTClaimsRegistry:
        return jwt.JWTClaimsRegistry(
            leeway=_LEEWAY_S,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": self._client_id},
            exp={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        )

    async def _discovered(self, client: AsyncOAuth2Client) -> Mapping[str, str]:
        """The provider's own description, which has to be of the issuer that was configured."""
        address = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            answer = await client.request("GET", address, withhold_token=True)
            found = answer.json() if answer.status_code == 200 else {}
        except (http.HTTPError, json.JSONDecodeError):
            raise NotVouched(_UNREACHABLE) from None
        wanted = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        if (
            not isinstance(found, dict)
            or found.get("issuer") != self._issuer
            or not all(isinstance(found.get(name), str) for name in wanted)
        ):
            raise NotVouched(_UNREACHABLE)
        return {name: found[name] for name in wanted}
