"""The page cache of single files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from _cache import drop, resident


@pytest.mark.skipif(sys.platform != "linux", reason="mincore and fadvise as on Linux")
def test_a_file_that_is_dropped_is_read_from_disk_again(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(os.urandom(1 << 20))
    assert resident([path]) == 1.0
    drop([path])
    if resident([path]) == 1.0:  # a file system in memory
        pytest.skip("this file system is its own cache")
    assert resident([path]) < 0.2
    path.read_bytes()
    assert resident([path]) == 1.0


def test_no_files_and_empty_ones(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert resident([]) == resident([tmp_path / "empty"]) == 0.0
