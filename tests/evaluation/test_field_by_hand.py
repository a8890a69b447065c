"""Whole evaluations against loops that follow methods.md 3 word by word and share no code with ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import made_field
from sightword.evaluation import intervals
from sightword.evaluation.benchmark import Loaded
from sightword.evaluation.catalog import benchmark_named
from sightword.evaluation.judging import Galleries, MethodScores, judge
from sightword.methods.vectors import unit

DIM = 6
Table = dict[str, np.ndarray]


def judged(name: str, folder: Path, split: str) -> tuple[Loaded, MethodScores, Table, np.ndarray]:
    """Random unit vectors for pictures and queries, judged by our code."""
    benchmark = benchmark_named(name, allow_missing=True)
    loaded = benchmark.load(folder, split)
    dice = np.random.default_rng(5)
    features = dice.normal(size=(len(loaded.pictures), DIM)).astype(np.float32)
    vectors = unit(dice.normal(size=(len(loaded.queries), DIM)).astype(np.float32))
    scores = judge(benchmark, Galleries(loaded, features), vectors)
    return loaded, scores, dict(zip((p.id for p in loaded.pictures), unit(features))), vectors


def ranked(query: np.ndarray, table: Table, names: list[str]) -> list[str]:
    return sorted(names, key=lambda name: -float(query @ table[name]))


def test_cirr_by_hand(tmp_path: Path) -> None:
    folder = made_field.cirr(tmp_path)
    _, scores, table, vectors = judged("cirr", folder, "val")
    entries = json.loads((folder / "cirr/captions/cap.rc2.val.json").read_text())
    names = list(json.loads((folder / "cirr/image_splits/split.rc2.val.json").read_text()))
    for entry, row, vector, within in zip(entries, scores.rows, vectors, scores.within):
        order = [name for name in ranked(vector, table, names) if name != entry["reference"]]
        members = [name for name in order if name in entry["img_set"]["members"]]
        assert len(members) == 5
        for k in (1, 5, 10, 50):
            assert row[f"R@{k}"] == float(entry["target_hard"] in order[:k])
        for k in (1, 2, 3):
            assert row[f"Rs@{k}"] == float(entry["target_hard"] in members[:k])
        assert within == members


def test_circo_by_hand(tmp_path: Path) -> None:
    folder = made_field.circo(tmp_path)
    _, scores, table, vectors = judged("circo", folder, "val")
    entries = json.loads((folder / "annotations/val.json").read_text())
    for entry, row, vector in zip(entries, scores.rows, vectors):
        order = [int(name) for name in ranked(vector, table, list(table))]
        for k in (5, 10, 25, 50):
            hits = np.array([name in entry["gt_img_ids"] for name in order[:k]])
            precision = np.cumsum(hits) * hits / np.arange(1, len(hits) + 1)
            assert row[f"mAP@{k}"] == pytest.approx(precision.sum() / min(len(entry["gt_img_ids"]), k))
            assert row[f"R@{k}"] == float(entry["target_img_id"] in order[:k])


def test_fashioniq_by_hand(tmp_path: Path) -> None:
    folder = made_field.fashioniq(tmp_path)
    loaded, scores, table, vectors = judged("fashioniq", folder, "val")
    number = 0
    for category in ("dress", "shirt", "toptee"):
        names = json.loads((folder / f"image_splits/split.{category}.val.json").read_text())
        for entry in json.loads((folder / f"captions/cap.{category}.val.json").read_text()):
            order = ranked(vectors[number], table, names)
            assert scores.tops[number] == order
            assert scores.places[number] == order.index(entry["target"]) + 1
            assert entry["candidate"] in order  # the reference stays
            number += 1
    assert number == len(loaded.queries)


def test_genecis_by_hand(tmp_path: Path) -> None:
    folder = made_field.genecis(tmp_path)
    path = folder / "genecis/change_object.json"
    entries = json.loads(path.read_text())
    entries[0]["gallery"][3] = entries[0]["target"]  # as in one published query
    path.write_text(json.dumps(entries))
    loaded, scores, table, vectors = judged("genecis", folder, "test")
    assert loaded.facts["targets that are also distractors"] == 1
    first = next(n for n, query in enumerate(loaded.queries) if query.task == "change_object")
    for offset, entry in enumerate(entries):
        number = first + offset

        def score(item: dict[str, Any], number: int = number) -> float:
            return float(vectors[number] @ table[f"coco/{item['val_image_id']}"])

        above = sum(score(item) > score(entry["target"]) + 1e-6 for item in entry["gallery"])
        for k in (1, 2, 3):
            assert scores.rows[number][f"R@{k}"] == float(above < k)


def test_imagenet_r_by_hand(tmp_path: Path) -> None:
    folder = made_field.imagenet_r(tmp_path)
    loaded, scores, table, vectors = judged("imagenet-r", folder, "val")
    lines = [line.split() for line in (folder / "imgnet/imgnet_targets.txt").read_text().splitlines()]
    label = {name: int(number) for name, number in lines}
    photos = [line.split() for line in (folder / "imgnet/imgnet_real_query.txt").read_text().splitlines()]
    number = 0
    for domain in range(4):
        for name, of_class in photos:
            order = ranked(vectors[number], table, list(label))
            right = [label[item] == 1000 * domain + int(of_class) for item in order]
            for k in (10, 50):
                assert scores.rows[number][f"R@{k}"] == pytest.approx(
                    sum(right[:k]) / (sum(right) + 1e-5), abs=1e-4
                )
                assert scores.rows[number][f"P@{k}"] == sum(right[:k]) / k
            assert name in order  # the photograph itself is a distractor
            number += 1
    assert number == len(loaded.queries)


def test_many_queries_are_resampled_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).normal(size=400)
    whole = intervals.bootstrap_interval(values), intervals.sign_flip_test(values)
    monkeypatch.setattr(intervals, "DRAWN", 3000)
    low, high = intervals.bootstrap_interval(values)
    assert (low, high) == pytest.approx(whole[0], abs=0.02)
    assert intervals.sign_flip_test(values) == pytest.approx(whole[1], abs=0.03)
    assert list(intervals._portions(10, 1000)) == [3, 3, 3, 1]
