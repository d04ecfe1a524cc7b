"""The plots of the report: rows of lake.figures in, an <svg> element out."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import cycle
from math import isnan, nan

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.dates import DateFormatter, MonthLocator
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from lake.figures.reader import Row
from lake.figures.text import brl, count, month, share, words
from lake.report.svg import BLUE, GREEN, INK, LINE, MIX, PALE, RED, SOFT, STEPS, WARM, bars, figure, styled, svg

FEW_REVIEWS = 30  # a month's mean over fewer says nothing


@styled
def sales(months: list[Row]) -> str:
    """Revenue above, orders below, by month of purchase; a month without orders is a gap."""
    drawn = figure(10.2, 4.3)
    above, below = drawn.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    days = [row["purchase_month"] for row in months]
    above.bar(days, [float(row["revenue_brl"]) for row in months], width=22, color=PALE, label="all orders")
    above.bar(days, [float(row["revenue_delivered_brl"]) for row in months], width=22, color=BLUE, label="delivered")
    above.set_title("Revenue, R$ thousand")
    above.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / 1000:,.0f}"))
    above.legend(loc="lower right", bbox_to_anchor=(1, 0.99), ncols=2, fontsize=8.5, borderaxespad=0)
    below.bar(days, [row["orders"] for row in months], width=22, color=WARM)
    below.set_title("Orders")
    below.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    below.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    _by_month(above, below, days, labels=12)
    return svg(drawn, "sales", "Revenue and orders by month")


def _by_month(above: Axes, below: Axes, days: list[date], labels: int) -> None:
    """The shared time axis of two plots, with about so many labels, and lines to read values by."""
    span = (max(days).year - min(days).year) * 12 + max(days).month - min(days).month + 1
    below.xaxis.set_major_locator(MonthLocator(interval=max(1, round(span / labels))))
    below.xaxis.set_major_formatter(DateFormatter("%Y-%m"))
    below.set_xlim(min(days) - timedelta(days=20), max(days) + timedelta(days=20))
    for axes in (above, below):
        axes.grid(axis="y")
        axes.spines["left"].set_visible(False)


@styled
def states(rows: list[Row]) -> str:
    """Revenue by state of the customer, with its share of all."""
    return _amounts("states", "Revenue by state", rows, [row["customer_state"] for row in rows])


@styled
def categories(rows: list[Row]) -> str:
    """Revenue by category; all the small ones together last, paler."""
    colours = [PALE if row["others"] else BLUE for row in rows]
    return _amounts("categories", "Revenue by category", rows, [words(row["category"]) for row in rows], colours)


def _amounts(name: str, about: str, rows: list[Row], names: list[str], colours: str | list[str] = BLUE, column: str = "revenue_brl") -> str:
    drawn = figure(5.0, 0.42 + 0.215 * len(rows))
    total = float(sum(row[column] for row in rows)) or 1
    values = [float(row[column]) for row in rows]
    labels = [f"{brl(row[column])} · {share(float(row[column]) / total)}" for row in rows]
    axes = drawn.subplots()
    bars(axes, names, values, labels, colours)
    axes.set_xlim(0, (max(values, default=0) or 1) * 1.75)
    return svg(drawn, name, about)


@styled
def scores(rows: list[Row]) -> str:
    """How many reviews gave how many stars."""
    drawn = figure(5.0, 2.3)
    by_score = {row["score"]: row["reviews"] for row in rows}
    total = sum(by_score.values()) or 1
    stars = [5, 4, 3, 2, 1]
    values = [by_score.get(star, 0) for star in stars]
    labels = [f"{count(value)} · {share(value / total)}" for value in values]
    colours = [GREEN, "#9dbfae", "#d5d9dc", "#d9a6a1", RED]
    bars(drawn.subplots(), [f"{star} star{'s' if star > 1 else ''}" for star in stars], values, labels, colours)
    return svg(drawn, "scores", "Reviews by score")


@styled
def review_trend(rows: list[Row]) -> str:
    """Mean score above, share of dissatisfied customers below, by month; months with hardly any reviews left out."""
    drawn = figure(5.0, 4.4)
    above, below = drawn.subplots(2, 1, sharex=True)
    days = [row["review_month"] for row in rows]
    mean = [row["score_mean"] if row["reviews"] >= FEW_REVIEWS else nan for row in rows]
    dissatisfied = [100 * row["dissatisfied_share"] if row["reviews"] >= FEW_REVIEWS else nan for row in rows]
    above.plot(days, mean, color=BLUE, linewidth=1.8, marker="o", markersize=3)
    above.set_title("Mean score")
    below.plot(days, dissatisfied, color=RED, linewidth=1.8, marker="o", markersize=3)
    below.set_title("1 or 2 stars, %")
    below.set_ylim(bottom=0)
    _by_month(above, below, days, labels=5)
    return svg(drawn, "review-trend", "Review scores by month")


@styled
def segments(rows: list[Row]) -> str:
    """Each segment's share of the persons and of their payments."""
    drawn = figure(5.0, 0.75 + 0.4 * len(rows))
    axes = drawn.subplots()
    persons = sum(row["persons"] for row in rows) or 1
    money = float(sum(row["monetary_brl"] for row in rows)) or 1
    for place, row in enumerate(rows):
        for shift, value, colour in ((-0.19, row["persons"] / persons, PALE), (0.19, float(row["monetary_brl"]) / money, BLUE)):
            axes.barh(place + shift, value, height=0.34, color=colour)
            axes.text(value + 0.006, place + shift, share(value), va="center", fontsize=8.5, color=SOFT)
    axes.set_yticks(range(len(rows)), [row["segment"] for row in rows], color=INK)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xticks([])
    axes.set_xlim(right=axes.get_xlim()[1] * 1.12)
    axes.spines["bottom"].set_visible(False)
    legend = [Patch(color=PALE, label="of persons"), Patch(color=BLUE, label="of payments")]
    axes.legend(handles=legend, loc="lower right", fontsize=8.5)
    return svg(drawn, "segments", "Customer segments: share of persons and of payments")


@styled
def delivery(rows: list[Row]) -> str:
    """Days by stage: a bar to the 90th percentile, a mark at the median, a ring at the mean."""
    drawn = figure(5.0, 2.5)
    axes = drawn.subplots()
    for place, row in enumerate(rows):
        axes.barh(place, row["p90_days"], height=0.5, color=PALE)
        axes.plot([row["median_days"]] * 2, [place - 0.25, place + 0.25], color=BLUE, linewidth=3, solid_capstyle="butt")
        axes.plot(row["mean_days"], place, "o", markersize=6, markerfacecolor="white", markeredgecolor=WARM, markeredgewidth=1.8)
    axes.set_yticks(range(len(rows)), [row["member"] for row in rows], color=INK)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlabel("days")
    axes.grid(axis="x")
    axes.spines["bottom"].set_visible(False)
    return svg(drawn, "delivery", "Days of delivery by stage")


@styled
def payments(rows: list[Row]) -> str:
    """Amount paid by means of payment."""
    return _amounts("payments", "Payments by means of payment", rows, [words(r["payment_type"]) for r in rows], column="payment_brl")


@styled
def payment_months(rows: list[Row]) -> str:
    """Share of each means of payment in the amount paid, by month; a month without payments is a gap."""
    drawn = figure(10.2, 2.5)
    axes = drawn.subplots()
    floor = {row["purchase_month"]: 0.0 for row in rows}
    kinds = list(dict.fromkeys(row["payment_type"] for row in rows))
    for kind, colour in zip(kinds, cycle(MIX), strict=False):
        shares = {row["purchase_month"]: 100 * float(row["share"]) for row in rows if row["payment_type"] == kind}
        axes.bar(list(shares), list(shares.values()), width=22, bottom=[floor[day] for day in shares], color=colour, label=words(kind))
        floor |= {day: floor[day] + value for day, value in shares.items()}
    axes.set_ylim(0, 100)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 0.99), ncols=len(kinds), fontsize=8.5, borderaxespad=0)
    _by_month(axes, axes, list(floor), labels=12)
    return svg(drawn, "payment-months", "Payment mix by month in per cent")


@styled
def cohorts(rows: list[Row]) -> str:
    """Heat map: of each cohort, the share that bought again so many months later."""
    starts = sorted({row["cohort_month"] for row in rows})
    sizes = {row["cohort_month"]: row["cohort_customers"] for row in rows}
    width = max(row["months_since"] for row in rows)
    grid = [[nan] * width for _ in starts]
    for row in rows:
        grid[starts.index(row["cohort_month"])][row["months_since"] - 1] = 100 * row["retention_share"]
    drawn = figure(10.2, 1.0 + 0.25 * len(starts))
    axes = drawn.subplots()
    colours = LinearSegmentedColormap.from_list("calm", ["#f4f8fa", PALE, BLUE])
    most = max(100 * row["retention_share"] for row in rows) or 1
    axes.pcolormesh(grid, cmap=colours, vmin=0, vmax=most, edgecolors="white", linewidth=1.5)
    for y, line in enumerate(grid):
        for x, value in enumerate(line):
            if not isnan(value):
                tone = "white" if value > 0.7 * most else INK
                axes.text(x + 0.5, y + 0.5, f"{value:.2f}", ha="center", va="center", fontsize=8.5, color=tone)
    axes.set_yticks([y + 0.5 for y in range(len(starts))], [f"{month(s)}  ({count(sizes[s])})" for s in starts], color=INK)
    axes.set_xticks([x + 0.5 for x in range(width)], [str(x + 1) for x in range(width)])
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xlabel("months after the first purchase")
    axes.invert_yaxis()
    axes.spines[:].set_visible(False)
    return svg(drawn, "cohorts", "Cohort retention in per cent")


@styled
def timeline(work: list[Row]) -> str:
    """When each table was worked on, from the start of the run; tables of a step run side by side."""
    drawn = figure(10.2, 0.9 + 0.17 * len(work))
    axes = drawn.subplots()
    end = max(row["offset"] + row["seconds"] for row in work) or 1
    for place, row in enumerate(work):
        colour = RED if row["status"] == "failed" else STEPS.get(row["step"], SOFT)
        axes.barh(place, max(row["seconds"], end * 0.002), left=row["offset"], height=0.7, color=colour)
        axes.text(row["offset"] + row["seconds"] + end * 0.006, place, f"{row['seconds']:.1f} s", va="center", fontsize=7.5, color=SOFT)
    axes.set_yticks(range(len(work)), [row["table"] for row in work], color=INK, fontsize=8)
    axes.set_ylim(len(work) - 0.4, -0.6)
    axes.set_xlim(0, end * 1.07)
    axes.set_xlabel("seconds since the start of the run")
    axes.grid(axis="x")
    axes.spines["bottom"].set_color(LINE)
    axes.spines["left"].set_visible(False)
    steps = list(dict.fromkeys(row["step"] for row in work))
    legend = [Patch(color=STEPS.get(step, SOFT), label=step) for step in steps]
    axes.legend(handles=legend, loc="upper right", fontsize=8.5)
    return svg(drawn, "timeline", "Time by table")
