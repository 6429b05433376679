"""What the gateway signs for the egress, and the frames in which the answer comes back."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain._admit import LONGEST, admit, check_time
from gateway.domain.clearance import redeem
from gateway.domain.conversation import Operation
from gateway.domain.sealed import (
    Frame,
    FrameError,
    FrameReader,
    RefusalReason,
    Sealed,
    SealRefused,
    framed,
    read_sealed,
)

BODY = b'{"text":"canary-7731"}'
MADE, SECOND = 1_700_000_000_000_000, 1_000_000


def sealed(**other: object) -> Sealed:
    """A statement of `BODY`, good for thirty seconds."""
    said = Sealed(
        decision_id="01HF0000000000000000000001",
        destination="openai",
        operation=Operation.CHAT,
        digest=hashlib.sha256(BODY).digest(),
        size=len(BODY),
        receipt="a.b",
        issued_at=MADE,
        expires_at=MADE + 30 * SECOND,
    )
    return dataclasses.replace(said, **other)  # type: ignore[arg-type]


def refused(act: object, *arguments: object, **more: object) -> RefusalReason:
    """Why something was refused."""
    with pytest.raises(SealRefused) as told:
        act(*arguments, **more)  # type: ignore[operator]
    return told.value.reason


@given(
    destination=st.text(max_size=63),
    receipt=st.text(max_size=300),
    operation=st.sampled_from(Operation),
    size=st.integers(0, 2**40),
    times=st.tuples(st.integers(0, 2**62), st.integers(0, 2**62)),
)
def test_a_statement_is_read_as_it_was_written(
    destination: str, receipt: str, operation: Operation, size: int, times: tuple[int, int]
) -> None:
    """Whatever it says."""
    said = sealed(
        destination=destination,
        receipt=receipt,
        operation=operation,
        size=size,
        issued_at=times[0],
        expires_at=times[1],
    )

    assert said == read_sealed(said.encode())


@given(st.data())
def test_any_other_bytes_are_no_statement(data: st.DataObject) -> None:
    """A statement has one form: other bytes are refused, or say something else than it."""
    said = sealed().encode()
    at = data.draw(st.integers(0, len(said) - 1))
    changed = said[:at] + data.draw(st.binary(max_size=3)) + said[at + 1 :]
    read = None
    with contextlib.suppress(SealRefused):
        read = read_sealed(changed)

    assert read is None or read.encode() == changed


@pytest.mark.parametrize(
    "change",
    [
        lambda said: said | {"v": 2},
        lambda said: said | {"more": 1},
        lambda said: {key: value for key, value in said.items() if key != "receipt"},
        lambda said: said | {"op": "telepathy"},
        lambda said: said | {"size": -1},
        lambda said: said | {"size": "22"},
        lambda said: said | {"sha256": said["sha256"].upper()},
        lambda said: said | {"id": "x y"},
        lambda said: [said],
    ],
)
def test_a_statement_of_another_form_is_refused(change: object) -> None:
    """More, less, or another type."""
    other = change(json.loads(sealed().encode()))  # type: ignore[operator]
    written = json.dumps(other, sort_keys=True, separators=(",", ":")).encode()

    assert RefusalReason.NOT_GENUINE is refused(read_sealed, written)


@pytest.mark.parametrize(
    ("now", "since", "reason"),
    [
        (MADE - 3 * SECOND, 0, RefusalReason.NOT_YET),
        (MADE + 30 * SECOND, 0, RefusalReason.EXPIRED),
        (MADE + SECOND, MADE + 1, RefusalReason.BEFORE_START),
    ],
)
def test_a_statement_has_its_time(now: int, since: int, reason: RefusalReason) -> None:
    """Neither before, nor after, nor across a start of the egress; and clocks may differ a little."""
    assert reason is refused(check_time, sealed(), now=now, since=since, skew=2 * SECOND)
    check_time(sealed(), now=MADE - 2 * SECOND, since=MADE, skew=2 * SECOND)
    check_time(sealed(), now=MADE + 30 * SECOND - 1, since=MADE, skew=0)


def test_no_statement_is_good_for_long() -> None:
    """Whatever it says of itself."""
    for_ever = sealed(expires_at=MADE + LONGEST + 1)

    assert RefusalReason.EXPIRED is refused(check_time, for_ever, now=MADE, since=0, skew=0)


def test_exactly_the_sealed_bytes_are_admitted() -> None:
    """As a clearance of this process, which is redeemed once."""
    assert ("openai", Operation.CHAT, BODY) == redeem(admit(sealed(), BODY))


@given(st.binary(max_size=40))
def test_no_other_bytes_are_admitted(body: bytes) -> None:
    """Shorter, longer or changed."""
    assert RefusalReason.ALTERED is refused(admit, sealed(), body)


@given(
    frames=st.lists(st.tuples(st.sampled_from(Frame), st.binary(max_size=50)), max_size=8),
    cuts=st.lists(st.integers(1, 60), max_size=20),
)
def test_frames_come_back_wherever_the_network_cuts_them(frames: list[tuple[Frame, bytes]], cuts: list[int]) -> None:
    """Each as it was written, in order."""
    stream, reader, found = b"".join(framed(*each) for each in frames), FrameReader(50), []
    for cut in [*cuts, len(stream)]:
        found += reader.feed(stream[:cut])
        stream = stream[cut:]

    assert frames == found


@pytest.mark.parametrize("bad", [b"x....", b"E" + (51).to_bytes(4, "big"), b"\xff" * 5])
def test_what_is_no_frame_or_too_large_is_refused(bad: bytes) -> None:
    """Before its payload is waited for."""
    with pytest.raises(FrameError):
        FrameReader(50).feed(bad)
