"""Step 5: the floor. A plain two-layer head on frozen features, contrastive, on the leak-free split."""

from __future__ import annotations

import captions
import measure
import numpy as np
import results
import torch
from common import PLAIN, THREADS, note, records
from textspace import TextSpace
from torch import nn
from torch.nn import functional as F

STEPS, BATCH, RATE, TEMPERATURE = 700, 512, 1e-3, 0.05


def main() -> None:
    """Train on the training split, report validation and test."""
    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    rows = records()
    split = np.array([r["split"] for r in rows])
    features = np.load(PLAIN)[:, :1280].astype(np.float32)
    text = TextSpace()
    train = np.flatnonzero(split == "train")
    x = torch.from_numpy(features[train])
    both = [
        torch.from_numpy(text.encode(texts))
        for texts in (
            [f"a picture of {captions.with_article(rows[i]['name'])}" for i in train],
            [captions.described(rows[i]) for i in train],
        )
    ]
    head = nn.Sequential(
        nn.LayerNorm(1280), nn.Linear(1280, 1024), nn.GELU(), nn.Dropout(0.2), nn.Linear(1024, 384)
    )
    optimiser = torch.optim.AdamW(head.parameters(), RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=STEPS)
    for step in range(STEPS):
        chosen = torch.randint(len(train), (BATCH,))
        target = both[step % 2][chosen]
        scores = F.normalize(head(x[chosen]), dim=1) @ target.T / TEMPERATURE
        same = target @ target.T > 0.9999
        loss = -(
            (torch.where(same, scores, -torch.inf).logsumexp(1) - scores.logsumexp(1)).mean()
            + (torch.where(same, scores, -torch.inf).logsumexp(0) - scores.logsumexp(0)).mean()
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    head.eval()
    for name in ("validation", "test"):
        part = np.flatnonzero(split == name)
        exam = measure.Exam([rows[i] for i in part], text)
        with torch.no_grad():
            marks = exam.marks(head(torch.from_numpy(features[part])).numpy())
        note(measure.table(f"floor {name} {exam.counts}", marks))
        results.keep(f"floor {name}", {**exam.counts, **marks})


if __name__ == "__main__":
    main()
