"""`moot hold`: legal holds. docs/moderate/two-people.md describes them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from folkmoot.commands.group import Group
from folkmoot.commands.options import NUMBER, data_option, json_option, open_database, run, settings_of, show
from folkmoot.commands.proposals import act_as, by_option, described

if TYPE_CHECKING:
    from folkmoot.base.db import WriteTx
    from folkmoot.moderation.holds.model import Hold
    from folkmoot.moderation.proposals.model import Proposal
    from folkmoot.network.sessions.model import Viewer


@click.group(cls=Group)
def hold() -> None:
    """Keep what a case is about for a court or the police, whatever its author does. Two people place a hold."""


@hold.command("list")
@click.option("--all", "with_ended", is_flag=True, help="Also holds that have ended.")
@data_option
@json_option
def list_(with_ended: bool, data: Path, as_json: bool) -> None:
    """List the legal holds in force, the one that ends first at the beginning."""

    async def work() -> "list[Hold]":
        from folkmoot.moderation.holds.queries import list_holds

        async with open_database(settings_of(data)) as database, database.read() as conn:
            return await list_holds(conn, with_ended=with_ended, limit=10_000)

    found = [_described(one) for one in run(work())]
    lines = [
        f"  {one['id']}  case {one['case_id']}  {one['state']:8}  until {one['until']:%Y-%m-%d}  {one['reason'] or one['ground']}"
        for one in found
    ]
    show({"holds": found}, as_json, "\n".join(lines) or "Nothing is held.")


@hold.command()
@click.argument("case", type=NUMBER)
@click.option("--reason", required=True, help="Who needs it, and for what.")
@click.option("--days", type=int, default=184, show_default=True, help="How long it is kept.")
@by_option
@data_option
@json_option
def propose(case: int, reason: str, days: int, by: str, password_file: Any, data: Path, as_json: bool) -> None:
    """Propose a hold on what CASE is about. Copies are taken at once; somebody else has a day to agree."""

    async def act(tx: "WriteTx", viewer: "Viewer") -> "Proposal":
        from folkmoot.base.errors import NotFound
        from folkmoot.moderation.verdicts.two_people import propose_hold

        try:
            return await propose_hold(tx, viewer, case, reason, days)
        except NotFound as problem:
            raise NotFound("There is no case %(number)s.", number=case) from problem

    made = act_as(data, by, password_file, act)
    show(described(made), as_json, f"Proposed. Somebody else has a day to agree: moot proposals agree {made.id} --by NAME")


@hold.command()
@click.argument("number", type=NUMBER)
@click.option("--reason", required=True, help="Why it is not needed any more.")
@by_option
@data_option
@json_option
def release(number: int, reason: str, by: str, password_file: Any, data: Path, as_json: bool) -> None:
    """Release a hold. NUMBER as in `moot hold list`. What nothing else keeps is deleted within an hour."""

    async def act(tx: "WriteTx", viewer: "Viewer") -> "Hold":
        from folkmoot.base.errors import NotFound
        from folkmoot.moderation.verdicts.two_people import end_hold

        try:
            return await end_hold(tx, viewer, number, reason)
        except NotFound as problem:
            raise NotFound("There is no hold %(number)s. See: moot hold list", number=number) from problem

    show(_described(act_as(data, by, password_file, act)), as_json, f"Hold {number} is released.")


def _described(one: "Hold") -> dict[str, Any]:
    return {
        "id": str(one.id), "case_id": str(one.case_id), "ground": one.ground, "state": one.state, "reason": one.reason,
        "placed_at": one.placed_at, "until": one.until, "ended_at": one.ended_at, "end_reason": one.end_reason,
    }
