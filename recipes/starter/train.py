"""Step 6: the head. Several settings and seeds, chosen on validation; test is measured once, by `gate.py`."""

from __future__ import annotations

import itertools
import sys
from dataclasses import asdict, dataclass, replace
from typing import Any

import corpus
import measure
import numpy as np
import photolike
import results
import torch
from common import CACHE, THREADS, note, records
from features import FEATURES
from photoset import held_photos, photo_marks
from textspace import TextSpace
from torch import Tensor, nn
from torch.nn import functional as F

HEAD = CACHE / "head.pt"


@dataclass(frozen=True)
class Settings:
    """One training run."""

    hidden: int = 640
    steps: int = 1200
    names: int = 256
    rate: float = 2e-3
    decay: float = 0.1
    dropout: float = 0.3
    temperature: float = 0.04
    style: float = 1.0
    grey: float = 0.1
    layer: int = 0
    table: float = 1.0
    described: float = 1.0
    noise: float = 0.0
    photos: int = 192
    photo: float = 0.3
    seed: int = 0


class Head(nn.Module):
    """Standardise, one hidden layer, unit output. `folded` gives the two plain layers that ship."""

    def __init__(self, features: Tensor, settings: Settings) -> None:
        super().__init__()
        self.layer = bool(settings.layer)
        if self.layer:
            features = F.layer_norm(features, features.shape[1:])
        self.register_buffer("mean", features.mean(0))
        self.register_buffer("scale", 1.0 / (features.std(0) + 0.05))
        self.hidden = nn.Linear(features.shape[1], settings.hidden)
        self.out = nn.Linear(settings.hidden, 384)
        self.dropout = settings.dropout

    def forward(self, x: Tensor) -> Tensor:
        """[B, 1280] -> unit [B, 384]."""
        if self.layer:
            x = F.layer_norm(x, x.shape[1:])
        x = F.dropout((x - self.mean) * self.scale, self.dropout * 0.5, self.training)
        x = F.dropout(F.gelu(self.hidden(x)), self.dropout, self.training)
        return F.normalize(self.out(x), dim=1)

    @torch.no_grad()
    def folded(self) -> dict[str, Tensor]:
        """Weights [in, out] with the standardising folded in."""
        weight = self.hidden.weight * self.scale
        return {
            "head.hidden.weight": weight.T.contiguous(),
            "head.hidden.bias": self.hidden.bias - weight @ self.mean,
            "head.out.weight": self.out.weight.T.contiguous(),
            "head.out.bias": self.out.bias.clone(),
        }


def contrast(pictures: Tensor, texts: Tensor, same: Tensor, temperature: float) -> Tensor:
    """Both directions of a softmax with several positives; ``same`` is bool [pictures, texts]."""
    scores = (pictures @ texts.T).float() / temperature
    right = torch.where(same, scores, -torch.inf)
    loss = scores.new_zeros(())
    for axis in (0, 1):
        some = same.any(axis)
        # Several positives share the probability; without the count a crowd would count double.
        gap = scores.logsumexp(axis) - right.logsumexp(axis)
        loss = loss + gap[some].mean()
    return loss


def step_loss(head: Head, data: corpus.Corpus, photos: photolike.StandIns, s: Settings) -> Tensor:
    """One batch: all pictures of some names, so that the same thing in another style is the hard negative."""
    drawn = torch.multinomial(data.weights, s.names)
    rows = torch.cat([data.by_name[i] for i in drawn.tolist()])
    count = len(rows)
    x = data.features[torch.randint(len(data.features), (count,)), rows].float()
    grey = torch.rand(count) < (s.grey if data.grey is not None else 0.0)
    if data.grey is not None:
        x[grey] = data.grey[rows[grey]].float()
    if s.noise:
        x = x + s.noise * torch.randn_like(x) * x.abs().mean(0)
    which = data.name[rows]
    stand_in, told, classes = photos.draw(s.photos)
    out = head(torch.cat([x, stand_in]))
    out, seen = out[:count], out[count:]

    pick = torch.randint(3, (len(data.plain),))
    table = data.plain[torch.arange(len(data.plain)), pick]
    plain = out.new_zeros(())
    if s.table:
        plain = s.table * contrast(
            out, table, which[:, None] == torch.arange(len(table))[None], s.temperature
        )
    described = data.described[rows]
    plain = plain + s.described * contrast(out, described, which[:, None] == which[None], s.temperature)

    pick = torch.randint(3, (count,))
    styled = data.styled[rows, pick]
    styled[grey] = data.styled_grey[rows, pick][grey]
    # The same name in the same style (or with the same words) is no negative.
    alike = (styled @ styled.T > 0.98) & (which[:, None] == which[None])
    # Stand-in photographs ask among all that was said in this batch.
    every = torch.cat([told, styled])
    right = torch.cat([classes[:, None] == classes[None], torch.zeros(s.photos, count, dtype=torch.bool)], 1)
    photo = contrast(seen, every, right, s.temperature)
    return plain + s.style * contrast(out, styled, alike, s.temperature) + s.photo * photo


def train(data: corpus.Corpus, photos: photolike.StandIns, s: Settings) -> Head:
    """Train one head."""
    torch.manual_seed(s.seed)
    head = Head(data.features[0].float(), s)
    optimiser = torch.optim.AdamW(head.parameters(), s.rate, weight_decay=s.decay, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, s.rate, total_steps=s.steps, pct_start=0.1)
    for step in range(s.steps):
        with torch.autocast("cpu", torch.bfloat16):
            loss = step_loss(head, data, photos, s)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(head.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if step % 200 == 199:
            note(f"  step {step + 1} loss {loss.item():.3f}")
    return head.eval()


def score(marks: dict[str, float]) -> float:
    """What settings are chosen by: names and styles, first and first ten, equally."""
    styles = list(measure.STYLE_GROUPS)
    names = [marks[f"{k} {r}"] for k in ("name", "caption") for r in ("R@1", "R@10")]
    return float(np.mean(names) + np.mean([marks[f"{k} {r}"] for k in styles for r in ("R@1", "R@10")])) / 2


def overall(marks: dict[str, float]) -> float:
    """`score` with the photographs in it."""
    return 0.8 * score(marks) + 0.2 * (marks["photo R@1"] + marks["photo R@10"]) / 2


def main() -> None:
    """Run the settings named on the command line as key=value,value... and keep the best head."""
    torch.set_num_threads(THREADS)
    text = TextSpace()
    data = corpus.load(text)
    photos = photolike.stand_ins(text, data.features[0], data.name)
    rows = records()
    part = [i for i, r in enumerate(rows) if r["split"] == "validation"]
    held = torch.from_numpy(np.load(FEATURES / "pass0.npy")[part]).float()
    exam = measure.Exam([rows[i] for i in part], text)
    photo_rows, cut_outs = held_photos("validation")
    grid = [word.split("=", 1) for word in sys.argv[1:]]
    options = [[(key, type(getattr(Settings(), key))(v)) for v in values.split(",")] for key, values in grid]
    best = torch.load(HEAD, weights_only=True)["score"] if HEAD.is_file() else 0.0
    for choice in itertools.product(*options):
        settings = replace(Settings(), **dict(choice))
        head = train(data, photos, settings)
        with torch.no_grad():
            marks: dict[str, Any] = exam.marks(head(held).numpy())
        marks |= photo_marks(head(cut_outs).detach().numpy(), photo_rows, text)
        note(measure.table(f"{dict(choice)} score {overall(marks):.4f}", marks))
        if overall(marks) > best:
            best = overall(marks)
            torch.save({"score": best, "head": head.folded(), "settings": asdict(settings)}, HEAD)
            results.keep("head", {"settings": asdict(settings), "score": best})
            results.keep("head alone, validation", {**exam.counts, **marks})


if __name__ == "__main__":
    main()
