"""A tiny Hugging Face hub on this machine: enough of its protocol to fetch, resume and push."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlparse

Repositories = dict[str, dict[str, bytes]]
COMMIT = "c0ffee" * 6 + "c0ff"


class FakeHub:
    """What the server knows and what it was asked.

    Attributes
    ----------
    repositories : dict of repository to files
    asked : list of str
        Method, path and range of every request.
    cut : int or None
        The next file ends after so many bytes, as when a connection breaks.
    token : str or None
        What a writer must show.
    """

    def __init__(self, repositories: Repositories | None = None) -> None:
        self.repositories: Repositories = repositories or {}
        self.asked: list[str] = []
        self.cut: int | None = None
        self.token: str | None = None
        self.address = ""


@contextmanager
def serve(hub: FakeHub) -> Iterator[FakeHub]:
    """Run it until the block ends; `hub.address` is what ``HF_ENDPOINT`` should be."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


def _handler(hub: FakeHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            return

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path = unquote(urlparse(self.path).path)
            hub.asked.append(f"{self.command} {path} {self.headers.get('Range') or ''}".strip())
            if match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
                return self.file(match[1], match[3])
            if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)(/(revision|tree)/[^/]+)?", path):
                return self.listing(match[1], match[3])
            return self.problem(404, "EntryNotFound")

        def do_POST(self) -> None:
            path = unquote(urlparse(self.path).path)
            hub.asked.append(f"POST {path}")
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if path == "/api/validate-yaml":
                return self.answer({"errors": [], "warnings": []})
            if hub.token is not None and self.headers.get("Authorization") != f"Bearer {hub.token}":
                return self.problem(401, "")
            if path == "/api/repos/create":
                made = json.loads(body)
                name = f"{made['organization']}/{made['name']}" if made.get("organization") else made["name"]
                hub.repositories.setdefault(name, {})
                return self.answer({"url": f"{hub.address}/{name}", "name": name, "id": name})
            if match := re.fullmatch(r"/api/models/(.+)/preupload/.+", path):
                files = [{"path": f["path"], "uploadMode": "regular", "shouldIgnore": False}
                         for f in json.loads(body)["files"]]  # fmt: skip
                return self.answer({"files": files})
            if match := re.fullmatch(r"/api/models/(.+)/commit/.+", path):
                for line in body.splitlines():
                    item = json.loads(line)
                    if item["key"] == "file":
                        content = base64.b64decode(item["value"]["content"])
                        hub.repositories[match[1]][item["value"]["path"]] = content
                url = f"{hub.address}/{match[1]}/commit/{COMMIT}"
                return self.answer({"commitUrl": url, "commitOid": COMMIT, "pullRequestUrl": None})
            return self.problem(404, "EntryNotFound")

        def file(self, repo: str, name: str) -> None:
            files = hub.repositories.get(repo)
            if files is None:
                self.problem(404, "RepoNotFound")
                return
            if name not in files:
                self.problem(404, "EntryNotFound")
                return
            whole = files[name]
            start = int((self.headers.get("Range") or "bytes=0-")[6:].partition("-")[0])
            content = whole[start:]
            self.send_response(206 if start else 200)
            self.send_header("ETag", f'"{hashlib.sha1(whole).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Accept-Ranges", "bytes")
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(whole) - 1}/{len(whole)}")
            self.end_headers()
            if self.command == "GET":
                if hub.cut is not None and len(content) > hub.cut:
                    content, hub.cut = content[: hub.cut], None
                    self.close_connection = True
                self.wfile.write(content)

        def listing(self, repo: str, what: str | None) -> None:
            if repo not in hub.repositories:
                return self.problem(404, "RepoNotFound")
            files = hub.repositories[repo]
            if what == "tree":
                return self.answer(
                    [{"type": "file", "path": n, "size": len(c), "oid": hashlib.sha1(c).hexdigest()}
                     for n, c in files.items()]
                )  # fmt: skip
            return self.answer(
                {"id": repo, "sha": COMMIT, "private": False, "tags": [], "downloads": 0, "likes": 0,
                 "siblings": [{"rfilename": name} for name in files]}
            )  # fmt: skip

        def answer(self, value: object) -> None:
            content = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def problem(self, status: int, code: str) -> None:
            self.send_response(status)
            if code:
                self.send_header("X-Error-Code", code)
            self.send_header("Content-Length", "0")
            self.end_headers()

    return Handler
