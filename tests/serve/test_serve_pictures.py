"""Pictures leave by id only, and nothing else does."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from gallery import paint
from serving import TestClient, id_of

SECRET = b"-----BEGIN PRIVATE KEY-----"


def test_the_file_as_it_is(client: TestClient, shared_folder: Path) -> None:
    answer = client.get(f"/v1/images/{id_of(client, 'red.png')}")
    assert answer.content == (shared_folder / "red.png").read_bytes()
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"].startswith("inline")
    assert "sandbox" in answer.headers["content-security-policy"]
    again = client.get(
        f"/v1/images/{id_of(client, 'red.png')}", headers={"if-none-match": answer.headers["etag"]}
    )
    assert again.status_code == 304 and not again.content
    saved = client.get(f"/v1/images/{id_of(client, 'red.png')}?download=true")
    assert saved.headers["content-disposition"] == "attachment; filename*=UTF-8''red.png"


def test_thumbnails_are_small_and_say_nothing(serve: Callable[..., TestClient], tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    exif = Image.Exif()
    exif[0x010F] = "Secretcamera"
    Image.new("RGB", (1200, 600), "red").save(folder / "wide.jpg", exif=exif)
    client = serve(folder)
    image_id = id_of(client, "wide.jpg")
    for asked, side in ((1, 128), (300, 512), (4096, 1200)):
        answer = client.get(f"/v1/images/{image_id}/thumb?size={asked}")
        with Image.open(io.BytesIO(answer.content)) as image:
            assert (image.format, image.size) == ("JPEG", (side, side // 2))
            assert not image.getexif() and b"Secretcamera" not in answer.content
    for wrong in ("0", "-1", "99999", "x"):
        assert client.get(f"/v1/images/{image_id}/thumb?size={wrong}").status_code == 422
    meta = client.get(f"/v1/images/{image_id}/meta").json()
    kept = client.get(f"/v1/images/{image_id}/thumb?size=128&v={meta['version']}").headers["cache-control"]
    assert "immutable" in kept and "private" in kept


@pytest.mark.parametrize(
    "path",
    [
        "/v1/images/..%2f..%2fetc%2fpasswd",
        "/v1/images/pictures.1/../../../etc/passwd",
        "/v1/images/%2fetc%2fpasswd",
        "/v1/images/pictures.1%00",
        "/v1/images/red.png",
        "/assets/..%2f..%2fsettings.py",
        "/assets/../app.py",
        "/assets/%2e%2e%2fapp.py",
        "/v1/images/pictures.99999999",
        "/v1/images/nowhere.1",
    ],
)
def test_nothing_by_path(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code in (404, 422)
    assert b"import" not in answer.content and b"root:" not in answer.content


@pytest.mark.skipif(os.name == "nt", reason="links need rights")
class TestLinks:
    def test_a_picture_that_became_a_link_out_does_not_leave(
        self, serve: Callable[..., TestClient], folder: Path, tmp_path: Path
    ) -> None:
        client = serve(folder)
        image_id = id_of(client, "red.png")
        outside = paint(tmp_path / "private" / "secret.png", "blue")
        (folder / "red.png").unlink()
        (folder / "red.png").symlink_to(outside)
        for part in ("", "/thumb"):
            assert client.get(f"/v1/images/{image_id}{part}").status_code == 404

    def test_nor_does_one_below_a_folder_that_became_a_link(
        self, serve: Callable[..., TestClient], folder: Path, tmp_path: Path
    ) -> None:
        client = serve(folder)
        image_id = id_of(client, "blue.png")
        (folder / "deep").rename(tmp_path / "elsewhere")
        (folder / "deep").symlink_to(tmp_path / "elsewhere")
        assert client.get(f"/v1/images/{image_id}").status_code == 404

    def test_links_that_lead_out_are_not_read_in(
        self, serve: Callable[..., TestClient], folder: Path, tmp_path: Path
    ) -> None:
        """Neither a picture nor a folder of them."""
        outside = paint(tmp_path / "private" / "secret.png", "blue", (31, 31)).parent
        (folder / "leak.png").symlink_to(outside / "secret.png")
        (folder / "leaks").symlink_to(outside)
        client = serve(folder)
        answer = client.post("/v1/search", json={"text": "blue", "k": 50, "fold": False}).json()
        assert answer["pictures"] == 8
        assert not [hit["path"] for hit in answer["results"][0]["hits"] if "leak" in hit["path"]]
        # Asked about with the picture itself, the folder does not say that it has it.
        secret = (outside / "secret.png").read_bytes()
        asked = client.post("/v1/search", files=[("image", secret)]).json()
        assert asked["references"] == [{"id": None}]

    def test_a_link_inside_the_folder_is_followed(
        self, serve: Callable[..., TestClient], folder: Path
    ) -> None:
        (folder / "again.png").symlink_to(folder / "deep" / "blue.png")
        client = serve(folder)
        answer = client.get(f"/v1/images/{id_of(client, 'again.png')}")
        assert answer.content == (folder / "deep" / "blue.png").read_bytes()

    def test_a_pipe_is_not_waited_for(self, serve: Callable[..., TestClient], folder: Path) -> None:
        client = serve(folder)
        image_id = id_of(client, "red.png")
        (folder / "red.png").unlink()
        os.mkfifo(folder / "red.png")
        assert client.get(f"/v1/images/{image_id}").status_code == 404


def test_what_is_no_picture_any_more_does_not_leave(serve: Callable[..., TestClient], folder: Path) -> None:
    client = serve(folder)
    image_id = id_of(client, "red.png")
    (folder / "red.png").write_bytes(SECRET)
    assert client.get(f"/v1/images/{image_id}").status_code == 404
    (folder / "red.png").unlink()
    assert client.get(f"/v1/images/{image_id}").status_code == 404


def test_a_polyglot_is_shown_as_a_picture_only(serve: Callable[..., TestClient], folder: Path) -> None:
    page = b"<script>alert(1)</script>"
    (folder / "trick.html.gif").write_bytes(b"GIF89a" + page)
    picture = (folder / "red.png").read_bytes()
    (folder / "trick.png").write_bytes(picture + page)
    client = serve(folder)
    answer = client.get(f"/v1/images/{id_of(client, 'trick.png')}")
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert page not in client.get(f"/v1/images/{id_of(client, 'trick.png')}/thumb").content


def test_a_vanished_picture_is_not_found(serve: Callable[..., TestClient], folder: Path) -> None:
    client = serve(folder)
    image_id = id_of(client, "red.png")
    (folder / "red.png").unlink()
    job = client.post("/v1/indexes/pictures/refresh").json()
    assert client.app.state.sightword.jobs.get(job["id"]).ended.wait(30)  # type: ignore[attr-defined]
    assert client.get(f"/v1/images/{image_id}/meta").status_code == 404
    assert client.post("/v1/search", json={"images": [image_id]}).status_code == 404
