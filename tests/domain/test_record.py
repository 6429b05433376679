"""Records: canonical, chained, without text, and enough to evaluate a decision again."""

from __future__ import annotations

import dataclasses
import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.commitment import Secrets, commitment
from gateway.domain.declaration import Source
from gateway.domain.evaluate import evaluate
from gateway.domain.evidence import Content, Decided, Event, EventKind, Evidence, PolicyEvidence, Route
from gateway.domain.facts import Context, Facts, FindingFact
from gateway.domain.finding import Permille
from gateway.domain.labels import Entity, Label
from gateway.domain.merkle import leaf_hash
from gateway.domain.record import MAX_BYTES, NO_LEAF, Link, Record, encode, search_of, sent_digest, statement
from gateway.domain.record_schema import SCHEMAS, RecordError
from gateway.domain.strict_json import Json
from tests.domain import build
from tests.evidence import RECEIVED, SENT, activated, decided, finding, outcome

LINK = Link("gw-7f3a91c2", 7, bytes(range(32)), b"n" * 16)
SECRETS = Secrets(b"d" * 32, b"t" * 32, b"s" * 16)
CANARY = "Jane Roe 078-05-1120"


def record(evidence: Evidence) -> Record:
    """The record of some evidence."""
    return encode(evidence, LINK, SECRETS)


def document(evidence: Evidence) -> dict[str, object]:
    """What a record says."""
    loaded = json.loads(record(evidence).body)
    assert isinstance(loaded, dict)
    return loaded


def rebuilt(body: bytes, original: Decided) -> Facts:
    """The facts, from nothing but a record. The key's id is a pseudonym there, so that alone is taken from outside."""
    said = json.loads(body)
    return Facts(
        context=Context(
            tenant=said["tenant"],
            app=said["app"],
            key_id=original.who,
            purpose=said["ctx"]["purpose"],
            claimed_label=Label(said["ctx"]["claimed"]),
            at=said["t"],
        ),
        model=said["ctx"]["model"],
        leaves=said["body"]["leaves"],
        failed=said["body"]["failed"],
        opaque=said["body"]["opaque"],
        findings=tuple(
            FindingFact(Entity(f["d"]), f["at"], Source(f["src"]), f["n"], f["new"], Permille(f["conf"]))
            for f in said["find"]
        ),
    )


def facts(evidence: Decided) -> Facts:
    """The facts of a decision, from its evidence."""
    context = Context(
        evidence.tenant,
        evidence.app,
        evidence.who,
        evidence.purpose,
        Label(evidence.claimed_label),
        evidence.at,
    )
    counts = (evidence.leaves, evidence.failed, evidence.opaque)
    return Facts(context, evidence.model, *counts, evidence.findings)


@pytest.mark.parametrize("evidence", [decided(), outcome("01JD0000000000000000000000"), activated()])
def test_records_are_canonical(evidence: Evidence) -> None:
    """Sorted keys, no spaces, ASCII, no floats: serialising what was read gives the very bytes."""
    body = record(evidence).body

    assert body == json.dumps(json.loads(body), sort_keys=True, separators=(",", ":")).encode("ascii")
    assert b"." not in b"".join(part for part in body.split(b'"')[::2])


def test_the_leaf_is_rfc_6962() -> None:
    """The leaf hash is SHA-256 over a zero byte and the stored bytes."""
    made = record(decided())

    assert hashlib.sha256(b"\x00" + made.body).digest() == made.leaf == leaf_hash(made.body)


def test_a_record_names_its_place_in_the_chain() -> None:
    """Writer, sequence, previous leaf and nonce stand in the record."""
    said = document(decided())

    assert ("gw-7f3a91c2", 7, bytes(range(32)).hex(), (b"n" * 16).hex()) == (said["w"], said["s"], said["p"], said["n"])


@pytest.mark.parametrize(
    ("route", "kind"),
    [
        (Route.EXTERNAL, "intent"),
        (Route.EXTERNAL_TRANSFORMED, "intent"),
        (Route.LOCAL, "local"),
        (Route.BLOCKED, "block"),
    ],
)
def test_the_kind_follows_the_route(route: Route, kind: str) -> None:
    """Whatever may leave is an intent."""
    assert kind == document(decided(route=route))["k"]


def test_content_appears_only_as_commitments() -> None:
    """Both bodies are committed to, with their lengths, and stand nowhere; nor does the id of the key."""
    evidence = decided()
    body = record(evidence).body
    said = json.loads(body)

    assert {"c": commitment(SECRETS.day_key, SECRETS.salt, RECEIVED), "bytes": len(RECEIVED)}.items() <= said[
        "body"
    ].items()
    assert {"c": commitment(SECRETS.day_key, SECRETS.salt, SENT), "bytes": len(SENT)} == said["do"]["sent"]
    assert b"jane.roe" not in body
    assert evidence.who.encode() not in body


@pytest.mark.parametrize(
    "changes",
    [
        {"decision_id": CANARY},
        {"tenant": CANARY},
        {"app": CANARY},
        {"operation": CANARY},
        {"detector": CANARY},
        {"label": Label(CANARY)},
        {"findings": (finding(CANARY),)},
        {"findings": (finding(schema=f"/messages/0/{CANARY}"),)},
        {"policy": PolicyEvidence(1, CANARY, "0" * 16, (), "R", ())},
        {"policy": PolicyEvidence(1, "sha256:" + "0" * 64, "0" * 16, (CANARY,), "R", ())},
        {"policy": PolicyEvidence(1, "sha256:" + "0" * 64, "0" * 16, (), CANARY, ())},
        {"policy": PolicyEvidence(1, "sha256:" + "0" * 64, "0" * 16, (), "R", (CANARY,))},
        {"destination": CANARY},
        {"transforms": (Entity(CANARY),)},
        {"classes": frozenset()} | {"label": Label("")},
    ],
)
def test_text_is_refused_in_every_closed_field(changes: dict[str, object]) -> None:
    """A string that is no word, id or digest is refused before the commit, by an error that does not repeat it."""
    with pytest.raises(RecordError) as refused:
        record(decided(**changes))

    assert "Jane" not in str(refused.value)


@pytest.mark.parametrize("field", ["model", "purpose", "claimed_label", "who"])
@pytest.mark.parametrize(
    "value",
    [
        CANARY,
        "gpt-078-05-1120",
        "jane.roe@example.org",
        "4111111111111111",
        "gpt-4111.1111.1111.1111",
        "2024-08-06-2024-08-06",
        "x" * 64,
    ],
)
def test_what_callers_choose_is_committed_to_unless_it_can_only_be_a_name(field: str, value: str) -> None:
    """A text, a number of a person, an address or an overlong name never stands in clear, and never fails a request."""
    assert value.encode() not in record(decided(**{field: value})).body


def test_a_model_name_in_which_something_was_found_is_committed_to() -> None:
    """A finding at `/model` says that the name is no name."""
    said = document(decided(model="jane-roe", findings=(finding("PERSON", "/model"),)))

    assert {"model": commitment(SECRETS.day_key, SECRETS.salt, b"jane-roe")}.items() <= dict(said["ctx"]).items()  # type: ignore[call-overload]


@given(st.text(min_size=1))
def test_no_text_of_a_caller_stands_in_a_record(text: str) -> None:
    """Whatever a caller sends as purpose: it is a plain name, or it is not to be seen."""
    said = json.loads(record(decided(purpose=text, received=Content(text.encode(errors="replace")))).body)
    shown = said["ctx"]["purpose"]

    assert shown.startswith("h1:") or (shown == text and text.isascii() and not set(text) & set(" @\"'\n\t"))


@pytest.mark.parametrize("field", ["at", "leaves", "failed", "opaque"])
@pytest.mark.parametrize("value", [1.5, True, -1, 2**53, "7", None])
def test_numbers_are_whole_and_bounded(field: str, value: object) -> None:
    """No float, no flag, nothing negative, nothing that another language would round."""
    with pytest.raises(RecordError):
        record(decided(**{field: value}))


@pytest.mark.parametrize(
    "field", ["status", "answer_bytes", "restored", "duration", "prompt_tokens", "completion_tokens"]
)
def test_an_outcome_holds_whole_numbers(field: str) -> None:
    """As for decisions."""
    with pytest.raises(RecordError):
        record(outcome("01JD0000000000000000000000", **{field: 0.5}))


def test_the_schema_is_closed() -> None:
    """A field more, a field less, or an unknown kind does not fit."""
    said = document(decided())

    SCHEMAS.check(said)  # type: ignore[arg-type]
    for wrong in ({**said, "note": ""}, {k: v for k, v in said.items() if k != "who"}, {**said, "k": "note"}):
        with pytest.raises(RecordError):
            SCHEMAS.check(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("subject", ["", "01JD0000000000000000000000", "gw-00000000", "sha256:" + "0" * 64, "0.1.0"])
def test_events_name_ids(subject: str) -> None:
    """An event speaks of an id, a digest or nothing."""
    assert subject == document(activated(subject))["subject"]


@pytest.mark.parametrize(("action", "subject"), [("activated", CANARY), (CANARY, ""), ("", "")])
def test_events_hold_no_text(action: str, subject: str) -> None:
    """Neither action nor subject takes a sentence."""
    with pytest.raises(RecordError):
        record(Event(kind=EventKind.ADMIN, at=1, action=action, subject=subject))


def test_a_recovered_intent_is_found_by_its_decision() -> None:
    """The record of a recovery carries the decision's id where searches look."""
    event = Event(kind=EventKind.RECOVERED, at=1, action="open_intent", subject="01JD0000000000000000000000")

    assert "01JD0000000000000000000000" == record(event).search.decision_id


def test_evaluation_of_a_record_gives_the_same_verdict() -> None:
    """The facts of a record are those that were judged."""
    evidence = decided(findings=(finding(), finding("US_SSN", "/tools/0/function/parameters/*", values=3, new=2)))

    assert facts(evidence) == rebuilt(record(evidence).body, evidence)


@pytest.mark.parametrize("count", [20, 70, 400])
def test_many_findings_fit_and_still_evaluate_the_same(count: int) -> None:
    """Findings beyond what a record holds are folded: no rule can tell, and the record stays within its bounds."""
    entities = ("US_SSN", "EMAIL_ADDRESS", "PERSON", "MEDICAL_CONDITION")
    many = tuple(
        finding(
            entities[i % 4],
            f"/messages/{i}/content" + "/*" * 60,
            source=list(Source)[i % 3],
            values=i % 3 + 1,
            new=i % 2,
            confidence=i * 13 % 1000,
        )
        for i in range(count)
    )
    evidence = decided(findings=many)
    made = record(evidence)
    bundle = build.bundle()

    assert len(made.body) <= MAX_BYTES
    assert evaluate(bundle, facts(evidence)) == evaluate(bundle, rebuilt(made.body, evidence))
    assert 0 == json.loads(made.body)["more"]["find"]


def test_what_does_not_fit_is_counted() -> None:
    """Hundreds of kinds of findings, rules and transforms leave a record within its bounds that says what it lacks."""
    names = [f"KIND_{i:04}_{'X' * 40}" for i in range(400)]
    evidence = decided(
        findings=tuple(finding(name) for name in names),
        transforms=tuple(Entity(name) for name in names),
        policy=PolicyEvidence(
            1, "sha256:" + "0" * 64, "0" * 16, tuple(n.lower() for n in names), "R", tuple(n.lower() for n in names)
        ),
    )
    body = record(evidence).body
    said = json.loads(body)

    assert len(body) <= MAX_BYTES
    for key, kept in (
        ("find", said["find"]),
        ("rules", said["pol"]["rules"]),
        ("shadow", said["pol"]["shadow"]),
        ("transforms", said["do"]["transforms"]),
    ):
        assert len(kept) > 10
        assert 400 == len(kept) + said["more"][key]


def test_search_columns_can_be_read_out_of_the_record() -> None:
    """They are derived: a lost column is no loss."""
    for evidence in (decided(), outcome("01JD0000000000000000000000"), activated()):
        made = record(evidence)
        assert made.search == search_of(json.loads(made.body))
    found = record(decided()).search
    assert ("intent", "acme", "claims-bot", "confidential", "external-transformed", "openai-eu", "CONTACT_MASKED") == (
        found.kind,
        found.tenant,
        found.app,
        found.label,
        found.route,
        found.destination,
        found.reason,
    )


def test_a_statement_names_record_and_leaf() -> None:
    """What a receipt states is where the decision stands."""
    evidence = decided()
    made = record(evidence)

    assert {
        "v": 1,
        "id": evidence.decision_id,
        "w": "gw-7f3a91c2",
        "s": 7,
        "leaf": made.leaf.hex(),
        "t": evidence.at,
    } == json.loads(statement(made))


def test_the_digest_is_of_the_bytes_to_be_sent() -> None:
    """A receipt speaks of the sent bytes; of none for an outcome or an event."""
    assert hashlib.sha256(SENT).digest() == sent_digest(decided())
    assert hashlib.sha256(b"").digest() == sent_digest(activated()) == sent_digest(decided(sent=Content(b"")))


def test_evidence_shows_no_content_in_its_repr() -> None:
    """Neither bodies nor caller-chosen words can slip into a log by a repr."""
    shown = repr(dataclasses.replace(decided(), model="CANARY-MODEL", purpose="CANARY-PURPOSE"))

    assert "jane.roe" not in shown
    assert "CANARY" not in shown


def test_the_first_record_of_a_writer_follows_no_leaf() -> None:
    """Its previous leaf is 32 zero bytes."""
    first = encode(activated(), Link("gw-00000000", 0, NO_LEAF, bytes(16)), SECRETS)

    assert "0" * 64 == json.loads(first.body)["p"]


@pytest.mark.parametrize("evidence", [decided(), outcome("01JD0000000000000000000000"), activated()])
def test_records_are_told_by_their_form(evidence: Evidence) -> None:
    """The usual ones fit without their documents being looked at: one that does not fit passes beside such a body."""
    made = record(evidence)
    kind = made.search.kind

    SCHEMAS.check({"k": kind, "note": CANARY}, made.body)
    with pytest.raises(RecordError):
        SCHEMAS.check({"k": kind, "note": CANARY}, made.body.replace(b'"s":7', b'"s":7.5'))


canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
usual = [json.loads(record(each).body) for each in (decided(), outcome("01JD0000000000000000000000"), activated())]
others = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 2**54), st.floats(), st.text(max_size=5), st.just(CANARY), st.just([]),
    st.sampled_from([0, 1, 599, 600, 999, 1000, 1001, 2**53 - 1, 2**53, "", "a" * 64, 'a"b', "a\\", "h1:" + "a" * 64]),
)  # fmt: skip


@given(st.sampled_from(usual), st.data())
def test_a_form_lets_nothing_pass_that_the_schema_refuses(said: dict[str, Json], choose: st.DataObject) -> None:
    """Any value in any place: whatever the form matches, the document fits."""
    changed: dict[str, Json] = json.loads(json.dumps(said))
    inside, key = changed, choose.draw(st.sampled_from([*changed, "note"]))
    while isinstance(below := inside.get(key), dict) and choose.draw(st.booleans()):
        inside, key = below, choose.draw(st.sampled_from([*below, "note"]))
    inside[key] = choose.draw(others)
    assert isinstance(changed, dict)
    alone, by_form = refused(changed, b""), refused(changed, canonical.encode(changed).encode())

    assert alone == by_form


names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,20}", fullmatch=True)
odd = st.one_of(names, st.text(max_size=8), st.integers(-1, 2**54), st.booleans(), st.none(), st.binary(max_size=4))


@given(
    st.one_of(
        st.builds(decided, tenant=names | odd, app=odd, model=st.text(max_size=70), purpose=st.text(max_size=20),
                  leaves=st.integers(0, 2**53 - 1), received=st.builds(Content, st.binary(max_size=9)),
                  findings=st.lists(st.builds(finding, values=st.integers(0, 9)), max_size=40).map(tuple)),
        st.builds(outcome, st.just("01JD0000000000000000000000"), answer_bytes=st.integers(0, 2**53 - 1), status=odd),
        st.builds(activated, odd),
    )
)  # fmt: skip
def test_what_is_recorded_is_what_the_standard_library_writes(evidence: Evidence) -> None:
    """Of any evidence: the canonical bytes, of a document that fits the schema value by value; or it is refused."""
    try:
        body = record(evidence).body
    except RecordError:
        return
    said = json.loads(body)

    assert canonical.encode(said).encode() == body
    assert not refused(said, b"")
    assert all(getattr(evidence, name, said[name]) == said[name] for name in ("tenant", "app", "status", "subject")
               if name in said)  # fmt: skip


def refused(said: dict[str, Json], body: bytes) -> str:
    """The place that does not fit; empty for none."""
    try:
        SCHEMAS.check(said, body)
    except RecordError as error:
        return error.place
    return ""
