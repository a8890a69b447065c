"""The API's own description: typed, versioned, and every type with an example that fits it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from serving import TestClient
from sightword.serve import schemas
from sightword.serve.examples import EXAMPLES


def used(described: dict[str, Any]) -> set[str]:
    """Names of the types that requests and answers are made of, at the top."""
    found: set[str] = set()

    def look(part: Any) -> None:
        if isinstance(part, dict):
            if "$ref" in part:
                found.add(part["$ref"].rpartition("/")[2])
            for each in part.values():
                look(each)
        elif isinstance(part, list):
            for each in part:
                look(each)

    look(described["paths"])
    return found


def test_every_type_has_an_example(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    names = used(described)
    assert {"SearchRequest", "SearchResponse", "EmbedRequest", "JobOut", "Problem"} <= names
    without = [name for name in names if not described["components"]["schemas"][name].get("examples")]
    assert without == []


def test_versions_are_in_the_addresses(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    assert {path for path in described["paths"] if not path.startswith("/v1/")} == {
        "/healthz", "/readyz", "/metrics",
    }  # fmt: skip
    assert described["info"]["version"]


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_examples_fit_their_types(name: str) -> None:
    kind: type[BaseModel] = getattr(schemas, name)
    example = EXAMPLES[name]
    made = kind.model_validate(example)
    assert example.keys() <= made.model_dump(mode="json").keys()
    assert kind.model_validate_json(made.model_dump_json()) == made


@pytest.mark.parametrize("name", ["SearchRequest", "EmbedRequest"])
def test_examples_of_questions_are_answered(client: TestClient, name: str) -> None:
    """They name a folder "holiday"; here it is called pictures."""
    described = client.get("/openapi.json").json()["components"]["schemas"][name]
    path = "/v1/search" if name == "SearchRequest" else "/v1/embed"
    for example in described["examples"]:
        images = ["pictures.1" for _ in example.get("images", [])]
        answer = client.post(path, json={**example, **({"images": images} if images else {})})
        assert answer.status_code == 200, answer.text
