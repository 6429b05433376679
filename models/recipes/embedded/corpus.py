"""Generated conversations for the embedded model: classify, extract, summarise, decline.

A template is held out of training when the hash of its text says so (about one in seven); an evaluation example that is
called "unseen" is built from held-out templates alone. Names, firms and places of every evaluation come from a held-out pool.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from dataclasses import dataclass
from pathlib import Path

from .values import Values

_TEMPLATES = Path(__file__).parent / "templates"
_SLOT = re.compile(r"\{(\w+)\}")
DECLINED = (
    "I am the small embedded model of this gateway, and this request is outside what I am made for. I am for putting a text "
    "into labels that you give, reading named fields out as JSON, and shortening a short note, and I make mistakes in those "
    "too. An operator can configure a larger model inside the network."
)
GREETING = (
    "Hello! I am the small embedded model of this gateway. I am for putting a text into labels that you give, reading named "
    "fields out as JSON, and shortening a short note; check what I say. An operator can configure a larger model inside the "
    "network."
)


@dataclass(frozen=True, slots=True)
class Example:
    """One conversation: the job, the messages before the answer as (role, text), and the answer."""

    job: str
    messages: tuple[tuple[str, str], ...]
    answer: str


@dataclass(frozen=True, slots=True)
class _Field:
    kind: str
    keys: tuple[str, ...]
    sayings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Class:
    names: tuple[str, ...]
    cores: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Task:
    nouns: tuple[str, ...]
    question: str
    classes: tuple[_Class, ...]


def _held(template: str) -> bool:
    return hashlib.sha256(template.encode()).digest()[0] < 256 // 7


def _part(lines: list[str], *, held_out: bool) -> tuple[str, ...]:
    """Return the lines of one side of the split; a side that would be empty takes the first line."""
    return tuple(line for line in lines if _held(line) == held_out) or (lines[0] if not held_out else lines[-1],)


def _lines(name: str) -> list[str]:
    text = (_TEMPLATES / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def _blocks(name: str, mark: str) -> list[tuple[str, list[str]]]:
    blocks: list[tuple[str, list[str]]] = []
    for line in _lines(name):
        if line.startswith(mark + " "):
            blocks.append((line[len(mark) + 1 :], []))
        else:
            blocks[-1][1].append(line)
    return blocks


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(","))


class Corpus:
    """Makes examples with one random generator; `held_out_templates` and `held_out_values` choose the sides of the split."""

    def __init__(self, seed: int, *, held_out_templates: bool, held_out_values: bool) -> None:
        self.rng = random.Random(seed)
        self.values = Values(self.rng, held_out=held_out_values)
        side = held_out_templates
        self.fields = []
        for head, lines in _blocks("fields.txt", "=="):
            _, kind, keys = (part.strip() for part in head.split("|"))
            self.fields.append(_Field(kind, _words(keys), _part(lines, held_out=side)))
        self.tasks = []
        for head, lines in _blocks("classes.txt", "==="):
            _, nouns, question = (part.strip() for part in f"{head} | ".split("|")[:3])
            self.tasks.append(_Task(_words(nouns), question, tuple(_classes(lines, held_out=side))))
        self.frames = [_frame(lines) for _, lines in _blocks("frames.txt", "==")]
        self.frame_side = side
        self.filler = _part(_lines("filler.txt"), held_out=side)
        asks = _lines("open.txt")
        self.greetings = _part([line[2:] for line in asks if line.startswith("! ")], held_out=side)
        self.open = _part([line for line in asks if not line.startswith("! ")], held_out=side)

    def example(self, echo_share: float = 0.01) -> Example:
        """Return one example. Two in five are extraction, which is the hardest; `echo_share` of all repeat a text."""
        if self.rng.random() < echo_share:
            return self.echo()
        make = self.rng.choices(
            (self.extract, self.classify, self.summarise, self.decline, self.ask), (38, 26, 14, 8, 14)
        )[0]
        return make()

    def echo(self) -> Example:
        """Repeat a text of random values: the quickest way to learn to copy, on which every other job rests."""
        parts = [self.values.draw(self.rng.choice(_ECHOED)) for _ in range(self.rng.randint(2, 12))]
        text = self.rng.choice((" ", ", ", "\n", "; ")).join(parts)
        return Example("echo", (("user", f"{self.rng.choice(_ECHO)}\n{text}"),), text)

    # --- shared pieces -------------------------------------------------------------------------------------------------

    def fill(self, template: str, known: dict[str, str] | None = None) -> str:
        """Fill every {slot}: from `known` when it is there (and remembered in it), else freshly drawn."""
        memory = known if known is not None else {}

        def put(match: re.Match[str]) -> str:
            slot = match[1]
            if slot == "sentence":
                return self.fill(self.rng.choice(self.filler))
            if slot == "code_line":
                return self.rng.choice(("for i in range(10) print(i)", "retrun x + 1", "if (a = b) { f(); }"))
            if known is None:
                return self.values.draw(slot)
            return memory.setdefault(slot, self.values.draw(slot))

        return _SLOT.sub(put, template)

    def _join(self, pieces: list[str]) -> str:
        """Join sentences the way people do: as prose, one a line, as bullets; with uneven case and endings."""
        style = self.rng.random()
        if style < 0.5:
            text = " ".join(piece if piece[-1] in ".!?:,;" else piece + "." for piece in pieces)
        elif style < 0.8:
            text = "\n".join(pieces)
        elif style < 0.9:
            text = "\n".join(f"- {piece}" for piece in pieces)
        else:
            text = "; ".join(piece.rstrip(".") for piece in pieces)
        return text

    def _request(self, job: str, instruction: str, noun: str, text: str, answer: str) -> Example:
        """Lay instruction and text out in one of several ways, with or without a system message."""
        rng = self.rng
        if rng.random() < 0.05:  # a long text with little in it
            padding = [rng.choice(self.filler) for _ in range(rng.randint(6, 40))]
            cut = rng.randint(0, len(padding))
            text = "\n".join((" ".join(padding[:cut]), text, " ".join(padding[cut:]))).strip()
        title = rng.choice((noun.capitalize(), "Text", noun.capitalize(), "Input", "Message"))
        layout = rng.choice((
            f"{instruction}\n\n{text}", f"{instruction}\n\n{title}: {text}", f'{instruction}\n\n"""\n{text}\n"""', f"{instruction}\n{text}",
            f"{instruction}\n\n{title}:\n{text}", f"{text}\n\n{instruction}", f"{title}: {text}\n\n{instruction}", f'{instruction}\n\n{title}: "{text}"',
            f"{instruction} {text}", f"{instruction}\n\n<{title.lower()}>\n{text}\n</{title.lower()}>", f"{instruction}\n---\n{text}\n---",
        ))  # fmt: skip
        roll = rng.random()
        if roll < 0.15:
            return Example(job, (("system", instruction), ("user", text)), answer)
        if roll < 0.3:
            return Example(job, (("system", rng.choice(_SYSTEMS)), ("user", layout)), answer)
        return Example(job, (("user", layout),), answer)

    # --- classify ------------------------------------------------------------------------------------------------------

    def classify(self) -> Example:
        rng = self.rng
        task = rng.choice(self.tasks)
        size = min(len(task.classes), rng.choice((2, 3, 3, 4, 4, 5, 6, 8)))
        chosen = rng.sample(task.classes, size)
        right = rng.choice(chosen)
        plain = rng.random() < 0.5
        names = [cls.names[0] if plain else rng.choice(cls.names) for cls in chosen]
        style = rng.choice(
            (
                str,
                str,
                str,
                str.capitalize,
                str.upper,
                lambda s: s.replace(" ", "_"),
                lambda s: s.upper().replace(" ", "_"),
            )
        )
        names = [style(name) for name in names]
        label = names[chosen.index(right)]
        noun = rng.choice(task.nouns)
        pieces = [
            self.fill(core) for core in rng.sample(right.cores, min(len(right.cores), rng.choice((1, 1, 1, 2, 2, 3))))
        ]
        for _ in range(rng.choice((0, 0, 1, 1, 2, 3))):
            pieces.insert(rng.randint(0, len(pieces)), rng.choice(self.filler))
        if rng.random() < 0.15:
            pieces.insert(
                0,
                self.fill(
                    rng.choice(("Hello,", "Dear team,", "Hi, this is {name}.", "Good morning,", "Subject: {word}"))
                ),
            )
        if rng.random() < 0.1:
            pieces.append(self.fill(rng.choice(("Regards, {name}", "Thanks, {name}", "{name}", "Sent at {time}"))))
        text = self._join(pieces)
        if rng.random() < 0.12:
            text = text.lower()
        shown = rng.choice((", ".join(names), " / ".join(names), ", ".join(names[:-1]) + " or " + names[-1], "\n".join(f"- {name}" for name in names),
                            "; ".join(names), " | ".join(names), ", ".join(f'"{name}"' for name in names)))  # fmt: skip
        if task.question:
            instruction = f"{task.question} {rng.choice(('Answer', 'Reply with', 'Choose'))} {shown}." + rng.choice(
                ("", *_ONLY)
            )
            return self._request("classify", instruction, noun, text, label)
        if rng.random() < 0.2:
            key = rng.choice(("label", "category", "class", "result", "type"))
            instruction = rng.choice(_CLASSIFY).format(noun=noun, labels=shown) + rng.choice(
                (f' Answer as JSON with the key "{key}".', f' Return {{"{key}": ...}}.')
            )
            return self._request("classify", instruction, noun, text, json.dumps({key: label}))
        instruction = rng.choice(_CLASSIFY).format(noun=noun, labels=shown) + rng.choice(("", "", *_ONLY))
        return self._request("classify", instruction, noun, text, label)

    # --- extract -------------------------------------------------------------------------------------------------------

    def _facts(self) -> tuple[str, list[tuple[str, str]], list[str]]:
        """Return a text, the (key, value) pairs said in it, and the keys of fields that are not in it."""
        rng = self.rng
        count = rng.choice((1, 2, 2, 3, 3, 4, 5, 6))
        picked = rng.sample(self.fields, count + 2)
        form = rng.random()
        pairs: list[tuple[str, str]] = []
        pieces: list[str] = []
        used: set[str] = set()
        for field in picked[:count]:
            if rng.random() < 0.22:
                key, value = self._free_key(used), self.values.draw("mixed")
                saying = rng.choice(_GENERIC).replace("{k}", key.replace("_", " "))
            else:
                key, value = rng.choice(field.keys), self.values.draw(field.kind)
                saying = rng.choice(field.sayings)
            if key in used:
                continue
            used.add(key)
            if form < 0.22:
                saying = rng.choice(("{k}: {v}", "{k}: {v}", "{k} = {v}", "{k}\t{v}", "| {k} | {v} |")).replace(
                    "{k}", self._shown(key)
                )
            pairs.append((key, value))
            pieces.append(self.fill(saying.replace("{v}", "\0")).replace("\0", value))
        absent = [key for field in picked[count:] for key in field.keys[:1] if not (used & set(field.keys))]
        if form < 0.22:
            return rng.choice(("\n", "\n", "; ", ", ")).join(pieces), pairs, absent
        for _ in range(rng.choice((0, 0, 1, 2, 3))):
            pieces.insert(rng.randint(0, len(pieces)), self.fill(rng.choice(self.filler)))
        return self._join(pieces), pairs, absent

    def _free_key(self, used: set[str]) -> str:
        while True:
            words = [self.values.draw("word") for _ in range(self.rng.choice((1, 1, 2)))]
            key = "_".join(words).lower()
            if key not in used:
                return key

    def _shown(self, key: str) -> str:
        words = key.replace("_", " ")
        return self.rng.choice((words.capitalize(), words.capitalize(), words, words.upper(), key, words.title()))

    def extract(self) -> Example:
        rng = self.rng
        text, pairs, absent = self._facts()
        wanted: list[tuple[str, str | None]] = list(rng.sample(pairs, rng.randint(max(1, len(pairs) - 2), len(pairs))))
        if absent and rng.random() < 0.18:
            wanted.insert(rng.randint(0, len(wanted)), (rng.choice(absent), None))
        keys = [key for key, _ in wanted]
        shown = rng.choice((
            ", ".join(keys), ", ".join(keys), ", ".join(f'"{key}"' for key in keys), " and ".join(keys) if len(keys) < 3 else ", ".join(keys[:-1]) + " and " + keys[-1],
            "\n".join(f"- {key}" for key in keys), "{" + ", ".join(f'"{key}": "..."' for key in keys) + "}", "; ".join(keys),
            json.dumps(dict.fromkeys(keys, "string")), ", ".join(f"{key} (string)" for key in keys),
        ))  # fmt: skip
        instruction = rng.choice(_EXTRACT).format(fields=shown)
        if any(value is None for _, value in wanted) or rng.random() < 0.2:
            instruction += rng.choice(
                (
                    " Use null when a field is missing.",
                    "",
                    " If something is not mentioned, use null.",
                    " Missing values are null.",
                )
            )
        answer = json.dumps(dict(wanted), ensure_ascii=False)
        return self._request(
            "extract",
            instruction,
            rng.choice(("text", "note", "message", "letter", "document", "e-mail")),
            text,
            answer,
        )

    def ask(self) -> Example:
        """One field, asked for in words and answered with the bare value."""
        text, pairs, _ = self._facts()
        key, value = self.rng.choice(pairs)
        words = key.replace("_", " ")
        instruction = self.rng.choice(_ASK).format(key=words)
        return self._request("ask", instruction, self.rng.choice(("text", "note", "message")), text, value)

    # --- summarise and decline -----------------------------------------------------------------------------------------

    def summarise(self) -> Example:
        rng = self.rng
        facts, summaries = rng.choice(self.frames)
        known: dict[str, str] = {}
        summary = rng.choice(summaries)
        pieces = [rng.choice(_part(fact, held_out=self.frame_side)) for fact in facts]
        needed = set(_SLOT.findall(summary))
        for i, fact in enumerate(facts):  # the summary may only say what the note says
            lost = needed & set(_SLOT.findall(" ".join(fact))) - set(_SLOT.findall(" ".join(pieces)))
            if lost:
                pieces[i] = next((saying for saying in fact if lost <= set(_SLOT.findall(saying))), pieces[i])
        said = set(_SLOT.findall(" ".join(pieces)))
        if not needed <= said:
            pieces = [max(fact, key=lambda saying: len(needed & set(_SLOT.findall(saying)))) for fact in facts]
        pieces = [self.fill(piece, known) for piece in pieces]
        answer = self.fill(summary, known)
        for _ in range(rng.choice((0, 1, 1, 2, 3))):
            pieces.insert(rng.randint(0, len(pieces)), rng.choice(self.filler))
        noun = rng.choice(("note", "text", "message", "report", "letter"))
        return self._request("summarise", rng.choice(_SUMMARISE).format(noun=noun), noun, self._join(pieces), answer)

    def decline(self) -> Example:
        rng = self.rng
        greet = rng.random() < 0.2
        text = self.fill(rng.choice(self.greetings if greet else self.open))
        if not greet and rng.random() < 0.4:
            text = self._join([text, *(rng.choice(self.filler) for _ in range(rng.choice((1, 2))))])
        if not greet and rng.random() < 0.2:
            facts, _, _ = self._facts()
            text = rng.choice((f"{facts}\n\n{text}", f"{text}\n\n{facts}"))
        messages = (("user", text),)
        if rng.random() < 0.3:
            messages = (("system", rng.choice(_SYSTEMS)), *messages)
        return Example("decline", messages, GREETING if greet else DECLINED)


def _classes(lines: list[str], *, held_out: bool) -> list[_Class]:
    classes: list[tuple[tuple[str, ...], list[str]]] = []
    for line in lines:
        if line.startswith("== "):
            label, _, others = line[3:].partition("|")
            classes.append(((label.strip(), *_words(others)), []))
        else:
            classes[-1][1].append(line)
    return [_Class(names, _part(cores, held_out=held_out)) for names, cores in classes]


def _frame(lines: list[str]) -> tuple[list[list[str]], list[str]]:
    facts: list[list[str]] = []
    summaries: list[str] = []
    for line in lines:
        if line == "-":
            facts.append([])
        elif line.startswith("> "):
            summaries.append(line[2:])
        else:
            facts[-1].append(line)
    return facts, summaries


_SYSTEMS = (
    "You are a helpful assistant.", "You are a careful assistant. Answer briefly.", "You work for a hospital.", "You help a bank's back office.",
    "Follow the instruction exactly.", "You are an assistant in a support team.", "Be concise.", "You answer in English.",
)  # fmt: skip
_ONLY = (
    " Answer with the label only.", " Reply with one label and nothing else.", " Output just the label.", " Only return the category.", " No explanation.",
    " Respond with exactly one of them.", " Answer with one word or phrase from the list.",
)  # fmt: skip
_CLASSIFY = (
    "Classify the {noun} into one of these classes: {labels}.", "Classify this {noun} as {labels}.", "Which category fits this {noun}? {labels}",
    "Choose one label for the {noun}: {labels}", "Label the following {noun}. Possible labels: {labels}", "Categories: {labels}. Which one is it?",
    "What kind of {noun} is this? Options: {labels}", "Assign the {noun} to exactly one category.\nCategories: {labels}", "Is this {noun} {labels}?",
    "Sort the {noun} into a class.\nClasses:\n{labels}", "Decide which of the following describes the {noun} best: {labels}.", "Pick the right tag ({labels}) for this {noun}.",
    "You are a classifier. Labels: {labels}. Classify the {noun}.", "Read the {noun} and tell me its category. Allowed: {labels}", "Route this {noun} to one of: {labels}.",
    "Determine the class of the {noun}: {labels}", "Categorize the {noun} using one of the following labels: {labels}.", "To which of these does the {noun} belong: {labels}?",
)  # fmt: skip
_EXTRACT = (
    "Extract the following fields as JSON: {fields}.", "Extract {fields} from the text and return JSON.", "Return a JSON object with the keys {fields}.",
    "Get these fields from the text below as JSON: {fields}", "Read the text and fill in this JSON: {fields}", "Fields to extract: {fields}. Answer in JSON only.",
    "Pull out {fields} and reply with JSON.", "Find {fields}. Output a JSON object.", "Please extract the named fields.\nFields: {fields}\nFormat: JSON",
    "As JSON, give me {fields}.", "Convert the text into JSON with these fields: {fields}.", "What are {fields} in this text? Answer with JSON.",
    "Extract as JSON:\n{fields}", "I need {fields} as a JSON object.", "Identify {fields} and return them as JSON.", "JSON please: {fields}",
)  # fmt: skip
_ASK = (
    "What is the {key}?", "What is the {key}? Answer with the value only.", "Extract the {key}.", "Give me the {key}.", "Find the {key} in the text.",
    "Which {key} is mentioned?", "Return only the {key}.", "Tell me the {key}.", "{key}?", "Extract the {key} from the text and return nothing else.",
    "Please look up the {key}.", "Copy the {key}.",
)  # fmt: skip
_SUMMARISE = (
    "Summarise the {noun} in one or two sentences.", "Summarize this {noun}.", "Give me a short summary of the {noun}.", "Summarise:", "TL;DR",
    "Write a brief summary.", "What is this {noun} about? Summarise briefly.", "Summarize the following {noun} in 2 sentences.", "Please shorten this {noun} to its main points.",
    "Give a one-sentence summary.", "Condense the {noun} below.", "Sum up the {noun}.", "Summary of this {noun}, please.",
)  # fmt: skip
_ECHO = ("Repeat this text.", "Repeat the following exactly:", "Copy this:", "Say this again, word for word:")
_ECHOED = (
    "name",
    "code",
    "date",
    "city",
    "company",
    "word",
    "word",
    "word",
    "amount",
    "email",
    "phone",
    "address",
    "symptom",
)
_GENERIC = (
    "The {k} is {v}.", "{k}: {v}", "Our {k} is {v}.", "We set the {k} to {v}.", "{v} is the {k}.", "The {k} was {v} last time.", "As {k} we chose {v}.",
    "With {v} as the {k}, all is well.", "They said that the {k} is {v}.", "{k} = {v}", "the {k} ({v}) is known", "For the {k} please take {v}.",
    "I can confirm {v} as {k}.", "Her {k}, {v}, did not change.", "{k} {v}", "My {k} is {v}, by the way.", "{v} ({k})", "Please note the {k} {v}.",
)  # fmt: skip
