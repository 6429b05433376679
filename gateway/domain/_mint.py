"""Where permits come from. Only `domain.decision` may import this module; import-linter holds it to that."""

from __future__ import annotations

from gateway.domain import _seal
from gateway.domain.clearance import Permit, _fill


def permit(*, decision_id: str, destination: str, body: bytes) -> Permit:
    """A permit for `body` to go to `destination`, by the decision `decision_id`."""
    made = object.__new__(Permit)
    mark = _seal.seal("permit", decision_id, destination, body)
    _fill(made, decision_id=decision_id, destination=destination, _body=body, _mark=mark)
    return made
