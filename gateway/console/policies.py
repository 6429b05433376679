"""The policies in force as people read them, what came into force when, and what another version would change."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.adapters.file_policies import FilePolicies, PolicyErrors, bundle_again
from gateway.adapters.policy_lint import cases_of, tried
from gateway.adapters.policy_pages import rule_in_words
from gateway.adapters.sql_audit import SqlAudit
from gateway.adapters.sql_decisions import SqlDecisions
from gateway.adapters.sql_policies import kept_files, kept_revisions
from gateway.adapters.sql_search import search
from gateway.console.asked import Answer, Asked, Page, Refused
from gateway.console.decisions import whole_at
from gateway.domain.accounts import Sight
from gateway.domain.comparing import Compared
from gateway.domain.evidence import Route
from gateway.domain.exceptions import DAY
from gateway.domain.ledger_search import Query
from gateway.domain.policy import Block, Bundle, Policy, Rule
from gateway.domain.recorded import Past, Unread, past_of
from gateway.domain.replaying import Replayer
from gateway.domain.strict_json import text_at

DAYS = (1, 7, 30, 90)
IN_FORCE = "in force"
_MOST_COMPARED = 200_000
_HISTORY = 50
_MOST_OPEN_LAST = (
    Route.BLOCKED.value, Route.LOCAL.value, Route.EXTERNAL_TRANSFORMED.value, Route.EXTERNAL.value
)  # fmt: skip
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True, slots=True)
class RuleShown:
    """A rule in words, and the tests of the policies in which it matches."""

    rule: Rule
    words: str
    cases: Sequence[str]


async def policies(asked: Asked) -> Answer:
    """The bundle in force, its tests, and its history."""
    bundle = asked.parts.policies.current()
    matching, tests = await asyncio.to_thread(_tests, asked.parts.policies_folder, bundle)
    found = await asked.read(lambda audit: search(audit.connection, Query(kind="policy"), limit=_HISTORY).records)
    history = [
        {"at": whole_at(each.document, "t"), "what": text_at(each.document, "action"),
         "digest": text_at(each.document, "subject"), "by": each.writer}
        for each in found
    ]  # fmt: skip
    return Page("policies.html", {
        "title": "Policies",
        "bundle": bundle,
        "stale": asked.parts.policies.health().detail,
        "policies": [(policy, _rules(policy, matching), _otherwise(policy)) for policy in bundle.policies],
        "tests": tests,
        "history": history,
        "choices": await asked.read(lambda audit: _choices(asked, audit)),
        "days": DAYS,
    })  # fmt: skip


async def compare(asked: Asked) -> Answer:
    """Past decisions under two bundles: what would leave that stayed inside comes first."""
    names = await asked.read(lambda audit: _choices(asked, audit))
    old, new, days = asked.query.get("old", ""), asked.query.get("new", ""), asked.query.get("days", "")
    if old not in names or new not in names or days not in {str(each) for each in DAYS}:
        raise Refused(400, "Choose two versions of the policies, and a number of days.")
    now, sight = asked.parts.clock.now(), asked.holder.sight
    try:
        before, after = [Replayer(await _bundle(asked, names[each])) for each in (old, new)]
    except PolicyErrors as error:
        return Page("policies_wrong.html", {"title": "Policies", "problems": str(error).splitlines()}, 409)
    period = (max(sight.since, now - int(days) * DAY), min(sight.until, now))
    decisions = SqlDecisions(asked.parts.database)
    compared, cut = await asyncio.to_thread(_compared, decisions, before, after, Sight(sight.tenant, *period))
    return Page("compared.html", {
        "title": "What would change",
        "old": old,
        "new": new,
        "days": days,
        "compared": compared,
        "cut": cut,
        "most": _MOST_COMPARED,
        "routes": _MOST_OPEN_LAST,
        "within": _MOST_OPEN_LAST[:2],
        "matrix": _matrix(compared),
    })  # fmt: skip


def _matrix(compared: Compared) -> Counter[tuple[str, str]]:
    """How many decisions go from each route to each."""
    counts = Counter[tuple[str, str]]()
    for (_, before, after), cell in compared.cells.items():
        counts[before, after] += cell.count
    return counts


def _choices(asked: Asked, audit: SqlAudit) -> Mapping[str, Path | str]:
    """The folder of the bundle in force, the digests of revisions whose files were kept, and the folders that the
    configuration proposes."""
    kept = {f"revision {number}": digest for number, digest in kept_revisions(audit.connection).items()}
    proposed = {name: Path(folder) for name, folder in asked.parts.settings.console.proposals.items()}
    return {IN_FORCE: asked.parts.policies_folder, **kept, **proposed}


async def _bundle(asked: Asked, chosen: Path | str) -> Bundle:
    """The bundle of a folder or digest. Raises `PolicyErrors`."""
    folder = asked.parts.policies_folder
    if chosen == folder:
        return asked.parts.policies.current()
    if isinstance(chosen, Path):
        return await asyncio.to_thread(lambda: FilePolicies(chosen).current())
    kept = await asked.read(lambda audit: kept_files(audit.connection, chosen))
    if not kept:
        raise Refused(409, "The files that were kept of this revision are not what came into force.")
    return await asyncio.to_thread(bundle_again, kept, folder)


def _compared(decisions: SqlDecisions, old: Replayer, new: Replayer, sight: Sight) -> tuple[Compared, bool]:
    """The comparison, and whether it was cut short."""
    compared, keys = Compared(), decisions.keys()
    with _ONE_AT_A_TIME:
        for page in decisions.pages(sight.since, sight.until):
            for past in (past_of(body, keys) for body in page.bodies):
                _compare(compared, past, old, new, sight.tenant)
            if compared.decisions >= _MOST_COMPARED:
                return compared, True
    return compared, False


def _compare(compared: Compared, past: Past | Unread, old: Replayer, new: Replayer, tenant: str) -> None:
    if isinstance(past, Unread):
        if not tenant:  # whose it is cannot be read
            compared.add(past, past, past)
    elif tenant in {"", past.tenant}:
        compared.add(past, old.again(past), new.again(past))


def _rules(policy: Policy, matching: Sequence[tuple[str, frozenset[str]]]) -> list[RuleShown]:
    return [
        RuleShown(rule, rule_in_words(rule).replace("`", ""), [case for case, rules in matching if rule.id in rules])
        for rule in policy.rules
    ]


def _otherwise(policy: Policy) -> str:
    default = "is refused" if isinstance(policy.default, Block) else "is answered inside"
    return f"What no rule lets leave {default} ({policy.default_reason})."


def _tests(folder: Path, bundle: Bundle) -> tuple[list[tuple[str, frozenset[str]]], int]:
    """The rules that match in each test of the folder, and how many tests there are."""
    try:
        cases, _ = cases_of(folder, bundle)
    except PolicyErrors:
        return [], 0
    return [(case.id, tried(bundle, case).matching) for case in cases], len(cases)
