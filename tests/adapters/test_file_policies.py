"""Policy files: what loads, what is refused and where, and that a bundle changes whole or not at all."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.file_policies import (
    Activated,
    FilePolicies,
    PolicyErrors,
    Rejected,
    SourceFile,
    Unchanged,
    digest_of,
    lint_files,
)
from gateway.adapters.policy_detectors import pattern_fault
from gateway.adapters.policy_reader import KNOWN_ENTITIES, Readable, Unreadable, read_policy
from gateway.domain.conditions import AllOf, AnyOf, ClassIs, ContextField, ContextIs, FindingIs, LabelIs, Not
from gateway.domain.declaration import Source
from gateway.domain.detectors import EntityDetector, PatternDetector, TermsDetector
from gateway.domain.finding import Permille
from gateway.domain.labels import STANDARD_LABELS, Classification, DataClass, Entity
from gateway.domain.policy import (
    Block,
    Ceiling,
    Operator,
    Policy,
    RouteExternal,
    RouteLocal,
    Scope,
    Severity,
    Transform,
    TransformOnly,
    TreatAs,
    Zone,
)
from gateway.pipeline.ports import Health

TODAY = date(2026, 6, 1)
PUBLIC, INTERNAL, CONFIDENTIAL, RESTRICTED = STANDARD_LABELS
HEAD = """\
apiVersion: gateway/v1
kind: Policy
metadata: {name: test}
destinations:
  local-slm: {zone: in_network, max_label: restricted}
  openai: {zone: external, max_label: internal, never: [phi, secret]}
"""
RULE = "{id: a, reason: A, severity: low, when: {class: pii}, then: {route: local}}"
EVIDENCE_THAT_LOWERS = (
    "{type: pattern, re2: x, label: public, evidence: {words: w, within_chars: 9},"
    " confidence: {alone: high, with_evidence: low}}"
)
FULL = r"""
apiVersion: gateway/v1
kind: Policy
metadata: {name: claims-phi, owner: secops@acme.example, description: Stays inside., controls: [GDPR-5]}
scope: {apps: [claims-bot, batch-*], tenants: acme}
labels: [public, internal, confidential, restricted]
destinations:
  local-slm: {zone: in_network, max_label: restricted}
  openai-eu: {zone: external, max_label: internal, never: [phi, secret]}
detectors:
  us-ssn: {type: entity, entity: US_SSN, label: restricted, classes: [pii]}
  member-id: {type: pattern, re2: '\bM\d{9}\b', evidence: {words: [member, policy no], within_chars: 60},
              confidence: {alone: low, with_evidence: high}, label: restricted, classes: [phi]}
  ticket: {type: pattern, re2: 'T-\d+', label: internal}
  projects: {type: terms, terms: [Project  Halcyon, Bluefin roadmap], label: confidential, classes: [proprietary]}
rules:
  - {id: phi, reason: PHI_ID, severity: high, non_waivable: true, tell_user: Inside.,
     when: {any: [{finding: {detector: us-ssn, min_confidence: medium}}, {class: phi}]}, then: {route: local-slm}}
  - {id: bulk, reason: BULK, severity: critical, when: {finding: {detector: us-ssn, min_count: 20}}, then: {block: 451}}
  - {id: mask, reason: CONTACT, severity: low, when: {finding: {entity: EMAIL_ADDRESS, sources: [user, tool_result]}},
     then: {transform: [{entity: EMAIL_ADDRESS, with: placeholder}, {entity: member-id, with: hash}], route: openai-eu}}
  - {id: only, reason: ONLY, severity: info, when: {not: {class: [pii, phi]}},
     then: {transform: [{entity: us-ssn, with: redact}]}}
  - {id: cleared, reason: CLEARED, severity: info, then: {route: external},
     when: {all: [{label: {at_most: internal}}, {app: claims-*}, {model: [gpt-4o, "gpt-5*"]},
                  {finding: {entity: projects}}]}}
  - {id: later, mode: shadow, shadow_until: 2026-12-31, reason: LATER, severity: medium, when: {tenant: acme},
     then: {route: local}}
default: {route: local-slm, reason: NOTHING_MATCHED}
on_failure: {detector: {treat_as: restricted}, opaque_part: {block: 415}, local_model_down: {block: 502}}
"""


def read(text: str, *, today: date = TODAY) -> Readable | Unreadable:
    """What one file gives."""
    return read_policy("t.policy.yaml", text.encode(), KNOWN_ENTITIES, today)


def policy(text: str) -> Policy:
    """The policy of a file without a fault."""
    result = read(text)
    assert isinstance(result, Readable), result
    return result.policy


def codes(text: str) -> list[tuple[str, str]]:
    """What each error of a file points at (a word of the text), and its code."""
    result = read(text)
    lines = text.split("\n")
    errors = result.errors if isinstance(result, Unreadable) else ()
    return [(re.split(r"[,:}\] ]", lines[e.line - 1][e.column - 1 :] + ",")[0], e.code) for e in errors]


def test_a_full_policy() -> None:
    """Every part of the format arrives as the value that it says."""
    read_one = policy(FULL)
    ssn, email = Entity("US_SSN"), Entity("EMAIL_ADDRESS")
    phi, bulk, mask, only, cleared, later = read_one.rules

    assert ("claims-phi", Scope(frozenset({"claims-bot", "batch-*"}), frozenset({"acme"}))) == (
        read_one.name,
        read_one.scope,
    )
    assert STANDARD_LABELS == read_one.scale.labels
    assert {
        "local-slm": Ceiling(Zone.IN_NETWORK, RESTRICTED, frozenset()),
        "openai-eu": Ceiling(Zone.EXTERNAL, INTERNAL, frozenset({DataClass.PHI, DataClass.SECRET})),
    } == read_one.ceilings
    words = ("member", "policy no")
    assert (
        EntityDetector("us-ssn", ssn, Classification(RESTRICTED, frozenset({DataClass.PII}))),
        PatternDetector(
            "member-id",
            r"\bM\d{9}\b",
            words,
            60,
            Permille(300),
            Permille(850),
            Classification(RESTRICTED, frozenset({DataClass.PHI})),
        ),
        PatternDetector("ticket", r"T-\d+", (), 0, Permille(850), Permille(850), Classification(INTERNAL, frozenset())),
        TermsDetector(
            "projects",
            ("Project Halcyon", "Bluefin roadmap"),
            Classification(CONFIDENTIAL, frozenset({DataClass.PROPRIETARY})),
        ),
    ) == read_one.detectors
    anywhere: frozenset[Source] = frozenset()
    assert AnyOf((FindingIs(ssn, Permille(500), 1, anywhere), ClassIs(DataClass.PHI))) == phi.when
    assert (RouteLocal("local-slm"), "PHI_ID", Severity.HIGH, "Inside.", True) == (
        phi.then,
        phi.reason,
        phi.severity,
        phi.tell_user,
        phi.non_waivable,
    )
    assert (FindingIs(ssn, Permille(0), 20, anywhere), Block(451)) == (bulk.when, bulk.then)
    assert FindingIs(email, Permille(0), 1, frozenset({Source.USER, Source.TOOL_RESULT})) == mask.when
    transforms = (Transform(email, Operator.PLACEHOLDER), Transform(Entity("member-id"), Operator.HASH))
    assert RouteExternal("openai-eu", transforms) == mask.then
    assert Not(AnyOf((ClassIs(DataClass.PII), ClassIs(DataClass.PHI)))) == only.when
    assert TransformOnly((Transform(ssn, Operator.REDACT),)) == only.then
    assert (
        AllOf(
            (
                LabelIs(PUBLIC, INTERNAL),
                ContextIs(ContextField.APP, frozenset({"claims-*"})),
                ContextIs(ContextField.MODEL, frozenset({"gpt-4o", "gpt-5*"})),
                FindingIs(Entity("projects"), Permille(0), 1, anywhere),
            )
        )
        == cleared.when
    )
    assert (RouteExternal("", ()), False, True) == (cleared.then, cleared.shadow, later.shadow)
    assert (RouteLocal("local-slm"), "NOTHING_MATCHED") == (read_one.default, read_one.default_reason)
    assert (TreatAs(RESTRICTED), Block(415), 502) == (
        read_one.on_detector_failure,
        read_one.on_opaque_part,
        read_one.local_model_down_status,
    )


def test_what_is_left_out_is_the_safe_thing() -> None:
    """Everybody, the standard labels, inside by default, the unreadable at the top."""
    least = policy(HEAD + "rules: []\n")

    assert Scope(frozenset({"*"}), frozenset({"*"})) == least.scope
    assert STANDARD_LABELS == least.scale.labels
    assert (RouteLocal(""), TreatAs(RESTRICTED), TreatAs(RESTRICTED), 503) == (
        least.default,
        least.on_detector_failure,
        least.on_opaque_part,
        least.local_model_down_status,
    )


def rules(*written: str) -> str:
    """A policy of these rules."""
    return HEAD + "rules:\n" + "".join(f"  - {each}\n" for each in written)


def rule(**parts: str) -> str:
    """A rule that is good but for some parts; an empty part is left out."""
    good = {"id": "a", "reason": "A", "severity": "low", "when": "{class: pii}", "then": "{route: local}"}
    return "{" + ", ".join(f"{key}: {value}" for key, value in (good | parts).items() if value) + "}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HEAD + "rules: []\nextra: 1\n", [("extra", "P001")]),
        (HEAD.replace("gateway/v1", "gateway/v2") + "rules: []\n", [("gateway/v2", "P005")]),
        (HEAD.replace("Policy", "Polity") + "rules: []\n", [("Polity", "P005")]),
        (HEAD.replace("kind: Policy", "kind: Exception") + "rules: []\n", [("apiVersion", "P004")]),
        (HEAD.replace("name: test", "name: Test It") + "rules: []\n", [("Test", "P005")]),
        (HEAD.replace("name: test", "name: test, ownr: me") + "rules: []\n", [("ownr", "P001")]),
        (HEAD + "rules: []\nrules: []\n", [("rules", "P002")]),
        (HEAD + "rules: 7\n", [("7", "P005")]),
        (HEAD + "rules: [7]\n", [("7", "P005")]),
        (HEAD + "rules: []\nscope: {apps: [a*b]}\n", [("a*b", "P005")]),
        (HEAD + "rules: []\nscope: {apps: []}\n", [("[", "P005")]),
        (HEAD + "rules: []\nscope: {app: [a]}\n", [("app", "P001")]),
        (HEAD + "rules: []\nlabels: [public, internal, internal, restricted]\n", [("[public", "P002")]),
        (HEAD.replace("max_label: internal", "max_label: restricted") + "rules: []\n", [("restricted", "P011")]),
        (HEAD.replace("max_label: internal", "max_label: secret") + "rules: []\n", [("secret", "P016")]),
        (HEAD.replace("zone: external", "zone: outside") + "rules: []\n", [("outside", "P005")]),
        (HEAD.replace("[phi, secret]", "[phi, secrets]") + "rules: []\n", [("secrets", "P016")]),
        (HEAD.replace("  openai:", "  external:") + "rules: []\n", [("external", "P005")]),
        (rules(rule(), rule()), [("{id", "P002")]),
        (rules(rule(extra="1")), [("extra", "P001")]),
        (rules(rule(when="")), [("{id", "P006")]),
        (rules(rule(then="")), [("{id", "P006")]),
        (rules(rule(id="A B")), [("A", "P005")]),
        (rules(rule(reason="no reason")), [("no", "P005")]),
        (rules(rule(severity="hihg")), [("hihg", "P005")]),
        (rules(rule(non_waivable="'true'")), [("'true'", "P005")]),
        (rules(rule(tell_user="x" * 501)), [("x" * 501, "P005")]),
        (rules(rule(when="{class: pii, label: {at_most: public}}")), [("{class", "P005")]),
        (rules(rule(when="{}")), [("{", "P005")]),
        (rules(rule(when="pii")), [("pii", "P005")]),
        (rules(rule(when="{any: []}")), [("[", "P005")]),
        (rules(rule(when="{all: {class: pii}}")), [("{class", "P005")]),
        (rules(rule(when="{clas: pii}")), [("clas", "P001")]),
        (rules(rule(when="{class: piii}")), [("piii", "P016")]),
        (rules(rule(when="{class: []}")), [("[", "P005")]),
        (rules(rule(when="{task: extracting}")), [("extracting", "P016")]),
        (rules(rule(when="{task: unknown}")), [("unknown", "P016")]),
        (rules(rule(when="{not: {task: {is: code, sure: high}}}")), [("sure", "P001")]),
        (rules(rule(when="{label: {}}")), [("{", "P006")]),
        (rules(rule(when="{label: {at_most: interal}}")), [("interal", "P016")]),
        (rules(rule(when="{label: {at_least: restricted, at_most: public}}")), [("{at_least", "P010")]),
        (rules(rule(when="{finding: {}}")), [("{", "P006")]),
        (rules(rule(when="{finding: {entity: US_SNN}}")), [("US_SNN", "P016")]),
        (rules(rule(when="{finding: {detector: us-ssn}}")), [("us-ssn", "P016")]),
        (rules(rule(when="{finding: {entity: US_SSN, detector: x}}")), [("US_SSN", "P005"), ("x", "P016")]),
        (rules(rule(when="{finding: {entity: US_SSN, min_confidence: 0.5}}")), [("0.5", "P005")]),
        (rules(rule(when="{finding: {entity: US_SSN, min_count: 0}}")), [("0", "P005")]),
        (rules(rule(when="{finding: {entity: US_SSN, source: users}}")), [("users", "P005")]),
        (rules(rule(when="{app: [a, 7]}")), [("7", "P005")]),
        (rules(rule(when="{purpose: x}", then="{route: external}")), [("{purpose", "P010")]),
        (rules(rule(then="{}")), [("{", "P006")]),
        (rules(rule(then="{route: opnai}")), [("opnai", "P016")]),
        (rules(rule(then="{block: 200}")), [("200", "P005")]),
        (rules(rule(then="{block: 403, route: local}")), [("{block", "P005")]),
        (rules(rule(then="{transform: []}")), [("[", "P005")]),
        (rules(rule(then="{transform: [{entity: US_SSN, with: surrogate}]}")), [("surrogate", "P005")]),
        (rules(rule(then="{transform: [{entity: SECRET, with: surrogate}]}")), [("surrogate", "P005")]),
        (rules(rule(then="{transform: [{entity: ticket, with: surrogate}]}")), [("ticket", "P016")]),
        (rules(rule(then="{transform: [{entity: US_SSN, with: maks}]}")), [("maks", "P005")]),
        (rules(rule(then="{transform: [{entity: SSN, with: mask}]}")), [("SSN", "P016")]),
        (rules(rule(then="{transform: [{entity: US_SSN, with: mask}], route: local}")), [("[{entity", "P005")]),
        (rules(rule(mode="shdow")), [("shdow", "P005")]),
        (rules(rule(shadow_until="2026-12-31")), [("2026-12-31", "P005")]),
        (rules(rule(mode="shadow", shadow_until="soon")), [("soon", "P005")]),
        (HEAD + "rules: []\ndefault: {route: openai, reason: X}\n", [("openai", "P017")]),
        (HEAD + "rules: []\ndefault: {route: external, reason: X}\n", [("external", "P017")]),
        (HEAD + "rules: []\ndefault: {route: local}\n", [("{route", "P006")]),
        (HEAD + "rules: []\ndefault: {reason: X}\n", [("{reason", "P005")]),
        (HEAD + "rules: []\non_failure: {detector: {treat_as: internal}}\n", [("internal", "P011")]),
        (HEAD + "rules: []\non_failure: {detectors: {treat_as: restricted}}\n", [("detectors", "P001")]),
        (HEAD + "rules: []\non_failure: {detector: {}}\n", [("{", "P005")]),
        (
            HEAD + "rules: []\non_failure: {local_model_down: {route: external}}\n",
            [("{route", "P006"), ("route", "P001")],
        ),
    ],
)
def test_refusals(text: str, expected: list[tuple[str, str]]) -> None:
    """Each fault has its code and points at the word that is wrong."""
    assert sorted(expected) == sorted(codes(text))


def test_missing_parts() -> None:
    """Each is told, where the file begins."""
    assert [("rules", "P006")] * 4 == codes("rules: []\n")


@pytest.mark.parametrize(
    ("detector", "expected"),
    [
        ("{label: public}", [("{label", "P006")]),
        ("{type: regex, label: public}", [("regex", "P005")]),
        ("{type: exact_match, index: x, columns: a, min_columns: 1, label: public}", [("x", "P005")]),
        ("{type: exact_match, index: indexes/x, columns: a, min_columns: 1, label: public}", [("indexes/x", "P023")]),
        ("{type: topic, topic: sports, label: public}", [("sports", "P005")]),
        ("{type: topic, topic: unknown, label: public}", [("unknown", "P005")]),
        ("{type: topic, topic: legal, min_confidence: certain, label: public}", [("certain", "P005")]),
        ("{type: fingerprint, index: indexes/x, min_similarity: 0.3, label: public}", [("indexes/x", "P023")]),
        ("{type: entity, entity: SSN, label: public}", [("SSN", "P016")]),
        ("{type: entity, entity: US_SSN, label: publik}", [("publik", "P016")]),
        ("{type: entity, entity: US_SSN, label: public, classes: [pi]}", [("pi", "P016")]),
        ("{type: entity, entity: US_SSN, label: public, terms: [x]}", [("terms", "P001")]),
        ("{type: terms, terms: [], label: public}", [("[", "P005")]),
        ("{type: terms, terms: [''], label: public}", [("''", "P005")]),
        ("{type: pattern, re2: 'x*', label: public}", [("'x*'", "P015")]),
        ("{type: pattern, re2: '(?=x)', label: public}", [("'(?=x)'", "P015")]),
        ("{type: pattern, re2: x, evidence: {words: [w]}, label: public}", [("{words", "P006")]),
        ("{type: pattern, re2: x, confidence: {alone: lo}, label: public}", [("lo", "P005")]),
        (
            "{type: pattern, re2: x, confidence: {alone: low, with_evidence: high}, label: public}",
            [("with_evidence", "P001")],
        ),
        (
            EVIDENCE_THAT_LOWERS,
            [("{alone", "P005")],
        ),
    ],
)
def test_refused_detectors(detector: str, expected: list[tuple[str, str]]) -> None:
    """As for rules; a detector that cannot run is never ignored."""
    assert expected == codes(HEAD + f"rules: []\ndetectors:\n  d: {detector}\n")


def test_did_you_mean() -> None:
    """The nearest name, whatever its case; the whole list where it is short and nothing is near."""
    text = rules(rule(when="{finding: {entity: us_snn}}"), rule(id="b", severity="zzz"), rule(id="c", sevrity="low"))
    result = read(text)

    assert isinstance(result, Unreadable)
    assert [
        "unknown entity 'us_snn': did you mean 'US_SSN'?",
        "unknown severity 'zzz': one of critical, high, info, low, medium",
        "unknown key in a rule: 'sevrity': did you mean 'severity'?",
    ] == [e.message for e in result.errors]


def test_a_surrogate_is_asked_for_where_there_is_one() -> None:
    """Never something else in its place: the policy is refused, and says for which entities there are surrogates."""
    detectors = "detectors:\n  ticket: {type: pattern, re2: 'T-[0-9]+', label: internal}\n"
    own = rules(rule(then="{transform: [{entity: ticket, with: surrogate}]}")) + detectors
    ours = policy(rules(rule(then="{transform: [{entity: PERSON, with: surrogate}]}")))
    result = read(own)

    assert isinstance(result, Unreadable)
    (error,) = result.errors
    assert error.message.startswith(
        "surrogate is not available for entity 'ticket'; it is for DATE_TIME, EMAIL_ADDRESS, "
    )
    assert TransformOnly((Transform(Entity("PERSON"), Operator.SURROGATE),)) == ours.rules[0].then


def test_all_problems_of_a_file_are_told() -> None:
    """From YAML itself to the last key."""
    text = rules(rule(severity="no", when="{clas: pii}", then="{route: nowhere}")) + "rules: []\n"

    assert {"P003", "P001", "P016", "P002", "P005"} == {code for _, code in codes(text)}


@pytest.mark.parametrize(
    ("written", "today", "warned"),
    [
        (rule(mode="shadow", shadow_until="2026-12-31"), date(2026, 12, 31), []),
        (rule(mode="shadow", shadow_until="2026-12-31"), date(2027, 1, 1), ["P018"]),
        (rule(mode="shadow"), TODAY, ["P018"]),
        (rule(mode="enforce"), TODAY, []),
    ],
)
def test_overdue_shadows_are_a_warning(written: str, today: date, warned: list[str]) -> None:
    """Worth a look, and no reason to fall back to older rules."""
    result = read(rules(written), today=today)

    assert isinstance(result, Readable)
    assert warned == [w.code for w in result.warnings]


def test_opaque_parts_that_may_leave_are_a_warning() -> None:
    """A policy may say so; somebody should know."""
    result = read(HEAD + "rules: []\non_failure: {opaque_part: {treat_as: internal}}\n")

    assert isinstance(result, Readable)
    assert ["P011"] == [w.code for w in result.warnings]


@pytest.mark.parametrize(
    "pattern",
    ["x*", "x?", "", "|x", "^", "$", r"\b", r"\B", r"x*\b", r"(?m)^", "(?:x|)", r"[ax]*$", r"\A", r"\z", r"(?:x+|\b)"],
)
def test_patterns_that_can_match_nothing(pattern: str) -> None:
    """In any surroundings, not only in an empty text."""
    assert "" != pattern_fault(pattern)


@pytest.mark.parametrize("pattern", ["(?=x)", r"(x)\1", "(?<!x)y", "x{1001}", "[", "x" * 2001, r"\Qx"])
def test_patterns_that_are_not_re2(pattern: str) -> None:
    """Look-around and back references are not linear; nor is what only another engine reads."""
    assert "" != pattern_fault(pattern)


@pytest.mark.parametrize("pattern", [r"\bM\d{9}\b", "(?i)halcyon", "^x$", r"\Qa.b\E", "x+", "x|y", r"(?m)^x"])
def test_good_patterns(pattern: str) -> None:
    """Ordinary ones pass."""
    assert "" == pattern_fault(pattern)


def write(folder: Path, name: str = "test", text: str = HEAD + f"rules: [{RULE}]\n") -> None:
    """A policy file of this name."""
    (folder / f"{name}.policy.yaml").write_text(text.replace("name: test", f"name: {name}"))


def test_a_directory_is_a_bundle(tmp_path: Path) -> None:
    """All its policies, sorted by file; tests beside them and hidden files are none."""
    write(tmp_path, "b")
    write(tmp_path, "a")
    (tmp_path / "a.policy.test.yaml").write_text("nothing: here\n")
    (tmp_path / ".c.policy.yaml").write_text("nor: here\n")
    (tmp_path / "README.md").write_text("text")

    source = FilePolicies(tmp_path)

    assert (["a", "b"], 1) == ([p.name for p in source.current().policies], source.current().revision)
    assert re.fullmatch("sha256:[0-9a-f]{64}", source.current().digest)
    assert Health(ok=True, detail="") == source.health()


@pytest.mark.parametrize("stray", ["a.yaml", "a.policy.yml", "exception.yml", "policy.yaml"])
def test_a_file_that_would_be_ignored_is_refused(tmp_path: Path, stray: str) -> None:
    """A misnamed policy would protect nothing."""
    write(tmp_path)
    (tmp_path / stray).write_text("x: 1\n")

    with pytest.raises(PolicyErrors, match=stray):
        FilePolicies(tmp_path)


def test_a_directory_without_policies_is_refused(tmp_path: Path) -> None:
    """An empty one, one that is not there, and a file that cannot be read."""
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(PolicyErrors, match="P004"):
            FilePolicies(folder)
    (tmp_path / "x.policy.yaml").mkdir()
    with pytest.raises(PolicyErrors, match="P004"):
        FilePolicies(tmp_path)


@pytest.mark.parametrize(
    ("other", "code"),
    [
        (HEAD.replace("name: test", "name: a") + "rules: []\n", "P002"),
        (HEAD + "rules: []\nlabels: [public, internal, restricted]\n", "P005"),
        (HEAD + "rules: []\ndetectors:\n  d: {type: terms, terms: [z], label: public}\n", "P002"),
        (HEAD.replace("openai: {zone: external", "openai: {zone: in_network") + "rules: []\n", "P016"),
    ],
)
def test_files_that_contradict_each_other(tmp_path: Path, other: str, code: str) -> None:
    """One name, one scale, one meaning of a detector, one zone of a destination."""
    write(tmp_path, "a", HEAD + "rules: []\ndetectors:\n  d: {type: terms, terms: [x], label: public}\n")
    (tmp_path / "b.policy.yaml").write_text(other)

    with pytest.raises(PolicyErrors) as caught:
        FilePolicies(tmp_path)
    assert [("b.policy.yaml", code)] == [(p.file, p.code) for p in caught.value.problems]


def test_two_files_may_share_a_detector_and_rule_ids(tmp_path: Path) -> None:
    """Where they say the same."""
    same = HEAD + f"rules: [{RULE}]\ndetectors:\n  d: {{type: terms, terms: [x], label: public}}\n"
    write(tmp_path, "a", same)
    write(tmp_path, "b", same)

    assert 1 == len(FilePolicies(tmp_path).current().custom_detectors_for("app", "tenant"))


def test_zones_agree_with_the_configuration(tmp_path: Path) -> None:
    """A destination that the configuration puts outside cannot be inside for a policy."""
    write(tmp_path)
    agreeing = {"openai": Zone.EXTERNAL, "elsewhere": Zone.IN_NETWORK}

    assert FilePolicies(tmp_path, zones=agreeing).health().ok
    with pytest.raises(PolicyErrors, match="local-slm"):
        FilePolicies(tmp_path, zones={"local-slm": Zone.EXTERNAL})


def test_entities_of_other_recognisers(tmp_path: Path) -> None:
    """A rule may speak of them once somebody can report them."""
    write(tmp_path, text=rules(rule(when="{finding: {entity: BADGE}}")))

    assert FilePolicies(tmp_path, entities=KNOWN_ENTITIES | {Entity("BADGE")}).health().ok
    with pytest.raises(PolicyErrors, match="BADGE"):
        FilePolicies(tmp_path)


def test_reload(tmp_path: Path) -> None:
    """The revision counts what came into force; a broken change keeps the last good bundle and says so."""
    write(tmp_path)
    source = FilePolicies(tmp_path)
    first = source.current()
    assert Unchanged() == source.reload()

    write(tmp_path, text=HEAD + "rules: [broken]\n")
    rejected = source.reload()
    assert isinstance(rejected, Rejected)
    assert (first, False, rejected.problems) == (source.current(), source.health().ok, source.problems)

    write(tmp_path)
    assert (Unchanged(), True, ()) == (source.reload(), source.health().ok, source.problems)

    write(tmp_path, text=HEAD + "rules: []\n")
    assert isinstance(source.reload(), Activated)
    assert (2, ()) == (source.current().revision, source.current().policies[0].rules)


def test_a_vanished_directory_keeps_the_last_good_bundle(tmp_path: Path) -> None:
    """Unreadable is broken, not empty."""
    write(tmp_path)
    source = FilePolicies(tmp_path)
    (tmp_path / "test.policy.yaml").unlink()

    assert isinstance(source.reload(), Rejected)
    assert (1, False) == (source.current().revision, source.health().ok)


_files = st.lists(st.builds(SourceFile, st.text("ab", min_size=1, max_size=3), st.binary(max_size=3)), max_size=3)


@given(_files, _files)
def test_digests_tell_sets_of_files_apart(one: list[SourceFile], other: list[SourceFile]) -> None:
    """Equal digests for equal files in any order, and for nothing else."""

    def by_name(files: list[SourceFile]) -> list[SourceFile]:
        return sorted(files, key=lambda f: f.name)

    assert (by_name(one) == by_name(other)) is (digest_of(one) == digest_of(other))


@given(st.text(max_size=300) | st.sampled_from(FULL.split("\n")).map(lambda line: FULL.replace(line, "", 1)))
def test_no_text_raises(text: str) -> None:
    """A policy, or problems with a place."""
    lint = lint_files([SourceFile("t.policy.yaml", text.encode())], today=TODAY)

    assert bool(lint.errors) is not bool(lint.policies)
    assert all(re.fullmatch(r"P0[01]\d", e.code) for e in lint.errors)


@given(st.data())
def test_no_damage_raises(data: st.DataObject) -> None:
    """A good file with any value replaced by another of any type: still a policy, or problems."""
    words = [m.span() for m in re.finditer(r"[A-Za-z0-9_*-]{2,}|\[[^\[\]]*\]", FULL)]
    start, end = data.draw(st.sampled_from(words))
    other = data.draw(
        st.sampled_from(["7", "true", "'x'", "[]", "{}", "[x, 7]", "{a: {b: c}}", "no", "*x", "restricted"])
    )
    result = read(FULL[:start] + other + FULL[end:])

    assert isinstance(result, Readable) or result.errors
