"""The names of the classes that the trunk's classifier knows."""

from __future__ import annotations

from timm.data import ImageNetInfo


def class_names() -> list[list[str]]:
    """The names of each ImageNet class, the usual one first."""
    info = ImageNetInfo()
    return [[n.strip() for n in info.index_to_description(i).split(",")] for i in range(info.num_classes())]
