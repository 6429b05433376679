"""How the recipes write a network: its weights as 8-bit numbers, its tokenizer inside where it travels with it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic


def write_in_8_bits(raw: Path, path: Path) -> None:
    """Matrices and the table of word pieces of `raw` as 8-bit numbers in `path`; `raw` is gone then."""
    quantize_dynamic(
        raw,
        path,
        weight_type=QuantType.QInt8,
        per_channel=True,
        op_types_to_quantize=["MatMul", "Gemm", "Gather"],
        extra_options={"MatMulConstBOnly": True},
    )
    raw.unlink()
    onnx.checker.check_model(str(path))


def put_tokenizer_inside(path: Path, minilm: Path) -> None:
    """Take MiniLM's tokenizer along in a network's file, and print the hash for the manifest."""
    model = onnx.load(str(path))
    onnx.helper.set_model_props(model, {"tokenizer": (minilm / "tokenizer.json").read_text(encoding="utf-8")})
    onnx.save(model, str(path))
    onnx.checker.check_model(str(path))
    print(f"{path}: {path.stat().st_size} bytes, sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}")
