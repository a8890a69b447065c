"""Why these pictures: what the reference became in words, and what pulled the query how far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Explanation", "Pull"]


@dataclass(frozen=True)
class Pull:
    """The part that the picture, or the text, has in a query.

    Attributes
    ----------
    cosine : float
        Between the query vector and this part's own feature.
    shift : float
        1 - cosine between the query with and without this part: 0 means that it changes nothing.
    replaced : int
        How many of the hits would be others without it.
    """

    cosine: float
    shift: float
    replaced: int


@dataclass(frozen=True)
class Explanation:
    """What became of a query.

    Attributes
    ----------
    method : str
        The method that composed it.
    words : tuple of tuple of (str, float)
        For each reference the words nearest to its pseudo-word (to the picture itself, for methods that make
        none), and their cosine behind the text tower, centred on the mean of all words.
    prompts : tuple of str
        The sentences that carried the pseudo-words, ``{*}`` in their place; empty likewise.
    picture, text : Pull or None
        None when the query has no such part.
    mean, std : float
        Cosine of the folder's pictures with the query: what ``z`` is measured against.
    hits : int
        How many hits `Pull.replaced` counts among.
    reranked : dict, optional
        Of methods that look at each candidate: ``first``, whose best pictures were ranked anew, and
        ``depth``, how many.
    """

    method: str
    words: tuple[tuple[tuple[str, float], ...], ...]
    prompts: tuple[str, ...]
    picture: Pull | None
    text: Pull | None
    mean: float
    std: float
    hits: int
    reranked: dict[str, Any] | None = None

    @classmethod
    def from_json(cls, told: dict[str, Any], hits: int) -> Explanation:
        """The explanation that `as_json` told."""
        picture, text = (told[name] and Pull(**told[name]) for name in ("picture", "text"))
        return cls(
            method=told["method"],
            words=tuple(tuple((item["word"], item["cosine"]) for item in row) for row in told["words"]),
            prompts=tuple(told["prompts"]),
            picture=picture,
            text=text,
            mean=told["background"]["mean"],
            std=told["background"]["std"],
            hits=hits,
            reranked=told.get("reranked"),
        )

    def as_json(self) -> dict[str, Any]:
        """The explanation as plain values."""
        return {
            "method": self.method,
            "words": [
                [{"word": word, "cosine": round(cosine, 6)} for word, cosine in row] for row in self.words
            ],
            "prompts": list(self.prompts),
            "picture": _pull_json(self.picture),
            "text": _pull_json(self.text),
            "background": {"mean": round(self.mean, 6), "std": round(self.std, 6)},
            **({"reranked": self.reranked} if self.reranked else {}),
        }

    def lines(self) -> list[str]:
        """The explanation for people."""
        out = [f"method {self.method}", *(f"prompt {prompt}" for prompt in self.prompts)]
        if self.reranked:
            first, depth = self.reranked["first"], self.reranked["depth"]
            out.append(f"the first {depth:,} of {first} ranked anew; cosines below are those of {first}")
        for row in self.words:
            out.append("the picture reads as: " + ", ".join(f"{word} {cosine:.2f}" for word, cosine in row))
        # With one part alone there is nothing to pull against: all of the query is that part.
        both = self.picture is not None and self.text is not None
        for name, pull in (("picture", self.picture), ("text", self.text)):
            if both and pull is not None:
                out.append(
                    f"{name}: cosine {pull.cosine:.3f} with the query; without it the query moves by "
                    f"{pull.shift:.3f} and {pull.replaced} of {self.hits} hits change"
                )
        out.append(f"this folder: cosine {self.mean:.3f} on average, standard deviation {self.std:.3f}")
        return out


def _pull_json(pull: Pull | None) -> dict[str, Any] | None:
    if pull is None:
        return None
    return {"cosine": round(pull.cosine, 6), "shift": round(pull.shift, 6), "replaced": pull.replaced}
