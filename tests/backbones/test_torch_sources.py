"""Where torch backbones come from: folders, files, tags in the hub's cache; and what is refused."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is an extra")

import torch

from sightword.backbones import load_backbone
from sightword.backbones.torch_clip.sources import CONFIG
from sightword.errors import ModelUnavailable, UsageError
from sightword.pictures.preprocess import preprocess
from sightword.prompts import Prompt
from tiny_clip import SIZE, config, folder, model, reference

pytestmark = pytest.mark.slow

TEXTS = ["a photo of a dog", 'it\'s a "cat"', "ｒｅｄ 😀 car"]
COMMIT = "abc" + 37 * "0"
PROMPTS = [Prompt((text,)) for text in TEXTS]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("sources") / "clip")


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """open_clip knows the tiny model under two names, one of them with QuickGELU, and a tag."""
    from open_clip import factory, pretrained

    names = {"ViT-tiny": config(), "ViT-tiny-quickgelu": config(quick_gelu=True)}
    monkeypatch.setattr(factory, "_MODEL_CONFIGS", {**factory._MODEL_CONFIGS, **names})
    card = pretrained._pcfg(hf_hub="owner/tiny/", quick_gelu=True)
    monkeypatch.setitem(pretrained._PRETRAINED, "ViT-tiny", {"openai": card})


def hub_cache(root: Path, repo: str, files: dict[str, Path], commit: str = COMMIT) -> Path:
    """The cache as huggingface_hub lays it out."""
    place = root / f"models--{repo.replace('/', '--')}"
    (place / "refs").mkdir(parents=True)
    (place / "refs/main").write_text(commit)
    (place / "snapshots" / commit).mkdir(parents=True)
    for name, path in files.items():
        shutil.copyfile(path, place / "snapshots" / commit / name)
    return root


def answers(backbone) -> np.ndarray:
    return backbone.encode_prompts(PROMPTS)


@pytest.mark.parametrize("resize", ["shortest", "longest", "squash"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
def test_pictures_are_prepared_as_open_clip_does(
    clip: Path, tmp_path: Path, resize: str, interpolation: str
) -> None:
    from PIL import Image

    source = tmp_path / "clip"
    shutil.copytree(clip, source)
    data = json.loads((source / CONFIG).read_text())
    data["preprocess_cfg"] |= {"resize_mode": resize, "interpolation": interpolation}
    (source / CONFIG).write_text(json.dumps(data))
    spec = load_backbone(f"{source}", device="cpu").spec.preprocess
    assert (spec.resize, spec.interpolation, spec.size) == (resize, interpolation, SIZE)
    _, transform, _ = reference(source)
    rng = np.random.default_rng(1)
    for height, width in [(40, 40), (90, 61), (33, 120), (20, 17)]:
        small = rng.integers(0, 256, (6, 7, 3), np.uint8)
        picture = Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)
        ours = preprocess(np.asarray(picture), spec)
        theirs = transform(picture).numpy()
        std = np.asarray(spec.std)[:, None, None]
        assert np.abs((ours - theirs) * std).max() <= 1 / 255 + 1e-6


@pytest.mark.parametrize("act", ["quick_gelu", "gelu"])
def test_a_hugging_face_folder(tmp_path: Path, act: str) -> None:
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

    from sightword.backbones.torch_clip.bpe import clip_bpe

    torch.manual_seed(0)
    text = {"vocab_size": 49408, "hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 2,
            "intermediate_size": 40, "max_position_embeddings": 20, "hidden_act": act, "eos_token_id": 49407,
            "bos_token_id": 49406, "pad_token_id": 1}  # fmt: skip
    vision = {"hidden_size": 32, "num_attention_heads": 4, "num_hidden_layers": 2, "intermediate_size": 50,
              "image_size": 32, "patch_size": 8, "hidden_act": act}  # fmt: skip
    original = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=24)).eval()
    with torch.no_grad():
        for parameter in original.parameters():
            if parameter.ndim:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    original.save_pretrained(tmp_path / "hf")
    size = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
    CLIPImageProcessor(**size).save_pretrained(tmp_path / "hf")
    backbone = load_backbone(f"{tmp_path}/hf", device="cpu")
    assert backbone.spec.activation == act.replace("_", "")
    ids = [[49406, *clip_bpe().encode(text.lower()).ids, 49407] for text in TEXTS[:2]]
    pixels = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        for row, feature in zip(ids, answers(backbone)):
            theirs = original.get_text_features(input_ids=torch.tensor([row]))
            theirs = getattr(theirs, "pooler_output", theirs)
            np.testing.assert_allclose(feature, theirs[0].numpy(), atol=1e-5)
        theirs = original.get_image_features(pixel_values=pixels)
        theirs = getattr(theirs, "pooler_output", theirs)
    np.testing.assert_allclose(backbone.encode_images(pixels.numpy()), theirs.numpy(), atol=1e-5)
    with pytest.raises(ModelUnavailable, match="was trained with"):
        load_backbone(f"{tmp_path}/hf", activation="gelu" if act == "quick_gelu" else "quickgelu")


def test_another_architecture_in_that_layout_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "siglip2"}')
    with pytest.raises(ModelUnavailable, match="'siglip2'"):
        load_backbone(f"{tmp_path}")


WRAPPERS = {
    "bare": lambda tensors: tensors,
    "open_clip": lambda tensors: {"epoch": 3, "state_dict": {f"module.{k}": v for k, v in tensors.items()}},
    "CLIP4Cir": lambda tensors: {"epoch": 3, "CLIP": tensors},
}


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_a_checkpoint_file_states_its_activation(known: None, tmp_path: Path, wrap) -> None:
    tensors = model(config()).state_dict()
    torch.save(wrap(tensors), tmp_path / "epoch.pt")
    plain = load_backbone(f"ViT-tiny-gelu@{tmp_path}/epoch.pt", device="cpu")
    quick = load_backbone(f"ViT-tiny-quickgelu@{tmp_path}/epoch.pt", device="cpu")
    assert (plain.spec.activation, quick.spec.activation) == ("gelu", "quickgelu")
    assert plain.spec.weights_hash != quick.spec.weights_hash
    assert np.abs(answers(plain) - answers(quick)).max() > 1e-3
    with pytest.raises(ModelUnavailable, match="does not say whether it was trained with QuickGELU or GELU"):
        load_backbone(f"ViT-tiny@{tmp_path}/epoch.pt")
    same = load_backbone(f"ViT-tiny@{tmp_path}/epoch.pt", activation="quickgelu", device="cpu")
    assert same.spec.weights_hash == quick.spec.weights_hash
    with pytest.raises(ModelUnavailable, match="of which model and activation"):
        load_backbone(f"{tmp_path}/epoch.pt")


def test_the_same_weights_have_the_same_hash_in_any_file_and_precision(clip: Path, tmp_path: Path) -> None:
    first = load_backbone(f"{clip}", device="cpu").spec.weights_hash
    other = tmp_path / "other"
    shutil.copytree(clip, other)
    from safetensors.torch import load_file

    tensors = load_file(str(other / "open_clip_model.safetensors"))
    (other / "open_clip_model.safetensors").unlink()
    torch.save(tensors, other / "open_clip_pytorch_model.bin")
    half = load_backbone(f"{other}", device="cpu", precision="bf16")
    assert half.spec.weights_hash == first and half.table.dtype == torch.bfloat16
    wide, narrow = answers(load_backbone(f"{clip}", device="cpu")), answers(half)
    cosines = (wide * narrow).sum(1) / np.linalg.norm(wide, axis=1) / np.linalg.norm(narrow, axis=1)
    assert cosines.min() > 0.999
    tensors["visual.proj"] = tensors["visual.proj"] + 1e-3
    torch.save(tensors, other / "open_clip_pytorch_model.bin")
    assert load_backbone(f"{other}", device="cpu").spec.weights_hash != first


def test_a_tag_from_the_hubs_cache_takes_its_activation(known: None, clip: Path, tmp_path: Path) -> None:
    cache = hub_cache(
        tmp_path, "owner/tiny", {"open_clip_model.safetensors": clip / "open_clip_model.safetensors"}
    )
    from sightword.backbones.torch_clip.loading import load_torch_clip
    from sightword.backbones.torch_clip.names import parse_name

    source = parse_name("ViT-tiny/openai")
    assert source is not None
    backbone = load_torch_clip(source, device="cpu", cache=cache, local_files_only=True)
    assert backbone.spec.activation == "quickgelu"  # the tag's, against the configuration's
    assert backbone.spec.source == "hub owner/tiny/open_clip_model.safetensors"
    with pytest.raises(ModelUnavailable, match="trained with QuickGELU, not with 'gelu'"):
        load_backbone("ViT-tiny/openai", activation="gelu")


def test_repositories_in_the_hubs_cache(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = folder(tmp_path / "words", "none-last")
    weights = "open_clip_model.safetensors"
    hub_cache(tmp_path, "owner/clip", {name: clip / name for name in (CONFIG, weights)})
    # The second one's tokenizer lies in a repository of its own, as bert-base-uncased does for CLIPA.
    hub_cache(tmp_path, "owner/words", {name: words / name for name in (CONFIG, weights)})
    hub_cache(
        tmp_path, "tiny/words", {n: words / n for n in ("tokenizer.json", "tokenizer_config.json")}, 40 * "d"
    )
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    for repo, source in [("owner/clip", clip), ("owner/words", words)]:
        one = load_backbone(f"hf-hub:{repo}@{COMMIT}", local_files_only=True, device="cpu")
        other = load_backbone(f"{source}", device="cpu")
        assert one.spec.weights_hash == other.spec.weights_hash and one.spec.name == repo
        np.testing.assert_array_equal(answers(one), answers(other))
    shutil.rmtree(tmp_path / "models--tiny--words")
    with pytest.raises(ModelUnavailable, match="the tokenizer of owner/words"):
        load_backbone("hf-hub:owner/words", local_files_only=True)


def test_offline_says_what_where_and_how(known: None) -> None:
    with pytest.raises(ModelUnavailable) as caught:
        load_backbone("ViT-tiny/openai", local_files_only=True)
    text = str(caught.value)
    assert "the weights of ViT-tiny/openai (open_clip_model.safetensors of owner/tiny)" in text
    assert "hf download owner/tiny open_clip_model.safetensors" in text
    assert "models--owner--tiny" in text


@pytest.mark.parametrize(
    ("name", "activation"),
    [
        ("ViT-L-14/openai", "quickgelu"),
        ("ViT-B-32/openai", "quickgelu"),
        ("ViT-H-14/laion2b_s32b_b79k", "gelu"),
        ("ViT-bigG-14/laion2b_s39b_b160k", "gelu"),
        ("ViT-B-16-SigLIP2/webli", "gelu"),
        ("ViT-SO400M-14-SigLIP/webli", "gelu"),
        ("MobileCLIP2-S4/dfndr2b", "gelu"),
        ("MobileCLIP-S1/datacompdr", "gelu"),
    ],
)
def test_the_published_names_lead_to_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, activation: str
) -> None:
    """Each is known with its activation; without a network the sentence names the command that fetches it."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelUnavailable) as caught:
        load_backbone(name, local_files_only=True)
    text = str(caught.value)
    assert name in text and "`hf download " in text and f"{tmp_path}/models--" in text
    other = "gelu" if activation == "quickgelu" else "quickgelu"
    with pytest.raises(ModelUnavailable, match="was trained with"):
        load_backbone(name, local_files_only=True, activation=other)


def test_weights_that_do_not_fit_are_told_by_the_first_difference(clip: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    other = tmp_path / "other"
    shutil.copytree(clip, other)
    weights = other / "open_clip_model.safetensors"
    whole = load_file(str(weights))
    for change, sentence in [
        ({"ln_final.bias": None}, "ln_final.bias is missing"),
        ({"ln_final.bias": torch.zeros(3)}, r"ln_final.bias is \[3\] where the model has \[16\]"),
        ({"extra": torch.zeros(3)}, "extra is not part"),
    ]:
        changed = {**whole, **change}
        save_file({k: v for k, v in changed.items() if v is not None}, str(weights))
        with pytest.raises(ModelUnavailable, match=sentence):
            load_backbone(f"{other}")
    weights.write_bytes(b"nothing")
    with pytest.raises(ModelUnavailable, match="is no checkpoint"):
        load_backbone(f"{other}")
    weights.unlink()
    with pytest.raises(ModelUnavailable, match="holds none of"):
        load_backbone(f"{other}")


def test_code_in_a_checkpoint_is_not_run(known: None, tmp_path: Path, capsys) -> None:
    class Evil:
        def __reduce__(self):
            return (print, ("ran",))

    torch.save({"state_dict": {"a": Evil()}}, tmp_path / "a.pt")
    with pytest.raises(ModelUnavailable, match="more than tensors"):
        load_backbone(f"ViT-tiny-gelu@{tmp_path}/a.pt")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is going away
        torch.jit.save(torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2)), str(tmp_path / "jit.pt"))
    with pytest.raises(ModelUnavailable, match="TorchScript"):
        load_backbone(f"ViT-tiny-gelu@{tmp_path}/jit.pt")
    assert "ran" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"embed_cls": True}, "is a CoCa"),
        ({"pool_type": "none"}, "pools its text tower by 'none'"),
        ({"hf_model_name": "x", "hf_pooler_type": "max_pooler"}, "by 'max_pooler'"),
        ({"hf_tokenizer_name": "x", "tokenizer_mode": "clips"}, "in the mode 'clips'"),
    ],
)
def test_towers_that_are_not_supported_are_refused_by_name(tmp_path: Path, change, sentence: str) -> None:
    cfg = config()
    cfg["text_cfg"] |= change
    (tmp_path / CONFIG).write_text(json.dumps({"model_cfg": cfg}))
    with pytest.raises(ModelUnavailable, match=sentence):
        load_backbone(f"{tmp_path}")


@pytest.mark.parametrize("options", [{"device": "cuda:9"}, {"device": "toaster"}, {"precision": "f64"}])
def test_devices_and_precisions_that_are_not_here(clip: Path, options: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        load_backbone(f"{clip}", **options)


def test_a_runtime_that_cannot_run_it_says_how_to_get_there(clip: Path) -> None:
    with pytest.raises(ModelUnavailable, match="models export"):
        load_backbone(f"{clip}", runtime="openvino")


def test_the_starter_in_torch_answers_its_golden_vectors() -> None:
    from sightword.backbones.golden import verify

    assert (
        min(cosine for _, cosine in verify(load_backbone("starter", runtime="torch", device="cpu"))) > 0.9999
    )
