"""Step 1 of the story: from the bytes of a request to a conversation that can be judged.

A request is read by the declaration of its own operation, with the extra fields that its destination allows. Where that
destination does not speak the operation, the request is asked as a chat request before anything is judged, so what is
judged is what would be sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from gateway.dialects.answers import Translating
from gateway.dialects.degrading import without
from gateway.dialects.registry import TRANSLATIONS, AsItIs
from gateway.domain.alias import Alias, resolve
from gateway.domain.capability import Capability, Lack
from gateway.domain.conversation import Conversation, Operation, read, read_document
from gateway.domain.declaration import Field
from gateway.domain.errors import ErrorCode, refuse
from gateway.domain.strict_json import Json, dump_json, parse_json
from gateway.pipeline.ports import ExternalModel, LocalModel

Declarations = Callable[[Operation, str], Field]
"""The declaration of an operation for a destination (empty: for none outside)."""
Decoder = Callable[[dict[str, Json], str], dict[str, Json]]
"""A request with the token ids that can be read, for this model, put into words."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request that can be judged. `telling` tells a chat answer as the caller expects it."""

    conversation: Conversation
    alias: Alias
    telling: Translating


class RequestReader:
    """Reads requests. Holds no state of one."""

    def __init__(
        self,
        *,
        declarations: Declarations,
        aliases: Mapping[str, Alias],
        externals: Mapping[str, ExternalModel],
        locals_: Mapping[str, LocalModel],
        decoder: Decoder,
    ) -> None:
        self._declarations = declarations
        self._aliases = aliases
        self._externals = externals
        self._locals = locals_
        self._decoder = decoder

    def read(self, operation: Operation, body: bytes) -> Request:
        """The request in these bytes. Raises `CallerError`."""
        document = parse_json(body)
        if isinstance(document, dict) and operation in _DEFAULT_MODELS:
            document.setdefault("model", _DEFAULT_MODELS[operation])
        model = document.get("model") if isinstance(document, dict) else None
        if not isinstance(document, dict) or not isinstance(model, str):
            # Without a model there is nowhere to go: the declaration says what is wrong.
            read_document(operation, self._declarations(operation, ""), document)
            refuse(ErrorCode.MISSING_FIELD, "/model")
        alias = self._reachable(operation, resolve(self._aliases, model))
        declaration = self._declarations(operation, alias.external)
        conversation = read_document(operation, declaration, self._decoder(document, model))
        request = Request(conversation, alias, AsItIs())
        external = self._externals.get(alias.external)
        return request if external is None or operation in external.speaks else self._in_chat(request)

    def lacking(self, conversation: Conversation) -> tuple[Lack, ...]:
        """What the models inside cannot do of what is asked."""
        models = self._locals.items()
        return tuple(Lack(name, each) for name, model in models for each in sorted(model.lacks(conversation)))

    def inside(self, request: Request, destination: str, degraded: frozenset[Capability] = frozenset()) -> Request:
        """The request as the model inside can be asked, without what is degraded. Raises `CallerError` where it cannot
        be asked."""
        model = self._locals.get(destination)
        operation = request.conversation.operation
        as_it_is = model is None or operation in model.speaks
        if as_it_is and not (degraded and operation is not Operation.CHAT):
            asked = request
        elif operation in TRANSLATIONS and (model is None or Operation.CHAT in model.speaks):
            asked = self._in_chat(request)
        else:
            refuse(ErrorCode.UNSUPPORTED_BY_LOCAL_MODEL)
        return self._without(asked, degraded) if degraded else asked

    def _without(self, request: Request, degraded: frozenset[Capability]) -> Request:
        """A chat request without what it asks of these capabilities."""
        body = without(parse_json(request.conversation.body), degraded)
        chat = read(Operation.CHAT, self._declarations(Operation.CHAT, request.alias.external), dump_json(body))
        return replace(request, conversation=chat)

    def _in_chat(self, request: Request) -> Request:
        conversation = request.conversation
        translation = TRANSLATIONS[conversation.operation]
        asked = parse_json(conversation.body)
        if not isinstance(asked, dict):
            raise TypeError("a request body is an object")
        body = dump_json(translation.chat_request(asked))
        chat = read(Operation.CHAT, self._declarations(Operation.CHAT, request.alias.external), body)
        return replace(request, conversation=chat, telling=translation.telling(asked))

    def _reachable(self, operation: Operation, alias: Alias) -> Alias:
        """The alias without the destinations that cannot serve this operation, in its own dialect or as chat."""

        def serves(model: ExternalModel | LocalModel | None) -> bool:
            if model is None:
                return True  # a destination that is missing is told when it is asked
            return operation in model.speaks or (operation in TRANSLATIONS and Operation.CHAT in model.speaks)

        external = alias.external if serves(self._externals.get(alias.external)) else ""
        local = alias.local if serves(self._locals.get(alias.local)) else ""
        if (alias.external or alias.local) and not (external or local):
            refuse(ErrorCode.UNSUPPORTED_BY_DESTINATION, "/model")
        if operation.bound and external and local:
            refuse(ErrorCode.AMBIGUOUS_EMBEDDINGS, "/model")
        return Alias(external, local)


_DEFAULT_MODELS: Mapping[Operation, str] = {Operation.MODERATIONS: "omni-moderation-latest"}
"""Where the dialect lets a caller leave the model out."""
