"""Everything that ``--out`` writes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from sightword.errors import ModelUnavailable
from sightword.evaluation.costs import Cost
from sightword.evaluation.details import QUERIES, write_parquet, write_queries
from sightword.evaluation.page import write_page
from sightword.evaluation.plots import draw_report
from sightword.evaluation.report import Report
from sightword.evaluation.submissions import check_submission, write_submissions

__all__ = ["write_out"]


def write_out(
    report: Report,
    folder: Path,
    *,
    costs: Mapping[str, Cost] | None = None,
    page: bool = True,
    warn: Callable[[str], None] = lambda text: None,
) -> list[str]:
    """Write results, per-query files, plots, the page, and files for servers; names relative to the folder.

    Parameters
    ----------
    report : Report
    folder : Path
        Made when it is not there.
    costs : dict of str to Cost, optional
        Minutes of training by method.
    page : bool
        Whether to write the page with pictures.
    warn : callable, optional
        Told what was not written because an extra is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    told = report.as_json()
    if costs:
        told["training minutes"] = {name: round(cost.minutes, 2) for name, cost in costs.items()}
    text = json.dumps(told, ensure_ascii=False, indent=1)
    (folder / "results.json").write_text(f"{text}\n", encoding="utf-8")
    (folder / "results.md").write_text(f"{report.markdown()}\n", encoding="utf-8")
    write_queries(report, folder / QUERIES)
    written = ["results.json", "results.md", QUERIES]
    public = any(report.main in row for row in report.chance.rows)
    if not public:
        files = write_submissions(folder, report.benchmark, report.methods, report.loaded)
        written += [str(path.relative_to(folder)) for path in files]
        if files and report.loaded.lost:
            found = check_submission(files[0])
            warn(f"The server will refuse {files[0].name}: {'; '.join(found.problems)}.")
    try:
        write_parquet(report, folder / "ranks.parquet")
        written.append("ranks.parquet")
    except ModelUnavailable as error:
        warn(f"No ranks.parquet: {error}")
    try:
        written += [path.name for path in draw_report(report, folder, costs)]
    except ModelUnavailable as error:
        warn(f"No plots: {error}")
    if page and public:
        written.append(write_page(report, folder).name)
    return written
