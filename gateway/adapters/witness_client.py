"""Asks a witness to cosign a checkpoint (C2SP's tlog-witness). What goes there is a size, a root, and hashes."""

from __future__ import annotations

import base64
from collections.abc import Callable

import httpx

from gateway.adapters.openai_external import check_base_url
from gateway.verifier.formats import NotGenuine, PublicKey, cosigned_at

Proof = Callable[[int], tuple[bytes, ...]]
"""The proof that the tree goes on from its first so many leaves."""

_TIMEOUT_S = 10.0
_MOST_BYTES = 4096


class WitnessError(Exception):
    """There is no cosignature. The message says why; it holds nothing that the witness said."""


class WitnessClient:
    """One witness. Raises `ValueError` for a URL that is neither https nor on the loopback interface."""

    def __init__(self, url: str, key: PublicKey) -> None:
        self._url = check_base_url(url, allow_http=False)
        self._key = key

    def cosign(self, note: str, size: int, known: int, proof: Proof) -> str:
        """The checkpoint `note`, of this size, with the witness's line. `known` is the size that the witness saw last,
        as far as is known here. Raises `WitnessError`."""
        status, text = self._ask(note, known, proof)
        if status == 409 and text.strip().isdecimal() and int(text) != known:
            known = int(text)
            if known > size:
                raise WitnessError(f"it has cosigned {known} records, and this ledger has {size}: records are gone")
            status, text = self._ask(note, known, proof)
        if status in {409, 422}:
            raise WitnessError(f"it has cosigned another ledger of {known} records: this one is not its continuation")
        if status != 200:
            raise WitnessError(f"it answered with status {status}")
        return self._checked(note + text)

    def _ask(self, note: str, known: int, proof: Proof) -> tuple[int, str]:
        hashes = "".join(f"{base64.b64encode(each).decode()}\n" for each in proof(known))
        body = f"old {known}\n{hashes}\n{note}".encode()
        try:
            with (
                httpx.Client(trust_env=False, timeout=_TIMEOUT_S) as client,
                client.stream("POST", self._url, content=body) as answer,
            ):
                return answer.status_code, next(answer.iter_bytes(_MOST_BYTES), b"").decode("utf-8", "replace")
        except httpx.HTTPError as error:
            raise WitnessError(f"it cannot be reached ({type(error).__name__})") from None

    def _checked(self, note: str) -> str:
        try:
            if cosigned_at(note, self._key) and note.endswith("\n"):
                return note
        except NotGenuine:
            pass
        raise WitnessError("what it answered is not its cosignature: is --witness-key the right one?")
