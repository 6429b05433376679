"""The network: the encoder of the pipeline `pii-en`, read on with two questions for each field: where does its value begin, and
where does it end?

    [CLS] field [SEP] field [SEP] ... text [SEP]

All fields are read at once, together with the text. A field's vector is the mean over its own pieces; its likeness with each piece
of the text, once for beginnings and once for ends, is the score. A field that the text does not have points at [CLS].
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from models.recipes.pii_en.net import SHAPES, WIDTH, Tagger, from_minilm

ASKED = SHAPES
"""The shape of a field's pieces: one more than those of the text."""


class Reader(nn.Module):
    """`forward(pieces, shapes, mask, asked)`, the first three [batch, length] and `asked` [batch, fields, length] with a share of 1
    spread over the pieces of each field, gives the scores of beginnings and of ends, each [batch, fields, length]."""

    def __init__(self, encoder: Tagger) -> None:
        super().__init__()
        self.encoder = encoder
        shapes = nn.Embedding(SHAPES + 1, WIDTH)
        shapes.weight.data = torch.cat([encoder.shapes.weight.data, torch.zeros(1, WIDTH)])
        encoder.shapes = shapes
        encoder.labels = nn.Identity()
        self.begins, self.ends = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, pieces: Tensor, shapes: Tensor, mask: Tensor, asked: Tensor) -> tuple[Tensor, Tensor]:
        seen, _ = self.encoder(pieces, shapes, mask)
        fields = asked @ seen
        across = seen.transpose(1, 2) / WIDTH**0.5
        return self.begins(fields) @ across, self.ends(fields) @ across


def begin(pipeline: Path | None, minilm: Path, layers: int) -> Reader:
    """A reader of the first `layers` of MiniLM; where a pipeline is given, its encoder's layers take the place of the first of them."""
    encoder = from_minilm(minilm, layers, 1)
    if pipeline is not None:
        ours = encoder.state_dict()
        shipped = shipped_weights(pipeline / "ner" / "encoder.onnx")
        encoder.load_state_dict(
            ours | {name: shipped[name] for name in ours.keys() & shipped.keys() if not name.startswith("labels")}
        )
    return Reader(encoder)


def shipped_weights(path: Path) -> dict[str, Tensor]:
    """The weights in a quantised file of `pii_en.export`, by the names of `Tagger`: 8-bit numbers times their scales."""
    graph = onnx.load(str(path)).graph
    held = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    layers = {
        node.input[1]: node.name.strip("/").replace("/", ".") for node in graph.node if node.op_type == "MatMulInteger"
    }
    out: dict[str, Tensor] = {}
    for name, values in held.items():
        stem = name.removesuffix("_quantized")
        if name in layers:
            out[layers[name].replace("MatMul_quant", "weight")] = torch.from_numpy(_whole(held, stem, values).T.copy())
        elif name != stem:
            out[stem] = torch.from_numpy(_whole(held, stem, values))
        elif values.dtype == np.float32 and values.ndim and not name.endswith("_scale"):
            out[name] = torch.from_numpy(values.copy())
    return out


def _whole(held: dict[str, np.ndarray], stem: str, values: np.ndarray) -> np.ndarray:
    zero = held[f"{stem}_zero_point"].astype(np.float32)
    return ((values.astype(np.float32) - zero) * held[f"{stem}_scale"]).astype(np.float32)
