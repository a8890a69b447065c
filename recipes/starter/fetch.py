"""Step 1: download the pinned packages with pip, apt-get and npm, check their sha256, unpack them."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from common import DOWNLOADS, HERE, SOURCES, note

SKIP = (".ogg", ".wav", ".ttx", ".ai", ".fig")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _find(digest: str) -> Path | None:
    for path in DOWNLOADS.iterdir():
        if path.is_file() and _sha256(path) == digest:
            return path
    return None


def _download(kind: str, name: str, version: str) -> None:
    command = {
        "pip": [sys.executable, "-m", "pip", "download", "--no-deps", "-q", f"{name}=={version}"],
        "apt": ["apt-get", "download", f"{name}={version}"],
        "npm": ["npm", "pack", "--silent", f"{name}@{version}"],
    }[kind]
    subprocess.run(command, cwd=DOWNLOADS, check=True, stdout=subprocess.DEVNULL)


def _unpack(kind: str, archive: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    if kind == "pip":
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(target)
    elif kind == "apt":
        reader = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(archive)], stdout=subprocess.PIPE)
        with tarfile.open(fileobj=reader.stdout, mode="r|") as tar:
            _members(tar, target)
        if reader.wait():
            raise SystemExit(f"{archive} could not be unpacked")
    else:
        with tarfile.open(archive) as tar:
            _members(tar, target)


def _members(tar: tarfile.TarFile, target: Path) -> None:
    for member in tar:
        # The emoji data sources carry sprite sheets of every size; only the single pictures are needed.
        if (
            member.name.endswith(SKIP)
            or "/sheets" in member.name
            or ("/img/" in member.name and "/64" not in member.name)
        ):
            continue
        tar.extract(member, target, filter="data")


def main() -> None:
    """Fetch what is missing."""
    DOWNLOADS.mkdir(parents=True, exist_ok=True)
    for kind, packages in json.loads((HERE / "sources.json").read_text()).items():
        for package in packages:
            target = SOURCES / package["name"].replace("/", "-").lstrip("@")
            done = target / ".sha256"
            if done.is_file() and done.read_text() == package["sha256"]:
                continue
            if _find(package["sha256"]) is None:
                _download(kind, package["name"], package["version"])
            archive = _find(package["sha256"])
            if archive is None:
                raise SystemExit(
                    f"{package['name']} {package['version']} is not the pinned file (sha256 differs)"
                )
            _unpack(kind, archive, target)
            done.write_text(package["sha256"])
            note(f"{package['name']} {package['version']}: checked and unpacked")


if __name__ == "__main__":
    main()
