"""Trains the reader of fields and keeps a checkpoint; `python -m models.recipes.reader train` calls it."""

from __future__ import annotations

import argparse
import random
import time

import torch
from torch import Tensor
from torch.nn import functional

from gateway.detection.pieces import plain_tokenizer
from models.recipes.pii_en.dataset import batches

from .corpus import cases
from .dataset import Example, examples, padded
from .net import Reader, begin

SHARD = 2000
"""Cases that are made at a time."""
WARM = 60
"""Steps until the full learning rate."""


def loss_of(net: Reader, batch: list[Example]) -> Tensor:
    """The mean of minus the log of the odds of each right beginning and end."""
    ids, shapes, mask, asked, there, begins, ends = (torch.from_numpy(part) for part in padded(batch))
    begin_scores, end_scores = net(ids, shapes, mask, asked)
    losses = [
        functional.cross_entropy(
            scores.masked_fill(~there[:, None, :], -1e4).flatten(0, 1), places.flatten(), ignore_index=-1
        )
        for scores, places in ((begin_scores, begins), (end_scores, ends))
    ]
    return (losses[0] + losses[1]) / 2


def optimizer_of(net: Reader, rate: float) -> torch.optim.AdamW:
    """The table of word pieces stays as it is: rare names keep their meaning, and half of the work is saved."""
    net.encoder.pieces.weight.requires_grad_(False)
    net.encoder.positions.weight.requires_grad_(False)
    fresh = [*net.begins.parameters(), *net.ends.parameters(), *net.encoder.shapes.parameters()]
    known = {id(each) for each in fresh}
    rest = [each for each in net.parameters() if each.requires_grad and id(each) not in known]
    return torch.optim.AdamW([{"params": rest, "lr": rate}, {"params": fresh, "lr": 4 * rate}], weight_decay=0.01)


def train(args: argparse.Namespace) -> None:
    """Ends after `args.steps` steps, or sooner when `args.minutes` are over; the rate falls by whichever is further."""
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    args.work.mkdir(parents=True, exist_ok=True)
    checkpoint = args.work / "checkpoint.pt"
    net = begin(args.pipeline, args.minilm, args.layers)
    optimizer = optimizer_of(net, args.rate)
    step, shard, spent = 0, 0, 0.0
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        net.load_state_dict(saved["net"])
        optimizer.load_state_dict(saved["optimizer"])
        step, shard, spent = saved["step"], saved["shard"], saved["seconds"]
    rates = [args.rate, 4 * args.rate]
    tokenizer = plain_tokenizer(args.minilm / "tokenizer.json")
    begun = time.monotonic() - spent
    net.train()
    mean, told = 0.0, 0.0
    while True:
        made = examples(tokenizer, cases(SHARD, args.seed + shard, "train"))
        shard += 1
        for batch in batches(made, args.batch, random.Random(args.seed + shard)):
            done = max(step / args.steps, (time.monotonic() - begun) / (60 * args.minutes))
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * min(1.0, (step + 1) / WARM) * max(0.02, 1 - done)
            loss = loss_of(net, batch)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            step += 1
            mean = 0.97 * mean + 0.03 * loss.item() if mean else loss.item()
            if time.monotonic() - told > 30 or done >= 1:
                told = time.monotonic()
                print(
                    f"step {step} loss {mean:.4f} of the way {done:.2f} processor {time.process_time():.0f} s",
                    flush=True,
                )
                torch.save({"net": net.state_dict(), "optimizer": optimizer.state_dict(), "step": step, "shard": shard,
                            "seconds": time.monotonic() - begun}, checkpoint.with_suffix(".part"))  # fmt: skip
                checkpoint.with_suffix(".part").replace(checkpoint)
            if done >= 1:
                return
