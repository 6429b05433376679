"""Train the embedded model from scratch on generated text: `python -m models.recipes.embedded train --out DIR`.

The run ends after `--minutes` of wall-clock time or `--steps`, whichever comes first; the learning rate falls to zero over
the last part of that budget. A checkpoint is written every few minutes, so an interrupted run can still be exported.
"""

from __future__ import annotations

import json
import random
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.nn import functional

from .corpus import Corpus, Example
from .net import Network, Shape
from .tokens import STOP_ID, encode_opening, encode_turn, train_tokenizer

_FURTHEST = 8192


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of the run: until this part of the budget, rows of this length and number, this share of mere repeating."""

    until: float
    length: int
    rows: int
    echo_share: float


_PHASES = (Phase(0.06, 256, 8, 0.25), Phase(0.7, 512, 4, 0.02), Phase(1.0, 1024, 3, 0.01))
_PROMPT_WEIGHT = 0.1
_RATE = 2e-3
_DECAY_FROM = 0.45


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """When to end: wall-clock minutes and optimiser steps."""

    minutes: float
    steps: int

    def spent(self, started: float, step: int) -> float:
        """Return the part of the budget that is used up, from 0 to 1."""
        return min(1.0, max((time.monotonic() - started) / 60 / self.minutes, step / self.steps))


def _encode(tokenizer: Tokenizer, example: Example) -> tuple[list[int], list[float]]:
    prompt: list[int] = []
    for role, text in example.messages:
        prompt += encode_turn(tokenizer, role, text)
    opening = encode_opening(tokenizer)
    answer = encode_turn(tokenizer, "assistant", example.answer)[len(opening) :]
    stop = answer.index(STOP_ID) + 1
    ids = prompt + opening + answer
    weights = [_PROMPT_WEIGHT] * len(prompt) + [0.0] * len(opening) + [1.0] * stop + [0.0] * (len(answer) - stop)
    return ids, weights


class Batches:
    """An endless stream of packed rows: tokens, weights of each token as a target, positions."""

    def __init__(self, tokenizer: Tokenizer, corpus: Corpus, seed: int) -> None:
        self._tokenizer, self._corpus, self._rng = tokenizer, corpus, random.Random(seed)

    def row(self, length: int, echo_share: float) -> tuple[list[int], list[float], list[int]]:
        ids: list[int] = []
        weights: list[float] = []
        while len(ids) <= length:
            more, weight = _encode(self._tokenizer, self._corpus.example(echo_share))
            ids += more
            weights += weight
        return ids[: length + 1], weights[: length + 1], self._positions(length)

    def _positions(self, length: int) -> list[int]:
        """Positions with a random gap in three of ten long rows, so that distances up to the full context are seen."""
        positions = list(range(length))
        if length == _PHASES[-1].length and self._rng.random() < 0.3:
            cut, gap = self._rng.randrange(length), self._rng.randrange(_FURTHEST - length)
            positions[cut:] = [position + gap for position in positions[cut:]]
        return positions

    def batch(self, phase: Phase) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        rows = [self.row(phase.length, phase.echo_share) for _ in range(phase.rows)]
        tokens = torch.from_numpy(np.array([row[0] for row in rows], dtype=np.int64))
        return tokens, torch.tensor([row[1] for row in rows]), torch.tensor([row[2] for row in rows])


def _loss(net: Network, batch: tuple[torch.Tensor, torch.Tensor, torch.Tensor]) -> tuple[torch.Tensor, float]:
    """Return the weighted loss and the plain mean loss of the answers' tokens."""
    tokens, weights, positions = batch
    with torch.autocast("cpu", torch.bfloat16):
        logits = net(tokens[:, :-1], positions)
    each = functional.cross_entropy(logits.float().flatten(0, 1), tokens[:, 1:].flatten(), reduction="none")
    weight = weights[:, 1:].flatten()
    answers = weight == 1.0
    return (each * weight).sum() / weight.sum(), float(each[answers].mean().detach())


def train(out: Path, budget: Budget, seed: int, threads: int) -> None:
    """Train, writing tokenizer.json, shape.json, weights.pt and log.jsonl to `out`."""
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    torch.set_num_threads(threads)
    sample = Corpus(seed, held_out_templates=False, held_out_values=False)
    texts = [
        part
        for example in (sample.example() for _ in range(20_000))
        for part in (*(text for _, text in example.messages), example.answer)
    ]
    tokenizer = train_tokenizer(texts)
    tokenizer.save(str(out / "tokenizer.json"))
    shape = Shape()
    (out / "shape.json").write_text(json.dumps(asdict(shape)), encoding="utf-8")
    net = Network(shape)
    optimiser = torch.optim.AdamW(net.parameters(), lr=_RATE, betas=(0.9, 0.95), weight_decay=0.05, fused=True)
    batches = Batches(tokenizer, Corpus(seed + 1, held_out_templates=False, held_out_values=False), seed + 2)
    unseen = Batches(tokenizer, Corpus(seed + 3, held_out_templates=True, held_out_values=True), seed + 4)
    check = [unseen.batch(_PHASES[1]) for _ in range(3)]
    started, saved, step, seen = time.monotonic(), time.monotonic(), 0, 0
    with (out / "log.jsonl").open("w", encoding="utf-8") as log:
        while (spent := budget.spent(started, step)) < 1.0:
            rate = min(1.0, (step + 1) / 40, (1.0 - spent) / (1.0 - _DECAY_FROM))
            optimiser.param_groups[0]["lr"] = _RATE * rate
            phase = next(phase for phase in _PHASES if spent <= phase.until)
            seen += phase.length * phase.rows
            loss, answers = _loss(net, batches.batch(phase))
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad()
            step += 1
            if step % 50 == 0:
                with torch.no_grad():
                    held = sum(_loss(net, batch)[1] for batch in check) / len(check)
                line = {
                    "step": step,
                    "minutes": round((time.monotonic() - started) / 60, 2),
                    "answers": answers,
                    "unseen": held,
                }
                print(json.dumps(line), file=log, flush=True)
                print(json.dumps(line), file=sys.stderr)
            if time.monotonic() - saved > 180:
                torch.save(net.state_dict(), out / "weights.pt")
                saved = time.monotonic()
    torch.save(net.state_dict(), out / "weights.pt")
    (out / "run.json").write_text(
        json.dumps(
            {"seed": seed, "steps": step, "tokens": seen, "minutes": round((time.monotonic() - started) / 60, 1)}
        ),
        encoding="utf-8",
    )
