"""Write a trained adapter as the GGUF that llama.cpp applies to its base model."""

from __future__ import annotations

import hashlib
from pathlib import Path

import gguf
import torch

from .base import Rank


def export(out: Path, target: Path) -> None:
    """Write `target` from the adapter in `out` and print its hash."""
    target.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(target, "llama")
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, Rank().alpha)
    writer.add_license("apache-2.0")
    for name, tensor in torch.load(out / "adapter.pt", weights_only=True).items():
        writer.add_tensor(name, tensor.half().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    print(f"{target}: {target.stat().st_size} bytes, sha256 {hashlib.sha256(target.read_bytes()).hexdigest()}")
