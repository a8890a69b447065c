"""How many actors of which size a cluster gets, from the cores and cards it has."""

from __future__ import annotations

from dataclasses import dataclass

from sightword.errors import UsageError

__all__ = ["Share", "share"]

_CPU_BATCH, _CARD_BATCH = 32, 256
_MOST_THREADS = 4
"""Inference threads of one encoder: with more cores, more encoders are quicker than more threads."""


@dataclass(frozen=True)
class Share:
    """What each stage takes.

    Attributes
    ----------
    decode_cpus, encode_cpus, encode_cards : float
        Reserved for one actor.
    decoders, encoders : int
        Actors at most; there is at least one, and between them the cluster decides by what waits.
    threads : int
        Inference threads of an encoder.
    batch : int
        Pictures that an encoder is given at once.
    """

    decode_cpus: float
    encode_cpus: float
    encode_cards: float
    decoders: int
    encoders: int
    threads: int
    batch: int


def share(
    cpus: float,
    cards: float,
    *,
    smallest: float | None = None,
    cards_each: float = 0.0,
    batch: int | None = None,
) -> Share:
    """Divide a cluster.

    Parameters
    ----------
    cpus, cards : float
        Of the whole cluster.
    smallest : float, optional
        Cores of its smallest machine: an actor must fit there.
    cards_each : float
        Cards (or part of one) for an encoder; 0 encodes on cores.
    batch : int, optional
        What an encoder is given at once.

    Raises
    ------
    UsageError
        There are no cores, or fewer cards than one encoder needs.
    """
    if cpus <= 0:
        raise UsageError("The cluster has no cores.")
    if cards_each > cards:
        raise UsageError(
            f"An encoder is to have {cards_each:g} graphics cards and the cluster has {cards:g}.",
            "Give --gpus 0 to encode on cores.",
        )
    if cpus < 2 and not cards_each:  # both stages must fit at once, or neither ever ends
        return Share(cpus / 2, cpus / 2, 0.0, 1, 1, 1, batch or _CPU_BATCH)
    if cards_each:
        encoders = max(1, int(cards / cards_each))
        decode = 1.0 if cpus >= 2 else cpus / 2
        return Share(decode, 0.0, cards_each, max(1, int(cpus)), encoders, 1, batch or _CARD_BATCH)
    threads = max(1, min(_MOST_THREADS, int((smallest or cpus) // 2)))
    return Share(
        1.0,
        float(threads),
        0.0,
        max(1, int(cpus) - threads),
        max(1, int((cpus - 1) // threads)),
        threads,
        batch or _CPU_BATCH,
    )
