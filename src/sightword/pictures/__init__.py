"""SEE: scan a folder, decode safely, orient, preprocess, thumbnail.

Importing this package loads Pillow but not numpy: the decoding workers start in a twentieth of a second.
"""

from __future__ import annotations

from sightword.pictures.decode import decode, decode_bytes
from sightword.pictures.preprocess import normalise, preprocess, resize_uint8

__all__ = ["decode", "decode_bytes", "normalise", "preprocess", "resize_uint8"]
