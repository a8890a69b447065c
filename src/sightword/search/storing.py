"""Open the index that an engine asks, and hold it against the engine's backbone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sightword.errors import IndexForAnotherBackbone

if TYPE_CHECKING:
    from sightword.backbones.base import BackboneSpec
    from sightword.index.base import VectorStore
    from sightword.index.opening import Place

__all__ = ["open_for"]


def open_for(folder: Path, index: Place | None, spec: BackboneSpec, *, create: bool) -> VectorStore:
    """The index of a folder, with vectors of this backbone.

    Parameters
    ----------
    folder : Path
    index : Path or Address, optional
        Where it is kept, when that is not its usual place.
    spec : BackboneSpec
    create : bool
        Make it if there is none.

    Raises
    ------
    IndexMissing
        There is none, and none may be made.
    IndexForAnotherBackbone
        It holds other vectors.
    """
    from sightword.index.base import Manifest
    from sightword.index.opening import open_index
    from sightword.index.store import require

    manifest = Manifest(spec.name, spec.weights_hash, preprocess="product", dim=spec.dim)
    store = open_index(folder, index=index, create=manifest if create else None)
    try:
        require(store.manifest, spec)
    except IndexForAnotherBackbone as error:
        place = store.info()["location"]
        store.close()
        if store.manifest.backbone != spec.name:
            raise
        # As after an upgrade: naming the same backbone again would not help.
        raise IndexForAnotherBackbone(error.message, f"Delete {place} and index again.") from None
    return store
