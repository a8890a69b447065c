"""The contact sheet as one HTML page: inline styles, pictures as data, no scripts.

Nothing is loaded, unless pictures are kept elsewhere: then the page refers to them there, and its policy
names their origin alone.
"""

from __future__ import annotations

import base64
import io
from html import escape
from urllib.parse import urlsplit

from PIL import Image

from sightword.cli.output import plain, rounded_down
from sightword.cli.sheet import THUMBNAIL, Card, Sheet

__all__ = ["render_html"]

POLICY = "default-src 'none'; img-src {}; style-src 'unsafe-inline'"
STYLE = """
:root { color-scheme: light dark; --page: #f1f2f4; --card: #fff; --edge: #dfe1e5;
        --ink: #1c1e22; --grey: #646973; --accent: #2563be; }
@media (prefers-color-scheme: dark) { :root { --page: #17181b; --card: #222428; --edge: #34373d;
        --ink: #eceef1; --grey: #9a9fa9; --accent: #7fb0ff; } }
body { margin: 0 auto; max-width: 1240px; padding: 40px; background: var(--page); color: var(--ink);
       font: 15px/1.4 ui-rounded, "SF Pro Rounded", "Nunito", system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: 20px 32px; align-items: center;
         padding-bottom: 20px; margin-bottom: 24px; border-bottom: 2px solid var(--edge); }
h1 { font-size: 32px; font-weight: 600; line-height: 1.25; margin: 0 0 8px; }
p { margin: 2px 0; color: var(--grey); }
.words { flex: 1; min-width: 240px; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(224px, 1fr));
         gap: 20px; padding: 0; margin: 0; }
figure { box-sizing: border-box; width: 100%; min-width: 224px; margin: 0; padding: 12px;
         background: var(--card); border: 1px solid var(--edge); border-radius: 14px; }
header figure { width: 232px; }
.box { height: 208px; display: flex; align-items: center; justify-content: center; color: var(--grey); }
.box img { max-width: 100%; max-height: 100%; }
.box a { display: flex; align-items: center; justify-content: center; max-width: 100%; height: 100%;
         color: inherit; }
figcaption { margin-top: 8px; }
.row { display: flex; justify-content: space-between; color: var(--grey); }
.row b { color: var(--accent); }
.name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
"""


def render_html(sheet: Sheet) -> bytes:
    """Write the page; returns UTF-8."""
    title = escape(plain(sheet.words)) or "Pictures like this one"
    notes = "".join(f"<p>{escape(plain(note))}</p>" for note in sheet.notes)
    references = "".join(_figure(card) for card in sheet.references)
    hits = "\n".join(_figure(card) for card in sheet.hits) or "<p>Nothing matched.</p>"
    origins = {_origin(card.url) for card in sheet.hits if _is_elsewhere(card)}
    policy = escape(POLICY.format(" ".join(["data:", *sorted(origins)])))
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{STYLE}</style>
<header>{references}<div class="words"><h1>{title}</h1>{notes}</div></header>
<main class="cards">
{hits}
</main>
</html>
""".encode("utf-8", "replace")


def _figure(card: Card) -> str:
    name = escape(plain(card.name))
    if card.rank is None or card.score is None or card.z is None:
        label = "<b>query</b>"
    else:
        figures = f"{rounded_down(card.score, 3)} &middot; {rounded_down(card.z, 1)}z"
        label = f"<b>{card.rank}</b><span>{figures}</span>"
    if card.picture is not None:
        box = f'<img src="{_data(card)}" alt="{name}">'
    elif _is_elsewhere(card):
        box = f'<img src="{escape(card.url or "")}" alt="{name}" loading="lazy">'
    else:
        box = "cannot be shown"
    if _is_web(card.url):
        box = f'<a href="{escape(card.url or "")}" rel="noreferrer">{box}</a>'
    return (
        f'<figure><div class="box">{box}</div><figcaption><div class="row">{label}</div>'
        f'<div class="name" title="{name}">{name}</div></figcaption></figure>'
    )


def _is_web(url: str | None) -> bool:
    """A path on some server means nothing in a file."""
    return url is not None and url.startswith(("http://", "https://"))


def _is_elsewhere(card: Card) -> bool:
    return card.picture is None and _is_web(card.url)


def _origin(url: str | None) -> str:
    parts = urlsplit(url or "")
    return f"{parts.scheme}://{parts.netloc}"


def _data(card: Card) -> str:
    assert card.picture is not None
    picture = Image.fromarray(card.picture)
    # Twice the shown size, for dense screens.
    picture.thumbnail((2 * THUMBNAIL, 2 * THUMBNAIL), Image.Resampling.LANCZOS)
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=88)
    return f"data:image/jpeg;base64,{base64.b64encode(data.getvalue()).decode('ascii')}"
