"""Which narrow job a conversation asks for: choose a label, read fields, or shorten a text. Told by form and wording.

A job is recognised only where both the wish and the text that it is about are plain; everything else is left to the
model that generates. Looking takes linear time: while a pattern is matched nothing else runs in the process, so no
cancellation would be read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from gateway.adapters.narrow_schema import Blank, Choice, Form, Group, form_of, spoken
from gateway.domain.strict_json import Json, parse_json


@dataclass(frozen=True, slots=True)
class Fill:
    """Fill a form from a text. `bare` answers with the only value of the form instead of an object."""

    text: str = field(repr=False)
    form: Group = field(repr=False)
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Summarise:
    """Say a text in at most `sentences` of its own sentences."""

    text: str = field(repr=False)
    sentences: int


NarrowJob = Fill | Summarise
Messages = Sequence[tuple[str, str]]

_NOUNS = (
    "text|ticket|message|note|notes|e-?mail|mail|letter|review|input|document|article|request|enquiry|comment|transcript|"
    "report|feedback|post|description|content|passage|paragraph|sentence|statement|conversation|chat|complaint|record|log|"
    "entry|body|support request|clinical note|patient message|customer message|damage report|chat message|utterance|"
    "referral|case|claim|question|employee question|page|file"
)
_TITLE = re.compile(rf"\s*(?:{_NOUNS})\s*:\s*", re.IGNORECASE)
_FENCED = re.compile(
    r'"""(?P<quoted>.+?)"""|```\w*\n(?P<fence>.+?)```|^---+\n(?P<ruled>.+?)\n---+[ \t]*$',
    re.DOTALL | re.MULTILINE,
)
_TAG = re.compile(r"<([A-Za-z_ -]{2,24})>")
_MOST_TAGS = 32
"""Tags that are tried as the beginning of the text."""
_QUOTED = re.compile(r'"([^"]+)"|“([^”]+)”')
_CLASSIFY = re.compile(
    r"\b(?:classif\w*|categor\w*|class(?:es)?|labels?|route|sort|assign|tag(?:ged)?|choose|pick|decide|determine|"
    r"which of|what kind of|to which|is this|answer yes or no|sentiment|options?)\b",
    re.IGNORECASE,
)
_READ = re.compile(
    r"\b(?:extract|pull out|identify|fill in|find|get|return|read|give me|need|convert|what are|fields?|"
    r"as json|json please)\b",
    re.IGNORECASE,
)
_SHORTEN = re.compile(
    r"\b(?:summar(?:y|i[sz]e\w*|ies|i[sz]ing)|tl;?dr|sum up|condense|shorten|main points?|boil down|in a nutshell)\b",
    re.IGNORECASE,
)
_ONE_VALUE = re.compile(
    r"(?:(?:what(?: is|'s) the|extract the|give me the|find the|return only the|tell me the|copy the|"
    r"(?:please )?look up the)\s+(?P<name>(?!difference)[\w' -]{2,40}?)"
    r"(?:\s+(?:in|from|of) (?:the|this) \w+)?(?: and return nothing else)?"
    r"|which (?P<mentioned>[\w' -]{2,40}) is mentioned)[?.:]",
    re.IGNORECASE,
)
_LISTED = re.compile(r"\s(?:labels?|categories|classes|options)\s*:\s*", re.IGNORECASE)
"""What announces the labels behind a text."""
_ONE_SENTENCE = re.compile(r"\b(?:one|1|a single)[- ]sentence\b(?! or)", re.IGNORECASE)
_MANNER = re.compile(
    r"(?:^|(?<=[.:\n!?])\s*)(?:answer|reply|respond|output|return|only return|only|no explanation|do not|don't|please|"
    r"just|copy|use|choose exactly|missing|if )\b[^.\n]*(?:[.\n]|$)",
    re.IGNORECASE,
)
_LEADS = re.compile(
    r"\b(?:one of|as either|as one of|labels?|categor(?:y|ies)|class(?:es)?|options?|"
    r"allowed|tags?|into|between|from|of|"
    r"as|is this(?: \w+)?|answer|reply with|choose|best|fits this \w+\?)\b",
    re.IGNORECASE,
)
_BULLET = re.compile(r"(?:^|[:?])[ \t]*(?:[-*•]|\d+[.)])[ \t]+(\S.*)$", re.MULTILINE)
_BETWEEN = re.compile(r"\s*(?:[,;/|]\s*(?:(?:or|and)\b)?|\s(?:or|and)\s)\s*", re.IGNORECASE)
_KEY = re.compile(
    r"""(?:the key|key named|field)\s+["'`](\w{1,40})["'`]"""
    r"""|\{\s*["'](\w{1,40})["']\s*:\s*(?:\.\.\.|["'][^"']*["'])?\s*\}"""
)
_ORDER = re.compile(
    r"(?<![\s.])[\s.]+(?=(?:Answer|Reply with|Respond with|(?:Output|Return) (?:just|only|the)|Only|No explanation|"
    r"Use null|If |Missing|Format)\b|Return \{)"
)
"""Where an order begins on how to answer."""
_NO_FIELD = re.compile(
    r"(?:(?:following|these|named|this|required)? ?(?:fields|keys|json|text|object|json object|values|"
    r"information)|please|(?:from|with|as|in|give|and|for|to|me)\b.*)$",
    re.IGNORECASE,
)
_KEYS = re.compile(r"""["'](\w[\w -]{0,40})["']\s*:""")
_VERBS = r"(?:extract|get|identify|find|pull out|give me|i need|what are)"
_FIELDS = re.compile(
    rf"\b(?:{_VERBS} )?(?:the |these )?(?:following |named )?(?:fields?|keys?)(?: to extract)?\b:?\s*"
    rf"|\b(?:{_VERBS}|json)\b:?\s*",
    re.IGNORECASE,
)
_FIELDS_END = re.compile(r"\s+(?:from|in|as|and return|and reply|and fill|out of|with)\b.*$", re.IGNORECASE | re.DOTALL)
_ARTICLE = re.compile(r"^(?:the|a|an|its|all|any)\s+", re.IGNORECASE)
_LONGEST_LABEL = 5
_MOST_LABELS = 24
_MOST_LISTS = 32
"""Places of an instruction that are tried as lists of labels."""
_MOST_BLOCKS = 32
"""Lines, or paragraphs, of an instruction."""
_LONGEST_WISH = 1200
"""Characters of an instruction; of one beside a text in a fence, three times as many."""
_TRUTHS = frozenset({"yes", "no", "true", "false"})
_FEWEST_WORDS = 3
"""A text that stands on the line of the instruction has more."""


def job_of(messages: Messages, grammar: dict[str, str]) -> NarrowJob | None:
    """The narrow job of a conversation; None when it has none. `grammar` is `llamacpp_dialect.Grammar` as an object."""
    instruction, text = parted(messages)
    if grammar["kind"] == "schema":
        form = form_of(_json(grammar["schema"]))
        whole = text or _last(messages)
        return Fill(whole, form) if form is not None and whole else None
    if not text or not 0 < len(instruction) < 3 * _LONGEST_WISH:
        return None
    return _worded(re.sub(r"[^\S\n]+", " ", instruction), text, as_json=grammar["kind"] == "json")


def _worded(instruction: str, text: str, *, as_json: bool) -> NarrowJob | None:
    as_json = as_json or "json" in instruction.lower()
    labels = labels_in(instruction) if _CLASSIFY.search(instruction) else ()
    if labels:
        key = _KEY.search(instruction)
        name = next(filter(None, key.groups()), "label") if key else "label"
        choice = Choice(labels, ("",) * len(labels))
        return Fill(text, Group({name: choice}), bare=not as_json)
    if as_json:
        names = fields_in(instruction) if _READ.search(instruction) else ()
        members: dict[str, Form] = {name: Blank(spoken(name), "string", nullable=True) for name in names}
        return Fill(text, Group(members)) if members else None
    if _SHORTEN.search(instruction):
        return Summarise(text, 1 if _ONE_SENTENCE.search(instruction) else 2)
    one = _ONE_VALUE.match(instruction)
    return (
        Fill(text, Group({"value": Blank(spoken(one["name"] or one["mentioned"]), "string", nullable=True)}), bare=True)
        if one
        else None
    )


def parted(messages: Messages) -> tuple[str, str]:
    """What is asked and the text that it is about; either is empty where it cannot be told."""
    users = [text for role, text in messages if role == "user"]
    rules = "\n".join(text for role, text in messages if role == "system").strip()
    if len(users) != 1:
        return "", ""
    instruction, text = _split(users[0])
    if instruction and text:
        return instruction, text
    return (rules, untitled(users[0])) if _asks(rules) else ("", "")


def untitled(text: str) -> str:
    """A text without the word that announces it ("Ticket: ...") and without quotes around it."""
    found = _TITLE.match(text)
    plain = (text[found.end() :] if found else text).strip()
    quoted = _QUOTED.fullmatch(plain)
    return next(filter(None, quoted.groups())) if quoted else plain


def labels_in(instruction: str) -> tuple[str, ...]:
    """The labels that an instruction lists; none where it does not list two or more short ones."""
    bullets = tuple(_label(each) for each in _BULLET.findall(instruction))
    if _fit(bullets):
        return bullets
    plain = _MANNER.sub(" ", instruction) if _LEADS.search(_MANNER.sub(" ", instruction)) else instruction
    for candidate in _lists(plain):
        told = _ORDER.split(candidate)[0]
        quoted = ["".join(each) for each in _QUOTED.findall(told)]
        labels = tuple(_label(each) for each in quoted or _BETWEEN.split(told) if each.strip())
        if _fit(labels):
            return labels
    return ()


def _lists(instruction: str) -> list[str]:
    """Parts of an instruction that may be lists of labels, the likeliest first."""
    in_brackets = re.findall(r"[(\[]([^()\[\]]+)[)\]]", instruction)
    after_colon = [part.split("\n\n")[0].strip().rstrip(".?") for part in re.split(r":\s+|\n|\?\s+", instruction)[1:]]
    after_lead = [
        clause[lead.end() :].strip(" :").rstrip(".?: ")
        for clause in re.split(r"(?<=[.?!:\n])\s+", instruction)
        for lead in islice(_LEADS.finditer(clause), _MOST_LISTS)
    ]
    parts = (
        *in_brackets[:_MOST_LISTS],
        *(re.split(r"\.\s", each)[0] for each in after_colon[:_MOST_LISTS]),
        *after_lead[:_MOST_LISTS],
    )
    return [part for part in parts if _BETWEEN.search(part)]


def _label(text: str) -> str:
    return _ORDER.split(text)[0].strip().strip("\"'`“”.").strip()


def _fit(labels: Sequence[str]) -> bool:
    short = all(0 < len(label.split()) <= _LONGEST_LABEL for label in labels)
    if not {label.lower().split()[-1] for label in labels if label} - _TRUTHS:
        return False  # nothing in such labels says what they are about
    return short and 2 <= len(labels) <= _MOST_LABELS and len(set(labels)) == len(labels)


def fields_in(instruction: str) -> tuple[str, ...]:
    """The names of the fields that an instruction wants as JSON; none where it does not list any."""
    keys = tuple(dict.fromkeys(_KEYS.findall(instruction)))
    if keys:
        return keys
    bullets = tuple(_field(each) for each in _BULLET.findall(instruction))
    if bullets:
        return bullets
    for lead in _FIELDS.finditer(instruction):
        rest = re.split(r"[.?:\n](?:\s|$)", _ORDER.split(instruction[lead.end() :])[0])[0]
        quoted = ["".join(each) for each in _QUOTED.findall(rest)]
        names = tuple(_field(each) for each in quoted or _BETWEEN.split(_FIELDS_END.sub("", rest)) if each.strip())
        if names and all(_names_field(name) for name in names):
            return tuple(dict.fromkeys(names))
    return ()


def _names_field(name: str) -> bool:
    return 0 < len(name) <= 40 and len(name.split()) <= _LONGEST_LABEL and not _NO_FIELD.match(name)


def _field(text: str) -> str:
    return _ARTICLE.sub("", re.sub(r"\s*\([^)]*\)|:.*$", "", _ORDER.split(text)[0])).strip().strip("\"'`.").strip()


def _split(content: str) -> tuple[str, str]:
    """One message as instruction and text, where a mark, an empty line, a line or a colon parts them."""
    fenced = _fenced(content)
    if fenced:
        start, end, inside = fenced
        return (content[:start] + "\n" + content[end:]).strip(), inside
    for mark in (r"\n\s*\n", r"\n"):
        blocks = re.split(mark, content.strip())
        for cut in range(1, min(len(blocks), _MOST_BLOCKS)):
            for instruction, text in ((blocks[:cut], blocks[cut:]), (blocks[-cut:], blocks[:-cut])):
                goes_on = instruction[0] == blocks[0] and _BULLET.match(text[0])
                if not goes_on and _asks("\n".join(instruction)):
                    return "\n".join(instruction), untitled(("\n\n" if mark != r"\n" else "\n").join(text))
    return _in_one_line(content.strip())


def _fenced(content: str) -> tuple[int, int, str] | None:
    """Where the first text within marks or tags begins and ends, marks included, and what it says."""
    found = _FENCED.search(content)
    marked = [(found.start(), found.end(), found[str(found.lastgroup)].strip())] if found else []
    for tag in islice(_TAG.finditer(content), _MOST_TAGS):
        closing = f"</{tag[1]}>"
        end = content.find(closing, tag.end())
        if end >= 0 and (inside := content[tag.end() : end].strip()):
            marked.append((tag.start(), end + len(closing), inside))
            break
    return min(marked, default=None)


def _in_one_line(content: str) -> tuple[str, str]:
    """A wish and its text in one line: "Summarise: ...", "Classify ... as a or b. The text goes on" or "Classify the
    ticket: ... Labels: a, b"."""
    listed = list(_LISTED.finditer(content))
    wish, _, between = content[: listed[-1].start()].partition(":") if listed else ("", "", "")
    if len(between.split()) >= _FEWEST_WORDS and _CLASSIFY.search(wish):
        return f"{wish}.{content[listed[-1].start() :]}", untitled(between)
    titled = re.search(rf"[.?!:]\s+(?:{_NOUNS}):\s*", content, re.IGNORECASE)
    if titled and _asks(content[: titled.start() + 1]):
        return content[: titled.start() + 1], untitled(content[titled.end() :])
    quoted = _QUOTED.search(content)
    if quoted and len(quoted[0]) > len(content) // 3 and _asks(content[: quoted.start()]):
        return content[: quoted.start()].strip(), next(filter(None, quoted.groups()))
    colon = re.match(r"\s*([^:\n]{2,80}):\s+(?=\S)", content)
    if colon and _SHORTEN.search(colon[1]):
        return colon[1], content[colon.end() :].strip()
    for end in islice(re.finditer(r"[.?!:]\s+", content[:600]), _MOST_BLOCKS):
        rest = content[end.end() :]
        if _asks(content[: end.end()]) and not _MANNER.match(rest) and len(rest.split()) > _FEWEST_WORDS:
            return content[: end.end()].strip(), untitled(rest)
    return "", ""


def _asks(text: str) -> bool:
    """Whether a piece of text reads as a wish for a narrow job."""
    return len(text) < _LONGEST_WISH and bool(
        _SHORTEN.search(text)
        or _ONE_VALUE.match(text)
        or (_CLASSIFY.search(text) and labels_in(text))
        or ("json" in text.lower() and _READ.search(text))
    )


def _last(messages: Messages) -> str:
    """The last thing that the user said."""
    return next((text for role, text in reversed(messages) if role == "user"), "").strip()


def _json(text: str) -> Json:
    return parse_json(text.encode())
