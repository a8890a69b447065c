"""The training halves of FashionIQ and CIRR, in their published layouts (methods.md 1.5, 3.1, 3.2).

::

    captions/cap.{dress,shirt,toptee}.train.json, images/{ASIN}.jpg                       FashionIQ
    cirr/captions/cap.rc2.train.json, cirr/image_splits/split.rc2.train.json, train/*/*.png     CIRR
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sightword.errors import SightwordError
from sightword.evaluation.reading import few, field_of, find, read_json
from sightword.training.readers.base import Item, Source, file_state
from sightword.training.triplets import Triplet

__all__ = ["CIRRTriplets", "FashionIQTriplets", "caption_forms", "is_cirr", "is_fashioniq"]

CATEGORIES = ("dress", "shirt", "toptee")
STRIPPED = ".?, "
FASHION_ROOTS = ("", "FashionIQ/", "fashion-iq/", "fashioniq/")
FASHION_CAPTIONS = ("captions", "json")
CIRR_ROOTS = ("cirr/", "", "CIRR/cirr/", "CIRR/", "cirr_dataset/cirr/", "cirr_dataset/")


def is_fashioniq(folder: Path) -> bool:
    """Whether a folder looks like FashionIQ."""
    return any(
        any((folder / f"{root}{inner}").glob("cap.*.json")) and _first(folder, root, inner)
        for root in FASHION_ROOTS
        for inner in FASHION_CAPTIONS
    )


def _first(folder: Path, root: str, inner: str) -> bool:
    return any(path.name.split(".")[1] in CATEGORIES for path in (folder / f"{root}{inner}").glob("cap.*"))


def is_cirr(folder: Path) -> bool:
    """Whether a folder looks like CIRR."""
    return any(any((folder / f"{root}captions").glob("cap.rc2.*.json")) for root in CIRR_ROOTS)


def caption_forms(one: str, two: str) -> tuple[str, ...]:
    """CLIP4Cir's four equally likely captions of a FashionIQ pair.

    Examples
    --------
    >>> caption_forms("is red.", " has long sleeves")
    ('Is red and has long sleeves', 'Has long sleeves and is red', 'Is red', 'Has long sleeves')
    """
    one, two = one.strip(STRIPPED), two.strip(STRIPPED)
    both = (f"{one} and {two}", f"{two} and {one}") if one and two else ()
    return tuple(form[:1].upper() + form[1:] for form in (*both, one, two) if form)


class FashionIQTriplets(Source[Triplet]):
    """All three categories of the training half; measured with "C1 and c2".

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self.name = f"{folder} (FashionIQ, train)"
        places = [f"{root}{inner}" for root in FASHION_ROOTS for inner in FASHION_CAPTIONS]
        self._root = find(folder, places, "captions").parent
        self._files = [
            find(
                self._root,
                [f"{inner}/cap.{category}.train.json" for inner in FASHION_CAPTIONS],
                f"training captions of {category}",
            )
            for category in CATEGORIES
        ]

    def __iter__(self) -> Iterator[Triplet]:
        images = self._root / "images"
        found = {p.stem: p for end in ("jpeg", "png", "jpg") for p in sorted(images.glob(f"*.{end}"))}

        def item(entry: Any, path: Path, key: str) -> Item:
            # A picture that is not there is counted with those that cannot be read.
            name = str(field_of(entry, path, key))
            file = found.get(name, images / f"{name}.jpg")
            return Item(str(file), file)

        for path in self._files:
            for number, entry in enumerate(read_json(path, list)):
                captions = [str(text) for text in field_of(entry, path, "captions")]
                if len(captions) != 2:
                    raise SightwordError(
                        f"Entry {number} of {path} has {len(captions)} captions instead of two."
                    )
                yield Triplet(
                    item(entry, path, "candidate"), caption_forms(*captions), item(entry, path, "target"),
                    name=f"{path.name}:{number}",
                )  # fmt: skip

    def identity(self) -> str:
        """The annotation files' states."""
        return "|".join(map(file_state, self._files))


class CIRRTriplets(Source[Triplet]):
    """CIRR's training half; groups are its image sets, soft targets of 1.0 are right as well.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self.name = f"{folder} (CIRR, train)"
        self._captions = find(
            folder, [f"{root}captions/cap.rc2.train.json" for root in CIRR_ROOTS], "training captions"
        )
        root = self._captions.parent.parent
        self._split = find(root, ["image_splits/split.rc2.train.json"], "training split")
        tops = (root.parent, root) if root.name == "cirr" else (root,)
        self._bases = [top / inner for top in tops for inner in ("", "img_raw", "images")]

    def __iter__(self) -> Iterator[Triplet]:
        files = {str(name): str(file) for name, file in read_json(self._split, dict).items()}
        first = next(iter(files.values()), "")
        base = next((place for place in self._bases if (place / first).is_file()), self._bases[0])
        entries = read_json(self._captions, list)
        names = {str(field_of(entry, self._captions, key)) for entry in entries for key in _PAIR}
        if unknown := sorted(names - files.keys()):
            raise SightwordError(f"{self._captions} names pictures that {self._split} lacks: {few(unknown)}.")

        def item(name: str) -> Item:
            return Item(str(base / files[name]), base / files[name])

        for entry in entries:
            target = str(entry["target_hard"])
            soft = entry.get("target_soft") or {}
            yield Triplet(
                item(str(entry["reference"])), (str(field_of(entry, self._captions, "caption") or ""),),
                item(target),
                also=tuple(
                    item(name).name
                    for name, share in soft.items()
                    if share == 1.0 and name != target and name in files
                ),
                group=f"set {(entry.get('img_set') or {}).get('id', entry['reference'])}",
                name=f"pair {entry.get('pairid')}",
            )  # fmt: skip

    def identity(self) -> str:
        """The annotation files' states."""
        return f"{file_state(self._captions)}|{file_state(self._split)}"


_PAIR = ("reference", "target_hard")
