"""Get packages: from folders where they lie already, or from their registry, resumably and checked.

Which server a registry is reached at is this machine's affair: a mirror given by the caller, else what the
registry's own client (npm, apt-get) answers. No server is named here.
"""

from __future__ import annotations

import http.client
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from sightword.datasets.sources import Source, find, sha256_of
from sightword.errors import SightwordError
from sightword.update.progress import Progress

__all__ = ["address", "obtain"]

PIECE = 1 << 18
TIMEOUT = 60.0
"""Seconds without a byte."""


def obtain(
    sources: Sequence[Source],
    cache: Path,
    *,
    places: Sequence[Path] = (),
    mirrors: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> dict[str, Path]:
    """The files of all packages, by package name.

    Parameters
    ----------
    sources : sequence of Source
    cache : Path
        Where downloads are kept; a file begun there is continued.
    places : sequence of Path
        Folders that are searched first. When there are any, nothing is downloaded.
    mirrors : mapping, optional
        Base address by registry (``npm``, ``debian``).
    progress : Progress, optional
        Told in bytes.

    Raises
    ------
    SightwordError
        A package is not there, cannot be downloaded, or is not the pinned file. The hint lists what is
        missing and how to place it by hand.
    """
    progress = progress or Progress()
    found = {source.name: find(source, [*places, cache]) for source in sources}
    missing = [source for source in sources if found[source.name] is None]
    if missing and places:
        raise SightwordError(
            f"{len(missing)} of {len(sources)} packages are not in {' or '.join(map(str, places))}.",
            _by_hand(missing, places[0]),
        )
    if missing:
        progress.description("downloading")
        progress.total(sum(source.bytes for source in missing))
    for source in missing:
        try:
            found[source.name] = _download(source, cache, mirrors or {}, progress)
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise SightwordError(
                f"{source.name} {source.version} could not be downloaded ({reason}).",
                _by_hand([s for s in missing if found[s.name] is None], cache),
            ) from None
    return {name: path for name, path in found.items() if path is not None}


def address(source: Source, mirrors: Mapping[str, str]) -> str:
    """Where the package's file can be downloaded.

    Raises
    ------
    OSError
        No mirror was given and the registry's client is not here or knows nothing.
    """
    base = mirrors.get(source.registry, "").rstrip("/")
    if source.registry == "npm":
        if base:
            return f"{base}/{source.name}/-/{source.name.rpartition('/')[2]}-{source.version}.tgz"
        return _asked(["npm", "view", f"{source.name}@{source.version}", "dist.tarball"]).strip()
    if base:
        return f"{base}/{source.path}"
    said = _asked(["apt-get", "download", "--print-uris", f"{source.name}={source.version}"])
    return said.split("'")[1]


def _asked(command: list[str]) -> str:
    client = shutil.which(command[0])
    if client is None:
        raise OSError(f"{command[0]} is not installed, and no mirror was named")
    done = subprocess.run([client, *command[1:]], capture_output=True, text=True, timeout=120, check=False)
    if done.returncode or not done.stdout.strip():
        lines = done.stderr.strip().splitlines() or ["it said nothing"]
        raise OSError(f"{command[0]}: {lines[-1]}")
    return done.stdout


def _download(source: Source, cache: Path, mirrors: Mapping[str, str], progress: Progress) -> Path:
    cache.mkdir(parents=True, exist_ok=True)
    target = cache / source.file
    part = target.with_name(f"{target.name}.part")
    have = part.stat().st_size if part.is_file() else 0
    if have > source.bytes:
        part.unlink()
        have = 0
    if have < source.bytes:
        request = urllib.request.Request(address(source, mirrors))
        if have:
            request.add_header("Range", f"bytes={have}-")
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            # A server that does not continue sends everything again.
            continued = have and getattr(answer, "status", None) == http.client.PARTIAL_CONTENT
            progress.advance(have if continued else 0)
            with part.open("ab" if continued else "wb") as file:
                while piece := answer.read(PIECE):
                    file.write(piece)
                    progress.advance(len(piece))
    if part.stat().st_size < source.bytes:
        raise OSError(f"the connection ended after {part.stat().st_size:,} of {source.bytes:,} bytes")
    if sha256_of(part) != source.sha256:
        part.unlink()
        raise OSError("what came is not the pinned file: its sha256 differs")
    return part.replace(target)


def _by_hand(missing: Sequence[Source], place: Path) -> str:
    listed = "; ".join(f"{s.file} ({s.url}, {s.bytes / 1e6:.0f} MB)" for s in missing)
    return (
        f"Missing: {listed}. Run the command again to go on, name a mirror with --npm-mirror or "
        f"--debian-mirror, or get the files on another machine (`npm pack NAME@VERSION`, `apt-get download "
        f"NAME=VERSION`), put them into one folder such as {place} and give that with --from."
    )
