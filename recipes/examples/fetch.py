"""Download the pinned packages with apt-get, npm and pip, check their sha256 and unpack them."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from packages import CACHE, HERE, SOURCES, folder

DOWNLOADS = CACHE / "downloads"
WHEEL_FOR = ["--only-binary=:all:", "--python-version=3.11", "--platform=manylinux_2_28_x86_64"]


def _named(digest: str) -> Path | None:
    """The download with this sha256, whatever its name."""
    files = (path for path in DOWNLOADS.iterdir() if path.is_file())
    return next((path for path in files if hashlib.sha256(path.read_bytes()).hexdigest() == digest), None)


def _download(kind: str, name: str, version: str) -> None:
    command = {
        "apt": ["apt-get", "download", f"{name}={version}"],
        "npm": ["npm", "pack", "--silent", f"{name}@{version}"],
        "pip": [sys.executable, "-m", "pip", "download", "--no-deps", "-q", *WHEEL_FOR, f"{name}=={version}"],
    }[kind]
    subprocess.run(command, cwd=DOWNLOADS, check=True, stdout=subprocess.DEVNULL)


def _unpack(kind: str, archive: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    if kind == "apt":
        subprocess.run(["dpkg-deb", "-x", str(archive), str(target)], check=True)
    elif kind == "pip":
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(target)
    else:
        with tarfile.open(archive) as tar:
            tar.extractall(target, filter="data")


def main() -> None:
    """Fetch what is missing."""
    DOWNLOADS.mkdir(parents=True, exist_ok=True)
    SOURCES.mkdir(parents=True, exist_ok=True)
    for kind, wanted in json.loads((HERE / "sources.json").read_text()).items():
        for package in wanted:
            name, digest = package["name"], package["sha256"]
            done = folder(name) / ".sha256"
            if done.is_file() and done.read_text() == digest:
                continue
            if _named(digest) is None:
                _download(kind, name, package["version"])
            archive = _named(digest)
            if archive is None:
                raise SystemExit(f"{name} {package['version']} is not the pinned file (its sha256 differs)")
            _unpack(kind, archive, folder(name))
            done.write_text(digest)
            print(f"{name} {package['version']}: checked and unpacked", flush=True)


if __name__ == "__main__":
    main()
