"""What the routes of one server share."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fastapi import Request

from sightword.serve.decoding import Decoders, Thumbnails
from sightword.serve.gate import Gate
from sightword.serve.jobs import Jobs
from sightword.serve.library import Library
from sightword.serve.metrics import Metrics
from sightword.serve.problems import MEDIA_TYPE
from sightword.serve.schemas import Problem
from sightword.serve.security import Guard
from sightword.serve.settings import Settings

if TYPE_CHECKING:
    from sightword.backbones.base import Backbone

__all__ = ["State", "problems", "state_of"]


@dataclass
class State:
    """Made by `create_app`; ends with the server."""

    settings: Settings
    backbone: Backbone
    library: Library
    metrics: Metrics
    guard: Guard
    decoders: Decoders
    thumbnails: Thumbnails
    jobs: Jobs
    gate: Gate
    """For searches."""
    errands: Gate
    """For thumbnails and files: a page full of pictures must not wait behind searches, nor they behind it."""
    ready: threading.Event = field(default_factory=threading.Event)


def state_of(request: Request) -> State:
    """The server that got this request."""
    state = request.app.state.sightword
    assert isinstance(state, State)
    return state


_SENTENCES = {
    400: "The request cannot be read.",
    401: "A key is needed.",
    403: "Another web site asked, or the request does not say where it comes from.",
    404: "There is no such thing.",
    405: "Not with this method.",
    408: "The request did not arrive in time.",
    409: "The index cannot be used just now.",
    413: "Too large.",
    415: "Not this kind of body.",
    421: "The Host header does not name this server.",
    422: "A value is wrong, or a picture cannot be read.",
    429: "Too many requests; Retry-After says when to ask again.",
    503: "Not ready, or not within the time.",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What can go wrong on a route, for its description; what the guard refuses is always among it."""
    content = {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}}}
    always = (401, 403, 405, 421, 429)
    return {
        status: {"description": _SENTENCES[status], "content": content}
        for status in sorted({*always, *statuses})
    }
