"""What the card tells of a training."""

from __future__ import annotations

from sightword.training.card import recipe_text, sparkline


def test_it_tells_what_there_is() -> None:
    training = {
        "settings": {"steps": 2000, "batch": 512, "lr": 1e-4, "schedule": "constant", "seed": 3},
        "recipe": "the paper's.", "seconds": 61.2, "curve": [[0, 2.0], [1, 1.0], [2, 0.5]],
        "held_out": {"after": {"recall_at_10": 0.5, "recall_at_10_interval": [0.4, 0.6], "pictures": 90}},
    }  # fmt: skip
    text = recipe_text(training)
    for part in ("2,000 steps of 512 rows", "0.0001 (constant), seed 3; 61 s", "Recipe: the paper's.",
                 "Loss: 2 █▃▁ 0.5", "R@10 of 90 held-out", "0.500 [0.400, 0.600]"):  # fmt: skip
        assert part in text
    noted = recipe_text({**training, "note": "Learning did not help."})
    assert noted.endswith("**Learning did not help.**")
    assert recipe_text({}) == "" and recipe_text({"curve": [[0, 1.0]], "held_out": {"after": None}}) == ""


def test_a_long_curve_is_short_and_a_flat_one_low() -> None:
    assert len(sparkline([float(-x) for x in range(1000)])) == 40
    assert sparkline([1.0, 1.0]) == "▁▁"
