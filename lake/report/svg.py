"""Matplotlib figures as SVG that can stand in a page: no outside references, identifiers that do not clash, text as text."""

from __future__ import annotations

import io
import re

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, SOFT, LINE = "#22303c", "#66757f", "#dfe4e8"
BLUE, PALE, WARM, GREEN, RED = "#2f6c8f", "#a9c6d6", "#cf8a3e", "#5b9279", "#b5524b"
MIX = [BLUE, WARM, GREEN, RED, PALE]
STEPS = {"ingest": "#8fa9b8", "conform": "#2f6c8f", "build": "#5b9279", "recommend": "#cf8a3e"}

STYLE = {
    "svg.fonttype": "none",  # letters stay letters: smaller, searchable, in the page's own font
    "svg.hashsalt": "lake",  # the same figures give the same file
    "font.size": 9.5,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": SOFT,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.7,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}


def figure(width: float, height: float) -> Figure:
    """An empty figure of so many inches."""
    return Figure(figsize=(width, height), layout="constrained")


def svg(drawn: Figure, name: str, about: str) -> str:
    """A figure as an <svg> element.

    Args:
        name: unique in the page; starts every identifier of the element.
        about: what is seen, for those who can't see it.
    """
    out = io.StringIO()
    drawn.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = out.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->\n?", "", text, flags=re.DOTALL)
    text = re.sub(r' xmlns(:\w+)?="[^"]*"', "", text).replace("xlink:href", "href")
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(url\(|href=")#', rf"\1#{name}-", text)
    return text.replace("<svg ", f'<svg role="img" aria-label="{about}" ', 1)


def styled(function):
    """Draw under the report's style."""

    def drawn(*arguments, **named):
        with rc_context(STYLE):
            return function(*arguments, **named)

    drawn.__doc__, drawn.__name__ = function.__doc__, function.__name__
    return drawn


def bars(axes: Axes, names: list[str], values: list[float], labels: list[str], colours: str | list[str] = BLUE) -> None:
    """Horizontal bars from the top down, each with its value written behind it."""
    places = range(len(names))
    axes.barh(places, values, color=colours, height=0.68)
    axes.set_yticks(places, names, color=INK)
    axes.set_ylim(len(names) - 0.4, -0.6)
    most = max([*values, 0]) or 1
    for place, value, label in zip(places, values, labels, strict=True):
        axes.text(value + most * 0.012, place, label, va="center", color=SOFT, fontsize=8.5)
    axes.set_xlim(0, most * 1.3)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
