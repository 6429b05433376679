"""The suite sees a gateway that is broken on purpose: a control for every test that says nothing leaked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from gateway.dialects.plain import PlainAnswer
from gateway.dialects.registry import RESTORERS
from gateway.domain.conversation import Leaf
from gateway.domain.declaration import ByType, Choice, Each, Field, MapOf, Record, Variants
from gateway.domain.finding import Examined, Report
from gateway.domain.mask import Masked, Vault
from gateway.main import DECLARATIONS
from gateway.wire.app import PATHS
from gateway.wire.schema import OPERATIONS
from tests.egress.leaks.canaries import Form, Kind
from tests.egress.leaks.fields import inspected
from tests.egress.leaks.front import Front
from tests.egress.leaks.holes import all_holes
from tests.egress.leaks.house import House
from tests.egress.leaks.matrix import WAYS, Verdict, Way, every_case, judged

SWITCHED_OFF = {
    "POST /v1/chat/completions": ".messages[]<user>.name",
    "POST /v1/responses": ".instructions",
    "POST /v1/responses/input_tokens": ".instructions",
    "POST /v1/completions": ".suffix",
    "POST /v1/embeddings": ".user",
    "POST /v1/moderations": ".input[]<text>.text",
    "POST /v1/messages": ".metadata.user_id",
}
"""One field of each operation."""


class _Whatever(frozenset[str]):
    """A set of control values that holds every string."""

    def __contains__(self, value: object) -> bool:
        return isinstance(value, str)


def uninspected(declaration: Field, path: str) -> Field:
    """`declaration` with the field at `path` taken for a control value, whatever it says."""
    if not path:
        return Choice(_Whatever())
    match declaration:
        case Record(fields=fields):
            name = next(name for name in fields if f"{path}.".startswith((f".{name}.", f".{name}[", f".{name}<")))
            inner = uninspected(fields[name], path.removeprefix(f".{name}"))
            return replace(declaration, fields={**fields, name: inner})
        case Variants(cases=cases):
            tag = path[1 : path.index(">")]
            case_ = uninspected(cases[tag], path.removeprefix(f"<{tag}>"))
            assert isinstance(case_, Record | Variants)
            return replace(declaration, cases={**cases, tag: case_})
        case Each(item=item):
            return replace(declaration, item=uninspected(item, path.removeprefix("[]")))
        case ByType(array=array, object=object_):
            if path.startswith("[]"):
                return replace(declaration, array=uninspected(array, path))
            return replace(declaration, object=uninspected(object_, path))
        case MapOf(value=value):
            return replace(declaration, value=uninspected(value, path.removeprefix(".*")))
        case _:
            raise LookupError(path)


def found_in(house: House, way: Way) -> dict[str, set[Verdict]]:
    """What the suite says of the fields of an operation, one request each."""
    told: dict[str, set[Verdict]] = {}
    for case in every_case([way], [Kind.SSN]):
        if case.form is Form.CLEAR:
            for result in judged(house, [case]):
                told.setdefault(case.spot.path, set()).add(result.verdict)
    return told


@pytest.mark.parametrize("way", [way for way in WAYS if not way.asked_as], ids=lambda way: way.name)
def test_a_field_that_is_not_inspected_is_found(
    shipped_house: House, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the inspection of one field switched off, the suite names that field, and no other."""
    path = SWITCHED_OFF[way.operation]
    operation = PATHS[way.path]
    broken = {**DECLARATIONS, operation: uninspected(DECLARATIONS[operation], path)}
    monkeypatch.setattr("gateway.main.DECLARATIONS", broken)
    told = found_in(shipped_house, way)

    assert path.removeprefix(".") in {spot.path for spot in inspected(OPERATIONS[way.operation])}
    assert [path.removeprefix(".")] == [field for field, verdicts in told.items() if Verdict.LEAKED in verdicts]


def test_a_mask_that_masks_nothing_is_found(masking_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every value that would have been masked is reported."""
    monkeypatch.setattr("gateway.domain.decision.mask", lambda *_: Masked({}, Vault({}, frozenset()), frozenset()))
    told = found_in(masking_house, WAYS[0])

    assert {frozenset({Verdict.LEAKED})} == {frozenset(verdicts) for verdicts in told.values()}


def test_a_detector_that_finds_nothing_is_found(shipped_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every value of a request that would have stayed is reported."""

    async def blind(leaves: Sequence[Leaf], _: object) -> Report:
        return Report({leaf.address: Examined(()) for leaf in leaves}, "blind")

    monkeypatch.setattr(shipped_house.running.gateway._story._detector, "examine", blind)
    told = found_in(shipped_house, WAYS[0])

    assert {frozenset({Verdict.LEAKED})} == {frozenset(verdicts) for verdicts in told.values()}


@pytest.mark.parametrize("number", [8, 9, 36])
def test_a_restorer_that_restores_nothing_is_found(front: Front, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cases about placeholders in answers fail."""
    front.ready()
    unmoved = dict.fromkeys(RESTORERS, lambda vault, json_content: PlainAnswer(Vault({}, frozenset())))
    monkeypatch.setattr("gateway.pipeline.story.RESTORERS", unmoved)
    check = next(hole.check for hole in all_holes() if hole.number == number)

    with pytest.raises(AssertionError):
        check(front)


def test_the_broken_part_is_where_it_is_said_to_be() -> None:
    """What is switched off is one field and nothing beside it."""
    for operation, path in SWITCHED_OFF.items():
        whole = {spot.path for spot in inspected(OPERATIONS[operation])}
        broken = {spot.path for spot in inspected(uninspected(OPERATIONS[operation], path))}
        assert {path.removeprefix(".")} == whole - broken
