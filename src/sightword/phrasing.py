"""How a modification text is phrased: another medium, another thing, a clause, or the rest.

The rules, tried in this order after a lead-in such as "the same but" has been set aside:

1. **domain**: the words name a *medium* (`MEDIA`: drawing, toy, watercolour ...) as a whole ("line art"),
   after *as*, *in* or *make it*, or before *of it*; or say "in the style of".
2. **object**: *with*, *and*, *plus*, *add*, *next to* ... and then a counted thing ("a dog", "two cats"),
   unless that is a part or quality of the pictured thing ("with a longer skirt", "with a floral pattern").
3. **that**: the first word is a finite verb ("is red", "has wings", "looks happy").
4. **comma**: everything else ("at night", "red", "without a hat").

They are English; a text in another language falls to the comma, which asks least of grammar.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

__all__ = ["Kind", "Phrase", "read_phrase"]

Kind = Literal["domain", "object", "that", "comma"]


@dataclass(frozen=True)
class Phrase:
    """A modification text, read.

    Attributes
    ----------
    kind : {"domain", "object", "that", "comma"}
    words : str
        What fills the preset's field.
    article : str
        ``a``, ``an`` or empty; domain only.
    rest : str
        What follows the medium ("as a cartoon *with a hat*"); domain only.
    plain : str
        What to read without a slot, when it differs from `words`.
    """

    kind: Kind
    words: str
    article: str = ""
    rest: str = ""
    plain: str = ""


MEDIA = """
3d model, 3d render, 3d rendering, acrylic, acrylics, action figure, anime, art deco, art nouveau, black and
white, blueprint, bronze, bust, caricature, cartoon, carving, chalk, charcoal, clip art, clipart, collage,
coloring book, coloring page, colouring book, colouring page, comic, comic book, crayon, cross stitch,
diagram, digital art, doll, doodle, drawing, embroidery, emoji, emoticon, engraving, etching, figurine,
fresco, gouache, graffiti, grayscale, greyscale, icon, illustration, impressionist painting, ink, lego, line
art, line drawing, linocut, lithograph, logo, low poly, manga, marionette, minecraft, monochrome, mosaic,
mural, oil, oil paint, oils, origami, outline, painting, paper cutout, papercut, pastel, pastels, pencil,
photo, photograph, photography, pictogram, pixel art, plush, plushie, pop art, poster, print, puppet,
relief, render, rendering, scribble, sculpture, sepia, silhouette, sketch, snow globe, stained glass, stamp,
statue, statuette, stencil, stick figure, sticker, tapestry, tattoo, toy, ukiyo-e, vector art, vector
graphic, video game, watercolor, watercolors, watercolour, watercolours, wax figure, wireframe, woodblock
print, woodcut, x-ray
"""
"""What a thing can be made or drawn as; the words a domain is recognised by."""
_MEDIUM = "|".join(
    re.escape(item) for item in sorted(" ".join(MEDIA.split()).split(", "), key=lambda item: -len(item))
)
# Words that may stand before a medium: adjectives and nouns, but nothing that starts another phrase.
_STOPS = (
    r"of|in|on|at|with|without|and|by|from|to|for|near|that|which|who|is|are|was|has|have|but|not|no|instead|as|"
    r"than|like|it|this|these|those|he|she|holding|wearing|showing|taken"
)
_FIRST = rf"(?:(?!(?:{_STOPS})\b)[\w'’-]+ ){{0,3}}?"
_NOUN = rf"(?P<words>{_FIRST}(?:{_MEDIUM})s?(?: (?!(?:{_STOPS})\b)[\w'’-]+){{0,2}})"
_SHORT = rf"(?P<words>{_FIRST}(?:{_MEDIUM})s?(?: (?:version|style|art|paint|form|page|drawing|painting))?)"
_ARTICLE = r"(?:(?:a|an|the|my|his|her|some) )?"
_REST = r"(?: (?P<rest>.+))?"
_SAME = r"(?:it|this|that|them|these|him|her|the same|the (?:object|thing|picture|image|photo)|my)"

_LEAD = re.compile(
    r"^(?:(?:the )?(?:very )?same(?: thing| one| object| picture| image| photo)?(?:,? | $)|(?:it|this) )?"
    r"(?:(?:just |only )?but |now |except |rather )?(?:shown |seen |depicted |rendered |presented )?(?=\S)"
)
_MAKE = (
    rf"(?:(?:make|turn|convert|transform|change|render|redraw|show|draw|paint|depict) {_SAME}"
    r"(?: in ?to| as| like| in)? )"
)

_DOMAIN = [
    re.compile(rf"^{_MAKE}{_ARTICLE}{_NOUN}{_REST}$"),
    re.compile(rf"^(?:as|into|like) (?!seen ){_ARTICLE}{_NOUN}{_REST}$"),
    re.compile(rf"^in (?:a |an |the )?{_SHORT}(?P<rest>)$"),
    re.compile(rf"^(?:a|an|the) {_NOUN} of {_SAME}\b(?:.*?)(?P<rest>)$"),
    re.compile(rf"^(?:an? )?{_SHORT}(?P<rest>)$"),
]
_STYLE = re.compile(
    r"^in (?:the|a) (?:style|manner) of (?P<words>.+)$|^in (?:an? |the )?(?P<word>[\w' -]+?) style$"
)
_DRAWN = re.compile(
    r"^(?P<verb>drawn|painted|sketched|engraved|embroidered)"
    r"(?: (?:in|with|on) (?P<by>[\w-]+))?(?: (?P<rest>.+))?$"
)
_NOUNS = {
    "drawn": "drawing",
    "painted": "painting",
    "sketched": "sketch",
    "engraved": "engraving",
    "embroidered": "embroidery",
}

_DRAWING = ("pencil", "charcoal", "crayon", "crayons", "chalk", "ink")
_PAINTING = ("oil", "oils", "acrylic", "acrylics", "gouache", "pastel", "pastels")
_PHOTO = ("black and white", "grayscale", "greyscale", "monochrome", "sepia")

_COUNT = (
    r"an?|another|some|several|one|two|three|four|five|six|seven|eight|nine|ten|a few|a couple of|a lot of|"
    r"lots of|\d+"
)
_OBJECT = re.compile(
    r"^(?P<lead>with|and|plus|also|add|adding|next to|beside|besides|alongside|along with|together with|near|"
    r"accompanied by|in front of|behind)(?: also)? "
    rf"(?P<words>(?:{_COUNT}) .+)$"
)
# Looked for in the counted thing up to its first preposition: "a tree in the background" is a thing.
_PART = re.compile(
    rf"^(?:(?!(?:{_STOPS})\b)\S+ )*?(?:"
    r"(?:(?:long|short|bigg|small|larg|dark|light|bright|wid|narrow|thick|thinn|high|low|deep|soft|tight|loos|full|round"
    r"|old|young|tall|clean|smooth|sharp|flatt|warm|cold)er|more|less|fewer|different)"
    r"|pattern|background|collar|neckline|sleeves?|skirt|hem|waist|smile|expression|look|shape|colou?r|design|"
    r"texture|finish|handle|tail|mouth|beak|nose|lid|lens|shade|tone|pose|view|angle|frame|border)\b"
)

_VERBS = """
is isn't are aren't was wasn't were weren't has hasn't have haven't had does doesn't do don't did didn't can
can't cannot could will won't would should must may might appears barks bears becomes begins belongs bends
blooms burns carries catches chases climbs comes contains covers cries cuts dances depicts differs drinks
drives eats ends exists faces falls features feels fits flies floats flows folds gives glows goes grows
hangs holds includes jumps keeps kicks lacks laughs lays leans leaves lets lies lives looks makes matches
melts moves needs opens plays points pulls pushes reaches reads reflects represents rests rides rolls runs
says seems shines shows sings sits sleeps smells smiles spins stands starts stays stops swims takes talks
tastes tells throws touches turns uses waits walks wants watches waves wears works writes
""".split()  # noqa: SIM905
_THAT = re.compile(
    rf"^(?:that |which |who |and |it |this )?(?P<words>(?P<verb>{'|'.join(_VERBS)})(?:$| .*))$"
)


def read_phrase(text: str) -> Phrase:
    """Read a modification text.

    Parameters
    ----------
    text : str

    Returns
    -------
    Phrase
        Words keep the case they were written in.
    """
    written = " ".join(text.split()).strip(" .!;,")
    lowered = written.lower()
    if len(lowered) != len(written):  # a few letters change their length; then case is not worth keeping
        written = lowered
    start = match.end() if (match := _LEAD.match(lowered)) else 0
    lead, core = lowered[:start], lowered[start:]

    def keep(match: re.Match[str], group: str = "words") -> str:
        span = match.span(group)
        return written[start:][span[0] : span[1]] if span != (-1, -1) else ""

    for rule in _DOMAIN:
        if match := rule.match(core):
            return _domain(keep(match), keep(match, "rest"))
    if match := _STYLE.match(core):
        style = keep(match) or f"{keep(match, 'word')} style"
        return _domain("picture", f"in the style of {style}" if match["words"] else f"in {style}")
    if match := _DRAWN.match(core):
        noun = _NOUNS[match["verb"]]
        return _domain(f"{keep(match, 'by')} {noun}".strip(), keep(match, "rest"))
    match = _OBJECT.match(core)
    if match and not (match["lead"] == "with" and _PART.match(match["words"])):
        return Phrase("object", keep(match))
    if match := _THAT.match(core):
        plain = re.sub(r"^(?:is|are|was|were) (?!not\b)", "", keep(match), flags=re.IGNORECASE)
        return Phrase("that", keep(match), plain=plain)
    rest = re.sub(r"^(?:in|the) (?=same\b)", "", written[start:]) if lead else written
    return Phrase("comma", written, plain=rest)


def _domain(words: str, rest: str) -> Phrase:
    """A domain, with materials and manners turned into the thing they make: "ink" -> "ink drawing"."""
    words = re.sub(r"(?<=\w) style$", "", words)
    for names, thing in ((_DRAWING, "drawing"), (_PAINTING, "painting"), (_PHOTO, "photo")):
        if words.lower() in names:
            words = f"{words} {thing}"
    return Phrase("domain", words, article="an" if words[:1].lower() in "aeiou" else "a", rest=rest)
