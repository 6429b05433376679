"""Writes the trained reader as one ONNX file, its weights as 8-bit numbers and its tokenizer inside."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch

from models.recipes.onnx_files import put_tokenizer_inside, write_in_8_bits

from .net import Reader


def write(net: Reader, minilm: Path, out: Path) -> None:
    """Write reader.onnx and print the hash for the manifest."""
    out.mkdir(parents=True, exist_ok=True)
    raw, path = out / "whole.onnx", out / "reader.onnx"
    pieces, asked = torch.ones(1, 8, dtype=torch.long), torch.full((1, 2, 8), 1 / 8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net.eval(), (pieces, pieces, pieces, asked), str(raw), input_names=["pieces", "shapes", "mask", "asked"], output_names=["begins", "ends"],
            dynamic_axes={**{name: {1: "length"} for name in ("pieces", "shapes", "mask")}, **{name: {1: "fields", 2: "length"} for name in ("asked", "begins", "ends")}},
            opset_version=17, dynamo=False,
        )  # fmt: skip
    write_in_8_bits(raw, path)
    put_tokenizer_inside(path, minilm)
