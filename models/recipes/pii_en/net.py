"""The network: the first layers of all-MiniLM-L6-v2 with the shape of each word piece beside it, and a label for each piece.

MiniLM reads small letters only. `shapes` gives back what that loses (is the word capitalised, all capitals, mixed, a number):
a second embedding, zero before training, is added to that of the piece.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
WIDTH, HEADS, INNER, PIECES, POSITIONS = 384, 12, 1536, 30522, 512
SHAPES = 8


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.query_key_value = nn.Linear(WIDTH, 3 * WIDTH)
        self.attended = nn.Linear(WIDTH, WIDTH)
        self.attended_norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.inner = nn.Linear(WIDTH, INNER)
        self.outer = nn.Linear(INNER, WIDTH)
        self.outer_norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.dropout = 0.1

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        batch, length, _ = x.shape
        heads = self.query_key_value(x).view(batch, length, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(heads[0], heads[1], heads[2], attn_mask=mask)
        seen = self.attended(seen.transpose(1, 2).reshape(batch, length, WIDTH))
        x = self.attended_norm(x + functional.dropout(seen, self.dropout, self.training))
        thought = self.outer(functional.gelu(self.inner(x)))
        return self.outer_norm(x + functional.dropout(thought, self.dropout, self.training))


class Tagger(nn.Module):
    """`forward(pieces, shapes, mask)`, each [batch, length], gives the labels' logits [batch, length, labels] and the mean of
    the last layer over the pieces of each text [batch, 384]."""

    def __init__(self, layers: int, labels: int) -> None:
        super().__init__()
        self.pieces = nn.Embedding(PIECES, WIDTH)
        self.positions = nn.Embedding(POSITIONS, WIDTH)
        self.shapes = nn.Embedding(SHAPES, WIDTH)
        nn.init.zeros_(self.shapes.weight)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.layers = nn.ModuleList(Layer() for _ in range(layers))
        self.labels = nn.Linear(WIDTH, labels)
        self.dropout = 0.1

    def forward(self, pieces: Tensor, shapes: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        at = torch.arange(pieces.shape[1], device=pieces.device)
        x = self.norm(self.pieces(pieces) + self.positions(at) + self.shapes(shapes))
        x = functional.dropout(x, self.dropout, self.training)
        bias = (mask[:, None, None, :].to(x.dtype) - 1.0) * 1e4
        for layer in self.layers:
            x = layer(x, bias)
        there = mask[:, :, None].to(x.dtype)
        pooled = (x * there).sum(1) / there.sum(1).clamp(min=1.0)
        return self.labels(functional.dropout(x, self.dropout, self.training)), pooled


def from_minilm(folder: Path, layers: int, labels: int) -> Tagger:
    """A tagger that begins with MiniLM's weights. Raises `ValueError` when they are not the genuine ones."""
    path = folder / "model.safetensors"
    if hashlib.sha256(path.read_bytes()).hexdigest() != WEIGHTS_SHA256:
        raise ValueError(f"{path} is not all-MiniLM-L6-v2 as it was published")
    theirs = load_file(path)
    net = Tagger(layers, labels)
    ours = net.state_dict()
    types = theirs["embeddings.token_type_embeddings.weight"][0]
    ours["pieces.weight"] = theirs["embeddings.word_embeddings.weight"]
    ours["positions.weight"] = theirs["embeddings.position_embeddings.weight"] + types
    ours["norm.weight"], ours["norm.bias"] = (theirs[f"embeddings.LayerNorm.{kind}"] for kind in ("weight", "bias"))
    for number in range(layers):
        source = f"encoder.layer.{number}."
        for kind in ("weight", "bias"):
            parts = [theirs[f"{source}attention.self.{part}.{kind}"] for part in ("query", "key", "value")]
            ours[f"layers.{number}.query_key_value.{kind}"] = torch.cat(parts)
            for to, name in (
                ("attended", "attention.output.dense"),
                ("attended_norm", "attention.output.LayerNorm"),
                ("inner", "intermediate.dense"),
                ("outer", "output.dense"),
                ("outer_norm", "output.LayerNorm"),
            ):
                ours[f"layers.{number}.{to}.{kind}"] = theirs[f"{source}{name}.{kind}"]
    net.load_state_dict(ours)
    return net
