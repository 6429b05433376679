"""What every lint code of the policy files means: what is wrong, why that matters, how to mend it.

`docs/policy-codes.md` and the rules of a SARIF report are made from this table. A code never changes its meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

Level = Literal["error", "warning"]
"""`error`: the file is never loaded. `warning`: it loads, and somebody should look. A few codes are told as either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One code. `name` is its identifier for machines; the texts are whole sentences; `wrong` and `right` are YAML."""

    name: str
    level: Level
    what: str
    why: str
    mend: str
    wrong: str
    right: str


POLICY_CODES: Final[Mapping[str, Code]] = MappingProxyType(
    {
        "P001": Code(
            name="unknown-key",
            level="error",
            what="A key that means nothing in this place.",
            why="A misspelled key would be ignored, and what it asks for would silently not happen.",
            mend="Write the key that the message suggests, or remove it.",
            wrong="then: {rout: local}",
            right="then: {route: local}",
        ),
        "P002": Code(
            name="duplicate",
            level="error",
            what="A key, an id or a name that stands twice.",
            why="YAML silently keeps the last of two equal keys, so one of two rules would vanish.",
            mend="Remove one of them, or give it another name.",
            wrong="scope: {apps: [a], apps: [b]}",
            right="scope: {apps: [a, b]}",
        ),
        "P003": Code(
            name="yaml-trap",
            level="error",
            what="A trap of YAML: an anchor, an alias, a merge key, a tag, a second document, an empty value, a bare "
            "word or number that YAML reads as something else, or a character that an editor does not show.",
            why="What a reviewer sees would not be what is read.",
            mend="Write values out where they are used, and put the word in quotes.",
            wrong="metadata: {name: no}",
            right='metadata: {name: "no"}',
        ),
        "P004": Code(
            name="unreadable-file",
            level="error",
            what="Not a file that can be read: not UTF-8, not YAML, larger than 1 MiB, nested too deeply, or a name "
            "that leaves open what the file is.",
            why="A policy that nobody reads protects nothing, so one bad file keeps the whole folder from loading.",
            mend="Mend the file at the place that is told, give it a known name ending, or take it out of the folder.",
            wrong="rules: [{id: a",
            right="rules: [{id: a, ...}]",
        ),
        "P005": Code(
            name="wrong-value",
            level="error",
            what="A value of the wrong type, shape or range, or two keys that exclude each other.",
            why="A guess at what was meant could be less strict than what was meant.",
            mend="Write a value of the kind that the message names.",
            wrong="then: {block: forbidden}",
            right="then: {block: 403}",
        ),
        "P006": Code(
            name="missing-key",
            level="error",
            what="A key that has to be there is missing.",
            why="A rule without a reason or a condition cannot be explained or tested.",
            mend="Add the key.",
            wrong="- {id: phi, when: {class: phi}, then: {route: local}}",
            right="- {id: phi, reason: PHI, severity: high, when: {class: phi}, then: {route: local}}",
        ),
        "P010": Code(
            name="dead-rule",
            level="error",
            what="A rule whose condition can never hold, or whose permission can never be used.",
            why="Somebody believes that it protects or permits something, and it does neither.",
            mend="Loosen the condition or the destination's clearance, or remove the rule.",
            wrong="when: {label: {at_least: restricted, at_most: internal}}",
            right="when: {label: {at_least: internal, at_most: restricted}}",
        ),
        "P011": Code(
            name="external-above-clearance",
            level="error",
            what="An external destination cleared for the highest label, or something unread that counts as a label "
            "that may leave (a warning for opaque parts).",
            why="The highest label is that of everything unknown, broken or unreadable: it never leaves.",
            mend="Give the destination a lower `max_label`; let what nobody has read count as the highest label.",
            wrong="openai: {zone: external, max_label: restricted}",
            right="openai: {zone: external, max_label: internal}",
        ),
        "P012": Code(
            name="untested-rule",
            level="warning",
            what="A rule that has no case in which it matches, or none in which it does not.",
            why="Nobody has shown that the rule does what its author means.",
            mend="Add a case for each to a *.policy.test.yaml in the same folder.",
            wrong="cases: []",
            right="- {id: card, facts: {findings: [{entity: CREDIT_CARD}]}, expect: {rules: [cards-stay-in]}}",
        ),
        "P013": Code(
            name="exception-without-owner",
            level="error",
            what="An exception without an owner, an approver other than the owner, or an end within 90 days.",
            why="An exception that nobody answers for, or that never ends, is a hole.",
            mend="Name both people, and a day on which it ends.",
            wrong="owner: ann@example.com, approver: ann@example.com",
            right="owner: ann@example.com, approver: ben@example.com",
        ),
        "P014": Code(
            name="wildcard-exception",
            level="error",
            what="An exception whose scope has a wildcard.",
            why="It would hold for callers that nobody thought of.",
            mend="Name each app, tenant or key.",
            wrong='scope: {apps: ["*"]}',
            right="scope: {apps: [claims-bot]}",
        ),
        "P015": Code(
            name="bad-pattern",
            level="error",
            what="A pattern that is not RE2, or that can match without taking up a character.",
            why="RE2 takes linear time for every text, so no text can hang the detector; a pattern that matches the "
            "empty string finds something everywhere and says nothing.",
            mend="Leave out look-around and back-references, and let the pattern take up at least one character.",
            wrong=r"re2: '(?=\d{9})'",
            right=r"re2: '\bM\d{9}\b'",
        ),
        "P016": Code(
            name="unknown-name",
            level="error",
            what="An unknown entity, detector, destination, label, data class or rule.",
            why="A rule about an entity that no recogniser reports would never match.",
            mend="Write the name that the message suggests, or define the detector or destination.",
            wrong="finding: {entity: EMAIL_ADRESS}",
            right="finding: {entity: EMAIL_ADDRESS}",
        ),
        "P017": Code(
            name="default-not-inside",
            level="error",
            what="A default that leaves the network.",
            why="What no rule speaks of is what nobody thought of: it stays inside.",
            mend="Write `route: local` or a `block`, and a rule for what may leave.",
            wrong="default: {route: external, reason: NO_RULE_MATCHED}",
            right="default: {route: local, reason: NO_RULE_MATCHED}",
        ),
        "P018": Code(
            name="shadow-overdue",
            level="warning",
            what="A shadow rule past its day, or without one.",
            why="A rule in shadow decides nothing; it is meant to become a rule or to go.",
            mend="Compare its matches, then enforce it, remove it, or give it another `shadow_until`.",
            wrong="mode: shadow",
            right="mode: shadow\nshadow_until: 2026-12-31",
        ),
        "P021": Code(
            name="exception-without-effect",
            level="error",
            what="An exception that could change nothing.",
            why="Its owner believes that something is allowed which is not.",
            mend="Name a rule that exists and that the waived detector can trigger, or remove the exception.",
            wrong="waives: {rules: [no-such-rule]}",
            right="waives: {rules: [mask-contact]}",
        ),
        "P022": Code(
            name="exception-meets-non-waivable",
            level="error",
            what="An exception that names a rule which is `non_waivable`.",
            why="The policy says of this rule that nobody may be excepted from it.",
            mend="Remove the rule from the exception; to change the rule is a change of the policy.",
            wrong="waives: {rules: [secret-refused]}",
            right="waives: {rules: [mask-contact]}",
        ),
        "P023": Code(
            name="index-missing",
            level="error",
            what="A detector that needs an index names none, or one that is missing, broken, of another type, or built "
            "with a key that the gateway does not have.",
            why="Without its index the detector finds nothing, and everything would look harmless.",
            mend="Build the index with `gateway policy index build` and name it at `index`.",
            wrong="customers: {type: exact_match, columns: [member_id], min_columns: 1, label: restricted}",
            right="customers: {type: exact_match, index: indexes/customers.edm, columns: [member_id], min_columns: 1, "
            "label: restricted}",
        ),
        "P024": Code(
            name="exception-ends",
            level="warning",
            what="An exception that has ended, or ends within seven days.",
            why="From its end on, what it allowed stays inside or is refused again, to the second.",
            mend="Remove the file, or have a new exception approved, with a name of its own.",
            wrong="expires: 2020-01-01T00:00:00Z",
            right="expires: 2026-12-31T00:00:00Z",
        ),
    }
)
