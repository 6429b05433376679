"""Train a low-rank adapter for a base model: `python -m models.recipes.lora train --base FILE.gguf`.

Texts are packed into rows without padding and do not see each other; only answers are learned. The adapter that is kept is
a running mean of the trained one, so that each checkpoint is good to use and the run may end at any time. Run again, it
goes on from the last checkpoint.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch.nn import functional

from .base import Base, Prompts, Rank

_ROW = 512
_LONGEST = 320
_RATE = 8e-4
_WARM = 20
_MEAN = 0.97
_SAVE_S = 60.0

Text = tuple[list[dict[str, str]], str]


def own_tasks(file: Path, seed: int) -> Iterator[Text]:
    """A labelled JSONL, over and over in new orders: {"messages": [{"role", "content"}...], "answer": "..."}."""
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    rng = random.Random(seed)
    while True:
        rng.shuffle(lines)
        for line in lines:
            yield line["messages"], line["answer"]


def generated_tasks(seed: int) -> Iterator[Text]:
    """The four narrow jobs of the embedded model, from its generator."""
    from models.recipes.embedded.corpus import Corpus  # noqa: PLC0415 - needs Faker, which own tasks do not

    corpus = Corpus(seed, held_out_templates=False, held_out_values=False)
    while True:
        example = corpus.example(0.0)
        yield [{"role": role, "content": text} for role, text in example.messages], example.answer


def _row(
    texts: Iterator[Text], prompts: Prompts
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Ids, positions, text numbers, and which states say which answer tokens."""
    ids: list[int] = []
    positions: list[int] = []
    numbers: list[int] = []
    states: list[int] = []
    targets: list[int] = []
    for number, (messages, said) in enumerate(texts):
        prompt, answer = prompts.encode(messages, said)
        if len(prompt) + len(answer) > _LONGEST:
            continue
        if len(ids) + len(prompt) + len(answer) > _ROW and ids:
            break
        start = len(ids) + len(prompt) - 1
        states += range(start, start + len(answer))
        targets += answer
        ids += prompt + answer[:-1]
        positions += range(len(prompt) + len(answer) - 1)
        numbers += [number] * (len(prompt) + len(answer) - 1)
    return tuple(torch.tensor(part) for part in (ids, positions, numbers, states, targets))


def train(base: Path, out: Path, texts: Iterator[Text], *, steps: int, minutes: float, threads: int, seed: int) -> None:
    """Train until `steps` or `minutes`; writes adapter.pt (to serve), state.pt (to go on) and log.jsonl to `out`."""
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    torch.set_num_threads(threads)
    model = Base(base, Rank())
    prompts = Prompts(model.meta)
    trained = model.adapter()
    mean = {name: tensor.detach().clone() for name, tensor in trained.items()}
    optimiser = torch.optim.AdamW(trained.values(), lr=_RATE, betas=(0.9, 0.98), weight_decay=0.01)
    step, seen = _resume(out, trained, mean, optimiser)
    started = saved = time.monotonic()
    with (out / "log.jsonl").open("a", encoding="utf-8") as log:
        while step < steps and time.monotonic() - started < minutes * 60:
            ids, positions, numbers, states, targets = _row(texts, prompts)
            optimiser.param_groups[0]["lr"] = _RATE * min(1.0, (step + 1) / _WARM)
            loss = functional.cross_entropy(model(ids, positions, numbers)[states] @ model.output.T, targets)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained.values(), 1.0)
            optimiser.step()
            optimiser.zero_grad()
            step, seen = step + 1, seen + len(ids)
            keep = min(_MEAN, step / (step + 10))
            for name, tensor in trained.items():
                mean[name].lerp_(tensor.detach(), 1 - keep)
            line = json.dumps(
                {"step": step, "tokens": seen, "loss": round(loss.item(), 4), "s": round(time.monotonic() - started)}
            )
            print(line, file=log, flush=True)
            print(line, file=sys.stderr)
            if time.monotonic() - saved > _SAVE_S:
                _save(out, step, seen, trained, mean, optimiser)
                saved = time.monotonic()
    _save(out, step, seen, trained, mean, optimiser)


def _resume(out: Path, trained: dict, mean: dict, optimiser: torch.optim.Optimizer) -> tuple[int, int]:
    if not (out / "state.pt").exists():
        return 0, 0
    state = torch.load(out / "state.pt", weights_only=True)
    optimiser.load_state_dict(state["optimiser"])
    with torch.no_grad():
        for name, tensor in trained.items():
            tensor.copy_(state["trained"][name])
            mean[name].copy_(state["mean"][name])
    return state["step"], state["tokens"]


def _save(out: Path, step: int, seen: int, trained: dict, mean: dict, optimiser: torch.optim.Optimizer) -> None:
    whole = {"step": step, "tokens": seen, "mean": mean, "optimiser": optimiser.state_dict()}
    whole["trained"] = {name: tensor.detach() for name, tensor in trained.items()}
    for name, value in (("state.pt", whole), ("adapter.pt", mean)):
        torch.save(value, out / f"{name}.new")
        (out / f"{name}.new").replace(out / name)
