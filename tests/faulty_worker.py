"""A decoding worker with faults that file names ask for; run as the pool's ``program``."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from sightword.pictures import worker
from sightword.pictures.reading import FileBytes, read_file


def faulty_read(path: bytes) -> FileBytes:
    name = os.path.basename(path)  # noqa: PTH119 - bytes
    if name.startswith(b"hang"):
        while True:
            time.sleep(1)
    if name.startswith(b"spin"):
        sum(range(10**12))
    if name.startswith(b"eat"):
        hoard = [bytes(1 << 24) for _ in range(1000)]
        raise AssertionError(f"{len(hoard)} blocks: there was no limit")
    if name.startswith(b"kill"):
        os.kill(os.getpid(), signal.SIGKILL)
    if name.startswith(b"abort"):
        os.abort()
    if name.startswith(b"once"):
        flag = Path(os.fsdecode(path) + ".seen")
        if not flag.exists():
            flag.touch()
            os.kill(os.getpid(), signal.SIGKILL)
    if name.startswith(b"secret"):
        raise PermissionError(13, "Permission denied")
    if name.startswith(b"slow"):
        time.sleep(0.3)
    if name.startswith(b"chatter"):
        os.write(1, b"a C library prints on standard output\n")
        os.write(2, b"and on standard error\n")
    return read_file(path)


def main() -> None:
    worker.read_file = faulty_read  # type: ignore[assignment]
    worker.main()
