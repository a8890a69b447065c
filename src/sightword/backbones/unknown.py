"""How much of a text lies outside the languages a backbone knows.

Counting ``[UNK]`` is not enough: WordPiece and byte-pair vocabularies hold single letters of most scripts and
spell any foreign word with them. The rule, word by word (punctuation and numbers do not count):

* a word with an unknown piece counts 1;
* when all of the model's languages are written in Latin letters, a word with letters of another script
  counts 1;
* a common function word of a Latin-script language that the model does not know counts 1 (`FUNCTION_WORDS`,
  only words that are not English ones), unless it belongs to a name ("Rio de la Plata", "Los Angeles");
* an uncapitalised word with a letter that English does not use counts 1, if the model knows English only;
* an uncapitalised word cut into pieces of fewer than 2.5 letters on average counts 1/4: it may be rare, not
  foreign.

The share is the mean over the words. A single foreign noun in Latin letters passes: nothing tells "Hund"
from a name.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

__all__ = ["FUNCTION_WORDS", "share_unknown"]

FUNCTION_WORDS: dict[str, str] = {
    "de": "ein eine einen einem einer der das dem den des und mit ohne ist sind nicht auf aber wie als bei "
    "im zu mehr vom zum zur aus für über unter ich es sich wird hat nur auch oder von",
    "fr": "le la les un une des du et avec sans est sont pas sur sous mais dans en au aux plus comme qui que "
    "ce cette ces il elle pour par ou où très même de à",
    "es": "el la los las un una unos unas y con sin es son está están pero más como en de del al que por "
    "para muy su lo se o hay",
    "it": "il lo la gli le un uno una e con senza è sono ma più come nel nella in di del della al che per "
    "molto su si o i da dei delle",
    "pt": "o a os as um uma e com sem é são está mas mais como em no na de do da dos das ao que por "
    "para muito seu se ou",
    "nl": "de het een en met zonder is zijn niet op maar zoals bij meer in van naar uit voor ook als of te "
    "aan dat die deze",
    "pl": "i z bez jest są nie na ale jak w do od więcej się to o po ze czarno",
    "sv": "en ett och med utan är inte på men som i av till mer den det om för",
    "tr": "bir ve ile daha çok bu gibi ama için değil olan var",
}
"""By language; what is also an English word in a search ("die", "on", "was", "no") is left out below."""

_ENGLISH = frozenset(  # spelled like a function word of another language
    "a i as am com come den die do hat hay in is no of on or per plus so son to van".split()  # noqa: SIM905
)
_LATIN_SCRIPT = "af ca cs da de en es et eu fi fr ga hr hu id is it lt lv ms mt nl no pl pt ro sk sl sv tr vi"
_PARTICLES = frozenset(
    ("de", "la", "le", "el", "di", "da", "do", "du", "del", "des", "las", "los", "van", "der", "von", "den")
)
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz")
_SHORTEST_PIECE = 2.5


def share_unknown(
    words: Sequence[tuple[str, list[str]]], languages: Sequence[str], unknown: str | None
) -> float:
    """Share of a text's words that a backbone does not cover.

    Parameters
    ----------
    words : sequence of (str, list of str)
        Each word and its pieces.
    languages : sequence of str
        The backbone's languages (ISO 639-1); an empty list or ``mul`` means all, then only unknown pieces
        count.
    unknown : str or None
        The piece that stands for what cannot be spelled.

    Returns
    -------
    float
        In [0, 1]; 0 for a text without words.
    """
    known = set(languages)
    everything = not known or "mul" in known
    latin_only = not everything and known <= set(_LATIN_SCRIPT.split())
    foreign = frozenset().union(*(_function_words(code) for code in FUNCTION_WORDS if code not in known))
    for code in known & set(FUNCTION_WORDS):
        foreign -= frozenset(FUNCTION_WORDS[code].split())
    counts: list[float] = []
    for index, (word, pieces) in enumerate(words):
        capital = word[:1].isupper()
        if unknown in pieces:
            counts.append(1.0)
        elif not word.isalpha() and (not _letters(word) or any(c.isdigit() for c in word)):
            continue
        elif everything:
            counts.append(0.0)
        elif latin_only and not _is_latin(word):
            counts.append(1.0)
        elif word.lower() in foreign:
            counts.append(0.0 if _inside_name([word for word, _ in words], index) else 1.0)
        elif known == {"en"} and not capital and not _PLAIN.issuperset(_letters(word)):
            counts.append(1.0)
        elif len(pieces) > 1 and not capital and len(word) / len(pieces) < _SHORTEST_PIECE:
            counts.append(0.25)
        else:
            counts.append(0.0)
    return sum(counts) / len(counts) if counts else 0.0


def _inside_name(words: Sequence[str], index: int) -> bool:
    """Whether a particle stands between capitalised words or, capitalised, before one."""
    if words[index].lower() not in _PARTICLES:
        return False
    before = next((word for word in reversed(words[: index + 1]) if word not in _PARTICLES), "")
    after = next((word for word in words[index + 1 :] if word not in _PARTICLES), "")
    return before[:1].isupper() and after[:1].isupper()


def _function_words(code: str) -> frozenset[str]:
    return frozenset(FUNCTION_WORDS[code].split()) - _ENGLISH


def _is_latin(word: str) -> bool:
    return all(unicodedata.name(letter, "").startswith("LATIN") for letter in word if letter.isalpha())


def _letters(word: str) -> set[str]:
    return {letter for letter in word if letter.isalpha()}
