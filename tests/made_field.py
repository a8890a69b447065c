"""The field's benchmarks in their exact layouts, with colours, which the tiny backbone understands."""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image

SHAPES = ("left", "top", "corner", "right", "bottom", "middle")
COLOURS = {"red": (230, 20, 20), "green": (20, 220, 20), "blue": (20, 20, 230), "purple": (220, 20, 220)}
BOXES = {
    "left": (0, 0, 16, 32), "top": (0, 0, 32, 16), "corner": (0, 0, 16, 16), "right": (16, 0, 32, 32),
    "bottom": (0, 16, 32, 32), "middle": (8, 8, 24, 24),
}  # fmt: skip
ALL = [(shape, colour) for shape in SHAPES for colour in COLOURS]
WANTED = ("green", "blue", "purple")


def paint(path: Path, shape: str, colour: str) -> None:
    """A white part on a coloured page."""
    path.parent.mkdir(parents=True, exist_ok=True)
    page = Image.new("RGB", (32, 32), COLOURS[colour])
    page.paste("white", BOXES[shape])
    page.save(path, "PNG")  # whatever its name: content decides


def dump(path: Path, content: object) -> None:
    """JSON, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def fashioniq(root: Path, ending: str = ".jpg", captions: str = "captions") -> Path:
    """Two shapes a category; ``.png`` and ``json`` are Pic2Word's names."""
    for number, category in enumerate(("dress", "shirt", "toptee")):
        shapes = SHAPES[2 * number : 2 * number + 2]
        ids = {(s, c): f"B{number}{s}{c}".upper() for s in shapes for c in COLOURS}
        for (shape, colour), name in ids.items():
            paint(root / "images" / f"{name}{ending}", shape, colour)
        entries = [
            {
                "target": ids[s, c],
                "candidate": ids[s, "red"],
                "captions": [f"is {c}. ", "has the same shape?"],
            }
            for s in shapes
            for c in WANTED
        ]
        dump(root / captions / f"cap.{category}.val.json", entries)
        dump(root / "image_splits" / f"split.{category}.val.json", list(ids.values()))
    return root


def cirr(root: Path, split: str = "val", inner: str = "cirr/", base: str = "") -> Path:
    """Groups of six: a shape's four colours and two others."""
    folder = "dev" if split == "val" else split
    name = {pair: f"{folder}-{i}-0-img0" for i, pair in enumerate(ALL)}
    for pair in ALL:
        paint(root / base / folder / f"{name[pair]}.png", *pair)
    entries = []
    for i, shape in enumerate(SHAPES):
        other = SHAPES[(i + 1) % len(SHAPES)]
        members = [name[shape, c] for c in COLOURS] + [name[other, "red"], name[other, "green"]]
        for colour in WANTED:
            entry = {
                "pairid": 12060 + len(entries), "reference": name[shape, "red"], "caption": f"is {colour}",
                "img_set": {"id": i, "members": members, "reference_rank": 0},
            }  # fmt: skip
            if split == "val":
                target = name[shape, colour]
                entry |= {"target_hard": target, "target_soft": {target: 1.0}}
            entries.append(entry)
    dump(root / f"{inner}captions/cap.rc2.{split}.json", entries)
    listed = {name[pair]: f"./{folder}/{name[pair]}.png" for pair in ALL}
    dump(root / f"{inner}image_splits/split.rc2.{split}.json", listed)
    return root


def circo(root: Path) -> Path:
    """The target is the shape in the asked colour; a second right answer is the next shape in it."""
    number = {pair: 100 + i for i, pair in enumerate(ALL)}
    for pair in ALL:
        paint(root / "COCO2017_unlabeled/unlabeled2017" / f"{number[pair]:012d}.jpg", *pair)
    images = [{"id": n, "file_name": f"{n:012d}.jpg"} for n in number.values()]
    dump(root / "COCO2017_unlabeled/annotations/image_info_unlabeled2017.json", {"images": images})
    for split in ("val", "test"):
        entries = []
        for i, shape in enumerate(SHAPES):
            for colour in WANTED:
                entry = {
                    "id": len(entries), "reference_img_id": number[shape, "red"],
                    "relative_caption": f"is {colour}", "shared_concept": f"a {shape}",
                }  # fmt: skip
                if split == "val":
                    target = number[shape, colour]
                    entry |= {
                        "target_img_id": target,
                        "gt_img_ids": [target, number[SHAPES[i - 1], colour]],
                        "semantic_aspects": ["viewpoint"] + ["addition"] * (colour == "green"),
                    }
                entries.append(entry)
        dump(root / "annotations" / f"{split}.json", entries)
    return root


def genecis(root: Path) -> Path:
    """Objects with 15 candidates; attributes with boxes on larger pictures."""
    number = {pair: 500 + i for i, pair in enumerate(ALL)}
    for pair in ALL:
        paint(root / "val2017" / f"{number[pair]:012d}.jpg", *pair)
        paint(root / "VG_100K_all" / f"{number[pair]}.jpg", *pair)
    for task in ("focus_object", "change_object", "focus_attribute", "change_attribute"):
        entries = []
        for shape in SHAPES:
            for colour in WANTED:

                def take(pair: tuple[str, str], task: str = task) -> dict[str, object]:
                    if task.endswith("object"):
                        return {"val_image_id": number[pair]}
                    return {"image_id": number[pair], "instance_bbox": [14, 14, 18, 18]}

                rest = [p for p in ALL if p not in ((shape, colour), (shape, "red"))]
                entries.append(
                    {
                        "condition": colour,
                        "reference": take((shape, "red")),
                        "target": take((shape, colour)),
                        "gallery": [take(p) for p in rest[: 14 if task != "focus_attribute" else 9]],
                    }
                )
        dump(root / "genecis" / f"{task}.json", entries)
    return root


def imagenet_r(root: Path) -> Path:
    """Classes are shapes; the domain toy is blue, and class 0 has no origami."""
    photos, targets = [], []
    for label, shape in enumerate(SHAPES):
        for copy in range(2):
            file = f"imgnet/real/n{label:08d}/ILSVRC2012_val_{copy}.JPEG"
            paint(root / file, shape, "red")
            photos.append(f"{file} {label} ")
            targets.append(f"{file} {6000 + label} ")
        for domain, (name, colour) in enumerate(
            (("cartoon", "green"), ("origami", "purple"), ("toy", "blue"), ("sculpture", "blue"))
        ):
            if (label, name) != (0, "origami"):
                file = f"imgnet/imagenet-r/n{label:08d}/{name}_1.jpg"
                paint(root / file, shape, colour)
                targets.append(f"{file} {1000 * domain + label} ")
    (root / "imgnet/imgnet_real_query.txt").write_text("\n".join(photos) + "\n")
    (root / "imgnet/imgnet_targets.txt").write_text("\n".join(targets) + "\n")
    return root


def coco(root: Path) -> Path:
    """COCO's own files: pictures of 32 x 32 with a box of one colour, some with several objects."""
    images, annotations = [], []
    categories = [{"id": i + 1, "name": name} for i, name in enumerate(("dog", "cat", "car"))]
    for i, (shape, colour) in enumerate(ALL):
        file = f"{i + 1:012d}.jpg"
        paint(root / "val2017" / file, shape, colour)
        images.append({"id": i + 1, "file_name": file, "width": 32, "height": 32})
        for j in range(i % 4):  # some pictures have no object at all
            x, y = 2 + 5 * j, 3 + j
            annotations.append(
                {
                    "id": len(annotations), "image_id": i + 1, "category_id": 1 + (i + j) % 3, "iscrowd": 0,
                    "bbox": [x + 0.5, y + 0.25, 10, 12],
                    "segmentation": [[x, y, x + 10, y, x + 10, y + 12, x, y + 12]],
                }
            )  # fmt: skip
    dump(
        root / "annotations/instances_val2017.json",
        {"images": images, "annotations": annotations, "categories": categories},
    )
    return root
