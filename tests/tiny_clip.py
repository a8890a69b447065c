"""Tiny open_clip models, written in the very layouts in which real ones are published.

`folder` writes open_clip's layout, `reference` reads it with open_clip itself (the independent oracle).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

D, W, SIZE, CONTEXT = 24, 16, 32, 20
WORDS = ["a", "photo", "of", "dog", "cat", "that", "is", "red", "and", "the", "big", ",", "!", '"', "&", "😀"]
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]

VISION = {"image_size": SIZE, "layers": 1, "width": 32, "head_width": 8, "patch_size": 16}
CLIP_TEXT = {"context_length": CONTEXT, "vocab_size": 49408, "width": W, "heads": 2, "layers": 2}
WORD_TEXT = {**CLIP_TEXT, "vocab_size": 64, "hf_tokenizer_name": "tiny/words"}

KINDS: dict[str, dict[str, Any]] = {
    "causal-eot": {},
    "none-eot": {"no_causal_mask": True},
    "none-last": {
        **WORD_TEXT,
        "no_causal_mask": True,
        "pool_type": "last",
        "proj_bias": True,
        "tokenizer_kwargs": {"clean": "canonicalize"},
    },
    "none-last-sentences": {
        **WORD_TEXT,
        "hf_tokenizer_name": "tiny/sentences",
        "no_causal_mask": True,
        "pool_type": "last",
        "tokenizer_kwargs": {"clean": "canonicalize"},
    },
    "none-last-stripped": {
        **WORD_TEXT,
        "no_causal_mask": True,
        "pool_type": "last",
        "tokenizer_kwargs": {"strip_sep_token": True},
    },
    "causal-last": {**WORD_TEXT, "pool_type": "last"},
    "none-cls": {**WORD_TEXT, "no_causal_mask": True, "pool_type": "first"},
    "causal-eos": {**WORD_TEXT, "pool_type": "eos", "eos_id": 3},
}
"""open_clip's own text towers, as changes of ``text_cfg``; "...-sentences" is SigLIP's, the next CLIPA's."""
ENCODERS = {
    "padding-mean": ("roberta", "mean_pooler"),
    "padding-cls": ("bert", "cls_pooler"),
    "padding-mean-relative": ("mt5", "mean_pooler"),
    "padding-cls-scaled": ("m2m_100", "cls_pooler"),
}
"""Text towers that are Hugging Face encoders."""


TIMM_VISION = {
    "image_size": SIZE,
    "timm_model_name": "test_vit",
    "timm_model_pretrained": False,
    "timm_pool": "token",
    "timm_proj": "linear",
}
"""An image tower of timm, as SigLIP and MobileCLIP have; "test_vit" is timm's own tiny one."""


def config(kind: str = "causal-eot", encoder: Path | None = None, **changes: Any) -> dict[str, Any]:
    """open_clip's model configuration of a kind."""
    if kind in ENCODERS:
        text: dict[str, Any] = {
            "context_length": CONTEXT,
            "hf_model_name": str(encoder),
            "hf_tokenizer_name": "tiny/words",
            "hf_pooler_type": ENCODERS[kind][1],
            "hf_proj_type": "linear",
        }
    else:
        text = {**CLIP_TEXT, **KINDS[kind]}
    return {"embed_dim": D, "vision_cfg": dict(VISION), "text_cfg": text, **changes}


def model(cfg: dict[str, Any], seed: int = 0) -> Any:
    """open_clip's model with weights that make different texts differ clearly."""
    import torch
    from open_clip.model import CLIP, CustomTextCLIP

    cfg = json.loads(json.dumps(cfg))
    custom = cfg.pop("custom_text", False) or "hf_model_name" in cfg["text_cfg"]
    if "hf_model_name" in cfg["text_cfg"]:
        cfg["text_cfg"]["hf_model_pretrained"] = False
    torch.manual_seed(seed)
    made = (CustomTextCLIP if custom else CLIP)(**cfg).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.ndim:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    return made


def folder(path: Path, kind: str = "causal-eot", **changes: Any) -> Path:
    """A model in open_clip's layout: configuration, weights and, where it is not CLIP's own, tokenizer."""
    from safetensors.torch import save_file

    path.mkdir(parents=True)
    encoder = _encoder(path / "encoder", ENCODERS[kind][0]) if kind in ENCODERS else None
    cfg = config(kind, encoder, **changes)
    preprocess = {"mean": [0.5, 0.4, 0.3], "std": [0.25, 0.2, 0.3], "interpolation": "bicubic"}
    (path / "open_clip_config.json").write_text(json.dumps({"model_cfg": cfg, "preprocess_cfg": preprocess}))
    tensors = {name: value.contiguous() for name, value in model(cfg).state_dict().items()}
    save_file(tensors, str(path / "open_clip_model.safetensors"))
    if "hf_tokenizer_name" in cfg["text_cfg"]:
        sentences = cfg["text_cfg"]["hf_tokenizer_name"] == "tiny/sentences"
        (sentence_tokenizer if sentences else word_tokenizer)(path)
    return path


def reference(path: Path) -> tuple[Any, Any, Any]:
    """The same folder through open_clip: model, transform of pictures, tokenizer."""
    import open_clip

    made, transform = open_clip.create_model_from_pretrained(f"local-dir:{path}")
    return made.eval(), transform, open_clip.get_tokenizer(f"local-dir:{path}")


def word_tokenizer(path: Path) -> None:
    """A tokenizer of whole words as transformers writes it: ``tokenizer.json`` and its configuration."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: index for index, word in enumerate([*SPECIALS, *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(path)


def sentence_tokenizer(path: Path) -> None:
    """A SentencePiece model as SigLIP's: nothing before a text, ``</s>`` after it and as padding."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    pieces = [("<unk>", 0.0), ("</s>", 0.0), *((f"▁{word}", -2.0) for word in WORDS), ("▁", -5.0)]
    pieces += [(letter, -6.0) for letter in "abcdefghijklmnop"]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=0))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    names = {"pad_token": "</s>", "unk_token": "<unk>", "eos_token": "</s>"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(path)


def _encoder(path: Path, architecture: str) -> Path:
    from transformers import BertConfig, M2M100Config, MT5Config, RobertaConfig

    common = {"vocab_size": 64, "max_position_embeddings": 64, "pad_token_id": 0}
    bert = common | {
        "hidden_size": W,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 32,
    }
    mt5 = common | {"d_model": W, "num_layers": 2, "num_heads": 2, "d_kv": 8, "d_ff": 32}
    m2m = common | {"d_model": W, "encoder_layers": 2, "encoder_attention_heads": 2, "encoder_ffn_dim": 32}
    m2m |= {"decoder_layers": 1, "decoder_attention_heads": 2, "decoder_ffn_dim": 32}
    made = {
        "bert": lambda: BertConfig(**bert),
        "roberta": lambda: RobertaConfig(**bert),
        "mt5": lambda: MT5Config(**mt5),
        "m2m_100": lambda: M2M100Config(**m2m),
    }[architecture]()
    made.save_pretrained(path)
    return path
