"""Commitments open with their key and salt, and with nothing else."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.commitment import Secrets, commitment, day_of, pseudonym

KEY, SALT = b"k" * 32, b"s" * 16


def test_commitment_is_the_documented_formula() -> None:
    """`h1:` and HMAC-SHA256 over salt and data: anyone with key and salt can check one with standard tools."""
    assert f"h1:{hmac.new(KEY, SALT + b'data', hashlib.sha256).hexdigest()}" == commitment(KEY, SALT, b"data")


@given(st.binary(max_size=64), st.binary(max_size=64))
def test_commitments_differ_where_the_bytes_do(one: bytes, other: bytes) -> None:
    """Equal commitments mean equal bytes."""
    assert (one == other) == (commitment(KEY, SALT, one) == commitment(KEY, SALT, other))


def test_without_key_or_salt_nothing_opens() -> None:
    """Another key, or another salt, makes another commitment; a plain digest is neither."""
    made = commitment(KEY, SALT, b"078-05-1120")

    assert made != commitment(b"x" * 32, SALT, b"078-05-1120")
    assert made != commitment(KEY, b"x" * 16, b"078-05-1120")
    assert hashlib.sha256(b"078-05-1120").hexdigest() not in made


def test_a_pseudonym_is_stable_within_a_tenant_and_differs_between_tenants() -> None:
    """One key has one pseudonym in a tenant's records and another in any other's."""
    assert pseudonym(KEY, "k1") == pseudonym(KEY, "k1")
    assert pseudonym(KEY, "k1") != pseudonym(KEY, "k2")
    assert pseudonym(KEY, "k1") != pseudonym(b"x" * 32, "k1")


def test_days_are_utc() -> None:
    """A day begins at midnight UTC; a time past the calendar raises."""
    assert day_of(1_795_478_400_000_000) == "2026-11-24"
    assert day_of(1_795_478_400_000_000 - 1) == "2026-11-23"
    with pytest.raises(OverflowError):
        day_of(2**62)


def test_secrets_are_not_shown() -> None:
    """A repr of the secrets shows none."""
    assert repr(Secrets(KEY, KEY, SALT)) == "Secrets()"
