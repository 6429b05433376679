"""A clearance comes from a permit and a receipt, and from nowhere else."""

from __future__ import annotations

import copy
import hashlib
import pickle
from collections.abc import Callable

import pytest

from gateway.domain import _mint, _receipt
from gateway.domain.clearance import Clearance, ClearanceError, Permit, Receipt, redeem
from gateway.domain.conversation import Operation

BODY = b'{"text":"canary-7731"}'


def permit(decision_id: str = "d1", body: bytes = BODY) -> Permit:
    """A genuine permit."""
    return _mint.permit(decision_id=decision_id, destination="openai", operation=Operation.CHAT, body=body)


def receipt(decision_id: str = "d1", body: bytes = BODY) -> Receipt:
    """A genuine receipt."""
    return _receipt.issue(decision_id=decision_id, digest=hashlib.sha256(body).digest(), token="t")


def test_redeeming_gives_the_judged_bytes_and_their_one_destination() -> None:
    """What was judged is what is handed over."""
    assert ("openai", Operation.CHAT, BODY) == redeem(permit().clear(receipt()))


def test_a_clearance_is_redeemed_once() -> None:
    """A retry needs another decision and another record."""
    clearance = permit().clear(receipt())
    redeem(clearance)

    with pytest.raises(ClearanceError):
        redeem(clearance)


@pytest.mark.parametrize("wrong", [receipt("d2"), receipt(body=b"other")])
def test_a_receipt_for_something_else_clears_nothing(wrong: Receipt) -> None:
    """Another decision's receipt, or one for other bytes, is refused."""
    with pytest.raises(ClearanceError):
        permit().clear(wrong)


@pytest.mark.parametrize("kind", [Permit, Receipt, Clearance])
def test_nothing_is_made_by_hand(kind: type) -> None:
    """Neither a constructor nor `object.__new__` gives something that works."""
    with pytest.raises((ClearanceError, TypeError)):
        kind("x")
    with pytest.raises((ClearanceError, TypeError)):
        kind()
    empty = object.__new__(kind)
    with pytest.raises((ClearanceError, AttributeError)):
        redeem(empty)
    with pytest.raises((ClearanceError, AttributeError)):
        permit().clear(empty)


@pytest.mark.parametrize("kind", [Permit, Receipt, Clearance])
def test_nothing_is_subclassed(kind: type) -> None:
    """A subclass cannot even be defined."""
    with pytest.raises(ClearanceError):
        type("Sub", (kind,), {})


@pytest.mark.parametrize("make", [permit, receipt, lambda: permit().clear(receipt())])
def test_nothing_is_copied_pickled_or_changed(make: Callable[[], object]) -> None:
    """The one value stays the one value."""
    value = make()
    for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(ClearanceError):
            attempt(value)
    with pytest.raises(ClearanceError):
        value.destination = "elsewhere"  # type: ignore[attr-defined]
    with pytest.raises(ClearanceError):
        del value.decision_id  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("field", "forged"),
    [
        ("_body", b"other"),
        ("destination", "elsewhere"),
        ("decision_id", "d9"),
        ("operation", Operation.EMBEDDINGS),
    ],
)
def test_a_forged_field_breaks_the_seal(field: str, forged: object) -> None:
    """Even one changed behind Python's back does not redeem, nor does a permit changed so clear."""
    clearance = permit().clear(receipt())
    object.__setattr__(clearance, field, forged)
    with pytest.raises(ClearanceError):
        redeem(clearance)
    another = permit().clear(receipt())
    object.__setattr__(another, "receipt", "another token")
    with pytest.raises(ClearanceError):
        redeem(another)
    changed = permit()
    object.__setattr__(changed, field, forged)
    with pytest.raises(ClearanceError):
        changed.clear(receipt())


def test_a_forged_receipt_clears_nothing() -> None:
    """A receipt whose digest was changed is not genuine."""
    other = receipt(body=b"other")
    object.__setattr__(other, "digest", hashlib.sha256(BODY).digest())

    with pytest.raises(ClearanceError):
        permit().clear(other)


def test_reprs_show_sizes_and_names_only() -> None:
    """No content in a repr."""
    shown = repr(permit()) + repr(receipt()) + repr(permit().clear(receipt()))

    assert "canary" not in shown
    assert f"bytes={len(BODY)}" in shown
