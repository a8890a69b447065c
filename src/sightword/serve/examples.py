"""One example of every answer, for the API's description; a test checks each against its type."""

from __future__ import annotations

from typing import Any

__all__ = ["EXAMPLES"]

_PICTURE: dict[str, Any] = {
    "id": "holiday.12",
    "index": "holiday",
    "path": "beach/boat.jpg",
    "path_b64": None,
    "width": 4000,
    "height": 3000,
    "format": "jpeg",
    "size": 3481600,
    "taken": "2024-07-14T18:20:05",
    "modified": 1720981205.0,
    "version": "9f2c41d07ab3e655",
    "url": None,
}
_HIT: dict[str, Any] = {**_PICTURE, "rank": 1, "score": 0.412345, "z": 3.1, "duplicates": []}
_RESULT: dict[str, Any] = {
    "method": "tuned",
    "asked": "default",
    "mean": 0.101,
    "std": 0.1,
    "seconds": 0.02,
    "reranked": None,
    "hits": [_HIT],
    "explanation": None,
}
_JOB: dict[str, Any] = {
    "id": "0f8fad5bd9cb469fa16570867728950e",
    "index": "holiday",
    "state": "running",
    "doing": "reading pictures",
    "found": 2600,
    "done": 1040,
    "total": 2600,
    "report": None,
    "error": None,
}

EXAMPLES: dict[str, dict[str, Any]] = {
    "PictureOut": _PICTURE,
    "HitOut": _HIT,
    "MethodResult": _RESULT,
    "SearchResponse": {
        "index": "holiday",
        "results": [_RESULT],
        "references": [{"id": None}],
        "notes": [],
        "pictures": 2600,
        "complete": True,
    },
    "EmbedResponse": {
        "backbone": "starter",
        "weights_hash": "3c1f",
        "dim": 3,
        "normalised": True,
        "embeddings": [{"kind": "text", "vector": [0.6, 0.0, 0.8]}],
    },
    "MethodOut": {
        "name": "average",
        "summary": "picture and words in equal parts",
        "trained": False,
        "default": False,
        "words": False,
    },
    "JobOut": _JOB,
    "IndexOut": {
        "id": "holiday",
        "name": "Holiday",
        "folder": "/home/ada/Holiday",
        "pictures": 1040,
        "failed": 1,
        "bytes": 5242880,
        "backbone": "starter",
        "dim": 3,
        "watched": False,
        "folders": ["beach"],
        "job": _JOB,
        "error": None,
    },
    "SampleOut": {"pictures": [_PICTURE]},
    "SessionRequest": {"key": "the key of sightword serve --api-key"},
    "Problem": {
        "type": "urn:sightword:usage",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "k is 0, but it is at least 1.",
        "hint": None,
    },
}
"""By the name of the type in ``/openapi.json``."""
