"""The model's arithmetic, worked by hand; figures as Markdown."""

from __future__ import annotations

import pytest
from _growth import (
    FORMATS,
    Nodes,
    core_hours,
    cores_that_feed,
    gpu_hours,
    nodes,
    rows_in_memory,
    rows_within,
    scan_ms,
    stored_bytes,
    vector_bytes,
)
from _markdown import amount, bytes_of, count, interval, share, table


def test_hours() -> None:
    # 3.6 million pictures of 4 + 6 ms: 36,000 s = 10 h; at 0.8 of the limit 12.5 h.
    assert core_hours(3.6e6, 4, 6) == pytest.approx(10)
    assert core_hours(3.6e6, 4, 6, 0.8) == pytest.approx(12.5)
    assert gpu_hours(3.6e6, 1000) == pytest.approx(1)
    assert cores_that_feed(1000, 4) == pytest.approx(4)


def test_decoding_beside_gpus_takes_as_long_on_the_cores_that_feed_them() -> None:
    rate, decode = 750.0, 5.0
    assert gpu_hours(1e6, rate) * cores_that_feed(rate, decode) == pytest.approx(core_hours(1e6, decode, 0))


def test_bytes() -> None:
    sizes = {kind: vector_bytes(kind, 384) for kind in FORMATS}
    assert sizes == {"fp32": 1544, "fp16": 776, "int8": 392, "pq D/4": 104, "pq D/8": 56}
    assert stored_bytes(10, 1800, 1545, 384, 384) == 33_450
    assert stored_bytes(10, 1800, 1545, 512, 384) == 33_450 + 10 * 2 * 4 * 128


def test_nodes() -> None:
    assert nodes(100, 10, 500, 0.5, 2) == Nodes(4, 8, 25, 250)
    assert nodes(101, 10, 500, 0.5, 2).count == 10
    assert nodes(1, 1, 1e9, 0.7, 3) == Nodes(1, 3, 1, 1)
    held = nodes(5e9, 1544, 256 * 2**30, 0.7, 1)
    assert held.bytes <= 0.7 * 256 * 2**30 < held.bytes * held.parts / (held.parts - 1)


def test_time_and_room_are_each_others_inverse() -> None:
    assert scan_ms(2e6, 50) == 100 and scan_ms(2e6, 50, read=0.1, size=2) == 20
    assert rows_within(scan_ms(3e6, 47), 47) == pytest.approx(3e6)
    assert rows_in_memory(1000, 0.7, 7) == pytest.approx(100)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (0.00123, "0.0012"), (0.012, "0.012"), (1.234, "1.23"), (12.34, "12.3"), (1234.5, "1,234")],
)
def test_amount(value: float, shown: str) -> None:
    assert amount(value) == shown


def test_other_figures() -> None:
    assert [count(n) for n in (10_000, 1e6, 1.2e6, 1_234_567, 1e8, 5e9)] == [
        "10,000", "1 million", "1.2 million", "1,234,567", "100 million", "5 billion",
    ]  # fmt: skip
    shown = [bytes_of(n) for n in (5, 5e6, 1.5e11, 7.72e12, 2e15)]
    assert shown == ["5 B", "5.00 MB", "150 GB", "7.72 TB", "2.00 PB"]
    shares = [share(n) for n in (1, 0.9996, 0.5, 0, -0.0301, -0.0001)]
    assert shares == ["1", "1.000", ".500", ".000", "-.030", ".000"]
    assert interval(0.5, 0.4, 0.6) == ".500 (.400 to .600)" and interval(1, 1, 1) == "1"
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"
