"""What is wrong with a request is a sentence, and the kind of problem is told to programs."""

from __future__ import annotations

from typing import Any

import pytest

from serving import TestClient
from sightword.errors import IndexMissing, ModelMismatch, NothingMatched, PictureError, UsageError


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"k": 0}, "k is 0, but it is at least 1."),
        ({"k": 5000}, "k is 5000, but it is at most 1,000."),
        ({"k": "many"}, "k is 'many', but it is a whole number."),
        ({"k": 1.5}, "k is 1.5, but it is a whole number."),
        ({"balance": "x"}, "balance is 'x', but it is a number."),
        ({"fold": "perhaps"}, "fold is 'perhaps', but it is true or false."),
        ({"text": None}, "text is null, but it is a text."),
        ({"images": "pictures.1"}, "images is 'pictures.1', but it is a list."),
        (
            {"images": ["../x"]},
            "images[0] is '../x', but it is the id of an indexed picture, such as holiday.12.",
        ),
        ({"index": "A B"}, "index is 'A B', but it is the id of an index, such as holiday."),
        (
            {"methods": ["/etc"]},
            "methods[0] is '/etc', but it is the name of a method, such as default or weighted:0.3.",
        ),
        ({"images": ["pictures.1"] * 9}, "images takes at most 8."),
        ({"methods": []}, "methods takes at least 1."),
        ({"text": "x" * 3000}, "text is longer than 2,000 characters."),
        ({"without": [""]}, "without[0] is empty."),
        ({"txt": "red"}, "There is no field 'txt' in this request; /docs lists the fields."),
        ({"min_score": [1]}, "min_score is a list, but it is a text."),
        ({"min_score": "x" * 30}, "min_score: a score is a number such as 0.3, or 2z."),
        ([], "The body is a list, but it is an object with fields."),
    ],
)
def test_a_wrong_value(client: TestClient, body: Any, detail: str) -> None:
    answer = client.post("/v1/search", json=body)
    assert answer.status_code == 422
    told = answer.json()
    assert told["detail"] == detail
    assert told["type"] == "urn:sightword:usage"


def test_a_body_that_is_not_json(client: TestClient) -> None:
    headers = {"content-type": "application/json"}
    told = client.post("/v1/search", content=b"{text: red}", headers=headers).json()["detail"]
    assert told.startswith("The body is not JSON (") and told.endswith(").")


def test_a_wrong_parameter_of_an_address(client: TestClient) -> None:
    told = client.get("/v1/indexes/pictures/sample", params={"k": "x"}).json()
    assert told["detail"] == "k is 'x', but it is a whole number."


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("/v1/jobs/nosuch", "There is no job of that name."),
        ("/v1/images/nosuch/meta", "There is no picture of that name."),
        ("/v1/indexes/NO/sample", "There is no index of that name."),
        ("/v1/indexes/other/sample", "There is no index other."),
    ],
)
def test_what_is_not_there_is_404(client: TestClient, path: str, detail: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json()["detail"] == detail


def test_the_client_ends_as_a_local_search_would() -> None:
    """Through a server the exit codes are those of this machine."""
    from fastapi import FastAPI
    from starlette.testclient import TestClient as Plain

    from sightword.client import _refusal
    from sightword.serve.problems import add_handlers

    app = FastAPI()
    add_handlers(app)
    errors = [UsageError("x."), IndexMissing("x."), ModelMismatch("x."), PictureError("x.")]

    @app.get("/{number}")
    def fail(number: int) -> None:
        raise errors[number]

    http = Plain(app, raise_server_exceptions=False)
    for number, error in enumerate(errors):
        answer = http.get(f"/{number}")
        told = _refusal("http://x", answer.status_code, answer.content)
        assert told.exit_code == error.exit_code, error
    assert _refusal("http://x", 500, b"<html>").exit_code == 1
    assert NothingMatched("x.").exit_code == 5
