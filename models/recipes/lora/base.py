"""A Llama-architecture GGUF in torch, frozen, with a low-rank adapter on the linear maps of its upper layers.

Reads what llama.cpp reads (dequantised to float32), so that the adapter fits the very file that will be served. Knows
byte-level BPE tokenizers with the pre-tokenizers "smollm" and "gpt-2".
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
import torch
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from torch import Tensor, nn
from torch.nn import functional

MAPS = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")


@dataclass(frozen=True, slots=True)
class Rank:
    """An adapter's size: rank, scale (alpha / rank is applied), and the first layer that gets one."""

    rank: int = 8
    alpha: float = 16.0
    first_layer: int = 8


class Adapted(nn.Module):
    """A frozen linear map plus a trained low-rank one; without an adapter just the frozen map."""

    def __init__(self, weight: Tensor, rank: Rank | None) -> None:
        super().__init__()
        self.register_buffer("weight", weight, persistent=False)
        self.scale = 0.0
        if rank is not None:
            self.scale = rank.alpha / rank.rank
            self.a = nn.Parameter(torch.randn(rank.rank, weight.shape[1]) / weight.shape[1] ** 0.5)
            self.b = nn.Parameter(torch.zeros(weight.shape[0], rank.rank))

    def forward(self, x: Tensor) -> Tensor:
        y = x @ self.weight.T
        return y + self.scale * ((x @ self.a.T) @ self.b.T) if self.scale else y


class _Layer(nn.Module):
    def __init__(
        self, tensors: dict[str, Tensor], index: int, heads: tuple[int, int], epsilon: float, rank: Rank
    ) -> None:
        super().__init__()
        self.heads, self.kv_heads, self.epsilon = *heads, epsilon
        adapter = rank if index >= rank.first_layer else None
        for name in MAPS:
            setattr(self, name, Adapted(tensors[f"blk.{index}.{name}.weight"], adapter))
        for name in ("attn_norm", "ffn_norm"):
            self.register_buffer(name, tensors[f"blk.{index}.{name}.weight"], persistent=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor) -> Tensor:
        time, width = x.shape
        h = functional.rms_norm(x, (width,), self.attn_norm, self.epsilon)
        q = _rotate(self.attn_q(h).view(time, self.heads, -1).transpose(0, 1), cos, sin)
        k = _rotate(self.attn_k(h).view(time, self.kv_heads, -1).transpose(0, 1), cos, sin)
        v = self.attn_v(h).view(time, self.kv_heads, -1).transpose(0, 1)
        group = self.heads // self.kv_heads
        k, v = k.repeat_interleave(group, 0), v.repeat_interleave(group, 0)
        mixed = functional.scaled_dot_product_attention(q[None], k[None], v[None], attn_mask=mask)[0]
        x = x + self.attn_output(mixed.transpose(0, 1).reshape(time, -1))
        h = functional.rms_norm(x, (width,), self.ffn_norm, self.epsilon)
        return x + self.ffn_down(functional.silu(self.ffn_gate(h)) * self.ffn_up(h))


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate neighbouring pairs, as llama.cpp does for this architecture; x is (heads, time, head width)."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)


class Base(nn.Module):
    """The frozen model with its adapter. `forward` takes one packed row: ids, positions and the number of the text that
    each token belongs to, all (time,); returns normalised states (time, width). Texts do not see each other."""

    def __init__(self, file: Path, rank: Rank) -> None:
        super().__init__()
        reader = gguf.GGUFReader(file)
        self.meta = {key: field.contents() for key, field in reader.fields.items()}
        tensors = {tensor.name: _floats(tensor) for tensor in reader.tensors}
        heads = (self.meta["llama.attention.head_count"], self.meta["llama.attention.head_count_kv"])
        self.epsilon = self.meta["llama.attention.layer_norm_rms_epsilon"]
        count = self.meta["llama.block_count"]
        self.layers = nn.ModuleList(_Layer(tensors, i, heads, self.epsilon, rank) for i in range(count))
        self.register_buffer("embedding", tensors["token_embd.weight"], persistent=False)
        self.register_buffer("norm", tensors["output_norm.weight"], persistent=False)
        self.register_buffer("output", tensors.get("output.weight", tensors["token_embd.weight"]), persistent=False)
        half = self.meta["llama.rope.dimension_count"] // 2
        self.frequencies = self.meta["llama.rope.freq_base"] ** (-torch.arange(half, dtype=torch.float32) / half)

    def forward(self, ids: Tensor, positions: Tensor, texts: Tensor) -> Tensor:
        angles = positions[:, None].float() * self.frequencies
        mask = torch.tril(texts[:, None] == texts[None, :])
        x = self.embedding[ids]
        for layer in self.layers:
            x = layer(x, angles.cos(), angles.sin(), mask)
        return functional.rms_norm(x, (x.shape[-1],), self.norm, self.epsilon)

    def adapter(self) -> dict[str, Tensor]:
        """The trained tensors by the names that llama.cpp gives them."""
        return {
            f"blk.{i}.{name}.weight.lora_{part}": getattr(getattr(layer, name), part)
            for i, layer in enumerate(self.layers)
            for name in MAPS
            for part in ("a", "b")
            if getattr(layer, name).scale
        }


def _floats(tensor: gguf.ReaderTensor) -> Tensor:
    return torch.from_numpy(np.array(gguf.quants.dequantize(tensor.data, tensor.tensor_type), dtype=np.float32))


class Prompts:
    """Writes messages in the base model's own chat template and splits them into its tokens."""

    def __init__(self, meta: dict) -> None:
        vocabulary = meta["tokenizer.ggml.tokens"]
        merges = [tuple(merge.split(" ")) for merge in meta["tokenizer.ggml.merges"]]
        self._tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(vocabulary)}, merges))
        byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
        digits = pre_tokenizers.Digits(individual_digits=True)
        self._tokenizer.pre_tokenizer = {
            "smollm": pre_tokenizers.Sequence([digits, byte_level]),
            "gpt-2": byte_level,
        }[meta["tokenizer.ggml.pre"]]
        self._tokenizer.decoder = decoders.ByteLevel()
        control = gguf.TokenType.CONTROL
        kinds = meta["tokenizer.ggml.token_type"]
        self._tokenizer.add_special_tokens(
            [token for token, kind in zip(vocabulary, kinds, strict=True) if kind == control]
        )
        self._template = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True).from_string(
            meta["tokenizer.chat_template"]
        )
        self._stop = meta["tokenizer.ggml.eos_token_id"]

    def encode(self, messages: list[dict[str, str]], answer: str) -> tuple[list[int], list[int]]:
        """The ids of the prompt and of the answer with the token that ends it."""
        opening = self._template.render(messages=messages, add_generation_prompt=True)
        ask = self._tokenizer.encode(opening, add_special_tokens=False).ids
        return ask, [*self._tokenizer.encode(answer, add_special_tokens=False).ids, self._stop]
