"""The engine for Ray, with a stand-in for Ray: what it asks for, and what it does when Ray gives up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bulk_album import fill, in_features, run
from sightword.errors import ModelUnavailable, SightwordError
from sightword.scale import into, ray_session
from sightword.scale.ray_engine import RayEngine

pytest.importorskip("pyarrow", reason="pyarrow is in the extra [ray]")


class RayError(Exception):
    """Ray's own base class."""


NAMES = ("ObjectLostError", "NodeDiedError", "ActorDiedError", "ActorUnavailableError", "WorkerCrashedError")
ERRORS = {name: type(name, (RayError,), {}) for name in NAMES}


class Plan:
    """A data set that this process works off, until it is made to fail."""

    def __init__(self, ray: StandIn, blocks: list[Any]) -> None:
        self.ray = ray
        self.blocks = blocks
        self.stages: list[Any] = []

    def map_batches(self, made: Any, *, fn_constructor_args: list[Any], **asked: Any) -> Plan:
        self.stages.append(made(*fn_constructor_args))
        self.ray.asked.append((made.__name__, asked))
        return self

    def iter_batches(self, **_: Any) -> Iterator[dict[str, Any]]:
        decode, encode = self.stages
        with closing(decode):
            for number, block in enumerate(self.blocks):
                if self.ray.failures and number == self.ray.after:
                    raise self.ray.failures.pop(0)
                given = {name: np.array(column, object) for name, column in block.to_pydict().items()}
                batches = decode(given)
                for batch in [batches] if isinstance(batches, dict) else batches:
                    yield encode(batch)


class StandIn:
    """As much of Ray as the engine knows."""

    def __init__(self, *failures: Exception, cards: float = 0, after: int = 1) -> None:
        self.failures = list(failures)
        self.after = after
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.pieces: list[int] = []
        self.cards = cards
        strategy = lambda **sizes: sizes  # noqa: E731
        context = SimpleNamespace(get_current=lambda: SimpleNamespace(enable_progress_bars=True))
        self.data = SimpleNamespace(DataContext=context, ActorPoolStrategy=strategy, from_arrow=self.plan)
        self.exceptions = SimpleNamespace(RayError=RayError, **ERRORS)

    def plan(self, blocks: list[Any]) -> Plan:
        self.pieces.append(sum(block.num_rows for block in blocks))
        return Plan(self, blocks)

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 12.0, "GPU": self.cards}

    def nodes(self) -> list[dict[str, Any]]:
        return [{"Alive": True, "Resources": {"CPU": cores}} for cores in (8.0, 4.0)]


def lost(name: str = "ObjectLostError") -> Exception:
    return ERRORS[name]("it was on a machine that is gone")


def through(ray: StandIn, monkeypatch: pytest.MonkeyPatch, **options: Any) -> None:
    monkeypatch.setattr(into, "open_engine", lambda *_: RayEngine(ray, **options))


@pytest.mark.parametrize("name", NAMES)
def test_what_was_lost_is_asked_for_again(
    tmp_path: Path, tiny_backbone_dir: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folder = fill(tmp_path / "pictures", 62)
    said: list[str] = []
    ray = StandIn(lost(name), lost(name), lost(name))
    through(ray, monkeypatch, told=said.append)
    report = run(folder, tmp_path / "out.parquet", tiny_backbone_dir)
    assert ray.pieces == [64, 48, 32, 16]  # every time one piece of sixteen came
    assert (report.pictures, report.encoded, report.failed) == (62, 62, 2)
    assert said.count("Part of the cluster was lost; what it had is done again.") == 3
    monkeypatch.undo()
    run(folder, tmp_path / "local.parquet", tiny_backbone_dir)
    assert in_features(tmp_path / "out.parquet") == in_features(tmp_path / "local.parquet")


def test_tables_too(tmp_path: Path, tiny_backbone_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow
    import pyarrow.parquet as parquet

    data = [path.read_bytes() for path in sorted(fill(tmp_path / "pictures", 20).rglob("0*.png"))]
    parquet.write_table(pyarrow.table({"image": data}), tmp_path / "in.parquet", row_group_size=5)
    ray = StandIn(lost(), after=2)
    through(ray, monkeypatch)
    report = run(tmp_path / "in.parquet", tmp_path / "out.parquet", tiny_backbone_dir)
    assert ray.pieces == [4, 2] and (report.pictures, report.encoded) == (20, 20)


def test_no_progress_ends_it(
    tmp_path: Path, tiny_backbone_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = StandIn(*[lost() for _ in range(9)], after=0)
    through(ray, monkeypatch)
    with pytest.raises(SightwordError, match=r"could not finish the job \(it was on a machine"):
        run(fill(tmp_path / "pictures", 3), tmp_path / "out.parquet", tiny_backbone_dir)
    assert len(ray.pieces) == 3


def test_errors_of_our_own_are_not_tried_again(
    tmp_path: Path, tiny_backbone_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = lost("ActorDiedError")
    error.__cause__ = ModelUnavailable("No such model on that machine.")
    for failure, words in ((error, "No such model"), (RayError("a bug"), r"could not finish .*\(a bug\)")):
        ray = StandIn(failure)
        through(ray, monkeypatch)
        with pytest.raises(SightwordError, match=words):
            run(fill(tmp_path / "pictures", 40), tmp_path / "out.parquet", tiny_backbone_dir)
        assert len(ray.pieces) == 1


@pytest.mark.parametrize(
    ("wanted", "words"), [(True, ["Ray's dashboard: http://127.0.0.1:8265"]), (False, [])]
)
def test_where_the_dashboard_is(wanted: bool, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "RAY_BACKEND_LOG_LEVEL"):
        monkeypatch.setenv(name, "0")  # put back afterwards
    asked: dict[str, Any] = {}

    def init(**options: Any) -> Any:
        asked.update(options)
        return SimpleNamespace(dashboard_url="127.0.0.1:8265")

    ray = SimpleNamespace(init=init, shutdown=lambda: None)
    monkeypatch.setattr(ray_session, "need_ray", lambda: ray)
    monkeypatch.setattr(ray_session, "find_spec", lambda name: object())
    said: list[str] = []
    with ray_session.ray_session(dashboard=wanted, told=said.append) as opened:
        assert opened is ray
    assert said == words and asked["include_dashboard"] is wanted and asked["address"] == "local"


def test_pools_are_elastic_and_follow_cores_and_cards(
    tmp_path: Path, tiny_backbone_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for cards, options, decoders, encoder in (
        (0, {}, 10, {"compute": {"min_size": 1, "max_size": 5}, "num_cpus": 2.0, "batch_size": 32}),
        (4, {"cards_each": 0.5}, 12, {"compute": {"min_size": 1, "max_size": 8}, "num_gpus": 0.5}),
        (
            4,
            {"cards_each": 1.0, "batch": 7},
            12,
            {"compute": {"min_size": 1, "max_size": 4}, "batch_size": 7},
        ),
    ):
        ray = StandIn(cards=cards)
        through(ray, monkeypatch, **options)
        run(fill(tmp_path / "pictures", 3), tmp_path / f"{len(options)}.parquet", tiny_backbone_dir)
        (first, decode), (second, encode) = ray.asked
        assert (first, second) == ("Decoder", "Encoder")
        assert decode["compute"] == {"min_size": 1, "max_size": decoders} and decode["num_cpus"] == 1.0
        assert encoder.items() <= encode.items() and ("num_gpus" in encode) is bool(cards)
        assert decode["max_restarts"] == encode["max_task_retries"] == -1
