"""From each kind of source the same parts: a filled model, its tokenizer, its transform."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from sightword.backbones.base import PreprocessSpec
from sightword.backbones.hub import fetch, split_revision
from sightword.backbones.torch_clip import hugging_face as hf
from sightword.backbones.torch_clip.activation import decide
from sightword.backbones.torch_clip.architecture import build, known_config, known_models, read_config
from sightword.backbones.torch_clip.checkpoint import WEIGHT_FILES, find_weights, load_into, read_tensors
from sightword.backbones.torch_clip.kinds import refuse_unsupported
from sightword.backbones.torch_clip.names import OPEN_CLIP_CONFIG as CONFIG
from sightword.backbones.torch_clip.names import Source, is_hugging_face
from sightword.backbones.torch_clip.tokens import Tokens, bpe_tokens, cleaning, file_tokens
from sightword.backbones.torch_clip.transform import hugging_face_transform, open_clip_transform
from sightword.errors import ModelUnavailable

__all__ = ["Parts", "gather"]

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")


@dataclass(frozen=True)
class Parts:
    """What a backbone is made of.

    Attributes
    ----------
    name : str
    config : dict
        open_clip's model configuration.
    quick_gelu : bool
    model : open_clip CLIP or CustomTextCLIP
        Filled, float32, on the CPU, frozen.
    tokens : Tokens
    preprocess : PreprocessSpec
    licence, origin : str
    """

    name: str
    config: dict[str, Any]
    quick_gelu: bool
    model: Any
    tokens: Tokens
    preprocess: PreprocessSpec
    licence: str
    origin: str


@dataclass(frozen=True)
class Hub:
    """How the hub is asked."""

    cache: Path | None
    local_files_only: bool
    revision: str | None = None

    def get(self, repo: str, names: tuple[str, ...], what: str) -> Path:
        """See `fetch`."""
        return fetch(
            repo,
            names,
            what=what,
            revision=self.revision,
            cache=self.cache,
            local_files_only=self.local_files_only,
        )


def gather(source: Source, *, cache: Path | None = None, local_files_only: bool = False) -> Parts:
    """Collect the parts of a backbone.

    Raises
    ------
    ModelUnavailable
        A part is missing or contradicts another.
    """
    hub = Hub(cache, local_files_only)
    if source.kind == "tag":
        return _from_tag(source, hub)
    if source.kind == "file":
        return _from_file(source, hub)
    if source.kind == "hub":
        return _from_hub(source, hub)
    return _from_folder(source, source.path, source.name, f"folder {source.path.name}", hub)


def _from_tag(source: Source, hub: Hub) -> Parts:
    from open_clip.pretrained import get_pretrained_cfg, list_pretrained_tags_by_model

    config = known_config(source.model)
    refuse_unsupported(source.name, config)
    card = get_pretrained_cfg(source.model, source.tag)
    if not card or not card.get("hf_hub"):
        tags = ", ".join(list_pretrained_tags_by_model(source.model)) or "none"
        raise ModelUnavailable(
            f"open_clip knows no weights {source.tag!r} of {source.model}.", f"It knows: {tags}."
        )
    quick = decide(config, name=source.name, stated=source.activation, tag=bool(card.get("quick_gelu")))
    repo, _, file = str(card["hf_hub"]).rpartition("/")
    names = (str(Path(file).with_suffix(".safetensors")), file) if file else WEIGHT_FILES
    tokens = _tokens(config, None, source.name, hub)
    weights = hub.get(repo, names, f"the weights of {source.name}")
    model = build(config, name=source.name, quick_gelu=quick, offline=hub.local_files_only)
    load_into(model, read_tensors(weights), str(weights))
    preprocess = open_clip_transform(card, model.visual.image_size, source.name)
    licence, origin = f"see the card of {repo}", f"hub {repo}/{weights.name}"
    return Parts(source.name, config, quick, model, tokens, preprocess, licence, origin)


def _from_file(source: Source, hub: Hub) -> Parts:
    config = known_config(source.model)
    both = not config.get("quick_gelu") and f"{source.model}-quickgelu" in known_models()
    quick = decide(config, name=source.name, stated=source.activation, both=both)
    model = build(config, name=source.name, quick_gelu=quick, offline=hub.local_files_only)
    load_into(model, read_tensors(source.path), str(source.path))
    tokens = _tokens(config, source.path.parent, source.name, hub)
    preprocess = open_clip_transform(_usual_transform(source.model), model.visual.image_size, source.name)
    name = f"{source.model}/{source.path.stem}"
    return Parts(name, config, quick, model, tokens, preprocess, "unknown", f"file {source.path.name}")


def _from_hub(source: Source, hub: Hub) -> Parts:
    repo, revision = split_revision(source.repo)
    hub = Hub(hub.cache, hub.local_files_only, revision)
    what = f"the configuration of {source.name}"
    config = hub.get(repo, (CONFIG, "config.json"), what)
    weights = hub.get(repo, WEIGHT_FILES, f"the weights of {source.name}")
    for name in ("preprocessor_config.json", *TOKENIZER_FILES):
        try:
            hub.get(repo, (name,), f"{name} of {source.name}")
        except ModelUnavailable:
            continue  # told where it is needed
    return _from_folder(source, config.parent, repo, f"hub {repo}", hub, weights)


def _from_folder(
    source: Source, folder: Path, name: str, origin: str, hub: Hub, weights: Path | None = None
) -> Parts:
    name = name if origin.startswith("hub") else folder.resolve().name
    tensors: dict[str, Tensor]
    if (folder / CONFIG).is_file():
        config, given = read_config(folder / CONFIG)
        quick = decide(config, name=name, stated=source.activation)
        model = build(config, name=name, quick_gelu=quick, folder=folder, offline=hub.local_files_only)
        weights = weights or find_weights(folder)
        tensors = read_tensors(weights)
        tokens = _tokens(config, folder, name, hub)
        preprocess = open_clip_transform(given, model.visual.image_size, name)
    elif is_hugging_face(folder):
        config = hf.read_hugging_face(folder)
        quick = decide(config, name=name, stated=source.activation)
        model = build(config, name=name, quick_gelu=quick)
        weights = weights or find_weights(folder)
        tensors = hf.convert_tensors(read_tensors(weights), str(weights))
        own = (folder / "tokenizer.json").is_file()
        tokens = file_tokens(folder, clean="none", pad=0) if own else bpe_tokens(config["text_cfg"])
        preprocess = hugging_face_transform(folder, config["vision_cfg"]["image_size"])
    else:
        raise ModelUnavailable(
            f"{folder} holds no backbone: neither backbone.json nor {CONFIG} nor a CLIP's config.json."
        )
    load_into(model, tensors, str(weights))
    return Parts(name, config, quick, model, tokens, preprocess, "unknown", origin)


def _tokens(config: dict[str, Any], folder: Path | None, name: str, hub: Hub) -> Tokens:
    """The tokenizer: CLIP's own, or the file beside the weights, or the one the configuration names."""
    text = config["text_cfg"]
    repo = text.get("hf_tokenizer_name")
    if not repo:
        return bpe_tokens(text)
    kwargs = text.get("tokenizer_kwargs") or {}
    hub = replace(hub, revision=None)  # that of the weights is unknown there
    if folder is None or not (folder / "tokenizer.json").is_file():
        what = f"the tokenizer of {name}"
        folder = hub.get(str(repo), ("tokenizer.json",), what).parent
        for extra in TOKENIZER_FILES[1:]:
            try:
                folder = hub.get(str(repo), (extra,), what).parent
            except ModelUnavailable:
                continue  # one of the two is enough; told where the padding is needed
    return file_tokens(
        folder,
        clean=cleaning(kwargs.get("clean", "whitespace")),
        strip_separator=bool(kwargs.get("strip_sep_token")),
        pad=text.get("pad_id"),
    )


def _usual_transform(model: str) -> dict[str, Any]:
    """The transform that all of open_clip's tags of a model share; CLIP's when they differ or are none."""
    from open_clip.pretrained import get_pretrained_cfg, list_pretrained_tags_by_model

    keys = ("mean", "std", "interpolation", "resize_mode")
    cards = [get_pretrained_cfg(model, tag) for tag in list_pretrained_tags_by_model(model)]
    found = [{key: card.get(key) for key in keys} for card in cards]
    return found[0] if found and all(item == found[0] for item in found) else {}
