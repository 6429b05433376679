"""The byte-level BPE (2,048 entries, single digits) and the chat layout shared by training, export and evaluation."""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

END, START, STOP = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
SPECIAL = (END, START, STOP)
END_ID, START_ID, STOP_ID = range(3)
VOCABULARY = 2048
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def train_tokenizer(texts: Iterable[str]) -> Tokenizer:
    """Train the tokenizer. Its splitting equals llama.cpp's pre-tokenizer "smollm": single digits, then GPT-2's pattern."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def encode_turn(tokenizer: Tokenizer, role: str, text: str) -> list[int]:
    """Return the ids of one message; its text can never become a special token."""
    return [START_ID, *_plain(tokenizer, f"{role}\n"), *_plain(tokenizer, text), STOP_ID, *_plain(tokenizer, "\n")]


def encode_opening(tokenizer: Tokenizer) -> list[int]:
    """Return the ids that open the assistant's answer."""
    return [START_ID, *_plain(tokenizer, "assistant\n")]


def _plain(tokenizer: Tokenizer, text: str) -> list[int]:
    if any(mark in text for mark in SPECIAL):
        raise ValueError("generated text must not contain a special token")
    ids: list[int] = tokenizer.encode(text, add_special_tokens=False).ids
    return ids
