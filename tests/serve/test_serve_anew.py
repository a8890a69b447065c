"""The server with methods that rank anew or look at the parts of the reference."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the server is an extra")

from gallery import make_gallery
from made_matching import write_artemis, write_maaf
from serving import id_of, png, serving


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_gallery(tmp_path_factory.mktemp("anew") / "pictures")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, tiny_backbone: Any, pictures: Path) -> Iterator[Any]:
    root = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIGHTWORD_MODELS", str(root / "models"))
        methods = root / "models" / "methods" / "tiny"
        write_artemis(methods / "artemis", tiny_backbone.spec, depth=5)
        write_maaf(methods / "maaf", tiny_backbone.spec)
        with serving(tiny_backbone, pictures) as opened:
            yield opened


def ask(client: Any, methods: list[str], **body: Any) -> Any:
    answer = client.post("/v1/search", json={"text": "blue", "methods": methods, "k": 8, **body})
    assert answer.status_code == 200, answer.text
    return answer.json()["results"]


def test_the_answer_says_what_was_ranked_anew(client: Any) -> None:
    image = id_of(client, "red.png")
    anew, deeper, plain = ask(client, ["artemis", "artemis:120", "average"], images=[image], explain=True)
    assert anew["reranked"] == {"first": "average", "depth": 5}
    assert deeper["reranked"] == {"first": "average", "depth": 120}
    assert plain["reranked"] is None
    assert anew["explanation"]["reranked"] == {"first": "average", "depth": 5}
    assert {hit["id"]: hit["z"] for hit in anew["hits"]} == {hit["id"]: hit["z"] for hit in plain["hits"]}
    scores = [hit["score"] for hit in anew["hits"]]
    assert scores == sorted(scores, reverse=True) and len(scores) == 7


def test_the_balance_moves_scores_towards_a_side(client: Any) -> None:
    image = id_of(client, "red.png")
    (words,) = ask(client, ["artemis"], images=[image], balance=1.0)
    (text,) = ask(client, ["text"], include_reference=True)
    cosines = {hit["id"]: hit["score"] for hit in text["hits"]}
    assert [hit["score"] for hit in words["hits"]] == pytest.approx(
        [cosines[hit["id"]] for hit in words["hits"]], abs=2e-6
    )


def test_parts_are_read_of_uploads_and_of_indexed_pictures(client: Any) -> None:
    (known,) = ask(client, ["maaf"], images=[id_of(client, "red.png")])
    answer = client.post(
        "/v1/search",
        data={"text": "blue", "methods": ["maaf"], "k": "8"},
        files=[("image", ("red.png", png("red"), "image/png"))],
    )
    assert answer.status_code == 200, answer.text
    (sent,) = answer.json()["results"]
    assert [(hit["id"], hit["score"]) for hit in sent["hits"]] == [
        (hit["id"], hit["score"]) for hit in known["hits"]
    ]
    assert known["hits"] and known["reranked"] is None


def test_a_method_that_cannot_answer_leaves_the_others_alone(client: Any, pictures: Path) -> None:
    image = id_of(client, "green.png")
    before = ask(client, ["average"], images=[image])[0]["hits"]
    (pictures / "green.png").rename(pictures / "elsewhere.txt")
    try:
        first, second, third = ask(client, ["average", "maaf", "artemis"], images=[image])
        assert first["hits"] == before and third["hits"] and first["error"] is third["error"] is None
        assert second["asked"] == "maaf" and second["hits"] == []
        told = second["error"]
        assert told["status"] == 404 and told["type"] == "urn:sightword:picture"
        assert told["detail"].startswith("green.png: ") and "average" in told["hint"]
        body = {"text": "blue", "methods": ["maaf"], "images": [image]}
        alone = client.post("/v1/search", json=body)
        assert alone.status_code == 404 and alone.json() == told
        (pictures / "green.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
        (broken,) = (item for item in ask(client, ["maaf", "average"], images=[image]) if item["error"])
        assert broken["error"]["detail"].startswith("green.png: ") and broken["error"]["status"] == 422
    finally:
        (pictures / "elsewhere.txt").rename(pictures / "green.png")


def test_what_all_methods_refuse_is_refused(client: Any) -> None:
    body = {"text": "blue", "methods": ["average", "text"], "where": "width >"}
    assert client.post("/v1/search", json=body).status_code == 422


@pytest.mark.parametrize("name", ["./artemis:3", "/tmp/artemis:3", "~/artemis:3", "models/artemis:3"])
def test_a_path_is_no_method_over_http(client: Any, name: str) -> None:
    answer = client.post("/v1/search", json={"text": "blue", "methods": [name]})
    assert answer.status_code == 422 and "is the name of a method" in answer.json()["detail"]
