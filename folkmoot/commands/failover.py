"""`moot failover`: makes this host the primary, because the other one is lost."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from folkmoot.base.errors import Problem
from folkmoot.commands.options import data_option, json_option, run, settings_of, show
from folkmoot.commands.progress import log_kept_out, show_progress
from folkmoot.commands.this_host import show_host
from folkmoot.config import Settings

if TYPE_CHECKING:
    from folkmoot.portability.failover.driver import Failover


@click.command()
@click.option("--other-host-is-off", "is_other_off", is_flag=True,
              help="You know that the other host does not run, for example because its provider has ended it. This is noted.")
@click.option("--accept-loss", "accepts_loss", is_flag=True,
              help="Take over although the other host may still write: what it writes from now on is lost.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--dry-run", is_flag=True, help="Ask both hosts, print what would be lost; change nothing.")
@data_option
@json_option
def failover(is_other_off: bool, accepts_loss: bool, yes: bool, dry_run: bool, data: Path, as_json: bool) -> None:
    """Make this host the primary, because the other one is lost. Run again after an interruption, it goes on.

    If the other host still answers, it is stopped first. Otherwise say that it is off, or accept that its last writes are lost.
    """
    from folkmoot.portability.data_directory import DataDirectory

    settings = settings_of(data)
    if settings.database.url:
        raise Problem("A failover needs the database that Folkmoot runs itself. With database.url, promote that server's standby.")
    with DataDirectory(data).exclusively("move"), log_kept_out():
        answer = run(_fail_over(
            settings, is_other_off=is_other_off, accepts_loss=accepts_loss, is_dry=dry_run, asks=not yes and not as_json, as_json=as_json
        ))
    show(answer, as_json, _text(answer))


async def _fail_over(
    settings: Settings, *, is_other_off: bool, accepts_loss: bool, is_dry: bool, asks: bool, as_json: bool
) -> dict[str, Any]:
    from folkmoot.agent import create_moving, own_name
    from folkmoot.portability.failover.alarm import find_life_sign
    from folkmoot.portability.failover.assembly import AnsweringHost
    from folkmoot.portability.failover.driver import Failover, Statements, drive, look, obstacle
    from folkmoot.portability.hosts.peers import Peers
    from folkmoot.portability.names.witness import PublicWitness

    moving = create_moving(settings)
    try:
        peer = Peers(moving.own.this.directory).one()
        witness = PublicWitness(settings, moving.own.this)
        wanted = Failover(moving.own, AnsweringHost(moving.ask), peer.id if peer else "", Statements(), witness.look)
        listening = asyncio.create_task(find_life_sign(moving.own.this.directory))  # while both hosts and the names are asked
        try:
            await look(wanted)
            life_sign = wanted.seen.life_sign(wanted.peer) or await listening if is_other_off and not wanted.there else ""
        finally:
            listening.cancel()
        wanted.statements = Statements(is_other_off=is_other_off, accepts_loss=accepts_loss, life_sign=life_sign)
        plan = {
            "failover": wanted.id, "host": own_name(settings), "other": peer.name if peer else None, "goes_on": wanted.goes_on,
            "other_answers": wanted.there is not None, "estimate": _estimate(wanted), "obstacle": obstacle(wanted),
        }
        if is_dry:
            return {**plan, "dry_run": True}
        if not plan["obstacle"]:
            _confirm(settings, wanted, asks=asks)
        with show_progress(as_json) as progress:
            await drive(wanted, lambda step: progress.step(step.sentence))
        return {**plan, **_outcome(wanted)}
    finally:
        await moving.close()


def _estimate(wanted: "Failover") -> dict[str, Any] | None:
    from folkmoot.portability.failover.loss import sentence_of

    loss = wanted.loss
    if loss is None:
        return None
    return {
        "sentence": sentence_of(loss), "last_write_at": loss.last_write_at.isoformat() if loss.last_write_at else None,
        "seconds": loss.seconds, "least_bytes": loss.least_bytes, "most_bytes": loss.most_bytes, "most_posts": loss.most_posts,
    }


def _outcome(done: "Failover") -> dict[str, Any]:
    from folkmoot.portability.hosts.sockets import has_web

    directory = done.own.this.directory
    assert done.fence
    after = done.first_write_after
    return {
        "is_web_running": has_web(directory), "epoch": done.fence.epoch, "proof": str(done.fence.proof), "took": done.took,
        "first_write_seconds": None if after is None else round(after, 3),
    }


def _confirm(settings: Settings, wanted: "Failover", *, asks: bool) -> None:
    """Shows the name and the role of this host in colour, and what would be lost, and asks. Raises Problem if nobody can answer."""
    from folkmoot.portability.failover.loss import sentence_of

    show_host(settings)
    if wanted.loss:
        click.echo(f"  Estimated loss: {sentence_of(wanted.loss)}.", err=True)
    if not asks:
        return
    if not sys.stdin.isatty():
        raise Problem("A failover needs a confirmation. If you are sure, run the same command with --yes.")
    click.confirm("  Make this host the primary, for good?", abort=True, err=True)


def _text(answer: dict[str, Any]) -> str:
    estimate = f"  estimate   {answer['estimate']['sentence']}\n" if answer["estimate"] else ""
    if answer.get("dry_run"):
        against = f"  ! {_in_lines(answer)}" if answer["obstacle"] else "Nothing speaks against the failover."
        return f"Nothing was done. {answer['host']} would become the primary.\n{estimate}{against}"
    seconds = "" if answer["first_write_seconds"] is None else f"  took       {answer['first_write_seconds']:.1f} s to the first write\n"
    web = "" if answer["is_web_running"] else "  WARNING    its web processes do not run. Start them: moot up\n"
    return (
        f"{answer['host']} is the primary now, in epoch {answer['epoch']}, and runs alone.\n"
        f"  fence      {answer['proof']}\n{estimate}{seconds}{web}"
        f"  next       point the name of the network to this host; when {answer['other'] or 'the other host'} is back, run there:"
        " moot standby --again"
    )


def _in_lines(answer: dict[str, Any]) -> str:
    """The obstacle without the estimate, which stands above it, and with each way on in a line of its own."""
    text = str(answer["obstacle"])
    if answer["estimate"]:
        text = text.replace(f" Estimated loss: {answer['estimate']['sentence']}.", "")
    return text.replace(" If you know", "\n    If you know").replace(". To go on", "\n    To go on")
