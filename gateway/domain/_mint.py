"""Where permits come from. Only `domain.decision` may import this module; import-linter holds it to that."""

from __future__ import annotations

from gateway.domain import _seal
from gateway.domain.clearance import Permit, _fill
from gateway.domain.conversation import Operation


def permit(*, decision_id: str, destination: str, operation: Operation, body: bytes) -> Permit:
    """A permit for `body` to go to `destination` as `operation`, by the decision `decision_id`."""
    made = object.__new__(Permit)
    mark = _seal.seal("permit", decision_id, destination, operation, body)
    _fill(made, decision_id=decision_id, destination=destination, operation=operation, _body=body, _mark=mark)
    return made
