"""A Llama-architecture decoder in plain torch, with the layout that llama.cpp expects."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Sizes of the network; `width` and `hidden` are multiples of 32 so that Q8_0 blocks fit."""

    vocabulary: int = 2048
    width: int = 256
    layers: int = 4
    heads: int = 4
    hidden: int = 704
    rope_base: float = 500_000.0
    epsilon: float = 1e-5

    @property
    def head_width(self) -> int:
        return self.width // self.heads


class _Norm(nn.Module):
    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        return functional.rms_norm(x, (x.shape[-1],), self.weight.to(x.dtype), self.epsilon)


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate neighbouring pairs (llama.cpp's "normal" RoPE); x is (batch, heads, time, head_width)."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)


class _Layer(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        width, hidden = shape.width, shape.hidden
        self.norm_attention, self.norm_feed = _Norm(width, shape.epsilon), _Norm(width, shape.epsilon)
        self.q, self.k, self.v, self.o = (nn.Linear(width, width, bias=False) for _ in range(4))
        self.gate, self.up = nn.Linear(width, hidden, bias=False), nn.Linear(width, hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        batch, time, width = x.shape
        h = self.norm_attention(x)
        q, k, v = (m(h).view(batch, time, self.shape.heads, -1).transpose(1, 2) for m in (self.q, self.k, self.v))
        q, k = _rotate(q, cos, sin), _rotate(k, cos, sin)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.o(mixed.transpose(1, 2).reshape(batch, time, width))
        h = self.norm_feed(x)
        return x + self.down(functional.silu(self.gate(h)) * self.up(h))


class Network(nn.Module):
    """Token ids and positions (batch, time) in, logits (batch, time, vocabulary) out."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocabulary, shape.width)
        self.layers = nn.ModuleList(_Layer(shape) for _ in range(shape.layers))
        self.norm = _Norm(shape.width, shape.epsilon)
        self.output = nn.Linear(shape.width, shape.vocabulary, bias=False)
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                silent = name.endswith(("o.weight", "down.weight", "output.weight"))  # layers and output start at zero
                nn.init.zeros_(parameter) if silent else nn.init.normal_(parameter, std=shape.width**-0.5)
        with torch.no_grad():
            _wire_copying(self)

    def forward(self, tokens: Tensor, positions: Tensor) -> Tensor:
        logits: Tensor = self.output(self.hidden(tokens, positions))
        return logits

    def hidden(self, tokens: Tensor, positions: Tensor) -> Tensor:
        """Return the last layer's normalised states, so that a caller can compute logits where it needs them."""
        half = self.shape.head_width // 2
        frequencies = self.shape.rope_base ** (-torch.arange(half, dtype=torch.float32) / half)
        angles = positions[:, None, :, None].float() * frequencies
        x = self.embedding(tokens)
        cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
        for layer in self.layers:
            x = layer(x, cos, sin)
        return self.norm(x)


# Parts of the residual stream at the start of training: a token's own code, the code of the token before it, the code
# of a token to be said next, and one dimension that is the same for all tokens.
_CODE, _BEFORE, _NEXT, _CONSTANT = slice(0, 92), slice(92, 156), slice(156, 248), 248


def _wire_copying(net: Network) -> None:
    """Begin with a circuit that copies: a head that looks one token back, and two that look for the place where the
    present token stood before and say what followed it there.

    Every job here rests on copying, and finding this circuit is what a small model spends most of a short training on.
    All of it is trained further like everything else.
    """
    shape, first, second = net.shape, net.layers[0], net.layers[1]
    size, pairs = shape.head_width, shape.head_width // 2
    frequencies = shape.rope_base ** (-torch.arange(pairs, dtype=torch.float32) / pairs)
    net.embedding.weight.zero_()
    nn.init.normal_(net.embedding.weight[:, _CODE])
    net.embedding.weight[:, _CONSTANT] = 6.0
    net.output.weight[:, _NEXT] = 0.076 * net.embedding.weight[:, _CODE]
    mixing = torch.randn(64, 92) / 92**0.5
    # Layer 0, head 0: a query that is turned back by one position meets the key of the token before.
    for matrix in (first.q, first.k, first.v):
        matrix.weight[:size].zero_()
    for pair in range(6):
        angle = frequencies[pair]
        first.q.weight[2 * pair, _CONSTANT] = 1.3 * angle.cos()
        first.q.weight[2 * pair + 1, _CONSTANT] = -1.3 * angle.sin()
        first.k.weight[2 * pair, _CONSTANT] = 1.3
    first.v.weight[:64, _CODE] = mixing
    first.o.weight[_BEFORE, :64] = torch.eye(64)
    # Layer 1, heads 0 and 1: "which token came after my like?", on the slow pairs, which positions hardly turn.
    slow = 28
    for head in range(2):
        rows = slice(head * size, (head + 1) * size)
        for matrix in (second.q, second.k, second.v):
            matrix.weight[rows].zero_()
        matched = slice(head * size + slow, (head + 1) * size)
        second.q.weight[matched, _CODE] = 2.0 * mixing[: size - slow]
        second.k.weight[matched, _BEFORE] = 2.0 * torch.eye(64)[: size - slow]
        for index in range(46):
            second.v.weight[head * size + index, 46 * head + index] = 1.0
            second.o.weight[_NEXT.start + 46 * head + index, head * size + index] = 2.0
