"""A Milvus server of one's own for as long as a benchmark runs: the standalone one of the package ``milvus``.

It is started as the tests start theirs, in a network of its own behind a small relay, through which all
that is measured goes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["own_server", "resident_mb"]


@contextmanager
def own_server(directory: Path, kind: str) -> Iterator[tuple[str, int]]:
    """The address of a collection with this index (``flat``, ``hnsw``, ...), and the server's process."""
    sys.path.append(str(Path(__file__).parents[1] / "tests"))
    from milvus_server import MilvusServer

    server = MilvusServer(directory)
    server.start()
    try:
        relay = server._process
        assert relay is not None
        children = Path(f"/proc/{relay.pid}/task/{relay.pid}/children").read_text(encoding="ascii").split()
        yield server.url("scale", index=kind), int(children[0])
    finally:
        server.kill()


def resident_mb(process: int) -> float:
    """Memory of another process, mapped files included, in MB (10**6 bytes)."""
    for line in Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    return float("nan")
