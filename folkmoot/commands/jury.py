"""`moot jury`: computes the verdict of a jury again from the journal, shows what juries do, and simulates them (`jury_simulate.py`,
`jury_flood.py`). No command names a juror."""

import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from folkmoot.base.errors import NotFound
from folkmoot.commands.group import Group
from folkmoot.commands.jury_flood import flood
from folkmoot.commands.jury_simulate import simulate
from folkmoot.commands.options import NUMBER, data_option, duration, json_option, open_database, run, settings_of, show

if TYPE_CHECKING:
    from folkmoot.moderation.juries.queries import Figures
    from folkmoot.moderation.juries.replay import Replay

_DAYS = 30


@click.group(cls=Group)
def jury() -> None:
    """Recompute the verdict of a jury from the journal; show what juries do; measure how well they decide."""


jury.add_command(flood)
jury.add_command(simulate)


@jury.command()
@click.argument("case", type=NUMBER)
@data_option
@json_option
def replay(case: int, data: Path, as_json: bool) -> None:
    """Compute the verdict of the jury on CASE again, from the journal alone. Exit code 1 if anything differs.

    CASE is the whole number of the case, as in the address of its page.
    """
    found = run(_replay(case, data))
    if not found.counts:
        raise NotFound("The journal has no count of a jury for case %(number)s. Moderators may have decided it.", number=case)
    answer = {**msgspec.to_builtins(found), "case_id": str(case), "same": not found.differences}
    show(answer, as_json, "\n".join(_described(found)))
    sys.exit(1 if found.differences else 0)


@jury.command()
@data_option
@json_option
def status(data: Path, as_json: bool) -> None:
    """Show whether there are enough jurors, how many juries sit and since when, which cases moderators got instead, and how many groups of
    jurors gave answers that look arranged."""
    answer = run(_status(data))
    show(answer, as_json, "\n".join(_lines(answer)))


def _described(found: "Replay") -> list[str]:
    if found.differences:
        return [f"Case {found.case_id}: the verdict does not follow from the journal.", *(f"  {one}" for one in found.differences),
                "To check the whole journal: moot journal verify"]
    assert found.result
    lines = [f"Case {found.case_id}: {found.counts} count{'s' if found.counts > 1 else ''}, recomputed to the same bytes."]
    lines.append(f"{found.result.reviews} answers; probability of a breach {found.probability:.3f}. {_ending(found)}")
    if found.unsealed:
        lines.append(f"Note: {found.unsealed} entries are not sealed yet; the next second protects them.")
    return lines


def _ending(found: "Replay") -> str:
    result = found.result
    assert result
    if result.action:
        return f"Verdict: {result.action}{f', {result.clause}' if result.clause else ''}."
    return f"Moderators decide: {result.reason}." if result.reason else f"{result.seats} more jurors are asked."


def _lines(answer: dict[str, Any]) -> list[str]:
    if answer["enough"] and answer["wanted"]:
        first = f"Juries decide here: {answer['needed']} jurors or more can be called."
    elif answer["wanted"]:
        first = f"Moderators decide: {answer['able']} jurors can be called, and juries begin with {answer['needed']}."
    else:
        first = "Moderators decide: moderation.juries is never."
    since = f", the first for {duration(answer['oldest'])}" if answer["oldest"] is not None else ""
    lines = [first, f"Juries that sit: {answer['sitting']}{since}. Invitations: {answer['invited']}; being read: {answer['opened']}.",
             f"Decided by juries in the last {_DAYS} days: {answer['decided']}."]
    if answer["passed"]:
        lines.append("Left to moderators in that time: " + ", ".join(f"{name} {number}" for name, number in answer["passed"].items()) + ".")
    if answer["rings"]:
        lines.append(f"Groups of jurors whose answers look arranged: {answer['rings']}. Operators see the evidence at /moderate/rings.")
    return lines


async def _replay(case: int, data: Path) -> "Replay":
    from folkmoot.moderation.juries.replay import replay_case

    async with open_database(settings_of(data)) as database, database.read() as conn:
        return await replay_case(conn, case)


async def _status(data: Path) -> dict[str, Any]:
    from folkmoot.base import clock
    from folkmoot.moderation.juries import queries
    from folkmoot.moderation.juries.actions.sitting import WHEN_ENOUGH
    from folkmoot.moderation.juries.model import ENOUGH_JURORS
    from folkmoot.moderation.juries.queries.rings import count_recent_rings

    settings = settings_of(data)
    now = clock.now()
    async with open_database(settings) as database, database.read() as conn:
        able = await queries.count_able(conn, now, ENOUGH_JURORS)
        figures: Figures = await queries.get_figures(conn, now, timedelta(days=_DAYS))
        rings = await count_recent_rings(conn, now - timedelta(days=_DAYS))
    return {
        "wanted": settings.moderation.juries == WHEN_ENOUGH, "able": able, "needed": ENOUGH_JURORS, "enough": able >= ENOUGH_JURORS,
        "sitting": figures.sitting, "oldest": (now - figures.oldest_at).total_seconds() if figures.oldest_at else None,
        "invited": figures.invited, "opened": figures.opened, "decided": figures.decided, "passed": figures.passed,
        "rings": rings,
    }
