"""The HTML report of a run: one file that needs nothing else, for the screen and for paper.

python -m lake.report --lake data/lake --out reports
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from lake.figures import Figures, collect, text
from lake.figures.reader import Row
from lake.files import name_of, put_text

FOLDER = Path(__file__).parent
FILE, NUMBERS = "report.html", "report.json"
FILTERS = ("brl", "count", "share", "number", "seconds", "month", "moment", "size", "words", "inputs", "days", "method", "aside")


def write_report(root: str, out: str | Path | None = None, run_id: str | None = None) -> str:
    """Write the report of a lake and of one run (the newest, unless one is named), and its numbers beside it as JSON.

    Args:
        root: the lake.
        out: folder for report.html and report.json, made if it is not there; by default reports/<run> in the lake.

    Returns:
        The page's path.

    Raises:
        BadInput: there is no such folder, or no such run.
        BadEnvironment, OSError: the bucket or the folder can't be written.
    """
    figures = collect(root, run_id)
    run = figures.operations.run
    folder = str(out or f"{root}/reports/{name_of(run.run_id) if run else 'none'}")
    put_text(folder, NUMBERS, json.dumps(asdict(figures), ensure_ascii=False, indent=1, default=str))
    return put_text(folder, FILE, render(figures))


def render(figures: Figures) -> str:
    """The page of these figures."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update({name: getattr(text, name) for name in FILTERS})
    return environment.get_template("template.html").render(
        style=Markup((FOLDER / "style.css").read_text(encoding="utf-8")),
        figures=figures,
        key=figures.business.key,
        b=figures.business,
        o=figures.operations,
        run=figures.operations.run,
        plots=_plots(figures),
    )


def _plots(figures: Figures) -> dict[str, Markup]:
    """Each plot whose rows are there, by name; the empty text for the others."""
    from lake.report import charts  # matplotlib takes a second to load

    b, o = figures.business, figures.operations
    wanted: dict[str, tuple[Callable[[list[Row]], str], list[Row]]] = {
        "sales": (charts.sales, b.months),
        "states": (charts.states, b.states),
        "categories": (charts.categories, b.categories),
        "scores": (charts.scores, b.scores),
        "review_trend": (charts.review_trend, b.reviews),
        "segments": (charts.segments, b.segments),
        "delivery": (charts.delivery, b.stages),
        "payments": (charts.payments, b.payments),
        "payment_months": (charts.payment_months, b.payment_months),
        "cohorts": (charts.cohorts, b.cohorts),
        "timeline": (charts.timeline, o.work),
    }
    return {name: Markup(draw(rows) if rows else "") for name, (draw, rows) in wanted.items()}
