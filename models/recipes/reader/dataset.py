"""Cases as numbers: what the network reads, and where the values begin and end in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from tokenizers import Tokenizer

from gateway.adapters.field_reader import question
from gateway.detection.pieces import cut

from .corpus import Case

LONGEST = 220
"""Pieces of an example, fields and marks included; longer ones are left out of training."""


@dataclass(frozen=True, slots=True)
class Example:
    """`asked` is [fields, length of the question]; `begins` and `ends` are [fields] places in `ids`, 0 for a value that is absent."""

    ids: np.ndarray
    shapes: np.ndarray
    asked: np.ndarray
    begins: np.ndarray
    ends: np.ndarray


def example(tokenizer: Tokenizer, case: Case) -> Example | None:
    """A case as the network reads it; None when it is too long or a value begins within a piece."""
    asked = question(tokenizer, [name for name, _ in case.fields])
    pieces = cut(tokenizer, case.text)
    ids, shapes = asked.before(pieces, 0, len(pieces.ids))
    starts = {start: at for at, (start, _) in reversed(list(enumerate(pieces.spans)))}
    stops = {end: at for at, (_, end) in enumerate(pieces.spans)}
    first = asked.size
    try:
        begins = [0 if place is None else first + starts[place[0]] for _, place in case.fields]
        ends = [0 if place is None else first + stops[place[1]] for _, place in case.fields]
    except KeyError:
        return None
    return Example(ids, shapes, asked.shares, np.array(begins), np.array(ends)) if len(ids) <= LONGEST else None


def examples(tokenizer: Tokenizer, cases: Iterable[Case]) -> list[Example]:
    return [made for case in cases if (made := example(tokenizer, case)) is not None]


def padded(batch: Sequence[Example]) -> tuple[np.ndarray, ...]:
    """Ids, shapes and mask [batch, longest]; asked [batch, fields, longest]; where values may stand [batch, longest];
    begins and ends [batch, fields], -1 for a field that is only there to fill."""
    longest = max(len(each.ids) for each in batch)
    most = max(len(each.begins) for each in batch)
    ids = np.zeros((len(batch), longest), np.int64)
    shapes, mask, there = np.zeros_like(ids), np.zeros_like(ids), np.zeros_like(ids, bool)
    asked = np.zeros((len(batch), most, longest), np.float32)
    begins = np.full((len(batch), most), -1, np.int64)
    ends = begins.copy()
    for row, each in enumerate(batch):
        size, (count, width) = len(each.ids), each.asked.shape
        ids[row, :size], shapes[row, :size], mask[row, :size] = each.ids, each.shapes, 1
        asked[row, :count, :width] = each.asked
        there[row, 0], there[row, width : size - 1] = True, True
        begins[row, :count], ends[row, :count] = each.begins, each.ends
    return ids, shapes, mask, asked, there, begins, ends
