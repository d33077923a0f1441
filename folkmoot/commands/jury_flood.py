"""`moot jury flood`: synthetic jurors and moderators work off a backlog that came within an hour. Needs no network."""

import asyncio
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click
import msgspec

from folkmoot.base import clock
from folkmoot.commands.jury_simulate import progress
from folkmoot.commands.options import json_option, show

if TYPE_CHECKING:
    from folkmoot.config import Settings
    from folkmoot.moderation.jury.synthetic import World
    from folkmoot.moderation.simulation.flood import Drained

_DAY = 24


@click.command()
@click.option("--cases", type=click.IntRange(1), default=1300, show_default=True, help="All reported within an hour.")
@click.option("--jurors", type=click.IntRange(24), default=40, show_default=True, help="Who apply; most pass the training.")
@click.option("--moderators", type=click.IntRange(0), default=1, show_default=True, help="Each decides 40 cases a day.")
@click.option("--threats", type=click.FloatRange(0, 1), default=0.25, show_default=True,
              help="Share of the cases about threats, which have a day; the others have three.")
@click.option("--bad-faith", type=click.FloatRange(0, 1), default=0.1, show_default=True, help="Share of the jurors in bad faith.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Other seeds have other people and cases.")
@json_option
def flood(cases: int, jurors: int, moderators: int, threats: float, bad_faith: float, seed: int, as_json: bool) -> None:
    """Measure how a flood of reports is worked off: work, deadlines, and who waits for what.

    The queue, its lanes, deadlines and juries are those of the code of a network, on a database that is thrown away. Nobody is asked for
    more than 40 items a day. Without options it is a twentieth of 26,000 cases, 800 jurors and 20 moderators.
    """
    from folkmoot.moderation.jury.synthetic import World

    world = World(jurors=jurors, cases=cases, authors=max(100, jurors), follows=min(20, jurors // 6), bad_faith=bad_faith)
    began = clock.monotonic()
    with progress(cases, as_json) as tell:
        drained = _drain(world, seed, moderators, threats, tell)
    answer = msgspec.to_builtins(drained) | {"seed": seed, "seconds": round(clock.monotonic() - began, 1)}
    show(answer, as_json, "\n".join(_lines(drained)))
    sys.exit(1 if drained.late or drained.undecided else 0)


def _drain(world: "World", seed: int, moderators: int, threats: float, tell: Callable[[int], None]) -> "Drained":
    from folkmoot.commands.simulated_network import throw_away_settings

    with throw_away_settings(f"flood {seed}".encode()) as settings:
        return asyncio.run(_run(settings, world, seed, moderators, threats, tell))


async def _run(
    settings: "Settings", world: "World", seed: int, moderators: int, threats: float, tell: Callable[[int], None]
) -> "Drained":
    from folkmoot.base.db import Database
    from folkmoot.moderation.simulation.flood import Flood

    database = await Database.open(settings.dsn, listen=False)
    try:
        with clock.drawn_from(f"flood {seed}"):
            return await Flood(database, settings, world, seed, moderators, threats, tell).drain()
    finally:
        await database.close()


def _lines(one: "Drained") -> list[str]:
    lines = [
        f"{one.cases} cases, {one.jurors} jurors, {one.moderators} moderators",
        f"  decided     {one.cases - one.undecided} in {one.hours / _DAY:.1f} days, {one.by_jury:.0%} by juries, {one.right:.1%} rightly",
        f"  work        {one.minutes:.0f} minutes of each juror, {one.most_minutes:.0f} at most; at most {one.most_items} items in a day",
        f"  deadlines   {one.in_time} met by a decision, {one.covered} by hiding the post until there was one, {one.late} missed",
        f"  threats     {one.threats:.0%} of the cases, {one.first_half:.0%} of the first half of the decisions; nine in ten of the real"
        f" ones were seen for at most {one.seen_hours:.0f} hours",
        f"  harmless    {one.held} posts were hidden at their deadline, nine in ten of them for at most {one.held_hours:.0f} hours",
    ]
    return [*lines, f"  {one.undecided} are not decided after a month"] if one.undecided else lines
