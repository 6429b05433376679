"""The indexes that policies name: found, refused with a place, and part of the bundle."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.adapters.file_policies import Activated, FilePolicies, PolicyErrors, Unchanged
from gateway.adapters.policy_format import Formatted, format_policy
from gateway.adapters.policy_indexes import NO_KEY, key_id_of
from gateway.adapters.policy_lint import lint_directory
from gateway.adapters.policy_schema import policy_schema
from gateway.adapters.policy_watch import signature_of
from gateway.adapters.strict_yaml import load_strict
from gateway.domain.detectors import ExactMatchDetector, FingerprintDetector, TopicDetector
from gateway.domain.finding import Topic
from tests.adapters.test_file_policies import HEAD, TODAY
from tests.detection.test_indexed import CONTRACT, ROWS
from tests.indexes import documents, key_in, table

RULES = "rules: []\ndetectors:\n  one: "
EXACT = "{type: exact_match, index: indexes/customers.edm, columns: [member, name], min_columns: 2, label: restricted}"
TOPIC = "{type: topic, topic: source_code, label: confidential, classes: [proprietary]}"
PRINT = "{type: fingerprint, index: indexes/contracts.fp, min_similarity: 0.3, label: confidential}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of policies with an index of each type."""
    table(tmp_path, ROWS)
    documents(tmp_path, [CONTRACT])
    return tmp_path


def write(folder: Path, *detectors: str) -> None:
    """A policy with these detectors."""
    lines = [f"{'one' if n == 0 else f'more{n}'}: {detector}" for n, detector in enumerate(detectors)]
    (folder / "t.policy.yaml").write_text(HEAD + "rules: []\ndetectors:\n  " + "\n  ".join(lines) + "\n")


def told(folder: Path, detector: str) -> list[tuple[str, int, str]]:
    """Code, column within the detector, and message of each error."""
    write(folder, detector)
    return [(e.code, e.column - len("  one: "), e.message) for e in lint_directory(folder, TODAY).errors]


def test_detectors_over_indexes(folder: Path) -> None:
    """They carry the file's place and digest; a share is in thousandths."""
    write(folder, EXACT, PRINT, EXACT.replace("min_columns: 2", "min_columns: 1, within_chars: 30"))
    one, more1, more2 = FilePolicies(folder).current().policies[0].own_detectors

    assert isinstance(one, ExactMatchDetector)
    assert isinstance(more1, FingerprintDetector)
    assert isinstance(more2, ExactMatchDetector)
    assert (("member", "name"), 2, 100) == (one.columns, one.min_columns, one.within_chars)
    assert (300, "contracts.fp") == (more1.min_similarity, Path(more1.index.path).name)
    assert (1, 30, 64) == (more2.min_columns, more2.within_chars, len(more2.index.digest))


@pytest.mark.parametrize(
    ("detector", "code", "at", "words"),
    [
        (EXACT.replace("customers.edm", "customer.edm"), "P023", "indexes/", "did you mean 'indexes/customers.edm'?"),
        (EXACT.replace("customers.edm", "contracts.fp"), "P023", "indexes/", "is one for fingerprint"),
        (PRINT.replace("contracts.fp", "customers.edm"), "P023", "indexes/", "is one for exact_match"),
        (EXACT.replace("customers.edm", "broken.edm"), "P023", "indexes/", "is no index of this version"),
        (EXACT.replace("indexes/customers.edm", "/etc/passwd"), "P005", "/etc", "beside the policies"),
        (EXACT.replace("indexes/customers.edm", "indexes/../x"), "P005", "indexes/", "beside the policies"),
        (EXACT.replace("member, name", "member, nme"), "P016", "nme", "did you mean 'name'?"),
        (EXACT.replace("member, name", "name, name"), "P005", "[name", "stands twice"),
        (EXACT.replace("min_columns: 2", "min_columns: 3"), "P005", "3", "from 1 to 2"),
        (EXACT.replace("min_columns: 2", "min_columns: 0"), "P005", "0", "from 1 to 2"),
        (PRINT.replace("0.3", "0"), "P005", "0,", "from 0.001 to 1"),
        (PRINT.replace("0.3", "30"), "P005", "30", "from 0.001 to 1"),
        (EXACT.replace(", columns: [member, name], min_columns: 2", ""), "P006", "{", "has no 'columns'"),
        (EXACT.replace("index: indexes/customers.edm, ", ""), "P023", "{", "names none"),
    ],
)
def test_what_cannot_be_looked_up_is_told_with_its_place(
    folder: Path, detector: str, code: str, at: str, words: str
) -> None:
    """And the policy does not load."""
    (folder / "indexes" / "broken.edm").write_bytes(b"no index")
    place = detector.index(at) + 1

    assert any((code, place) == (c, column) and words in message for c, column, message in told(folder, detector))
    with pytest.raises(PolicyErrors):
        FilePolicies(folder)


def test_an_index_of_another_key_is_refused_where_it_would_be_used(folder: Path) -> None:
    """By a gateway; not by lint, which opens none."""
    write(folder, EXACT)

    assert () == lint_directory(folder, TODAY).errors
    assert FilePolicies(folder, index_key=key_in(folder).id).health().ok
    for other in (key_id_of(folder / "no.key"), "0123456789abcdef"):
        with pytest.raises(PolicyErrors, match=r"P023 the index 'indexes/customers.edm' was built with a key"):
            FilePolicies(folder, index_key=other)
    assert NO_KEY == key_id_of(folder / "no.key")


def test_another_index_is_another_bundle(folder: Path) -> None:
    """Its digest counts, and a look at the folder tells that it has changed."""
    write(folder, EXACT)
    source = FilePolicies(folder)
    first, before, same = source.current(), signature_of(folder), source.reload()
    table(folder, ROWS[:2])
    changed, after = source.reload(), signature_of(folder)

    assert isinstance(same, Unchanged)
    assert isinstance(changed, Activated)
    assert before != after
    assert first.digest != changed.bundle.digest
    assert first.policies != changed.bundle.policies


def test_a_broken_index_leaves_the_last_good_bundle(folder: Path) -> None:
    """And is told of."""
    write(folder, EXACT)
    source = FilePolicies(folder)
    first = source.current()
    path = folder / "indexes" / "customers.edm"
    path.write_bytes(path.read_bytes()[:-8])
    source.reload()

    assert (first, False) == (source.current(), source.health().ok)
    assert ["P023"] == [problem.code for problem in source.problems]


def test_a_detector_of_a_topic_needs_no_index(folder: Path) -> None:
    """It is sure unless it says otherwise."""
    write(folder, TOPIC, TOPIC.replace("label", "min_confidence: low, label"))
    one, more1 = FilePolicies(folder).current().policies[0].own_detectors

    assert isinstance(one, TopicDetector)
    assert isinstance(more1, TopicDetector)
    assert (Topic.SOURCE_CODE, 850, 300) == (one.topic, one.min_confidence, more1.min_confidence)


@pytest.mark.parametrize("detector", [EXACT, PRINT, TOPIC])
def test_schema_and_canonical_form_know_both(folder: Path, detector: str) -> None:
    """What loads is valid, and formatting keeps it."""
    import jsonschema_rs

    write(folder, detector)
    data = (folder / "t.policy.yaml").read_bytes()
    validator = jsonschema_rs.validator_for(policy_schema())
    formatted = format_policy("t.policy.yaml", data)
    faulty = data.replace(b"indexes/", b"elsewhere/").replace(b"source_code", b"sports")

    assert validator.is_valid(load_strict(data, "t.policy.yaml"))
    assert not validator.is_valid(load_strict(faulty, "t.policy.yaml"))
    assert isinstance(formatted, Formatted)
    assert load_strict(data, "t") == load_strict(formatted.text.encode(), "t")
