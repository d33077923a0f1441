"""`moot measure`: prints what is measured about moderation, computes it now, and corrects what was published."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from folkmoot.base import clock
from folkmoot.base.errors import Problem
from folkmoot.commands.group import Group
from folkmoot.commands.options import data_option, json_option, open_database, run, settings_of, show

if TYPE_CHECKING:
    from folkmoot.base.db import ReadConn
    from folkmoot.moderation.measurement.model import Figure, FiguresOfMonth

_MONTH = click.DateTime(["%Y-%m"])
_RECENT = timedelta(days=90)
_month_argument = click.argument("month", type=_MONTH, required=False)


@click.group(cls=Group)
def measure() -> None:
    """Show how well moderation works: figures with their intervals, by month."""


@measure.command("show")
@_month_argument
@data_option
@json_option
def show_month(month: datetime | None, data: Path, as_json: bool) -> None:
    """Print the stored figures of MONTH, as 2026-11; without it, of the present month. They are computed once a day."""
    wanted = (month or clock.now()).date()
    found = run(_read(data, wanted))
    if found is None:
        raise Problem("There are no figures of %(month)s yet. To compute them: %(command)s", month=f"{wanted:%Y-%m}",
                      command=f"moot measure now --data {data}")
    show(msgspec.to_builtins(found), as_json, _month_table(found))


@measure.command()
@_month_argument
@data_option
@json_option
def now(month: datetime | None, data: Path, as_json: bool) -> None:
    """Compute the figures of MONTH from what is known now, and print them. Nothing is stored."""
    figures = run(_compute(data, month))
    show(msgspec.to_builtins(figures), as_json, "\n".join(_rows(figures)))


@measure.command()
@click.argument("month", type=_MONTH)
@click.option("--reason", required=True, help="Why. It is published with the figures.")
@data_option
@json_option
def correct(month: datetime, reason: str, data: Path, as_json: bool) -> None:
    """Publish a correction of MONTH: its figures as they are computed now, beside those that were published."""
    revision = run(_correct(data, month, reason))
    show({"month": f"{month:%Y-%m}", "revision": revision}, as_json, f"Revision {revision} of {month:%Y-%m} is published.")


@measure.command()
@data_option
@json_option
def pairs(data: Path, as_json: bool) -> None:
    """Run the detector of the network on pairs of texts that differ only in the group that they name.

    Beside it: how jurors have answered such pairs in the last 90 days, if five or more have.
    """
    answer = run(_pairs(data))
    lines = [*_rows(answer["figures"]), "", "Pairs that it treats differently:" if answer["flipped"] else "It treats all pairs alike."]
    lines += [f"  {one['scores'][0]:.2f} / {one['scores'][1]:.2f}  {one['one']}  |  {one['other']}" for one in answer["flipped"]]
    show({**answer, "figures": msgspec.to_builtins(answer["figures"])}, as_json, "\n".join(lines))


async def _read(data: Path, month: date) -> "FiguresOfMonth | None":
    from folkmoot.moderation.measurement.queries import figures_of_month

    async with open_database(settings_of(data)) as database, database.read() as conn:
        return await figures_of_month(conn, month)


async def _compute(data: Path, month: datetime | None) -> "list[Figure]":
    from folkmoot.moderation.measurement.computing import compute, read_sources
    from folkmoot.moderation.measurement.model import Period

    async with open_database(settings_of(data)) as database, database.read() as conn:
        sources = await read_sources(conn, Period.of_month((month or clock.now()).date()))
        return [*compute(sources, clock.now()), *(await _score_pairs(conn, data))[0]]


async def _correct(data: Path, month: datetime, reason: str) -> int:
    from folkmoot.moderation.measurement.actions.publish import correct_figures
    from folkmoot.moderation.measurement.model import Period

    figures = await _compute(data, month)
    async with open_database(settings_of(data)) as database, database.write() as tx:
        return await correct_figures(tx, Period.of_month(month.date()), figures, reason)


async def _pairs(data: Path) -> dict[str, Any]:
    from folkmoot.moderation.measurement.computing import of_flips
    from folkmoot.moderation.measurement.queries.sources import list_flips

    async with open_database(settings_of(data)) as database, database.read() as conn:
        figures, flipped = await _score_pairs(conn, data)
        by_jurors = await list_flips(conn, clock.now() - _RECENT, clock.now())
    return {"figures": [*figures, *of_flips(by_jurors)], "flipped": flipped}


async def _score_pairs(conn: "ReadConn", data: Path) -> "tuple[list[Figure], list[dict[str, Any]]]":
    """(the flip rates of the detector in use, the pairs that it treats differently)."""
    from folkmoot.moderation.detection.versions import CurrentDetector
    from folkmoot.moderation.measurement.pairs import measure_pairs, score_pairs, shipped_pairs

    detector = CurrentDetector(data)
    await detector.refresh(conn)
    flipped = [{**one.pair._asdict(), "scores": one.scores} for one in score_pairs(detector(), shipped_pairs()) if one.is_flipped]
    return measure_pairs(detector()), flipped


def _month_table(found: "FiguresOfMonth") -> str:
    state = "published" if found.is_final else "not final"
    lines = [f"{found.month:%Y-%m}, computed {found.computed_at:%Y-%m-%d %H:%M} UTC, {state}", *_rows(found.figures)]
    lines += [f"Correction {one.revision} ({one.computed_at:%Y-%m-%d}): {one.reason}" for one in found.corrections]
    return "\n".join(lines)


def _rows(figures: Sequence["Figure"]) -> list[str]:
    """One line for each figure: value, 95 % interval, number of observations."""
    head = f"{'figure':26}{'of':14}{'value':>11}  {'95 % interval':23}{'observations':>12}"
    return [head, *(f"{one.name:26}{one.scope:14}{_value(one, one.value):>11}  {_interval(one):23}{one.size:>12}" for one in figures)]


def _interval(one: "Figure") -> str:
    if one.low is None:
        return ""
    return f"{_value(one, one.low)} to {_value(one, one.high) if one.high is not None else 'unknown'}"


def _value(one: "Figure", value: float) -> str:
    if one.name.is_share:
        return f"{100 * value:.2f} %"
    return f"{value:.1f} h" if one.name.is_in_hours else f"{value:.0f}"
