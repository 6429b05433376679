"""Texts with a task, and texts with a topic, made from templates.

    for text, task in tasks(4000, seed=1, part="train"): ...

A line of templates/ is one template: `[a|b]` is a choice, `{slot}` a value as in the recipe pii_en, whose templates
belong to topics too. In an instruction `{text}` is a text of any topic, `{code}` source code, `{labels}` and `{fields}`
are made up. Every template belongs to one part alone, by its hash: two in ten are held out ("dev"), two
in ten calibrate. Deterministic for a seed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from gateway.detection.gist import gist

OWN = Path(__file__).parent / "templates"
OTHERS = Path(__file__).parents[1] / "pii_en" / "templates"
TASKS = (
    "classification", "extraction", "summarisation", "rewriting", "question_answering", "open_generation", "code",
)  # fmt: skip
TOPICS = {
    "health": ("clinical",),
    "finance": ("bank", "invoice", "insurance"),
    "legal": ("legal",),
    "source_code": ("neg_code", "neg_snippets"),
    "other": (
        *("chats", "emails", "housing", "hr", "minutes", "neg_requests", "neg_stories", "news", "public_questions"),
        *("public_text", "review", "school", "social", "support", "tickets", "travel"),
    ),
}
LABELS = (
    *("billing", "technical problem", "delivery", "praise", "complaint", "spam", "sports", "politics", "business"),
    *("urgent", "positive", "negative", "neutral", "sales", "support", "legal", "hr", "science", "travel", "fraud"),
)
FIELDS = (
    *("name", "date", "total", "invoice number", "diagnosis", "dose", "address", "phone", "deadline", "order id"),
    *("company", "amount", "product", "quantity", "e-mail", "policy number", "start date", "party A", "version"),
)
_CHOICE = re.compile(r"\[([^\[\]]*\|[^\[\]]*)\]")
_INSERTED = re.compile(r"\{(text|code|labels|fields)\}")
_SYSTEM = 0.35
"""So often the instruction is the system's, and what the user writes is the text alone."""


def part_of(template: str) -> str:
    """The part that a template belongs to."""
    rest = hashlib.sha256(template.encode()).digest()[0] % 10
    return "dev" if rest < 2 else "calibrate" if rest < 4 else "train"


@cache
def templates(kind: str, part: str) -> tuple[str, ...]:
    """The templates of one task ("task_code") or topic ("topic_health"), a topic's own ones twice."""
    own = _lines(OWN / f"{kind}.txt")
    others = [t for name in TOPICS.get(kind.removeprefix("topic_"), ()) for t in _lines(OTHERS / f"{name}.txt")]
    return tuple(t for t in (*own, *own, *others) if part_of(t) == part)


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").split("\n") if line]


class Texts:
    """Writes texts of one part from one seed."""

    def __init__(self, seed: int, part: str) -> None:
        from models.recipes.pii_en.generate import Writer  # noqa: PLC0415 - templates can be looked at without Faker

        self.part = part
        self.writer = Writer(seed, "train" if part == "train" else "dev")
        self.rng = self.writer.rng

    def on(self, topic: str) -> str:
        """One to three templates of a topic, one after the other."""
        several = self.rng.choice((1, 1, 2, 3))
        return self.rng.choice((" ", "\n")).join(self.filled(f"topic_{topic}") for _ in range(several))

    def asking(self, task: str) -> str:
        """A conversation that asks for a task."""
        said = self.filled(f"task_{task}")
        before, _, text = said.partition("\n\n")
        if text and self.rng.random() < _SYSTEM:
            return gist(before, text)
        return gist("", said)

    def filled(self, kind: str) -> str:
        """One template with its choices made and a value in each slot."""
        template = _CHOICE.sub(lambda m: self.rng.choice(m[1].split("|")), self.rng.choice(templates(kind, self.part)))
        pieces = _INSERTED.split(template)
        return "".join(self._inserted(piece) if at % 2 else self._said(piece) for at, piece in enumerate(pieces))

    def _said(self, template: str) -> str:
        said = "".join(text for text, _ in self.writer.fill(template))
        return said.lower() if self.rng.random() < 0.1 else said

    def _inserted(self, name: str) -> str:
        match name:
            case "text":
                return self.on(self.rng.choice(tuple(TOPICS)))
            case "code":
                return self.on("source_code")
            case "labels":
                return self.rng.choice((", ", " / ", " or ")).join(self.rng.sample(LABELS, self.rng.randint(2, 5)))
            case _:
                return ", ".join(self.rng.sample(FIELDS, self.rng.randint(1, 4)))


def tasks(count: int, seed: int, part: str) -> Iterator[tuple[str, str]]:
    """`count` conversations of a part, each with its task; all tasks equally often."""
    texts = Texts(seed, part)
    return ((texts.asking(TASKS[n % len(TASKS)]), TASKS[n % len(TASKS)]) for n in range(count))


def topics(count: int, seed: int, part: str) -> Iterator[tuple[str, str]]:
    """`count` conversations of a part, each with its topic: as they stand, or with something that is asked of them."""
    texts = Texts(seed, part)
    names = tuple(TOPICS)
    for number in range(count):
        topic = names[number % len(names)]
        text = texts.on(topic)
        if texts.rng.random() < 0.3:
            text = texts.filled("task_" + texts.rng.choice(("classification", "summarisation", "rewriting")))
            text = re.sub(r"(?s)\n\n.*", "", text) + "\n\n" + texts.on(topic)
        yield gist("", text), topic
