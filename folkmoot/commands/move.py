"""`moot move`: makes the other host the primary, while reading goes on and writing pauses for a moment."""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from folkmoot.base.errors import Problem
from folkmoot.commands.hints import say
from folkmoot.commands.options import data_option, json_option, run, settings_of, show
from folkmoot.commands.progress import log_kept_out, show_progress
from folkmoot.commands.this_host import show_host
from folkmoot.config import Settings

if TYPE_CHECKING:
    from folkmoot.portability.moving.preflight import Survey

_COLOURS = {"primary": "green", "standby": "yellow", "fenced": "red", "returning": "red"}
_MARKS = {"good": ("ok", "green"), "warning": ("!", "yellow"), "stop": ("STOP", "red")}


@click.command()
@click.option("--to", "target", default="", help="Name of the host that takes over, to be sure of the direction.")
@click.option("--steady", type=click.FloatRange(0, 3600), default=60.0, show_default=True,
              help="Seconds for which the new host must follow closely before writing pauses.")
@click.option("--undo", "undoes", is_flag=True,
              help="After an interrupted move: let this host write again, if the other one has not taken over.")
@click.option("--other-host-is-off", "is_other_off", is_flag=True,
              help="With --undo: you know that the other host does not run. If it does, two hosts will write.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--dry-run", is_flag=True,
              help="Check both hosts and the link, and print the plan; change nothing. Fails if the move cannot start.")
@data_option
@json_option
def move(
    target: str, steady: float, undoes: bool, is_other_off: bool, yes: bool, dry_run: bool, data: Path, as_json: bool
) -> None:
    """Make the other host the primary. Run again after an interruption, on either host, it goes on where it stopped."""
    from folkmoot.portability.data_directory import DataDirectory
    from folkmoot.portability.hosts.client import NotPaired
    from folkmoot.portability.hosts.peers import Peers

    if is_other_off and not undoes:
        raise click.UsageError("--other-host-is-off belongs to --undo.")
    if target and undoes:
        raise click.UsageError("--to does not belong to --undo, which lets this host write again.")
    settings = settings_of(data)
    if settings.database.url:
        raise Problem("A move needs the database that Folkmoot runs itself. With database.url, move that server with its own tools.")
    if not undoes and Peers(DataDirectory(data)).one() is None:
        raise NotPaired
    with DataDirectory(data).exclusively("move"), log_kept_out():
        if undoes:
            epoch = run(_undo(settings, is_other_off=is_other_off, is_dry=dry_run, asks=not yes and not as_json))
            verb = "Nothing was done. This host would write" if dry_run else "This host writes"
            show({"epoch": epoch, "dry_run": dry_run}, as_json, f"{verb} again, in epoch {epoch}.")
            return
        answer = run(_move(settings, target, steady, is_dry=dry_run, asks=not yes and not as_json, as_json=as_json))
    show(answer, as_json, _text(answer))
    if dry_run and answer.get("obstacles"):
        sys.exit(1)


async def _move(settings: Settings, target: str, steady: float, *, is_dry: bool, asks: bool, as_json: bool) -> dict[str, Any]:
    from folkmoot.agent import create_moving, own_name
    from folkmoot.portability.hosts.messages import PeerUnreachable
    from folkmoot.portability.moving.driver import drive, look_at
    from folkmoot.portability.moving.model import Options
    from folkmoot.portability.moving.plan import Names
    from folkmoot.portability.moving.preflight import survey
    from folkmoot.portability.names.before_move import check_names
    from folkmoot.portability.names.repointing import PublicNames

    moving = create_moving(settings)
    try:
        names = {moving.own.this.id: own_name(settings), moving.peer.id: moving.peer.name}
        try:
            planned = await look_at(moving.own, moving.other, Options(steady=steady))
        except PeerUnreachable as problem:
            raise Problem("%(why)s. A move needs both hosts. If that one is lost, run on the standby: moot failover --dry-run",
                          why=str(problem.message % problem.params).rstrip(".")) from problem
        old, new = names[planned.at_old.host], names[planned.at_new.host]
        if target not in ("", new):
            raise Problem("The only host that can take over is %(new)s. Run: moot move --to %(new)s", new=new)
        plan = {"move": planned.id, "from": old, "to": new, "epoch": planned.at_old.epoch, "goes_on": planned.is_fenced}
        if not planned.is_fenced:
            checks = [partial(check_names, settings, new, planned.at_new.addresses)]
            found = await survey(planned, moving.own, moving.preflight, moving.ask, Names(old, new), checks)
            plan |= _facts(found)
            if not is_dry:
                found.require()
        if is_dry:
            return {**plan, "dry_run": True}
        planned.names = PublicNames(settings)
        _confirm(plan, planned, asks=asks)
        with show_progress(as_json) as progress:
            await drive(planned, moving.own.this.journal, lambda step: progress.step(step.sentence))
        return {**plan, **_outcome(planned)}
    finally:
        await moving.close()


def _facts(found: "Survey") -> dict[str, Any]:
    """What was examined before the move, for programs."""
    return {
        "round_trip_ms": round(found.round_trip * 1000, 1), "expected_pause_ms": round(found.pause * 1000), "obstacles": found.stops,
        "checks": [{"name": line.name, "found": line.found, "level": str(line.level), "mend": line.mend} for line in found.lines],
    }


async def _undo(settings: Settings, *, is_other_off: bool, is_dry: bool, asks: bool) -> int:
    """Returns the epoch in which this host writes again."""
    from folkmoot.agent import create_moving
    from folkmoot.portability.moving.driver import require_undoable, undo

    moving = create_moving(settings)
    try:
        state = require_undoable(moving.own)
        if is_dry:
            return state.epoch + 2
        show_host(settings)
        if asks and not sys.stdin.isatty():
            raise Problem("This needs a confirmation. If you are sure, run the same command with --yes.")
        if asks:
            click.confirm("  Let this host write again?", abort=True, err=True)
        return (await undo(moving.own, moving.other, is_other_off=is_other_off)).epoch
    finally:
        await moving.close()


def _outcome(done: Any) -> dict[str, Any]:
    """What was measured, and the proof that nothing was lost: what both hosts had at the fence, the last write of the old one.

    `lost_writes` is 0 after an interruption too, when an earlier run has compared: a host takes over only after that.
    """
    from folkmoot.portability.moving.model import position
    from folkmoot.portability.names.repointing import Repointing

    return {
        "epoch": done.at_new.epoch, "old_role": str(done.at_old.role),
        "pause_ms": None if done.pause is None else round(done.pause * 1000), "lost_writes": 0,
        "proof": _proof(done.fence, done.caught_up), "forwarded": done.has_forwarded,
        "log_bytes": position(done.fence.position) - position(done.began_at) if done.fence and done.began_at else None,
        "names": msgspec.to_builtins(done.repointing or Repointing()),
        "took": {str(state): seconds for state, seconds in done.took.items()},
    }


def _proof(fence: Any, caught_up: Any) -> dict[str, Any] | None:
    """None if an earlier run of the command has compared the two hosts."""
    if fence is None or caught_up is None:
        return None
    sides = (("old", fence.position, fence.last), ("new", caught_up.position, caught_up.last))
    return {
        side: {
            "position": at, "last_event": last.last_event, "events_digest": last.digest, "posts": last.posts,
            "posts_digest": last.posts_digest,
        }
        for side, at, last in sides
    }


def _confirm(plan: dict[str, Any], planned: Any, *, asks: bool) -> None:
    """Shows which host is which, in colour, and what is not as it should be, and asks. Raises Problem if there is nobody to ask."""
    for what, name, role in (("from", plan["from"], planned.at_old.role), ("to", plan["to"], planned.at_new.role)):
        click.echo(f"  {what:5} {click.style(name, bold=True):24} {click.style(role.upper(), fg=_COLOURS[role])}", err=True)
    if lacks := [line for line in plan.get("checks", []) if line["mend"]]:
        say(_table(lacks))
    if not asks:
        return
    if not sys.stdin.isatty():
        raise Problem("A move needs a confirmation. If you are sure, run: moot move --to %(new)s --yes", new=plan["to"])
    question = "The move goes on where it stopped" if plan["goes_on"] else (
        f"Writing will pause for about {plan['expected_pause_ms'] / 1000:.1f} s, reading goes on. Make {plan['to']} the primary"
    )
    click.confirm(f"  {question}?", abort=True, err=True)


def _table(checks: list[dict[str, Any]]) -> str:
    """The table of the preflight: a line for each check, and below it how to mend what is not good."""
    lines = []
    for check in checks:
        mark, colour = _MARKS[check["level"]]
        lines.append(f"  {click.style(f'{mark:5}', fg=colour, bold=True)} {check['name']:12} {check['found']}")
        if check["mend"]:
            lines.append(click.style(f"{'':21}{check['mend']}", fg=colour))
    return "\n".join(lines)


def _plan_text(plan: dict[str, Any]) -> str:
    heading = f"A move from {click.style(plan['from'], bold=True)} to {click.style(plan['to'], bold=True)}. Nothing was changed."
    if plan["goes_on"]:
        return f"{heading}\nA move has begun: the old host does not write any more. Finish it with: moot move"
    if plan["obstacles"]:
        end = click.style("The move cannot start: first mend the lines with STOP.", fg="red")
    else:
        end = f"Nothing speaks against the move. Writing would pause for about {plan['expected_pause_ms']} ms, reading goes on."
    return f"{heading}\n\n{_table(plan['checks'])}\n\n{end}"


def _text(answer: dict[str, Any]) -> str:
    if answer.get("dry_run"):
        return _plan_text(answer)
    pause = "ended in an earlier run" if answer["pause_ms"] is None else f"{answer['pause_ms']} ms, reading went on"
    forwards = f"yes: {answer['to']} answered a request to {answer['from']}" if answer["forwarded"] else "not tried in this run"
    return (
        f"{answer['to']} is the primary now, in epoch {answer['epoch']}; {_old_text(answer)}.\n"
        f"  pause      {pause}\n"
        f"  lost       0 writes{_proof_text(answer['proof'])}\n"
        f"  received   {_size(answer['log_bytes'])} of the log during the move\n"
        f"  forwards   {forwards}\n"
        f"{_names_text(answer['names'])}"
        f"  took       {sum(answer['took'].values()):.1f} s\n"
        f"  {_way_back(answer)}"
    )


def _old_text(answer: dict[str, Any]) -> str:
    return f"{answer['from']} is its standby" if answer["old_role"] == "standby" else f"{answer['from']} passes requests on"


def _way_back(answer: dict[str, Any]) -> str:
    """A server that was left by a logical move cannot follow the log of the new one."""
    if answer["old_role"] == "standby":
        return f"way back   moot move --to {answer['from']}"
    return f"next       {answer['from']} has another kind of server. Make it a standby there (moot standby --again), or switch it off"


def _proof_text(proof: dict[str, Any] | None) -> str:
    if proof is None:
        return "; an earlier run compared both hosts"
    old, new = proof["old"], proof["new"]
    return (
        f": the last events (up to {old['last_event']}) and posts ({old['posts']} compared) of both hosts are equal\n"
        f"             {old['posts_digest'][:16]} = {new['posts_digest'][:16]}, at {old['position']} of the log"
    )


def _size(number: int | None) -> str:
    return "the rest" if number is None else f"{number / 1e6:.1f} MB"


def _names_text(names: dict[str, Any]) -> str:
    """What became of the public names; nothing for a network without one."""
    lines = [f"changed: {change}" for change in names["changed"]]
    lines += [f"{name} does not lead to the new host yet: {found}" for name, found in names["elsewhere"].items()]
    if names["elsewhere"]:
        lines.append("Until then the old host passes requests on.")
    lines += [names["why"]] if names["why"] else []
    lines += [f"by hand, where the name is registered: {change}" for change in names["by_hand"]]
    if names["by_hand"] or names["elsewhere"]:
        lines.append("On the new host this waits until all is well: moot names point")
    return "".join(f"  {'names' if not number else '':10} {line}\n" for number, line in enumerate(lines))
