"""QuickGELU or GELU: weights do not tell, and the wrong one costs accuracy without any error.

For a tag of open_clip, the tag or the model's configuration says it; for a folder, its configuration. A bare
checkpoint of a model that exists with both must be told.
"""

from __future__ import annotations

from typing import Any

from sightword.errors import ModelUnavailable

__all__ = ["decide"]


def decide(
    config: dict[str, Any], *, name: str, stated: str | None, tag: bool | None = None, both: bool = False
) -> bool:
    """Whether the model uses QuickGELU.

    Parameters
    ----------
    config : dict
        open_clip's model configuration.
    name : str
        For the error.
    stated : {"gelu", "quickgelu"}, optional
        What the user says.
    tag : bool, optional
        What the tag says; None when there is no tag.
    both : bool
        Whether the weights may belong to either (a checkpoint of a model that exists in both forms).

    Raises
    ------
    ModelUnavailable
        Nobody says it, or user and source contradict each other.
    """
    known = None if both else bool(config.get("quick_gelu")) or bool(tag)
    if stated is None:
        if known is None:
            raise ModelUnavailable(
                f"{name} does not say whether it was trained with QuickGELU or GELU.",
                "Write -quickgelu or -gelu behind the model's name (OpenAI's weights: -quickgelu).",
            )
        return known
    if known is not None and known != (stated == "quickgelu"):
        raise ModelUnavailable(
            f"{name} was trained with {'QuickGELU' if known else 'GELU'}, not with {stated!r}.",
            "Leave the activation out.",
        )
    return stated == "quickgelu"
