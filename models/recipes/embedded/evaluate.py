"""Score the exported GGUF through llama.cpp on generated examples: `python -m models.recipes.embedded evaluate`.

Two splits: "known" uses templates of the training set with names, firms and places that training never saw; "unseen" uses
held-out templates too. Runs greedily, one example after the other. Needs llama-cpp-python and Faker.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path

from llama_cpp import Llama

from .corpus import Corpus, Example
from .tokens import START_ID, STOP_ID

_LONGEST_ANSWER = 200


def evaluate(gguf: Path, out: Path, examples: int, seed: int, threads: int) -> None:
    """Print and store the scores of each job on each split, with some wrong answers to look at."""
    llm = Llama(str(gguf), n_ctx=4096, n_threads=threads, n_threads_batch=threads, verbose=False)
    scores: dict[str, dict[str, float]] = {}
    wrong: list[dict[str, str]] = []
    for split, held_out in (("known", False), ("unseen", True)):
        corpus = Corpus(seed + (100 if held_out else 200), held_out_templates=held_out, held_out_values=True)
        for job in ("classify", "extract", "ask", "summarise", "decline"):
            make = getattr(corpus, job)
            marks: Counter[str] = Counter()
            started, tokens = time.monotonic(), 0
            for _ in range(examples):
                example = make()
                answer, used = _answer(llm, example)
                tokens += used
                marks += _mark(example, answer)
                if answer != example.answer and len(wrong) < 400:
                    wrong.append(
                        {
                            "split": split,
                            "job": job,
                            "asked": example.messages[-1][1],
                            "wanted": example.answer,
                            "got": answer,
                        }
                    )
            scores[f"{split}/{job}"] = {
                name[3:]: round(marks[name[3:]] / marks[name], 3) for name in marks if name.startswith("of ")
            } | {"tokens_per_second": round(tokens / (time.monotonic() - started))}
            print(split, job, scores[f"{split}/{job}"], flush=True)
    (out / "scores.json").write_text(json.dumps(scores, indent=1), encoding="utf-8")
    (out / "wrong.json").write_text(json.dumps(wrong, indent=1, ensure_ascii=False), encoding="utf-8")


def _answer(llm: Llama, example: Example) -> tuple[str, int]:
    ids: list[int] = []
    for role, text in example.messages:
        ids += [
            START_ID,
            *llm.tokenize(f"{role}\n".encode(), add_bos=False),
            *llm.tokenize(text.encode(), add_bos=False),
            STOP_ID,
        ]
        ids += llm.tokenize(b"\n", add_bos=False)
    ids += [START_ID, *llm.tokenize(b"assistant\n", add_bos=False)]
    told: list[int] = []
    llm.reset()
    for token in llm.generate(ids, temp=0.0):
        if token == STOP_ID or len(told) == _LONGEST_ANSWER:
            break
        told.append(token)
    return llm.detokenize(told).decode("utf-8", "replace"), len(ids) + len(told)


def _mark(example: Example, answer: str) -> Counter[str]:
    marks = Counter({"exact": int(answer.strip() == example.answer), "of exact": 1})
    if example.job != "extract":
        return marks
    wanted = json.loads(example.answer)
    try:
        got = json.loads(answer)
    except ValueError:
        got = None
    marks.update({"valid_json": int(isinstance(got, dict)), "of valid_json": 1})
    got = got if isinstance(got, dict) else {}
    marks.update({"fields": sum(got.get(key, "") == value for key, value in wanted.items()), "of fields": len(wanted)})
    return marks
