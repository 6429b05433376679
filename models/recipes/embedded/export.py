"""Write a checkpoint as GGUF, quantised to Q8_0, with its tokenizer and chat template inside."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import gguf
import numpy as np
import torch
from tokenizers import Tokenizer

from .corpus import Corpus
from .net import Shape
from .tokens import CHAT_TEMPLATE, END_ID, SPECIAL, STOP_ID

CONTEXT = 8192
_LAYER = {
    "q": "attn_q", "k": "attn_k", "v": "attn_v", "o": "attn_output", "gate": "ffn_gate", "up": "ffn_up", "down": "ffn_down",
    "norm_attention": "attn_norm", "norm_feed": "ffn_norm",
}  # fmt: skip


def export(out: Path, target: Path) -> None:
    """Write `target` from the checkpoint in `out` and print its hash."""
    shape = Shape(**json.loads((out / "shape.json").read_text(encoding="utf-8")))
    weights = torch.load(out / "weights.pt", weights_only=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(target, "llama")
    _describe(writer, shape)
    _tokens(writer, out / "tokenizer.json")
    for name, tensor in weights.items():
        _put(writer, _name(name), tensor.float().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    print(f"{target}: {target.stat().st_size} bytes, sha256 {hashlib.sha256(target.read_bytes()).hexdigest()}")


def export_token_cases(out: Path, target: Path, seed: int) -> None:
    """Store strings with the ids that the training tokenizer gives them, for a test that llama.cpp gives the same."""
    tokenizer = Tokenizer.from_file(str(out / "tokenizer.json"))
    corpus = Corpus(seed, held_out_templates=True, held_out_values=True)
    texts = [corpus.example().messages[-1][1] for _ in range(40)]
    texts += ["", " ", "\n", "  two  spaces  ", "tab\tand\r\nreturn", "it's we'll I'm", "12345 67.89 1,000", "naïve café Straße", "日本語 текст עברית", "😀 👩‍👩‍👧",
              "a" * 300, "\u00a0no-break\u2028line", '{"key": [1, 2]}', "<|im_end|>", "٣٤٥ ½ ²", "\n\n\n   x", "e\u0301 combining", "snake_case-and/slash"]  # fmt: skip
    cases = [
        {"text": text, "ids": tokenizer.encode(text, add_special_tokens=False).ids}
        for text in texts
        if "<|" not in text
    ]
    target.write_text(json.dumps(cases, ensure_ascii=True, indent=0) + "\n", encoding="utf-8")


def _describe(writer: gguf.GGUFWriter, shape: Shape) -> None:
    writer.add_name("embedded")
    writer.add_description(
        "Classifies, extracts fields and summarises short notes. Trained from scratch on generated text."
    )
    writer.add_license("apache-2.0")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_rope_dimension_count(shape.head_width)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(shape.epsilon)
    writer.add_vocab_size(shape.vocabulary)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)


def _tokens(writer: gguf.GGUFWriter, path: Path) -> None:
    model = json.loads(path.read_text(encoding="utf-8"))["model"]
    vocabulary = sorted(model["vocab"], key=model["vocab"].get)
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]]
    control, normal = gguf.TokenType.CONTROL, gguf.TokenType.NORMAL
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(vocabulary)
    writer.add_token_types([control if token in SPECIAL else normal for token in vocabulary])
    writer.add_token_merges(merges)
    writer.add_bos_token_id(END_ID)
    writer.add_eos_token_id(STOP_ID)
    writer.add_eot_token_id(STOP_ID)
    writer.add_pad_token_id(END_ID)
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def _name(name: str) -> str:
    if name == "embedding.weight":
        return "token_embd.weight"
    if name == "output.weight":
        return name
    if name == "norm.weight":
        return "output_norm.weight"
    _, index, part, _ = name.split(".")
    return f"blk.{index}.{_LAYER[part]}.weight"


def _put(writer: gguf.GGUFWriter, name: str, array: np.ndarray) -> None:
    if array.ndim == 1:
        writer.add_tensor(name, array.astype(np.float32))
        return
    kind = gguf.GGMLQuantizationType.Q8_0
    writer.add_tensor(name, gguf.quants.quantize(array.astype(np.float32), kind), raw_dtype=kind)
