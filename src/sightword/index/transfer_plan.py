"""What must happen for one index to become equal to another, found by comparing what both know of every path.

Nothing but the two indexes is consulted: a transfer that was stopped anywhere is resumed by planning again,
and planning after a finished one finds nothing to do.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sightword.errors import IndexForAnotherBackbone, IndexProblem
from sightword.index.base import Failure, FileState, Manifest, VectorStore

__all__ = ["Plan", "check_manifests", "compare"]


@dataclass(frozen=True)
class Plan:
    """The steps from what the target knows to what the source knows.

    Attributes
    ----------
    send : list of (int, bytes)
        Pictures that travel, by id in the source, with their paths.
    touch : dict
        (size, mtime_ns) of paths whose content is there already.
    fail : list of Failure
        Files that could not be read.
    hide : list of bytes
        Paths to mark as gone: the source says so, or does not know them.
    same : int
        Paths that need nothing.
    unknown : int
        Live pictures of the target whose path and content the source has never heard of.
    replaced : int
        Live pictures of the target whose path has another content in the source, which has theirs nowhere.
    kept : int
        Paths that only the target has, and keeps.
    live : int
        Live pictures of the target.
    """

    send: list[tuple[int, bytes]] = field(default_factory=list)
    touch: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    fail: list[Failure] = field(default_factory=list)
    hide: list[bytes] = field(default_factory=list)
    same: int = 0
    unknown: int = 0
    replaced: int = 0
    kept: int = 0
    live: int = 0

    def __len__(self) -> int:
        """How many paths need something."""
        return len(self.send) + len(self.touch) + len(self.fail) + len(self.hide)


def check_manifests(source: Manifest, target: Manifest) -> None:
    """Refuse to mix vectors that cannot be compared, or to round those that are kept exactly.

    Raises
    ------
    IndexForAnotherBackbone
        The target holds another backbone's vectors, or those of another preprocessing.
    IndexProblem
        The target keeps 16 bits for each value and the source 32.
    """
    if (source.weights_hash, source.dim) != (target.weights_hash, target.dim):
        same = " (same name, other weights)" if source.backbone == target.backbone else ""
        raise IndexForAnotherBackbone(
            f"The target holds vectors of the backbone {target.backbone}, the source of "
            f"{source.backbone}{same}.",
            "Choose another target; vectors of two backbones cannot be compared.",
        )
    if source.preprocess != target.preprocess:
        raise IndexForAnotherBackbone(
            f"The target's pictures were prepared by the preset {target.preprocess}, the source's by "
            f"{source.preprocess}.",
            "Choose another target; such vectors should not be mixed.",
        )
    if (source.dtype, target.dtype) == ("float32", "bfloat16"):
        raise IndexProblem(
            "The target keeps 16 bits of each value, the source 32: they would be rounded.",
            "Choose another target.",
        )


def compare(
    source: VectorStore, target: VectorStore | None, *, again: bool = False, keep: bool = False
) -> Plan:
    """Plan a transfer.

    Parameters
    ----------
    source : VectorStore
    target : VectorStore, optional
        None stands for an empty one.
    again : bool
        Also send pictures that the target has with the same content.
    keep : bool
        Leave alone what only the target has.

    Raises
    ------
    IndexProblem
        See `check_manifests`.
    """
    if target is not None:
        check_manifests(source.manifest, target.manifest)
    here = source.known()
    there = target.known() if target is not None else {}
    failures = {failure.path: failure for failure in source.failures()}
    same_failures = set(target.failures()) if target is not None else set()
    contents = {state.content_hash for state in here.values() if state.status == "live"}

    live = [path for path, state in there.items() if state.status == "live"]
    lost = [path for path in live if there[path].content_hash not in contents]
    only_there = [path for path, state in there.items() if path not in here and state.status != "gone"]
    plan = Plan(hide=[] if keep else only_there)
    same = 0
    for path, state in here.items():
        if state.id is not None:
            same += _plan_picture(plan, path, state, state.id, there.get(path), again)
        elif (failure := failures.get(path)) is not None:
            same += failure in same_failures
            plan.fail.extend([] if failure in same_failures else [failure])
    plan.send.sort()  # by id: in the order in which they were added
    return replace(
        plan,
        same=same,
        unknown=sum(path not in here for path in lost),
        replaced=sum(path in here and here[path].content_hash != there[path].content_hash for path in lost),
        kept=len(only_there) if keep else 0,
        live=len(live),
    )


def _plan_picture(
    plan: Plan, path: bytes, here: FileState, number: int, there: FileState | None, again: bool
) -> bool:
    """Add the step that one picture needs; True when it needs none."""
    if again or there is None or there.status == "failed" or there.content_hash != here.content_hash:
        plan.send.append((number, path))
        return False
    moment = (here.size, here.mtime_ns)
    dated = moment == (there.size, there.mtime_ns)
    if dated and here.status == there.status:
        return True
    if here.status == "live":
        plan.touch[path] = moment
    elif dated:
        plan.hide.append(path)
    else:  # touching would show it
        plan.send.append((number, path))
    return False
