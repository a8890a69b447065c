"""open_clip's model for a configuration, without weights and without the network."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

from sightword.backbones.hub import fetch
from sightword.backbones.torch_clip.kinds import refuse_unsupported
from sightword.errors import ModelUnavailable

__all__ = ["build", "known_config", "known_models", "read_config"]


def known_models() -> list[str]:
    """open_clip's names."""
    import open_clip

    return list(open_clip.list_models())


def known_config(model: str) -> dict[str, Any]:
    """open_clip's configuration of a model.

    Raises
    ------
    ModelUnavailable
        open_clip has no such model; near names are told.
    """
    from difflib import get_close_matches

    from open_clip.factory import get_model_config

    config = get_model_config(model)
    if config is None:
        near = get_close_matches(model, known_models(), 3, 0.5)
        raise ModelUnavailable(
            f"open_clip has no model {model!r}.", f"Near: {', '.join(near)}." if near else None
        )
    return dict(config)


def read_config(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """``open_clip_config.json`` -> the model's part and the preprocessing's.

    Raises
    ------
    ModelUnavailable
        It is not what open_clip writes.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        model = data.get("model_cfg", data)
        if not all(isinstance(model[key], dict) for key in ("vision_cfg", "text_cfg")):
            raise KeyError("vision_cfg, text_cfg")
        return dict(model), dict(data.get("preprocess_cfg") or {})
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise ModelUnavailable(
            f"{path} is not a configuration of open_clip ({type(error).__name__}: {error})."
        ) from None


def build(
    config: dict[str, Any],
    *,
    name: str,
    quick_gelu: bool,
    folder: Path | None = None,
    offline: bool = False,
) -> Any:
    """A model with random weights, in float32 on the CPU.

    Parameters
    ----------
    config : dict
        open_clip's model configuration.
    name : str
    quick_gelu : bool
    folder : Path, optional
        Where a Hugging Face text tower's configuration may lie.
    offline : bool
        Never ask the network for it.

    Raises
    ------
    ModelUnavailable
        open_clip cannot build it, or a part must be fetched and cannot be.
    """
    from open_clip.model import CLIP, CustomTextCLIP

    refuse_unsupported(name, config)
    config = deepcopy(config)
    custom = bool(config.pop("custom_text", False))
    config["quick_gelu"] = quick_gelu
    vision, text = config["vision_cfg"], config["text_cfg"]
    if vision.get("timm_model_name"):
        vision["timm_model_pretrained"] = False
    if text.get("hf_model_name"):
        custom = True
        text["hf_model_pretrained"] = False
        text["hf_model_name"] = str(_encoder_config(text["hf_model_name"], name, folder, offline))
    try:
        return (CustomTextCLIP if custom else CLIP)(**config).eval().requires_grad_(False)
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelUnavailable(f"open_clip cannot build {name}: {reason[:200]}") from None


def _encoder_config(encoder: str, name: str, folder: Path | None, offline: bool) -> Path:
    for place in [Path(encoder), *([folder / encoder] if folder else [])]:
        if (place / "config.json").is_file():
            return place
    what = f"the text tower's configuration of {name}"
    return fetch(encoder, ["config.json"], what=what, local_files_only=offline).parent
