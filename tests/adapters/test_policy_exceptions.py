"""Files of exceptions: what they become, what they are held against, and that no text gets past the reader."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.file_policies import FilePolicies, PolicyErrors, lint_files, read_files
from gateway.adapters.policy_exceptions import ReadException, read_exception, written
from gateway.adapters.policy_reader import KNOWN_ENTITIES, Readable, read_policy
from gateway.adapters.policy_schema import policy_schema
from gateway.adapters.strict_yaml import load_strict
from gateway.domain.exceptions import Callers, EntityCounts, OneEntity, PolicyException, WholeRule
from gateway.domain.labels import Classification, DataClass, Entity, Label
from gateway.domain.policy import Policy

TODAY = date(2026, 6, 1)
GOOD = """\
apiVersion: gateway/v1
kind: Exception
metadata: {name: claims-pilot, owner: ann@acme.example, approver: ben@acme.example, ticket: SEC-1412, reason: A pilot.}
scope: {apps: [claims-bot], tenants: [acme], keys: k3y1d0000000}
not_before: 2026-06-01T08:00:00Z
expires: 2026-06-30T18:00:00Z
max_uses: 500
waives: {rules: [member-id-inside], detector: member-id}
counts_as: {label: internal, classes: [pii]}
"""
POLICY = r"""
apiVersion: gateway/v1
kind: Policy
metadata: {name: claims}
destinations:
  local-slm: {zone: in_network, max_label: restricted}
  openai: {zone: external, max_label: internal, never: [phi]}
detectors:
  member-id: {type: pattern, re2: '\bM\d{9}\b', label: restricted, classes: [pii]}
rules:
  - {id: member-id-inside, reason: MEMBER, severity: high, when: {finding: {detector: member-id}}, then: {route: local}}
  - {id: mask, reason: MASK, severity: low, when: {finding: {entity: EMAIL_ADDRESS}},
     then: {transform: [{entity: EMAIL_ADDRESS, with: placeholder}], route: external}}
"""


def policies() -> tuple[Policy, ...]:
    """The policy that the exception is for."""
    result = read_policy("claims.policy.yaml", POLICY.encode(), KNOWN_ENTITIES, TODAY)
    assert isinstance(result, Readable), result
    return (result.policy,)


def read(text: str) -> ReadException:
    """What one file gives."""
    return read_exception("t.exception.yaml", text.encode(), policies(), KNOWN_ENTITIES, TODAY)


def codes(text: str) -> list[str]:
    """The codes of its errors."""
    return [error.code for error in read(text).errors]


def test_a_full_exception() -> None:
    """Every part arrives as the value that it says."""
    result = read(GOOD)
    pii = frozenset({DataClass.PII})

    assert ((), ()) == (result.errors, result.warnings)
    assert (
        PolicyException(
            id="claims-pilot",
            owner="ann@acme.example",
            approver="ben@acme.example",
            ticket="SEC-1412",
            reason="A pilot.",
            callers=Callers(frozenset({"claims-bot"}), frozenset({"acme"}), frozenset({"k3y1d0000000"})),
            not_before=1_780_300_800_000_000,
            expires=1_782_842_400_000_000,
            max_uses=500,
            rules=frozenset({"member-id-inside"}),
            waives=EntityCounts(Entity("member-id"), Classification(Label("internal"), pii)),
        ),
    ) == result.exceptions
    assert "2026-06-01T08:00:00Z" == written(result.exceptions[0].not_before)


def test_what_is_left_out() -> None:
    """Without `counts_as`, an entity counts as what it is; without an entity, whole rules are waived."""
    bare = GOOD.replace("counts_as: {label: internal, classes: [pii]}\n", "")
    whole = bare.replace(", detector: member-id", "")

    assert OneEntity(Entity("member-id")) == read(bare).exceptions[0].waives
    assert WholeRule() == read(whole).exceptions[0].waives


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("kind: Exception", "kind: Policy", ["P005"]),
        ("max_uses: 500", "max_uses: 0", ["P005"]),
        ("max_uses: 500\n", "", ["P006"]),
        ("max_uses: 500", "max_use: 500", ["P006", "P001"]),
        ("not_before: 2026-06-01T08:00:00Z\n", "", ["P006"]),
        ("08:00:00Z", "08:00:00", ["P005"]),
        ("2026-06-01T08:00:00Z", "2026-06-01", ["P005"]),
        ("2026-06-30T18:00:00Z", "2026-06-31T18:00:00Z", ["P005"]),
        ("2026-06-30T18:00:00Z", "2026-06-01T08:00:00Z", ["P005"]),
        ("2026-06-30T18:00:00Z", "2026-08-30T08:00:00Z", []),
        ("2026-06-30T18:00:00Z", "2026-08-30T08:00:01Z", ["P013"]),
        ("approver: ben@acme.example", "approver: ' '", ["P005"]),
        ("ticket: SEC-1412, ", "", ["P006"]),
        ("scope: {apps: [claims-bot], tenants: [acme], keys: k3y1d0000000}\n", "", ["P006"]),
        ("[claims-bot]", "[a b]", ["P005"]),
        ("[acme]", "['*']", ["P014"]),
        ("detector: member-id", "detector: membr-id", ["P016"]),
        ("detector: member-id", "entity: US_SNN", ["P016", "P021"]),
        ("detector: member-id", "detector: member-id, entity: US_SSN", ["P005"]),
        (", detector: member-id", "", ["P006"]),
        ("label: internal", "label: intern", ["P016"]),
        ("classes: [pii]", "classes: [pi]", ["P016"]),
    ],
)
def test_refusals(old: str, new: str, expected: list[str]) -> None:
    """Each fault has its code, and no exception comes of it."""
    text = GOOD.replace(old, new)

    assert sorted(expected) == sorted(codes(text))
    assert bool(expected) is not bool(read(text).exceptions)


@given(st.text(max_size=300) | st.sampled_from(GOOD.split("\n")).map(lambda line: GOOD.replace(line, "", 1)))
def test_no_text_raises(text: str) -> None:
    """An exception, or problems with a place."""
    result = read(text)

    assert bool(result.errors) is not bool(result.exceptions)


@given(st.data())
def test_no_damage_raises(data: st.DataObject) -> None:
    """A good file with any value replaced by another of any type."""
    start, end = data.draw(
        st.sampled_from([m.span() for m in re.finditer(r"[A-Za-z0-9_*@.:-]{2,}|\[[^\[\]]*\]", GOOD)])
    )
    other = data.draw(st.sampled_from(["7", "true", "'x'", "[]", "{}", "[x, 7]", "{a: {b: c}}", "no", "*x", "'*'"]))
    result = read(GOOD[:start] + other + GOOD[end:])

    assert bool(result.errors) is not bool(result.exceptions)


def test_editors_know_the_format() -> None:
    """What loads is valid by the schema; a missing approver or a wildcard is not."""
    valid = jsonschema_rs.validator_for(policy_schema()).is_valid

    def check(text: str) -> bool:
        return bool(valid(load_strict(text.encode(), "e.exception.yaml")))

    assert check(GOOD)
    assert not check(GOOD.replace("approver: ben@acme.example, ", ""))
    assert not check(GOOD.replace("[claims-bot]", '["claims-*"]'))


def folder(path: Path, **exceptions: str) -> Path:
    """A folder of one policy and some exceptions."""
    (path / "claims.policy.yaml").write_text(POLICY)
    for name, text in exceptions.items():
        (path / f"{name}.exception.yaml").write_text(text)
    return path


def test_exceptions_are_part_of_the_bundle(tmp_path: Path) -> None:
    """And of its digest: another exception is another policy."""
    plain = FilePolicies(folder(tmp_path)).current()
    source = FilePolicies(folder(tmp_path, a=GOOD))
    bundle = source.current()

    assert ((), {"claims-pilot"}) == (plain.exceptions, set(bundle.exception_ids))
    assert plain.digest != bundle.digest
    folder(tmp_path, a=GOOD.replace("max_uses: 500", "max_uses: 501"))
    source.reload()
    assert 501 == source.current().exceptions[0].max_uses


def test_a_broken_exception_keeps_the_last_good_bundle(tmp_path: Path) -> None:
    """As a broken policy does; at the start it is refused."""
    source = FilePolicies(folder(tmp_path, a=GOOD))
    first = source.current()
    folder(tmp_path, a=GOOD.replace("ben@", "ann@"))
    source.reload()

    assert (first, False) == (source.current(), source.health().ok)
    with pytest.raises(PolicyErrors, match="P013"):
        FilePolicies(tmp_path)


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    """Their uses would be counted together."""
    with pytest.raises(PolicyErrors, match="P002"):
        FilePolicies(folder(tmp_path, a=GOOD, b=GOOD))


def test_a_broken_policy_is_told_by_itself(tmp_path: Path) -> None:
    """That its rules are not known is no fault of the exception's."""
    folder(tmp_path, a=GOOD)
    (tmp_path / "claims.policy.yaml").write_text(POLICY.replace("severity: high", "severity: hihg"))

    assert ["P005"] == [error.code for error in lint_files(read_files(tmp_path), today=TODAY).errors]


def test_a_folder_of_exceptions_alone_is_no_bundle(tmp_path: Path) -> None:
    """There is nothing to be excepted from."""
    (tmp_path / "a.exception.yaml").write_text(GOOD)

    with pytest.raises(PolicyErrors, match="P004"):
        FilePolicies(tmp_path)
