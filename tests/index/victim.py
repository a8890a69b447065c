"""A process that fills an index, says when it is inside ``add``, and may be killed at any moment.

``python victim.py FOLDER COUNT BATCH TAIL_ROWS``: adds what is missing of the first COUNT pictures. On its
standard output ``I n`` stands before and ``A n`` after the batch that begins with picture n, ``F`` before the
end of the job and ``D`` after it.
"""

from __future__ import annotations

import os
import sys

from samples import MANIFEST, picture

from sightword.index import writer as writing
from sightword.index.store import open_store


def say(word: str) -> None:
    """One record, out of this process before anything else happens."""
    os.write(1, f"{word}\n".encode())


def main(folder: str, count: int, batch: int, tail_rows: int) -> None:
    """Add the missing pictures in batches that always begin at the same numbers."""
    writing.TAIL_ROWS = tail_rows
    with open_store(folder, create=MANIFEST) as store:
        with store.writer() as writer:
            known = store.known()
            for start in range(0, count, batch):
                items = [picture(seed) for seed in range(start, min(count, start + batch))]
                missing = [item for item in items if item.path not in known]
                if missing:
                    say(f"I {start}")
                    writer.add(missing)
                    say(f"A {start}")
            say("F")
        say("D")


if __name__ == "__main__":
    main(sys.argv[1], *(int(value) for value in sys.argv[2:5]))
