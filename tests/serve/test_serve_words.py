"""A method that makes pseudo-words, over HTTP: listed as such, and told what the picture became."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gallery import make_gallery
from serving import TestClient, id_of, serving
from tiny import write_tiny_phi


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, tiny_backbone: Any) -> Iterator[TestClient]:
    """The pseudo-word of the phi is the picture's mean colour."""
    root = tmp_path_factory.mktemp("words")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIGHTWORD_MODELS", str(root / "models"))
        write_tiny_phi(root / "models" / "methods" / "tiny" / "pic2word", tiny_backbone.spec.weights_hash)
        with serving(tiny_backbone, make_gallery(Path(root / "pictures"))) as opened:
            yield opened


def test_methods_say_which_make_words(client: TestClient) -> None:
    told = {item["name"]: item["words"] for item in client.get("/v1/methods").json()}
    assert told["pic2word"] and told["pic2word+pdv"]
    assert not told["average"] and not told["image"]


@pytest.mark.parametrize("method", ["pic2word", "pic2word+pdv"])
@pytest.mark.parametrize("colour", ["red", "cyan"])
def test_what_the_picture_became(client: TestClient, method: str, colour: str) -> None:
    image = id_of(client, f"{colour}.png")
    body = {"images": [image], "text": "at night", "methods": [method], "explain": True}
    answer = client.post("/v1/search", json=body)
    assert answer.status_code == 200, answer.text
    told = answer.json()["results"][0]["explanation"]
    assert told["method"] == method
    assert told["words"][0][0]["word"] == colour
    assert len(told["prompts"]) == 1 and "{*}" in told["prompts"][0] and "at night" in told["prompts"][0]
    assert told["picture"]["cosine"] and told["text"]["cosine"] and told["hits"] == 7
