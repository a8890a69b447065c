"""The application: routes, what they share, and its beginning and end."""

from __future__ import annotations

import logging
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from sightword._version import __version__
from sightword.pictures.limits import Limits
from sightword.serve import routes_ask, routes_keep, routes_page, routes_pictures
from sightword.serve.decoding import Decoders, ServedReferences, Thumbnails
from sightword.serve.encoding import SharedBackbone
from sightword.serve.examples import EXAMPLES
from sightword.serve.gate import Gate
from sightword.serve.jobs import Jobs
from sightword.serve.library import Library
from sightword.serve.metrics import Metrics
from sightword.serve.middleware import Doorway
from sightword.serve.problems import add_handlers
from sightword.serve.schemas import EmbedRequest, Problem, SearchRequest, SessionRequest
from sightword.serve.security import Guard, protection
from sightword.serve.settings import Settings, is_loopback
from sightword.serve.state import State

if TYPE_CHECKING:
    from sightword.backbones.base import Backbone
    from sightword.search import Engine

__all__ = ["create_app"]

_log = logging.getLogger("sightword.serve")


def create_app(
    engines: Callable[[Backbone], Sequence[Engine]],
    backbone: Backbone,
    settings: Settings | None = None,
    *,
    refresh: bool = True,
) -> FastAPI:
    """Make the application.

    Parameters
    ----------
    engines : callable
        Gets the backbone as the server shares it, returns an engine for each folder.
    backbone : Backbone
    settings : Settings, optional
    refresh : bool
        Bring the indexes up to date at the start.

    Returns
    -------
    FastAPI
        Serving begins with its lifespan: encoders are loaded and folders looked at in the background.
    """
    settings = settings or Settings()
    metrics = Metrics()
    limits = Limits(max_pixels=settings.max_pixels, seconds=settings.decode_seconds)
    decoders = Decoders(limits)
    shared: Backbone = SharedBackbone(backbone, metrics.batch) if settings.batching else backbone
    library = Library(list(engines(shared)))
    for shelf in library.shelves.values():
        shelf.engine.references = ServedReferences(shelf.engine, decoders, metrics.decoding)
    state = State(
        settings=settings,
        backbone=shared,
        library=library,
        metrics=metrics,
        guard=Guard(settings, metrics),
        decoders=decoders,
        thumbnails=Thumbnails(decoders, settings.thumbnail_bytes),
        jobs=Jobs(metrics, near=is_loopback(settings.host)),
        gate=Gate(settings.workers, settings.waiting, settings.timeout, metrics, "search"),
        errands=Gate(4, 512, settings.timeout, metrics, "errand"),
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        warming = threading.Thread(target=_warm, args=(state,), name="sightword-warm")
        warming.start()
        for shelf in library.shelves.values():
            if settings.watch:
                state.jobs.watch(shelf)
            elif refresh:
                state.jobs.refresh(shelf)
        yield
        warming.join()
        _close(state)

    app = FastAPI(
        title="Sightword",
        version=__version__,
        summary="Find the picture that looks like this picture, changed as these words say.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.sightword = state
    add_handlers(app)
    for part in (routes_ask, routes_pictures, routes_keep, routes_page):
        app.include_router(part.router)
    headers = protection(library.origins())
    app.add_middleware(Doorway, settings=settings, guard=state.guard, metrics=metrics, headers=headers)
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]
    return app


def _warm(state: State) -> None:
    """Load what the first question needs; the server is ready then."""
    try:
        if isinstance(state.backbone, SharedBackbone):
            state.backbone.warm()
        else:
            SharedBackbone(state.backbone).warm()
        for shelf in state.library.shelves.values():
            shelf.engine.load_method(shelf.engine.method)
    except Exception:
        _log.exception("The model could not be loaded.")
        return
    state.ready.set()


def _close(state: State) -> None:
    """Finish what was accepted, commit what was read, let go of everything."""
    state.gate.close()
    state.errands.close()
    state.jobs.close()
    for shelf in state.library.shelves.values():
        shelf.engine.close()
    state.decoders.close()


def _described(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI description, with the bodies that the routes parse themselves."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            routes=app.routes,
            tags=app.openapi_tags,
        )
        schemas = schema.setdefault("components", {}).setdefault("schemas", {})
        for model in (SearchRequest, EmbedRequest, SessionRequest, Problem):
            described = model.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(described.pop("$defs", {}))
            schemas[model.__name__] = described
        for name, example in EXAMPLES.items():
            schemas[name].setdefault("examples", [example])
        schemas.pop("HTTPValidationError", None)
        schemas.pop("ValidationError", None)
        app.openapi_schema = schema
    return app.openapi_schema
