"""The encoder as a spaCy component, so that a pipeline folder with it is one like any other: `spacy.load` reads it, and
Presidio sees ordinary entities. Their probabilities lie in `span._.score`."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import DummyTokenizer, filter_spans, registry

from gateway.detection.encoder import Encoder

FACTORY = "encoder_ner"
TOKENIZER = "gateway.words.v1"
SCORE = "score"
if not Span.has_extension(SCORE):
    Span.set_extension(SCORE, default=None)


class EncoderNer:
    """Marks the entities of a document with an `Encoder`, which it reads from its folder in the pipeline."""

    def __init__(self) -> None:
        self.encoder: Encoder | None = None

    def __call__(self, doc: Doc) -> Doc:
        """Sets `doc.ents`. Raises `RuntimeError` before the model was read."""
        if self.encoder is None:
            raise RuntimeError("the encoder was not read from disk")
        spans: list[Span] = []
        for mention in self.encoder.mentions(doc.text):
            span = doc.char_span(mention.start, mention.end, label=mention.label, alignment_mode="expand")
            if span is not None:
                span._.set(SCORE, mention.score)
                spans.append(span)
        doc.set_ents(filter_spans(spans))
        return doc

    def from_disk(self, path: Path, exclude: tuple[str, ...] = ()) -> EncoderNer:  # noqa: ARG002 - spaCy's signature
        """Reads the model that lies in `path`."""
        self.encoder = Encoder(Path(path))
        return self


@Language.factory(FACTORY)  # type: ignore[untyped-decorator]  # spaCy publishes no types here
def make_encoder_ner(nlp: Language, name: str) -> EncoderNer:  # noqa: ARG001 - spaCy's signature
    """The component, without its model."""
    return EncoderNer()


class Words(DummyTokenizer):  # type: ignore[misc]  # spaCy publishes no types here
    """Words and single signs, as the encoder's own vocabulary parts a text, so that no name is widened to what it is
    glued to. Of a word nothing is worked out that nobody asks for: half of spaCy's time goes into that."""

    _PART = re.compile(r"([^\W_]+|[\W_])( ?)")

    def __init__(self, nlp: Language) -> None:
        self._vocab = nlp.vocab
        self._vocab.lex_attr_getters = {}

    def __call__(self, text: str) -> Doc:
        """The document of a text."""
        parts = self._PART.findall(text)
        return Doc(self._vocab, words=[word for word, _ in parts], spaces=[space != "" for _, space in parts])


@registry.tokenizers(TOKENIZER)  # type: ignore[untyped-decorator]  # as above
def make_words() -> Callable[[Language], Words]:
    """What the pipeline's configuration names."""
    return Words
