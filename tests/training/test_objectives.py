"""Each loss equals a loop that a reader would write from the equation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sightword.training.measure import wilson

torch = pytest.importorskip("torch", reason="training needs the extra torch")
pytestmark = pytest.mark.slow

from sightword.training.objectives import apart, info_nce, nt_xent, squared_error  # noqa: E402


def cosine(a: np.ndarray, b: np.ndarray) -> float:  # type: ignore[type-arg]
    return float(a @ b / math.hypot(*a) / math.hypot(*b))


@pytest.fixture
def pairs() -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    a, b = np.random.default_rng(0).normal(size=(2, 7, 5))
    return a, b


def test_info_nce(pairs: tuple[np.ndarray, np.ndarray]) -> None:  # type: ignore[type-arg]
    v, p = pairs
    total = 0.0
    for i in range(7):
        row = [math.exp(20 * cosine(v[i], p[j])) for j in range(7)]
        column = [math.exp(20 * cosine(v[j], p[i])) for j in range(7)]
        total += -0.5 * math.log(row[i] / sum(row)) - 0.5 * math.log(column[i] / sum(column))
    value = info_nce(torch.from_numpy(3 * v), torch.from_numpy(p), 20.0)
    assert float(value) == pytest.approx(total / 7, rel=1e-9)


def test_nt_xent(pairs: tuple[np.ndarray, np.ndarray]) -> None:  # type: ignore[type-arg]
    a, b = pairs
    members = [*a, *b]
    total = 0.0
    for anchor in range(14):
        partner = (anchor + 7) % 14
        others = [math.exp(cosine(members[anchor], members[j]) / 0.25) for j in range(14) if j != anchor]
        total -= math.log(math.exp(cosine(members[anchor], members[partner]) / 0.25) / sum(others))
    value = nt_xent(torch.from_numpy(a), torch.from_numpy(2 * b), 0.25)
    assert float(value) == pytest.approx(total / 14, rel=1e-9)


def test_apart_and_squared_error(pairs: tuple[np.ndarray, np.ndarray]) -> None:  # type: ignore[type-arg]
    a, b = pairs
    expected = sum(1 - cosine(x, y) for x, y in zip(a, b)) / 7
    assert float(apart(torch.from_numpy(a), torch.from_numpy(b))) == pytest.approx(expected, rel=1e-9)
    mean = sum((a[i, j] - b[i, j]) ** 2 for i in range(7) for j in range(5)) / 35
    value = squared_error(torch.from_numpy(a), torch.from_numpy(b))
    assert float(value) == pytest.approx(mean, rel=1e-5) and value.dtype == torch.float32


def test_wilson() -> None:
    assert wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    low, high = wilson(0, 50)
    assert low == 0 and high == pytest.approx(0.0713, abs=1e-4)
