"""`moot standby`: makes this machine the standby of a primary, and shows how it follows."""

import asyncio
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from folkmoot.base.errors import Problem
from folkmoot.commands.following import megabytes, watch
from folkmoot.commands.options import data_option, json_option, leave_root, show, start_command
from folkmoot.commands.progress import show_progress

if TYPE_CHECKING:
    from folkmoot.config import Settings
    from folkmoot.portability.data_directory import DataDirectory
    from folkmoot.portability.failover.coming_back import Rejoined
    from folkmoot.portability.standby.joining import Joined

_WAIT_FOR_ORPHANS = 20.0


@click.command()
@click.option(
    "--join", "target", nargs=2, metavar="ADDRESS CODE",
    help="Become the standby of the primary at ADDRESS, with the code of moot host add.",
)
@click.option("--name", default="", help="With --join: name of this host. Without it, that of the machine, with a number if it is taken.")
@click.option("--address", default="", help="With --join: HOST or HOST:PORT where the primary reaches this host.")
@click.option("--port", type=click.IntRange(1, 65535), help="With --join: port of pages on this host, as server.port.")
@click.option("--hosts-port", type=click.IntRange(1, 65535), help="With --join: port on which this host listens for the primary.")
@click.option("--again", is_flag=True, help="Copy the database of the primary anew; pictures are kept.")
@click.option("--logical", "wants_rows", is_flag=True,
              help="With --join or --again: copy rows and not files, as is done anyway from a machine of another kind. This host then gets"
                   " the newest PostgreSQL, and is ready for a move but not for a failover.")
@click.option("--discard", "discards", is_flag=True, help="With --again: do not export what only this host has written.")
@click.option("--no-start", is_flag=True, help="After the copy, do not run the network as moot up does.")
@click.option("--goes-on", is_flag=True, hidden=True, help="With --no-start: do not advise how to start the network.")
@click.option("--dry-run", is_flag=True, help="With --again: check everything, and change nothing.")
@data_option
@json_option
def standby(
    target: tuple[str, str] | None, name: str, address: str, port: int | None, hosts_port: int | None, again: bool, discards: bool,
    wants_rows: bool, no_start: bool, goes_on: bool, dry_run: bool, data: Path, as_json: bool,
) -> None:
    """Make this machine the standby of a primary. Without options, show how it follows; Ctrl-C ends that.

    A host that was replaced by a failover first exports what only it has written, then is rewound, or copied anew.
    """
    own = {("hosts", "address"): address, ("server", "port"): port, ("hosts", "port"): hosts_port}
    own = {which: value for which, value in own.items() if value}
    _require_fitting(name or own, is_joining=target is not None, again=again, is_of_again=discards or dry_run, no_start=no_start)
    if wants_rows and not target and not again:
        raise click.UsageError("--logical belongs to --join or --again.")
    if again and not (dry_run or no_start):
        _again_if_installed(data.absolute(), [("--discard", discards), ("--logical", wants_rows), ("--json", as_json)])
    if target or again:
        _become_standby(
            target, name, own, discards=discards, wants_rows=wants_rows, dry_run=dry_run, no_start=no_start or as_json, goes_on=goes_on,
            data=data.absolute(), as_json=as_json,
        )
    else:
        watch(data, as_json)


def _again_if_installed(data: Path, options: list[tuple[str, bool]]) -> None:
    """Does not return on a host that systemd runs: it stops the network, and starts it after the copy."""
    from folkmoot.commands.standby_installed import again, is_installed
    from folkmoot.portability.install.machine import Machine

    machine = Machine()
    if is_installed(machine, data):
        sys.exit(again(machine, data, [option for option, is_set in options if is_set]))


def _require_fitting(of_join: Any, *, is_joining: bool, again: bool, is_of_again: bool, no_start: bool) -> None:
    """Options that would be ignored are refused: a dry run that uses the code up would be one. Raises UsageError."""
    if is_joining and again:
        raise click.UsageError("--join is for a new standby, --again for one that was paired before. Choose one of them.")
    if of_join and not is_joining:
        raise click.UsageError("--name, --address, --port and --hosts-port belong to --join.")
    if is_of_again and not again:
        raise click.UsageError("--dry-run and --discard belong to --again.")
    if no_start and not (is_joining or again):
        raise click.UsageError("--no-start belongs to --join or --again.")


def _become_standby(
    target: tuple[str, str] | None, name: str, own: dict[tuple[str, str], Any], *, discards: bool, wants_rows: bool, dry_run: bool,
    no_start: bool, goes_on: bool, data: Path, as_json: bool,
) -> None:
    """`own`: settings of this machine, which its file gets."""
    from folkmoot.agent import own_name
    from folkmoot.portability.failover.coming_back import rejoin, require_replaced
    from folkmoot.portability.host import Host
    from folkmoot.portability.hosts.client import open_client
    from folkmoot.portability.hosts.sockets import peer_socket_folder
    from folkmoot.portability.standby.joining import follow_primary, require_no_primary

    _check_arguments(target, name, own, data)
    settings, directory = _prepared(data, own, is_new=target is not None)
    if target:
        _pair(settings, directory, *target, name, as_json=as_json)
    host = Host(directory.path)

    def connect() -> Any:
        return open_client(directory, epoch=lambda: host.epoch)

    if dry_run:
        _show_plan(directory, connect, wants_rows=wants_rows, as_json=as_json)
        return
    was_replaced = target is None and require_replaced(directory, connect)
    require_no_primary(directory)
    if not as_json:
        role = click.style(" STANDBY ", bg="yellow", fg="black", bold=True)
        click.echo(f"{own_name(settings)} becomes the {role} of this network.", err=True)
    with _agent(settings), show_progress(as_json) as progress:
        socket_folder, again = peer_socket_folder(directory), target is None
        back = rejoin(directory, connect, socket_folder, progress, discards=discards) if was_replaced else None
        again = again and not (back and back.is_standby)
        joined = follow_primary(directory, connect, socket_folder, progress, again=again, wants_rows=wants_rows)
    _report(joined, data, back, as_json=as_json, goes_on=goes_on or not no_start)
    if not no_start:
        _run_network(data)


def _show_plan(directory: "DataDirectory", connect: Any, *, wants_rows: bool, as_json: bool) -> None:
    """What --again would do. Raises what it would raise, and changes nothing."""
    from folkmoot.portability.standby.joining import is_replaced_by, plan, require_no_primary

    facts, is_by_rows = asyncio.run(plan(directory, connect, wants_rows=wants_rows))
    was_replaced = is_replaced_by(directory, facts)
    if not was_replaced:
        require_no_primary(directory)
    size, how = facts.database_bytes + facts.media_bytes, "row by row" if is_by_rows else "as files"
    text = f"Nothing was done. “{facts.network}” would be copied {how}: {megabytes(size)} MB."
    if was_replaced:
        text += " Before that, what only this host has would be exported for a review, and its database rewound, which may spare the copy."
    answer = {"network": facts.network, "bytes": size, "logical": is_by_rows, "was_replaced": was_replaced, "dry_run": True}
    show(answer, as_json, text)


def _check_arguments(target: tuple[str, str] | None, name: str, own: dict[tuple[str, str], Any], data: Path) -> None:
    """Before anything is created. Raises MistypedCode, PeersProblem, NotPaired."""
    from folkmoot.portability.data_directory import DataDirectory
    from folkmoot.portability.hosts.client import NotPaired
    from folkmoot.portability.hosts.code import PairingCode
    from folkmoot.portability.hosts.peers import Peers, clean_name, parse_address

    if name:
        clean_name(name)
    if target:
        for address in filter(None, (target[0], own.get(("hosts", "address")))):
            parse_address(address)
        PairingCode.read(target[1])
    elif Peers(DataDirectory(data)).one() is None:
        raise NotPaired


def _prepared(data: Path, own: dict[tuple[str, str], Any], *, is_new: bool) -> tuple["Settings", "DataDirectory"]:
    """The settings and the locked data directory; without the rights of root from then on. `is_new`: of a host that is no primary."""
    import msgspec

    from folkmoot import config
    from folkmoot.portability.data_directory import DataDirectory, DataDirectoryProblem
    from folkmoot.portability.host import STANDBY, HostState
    from folkmoot.portability.program import restart_from_readable_copy
    from folkmoot.portability.standby.joining import require_no_primary
    from folkmoot.portability.standby.sharing import set_own_settings

    sections = {section for section, _ in own}
    settings = config.load(data, {one: {name: value for (section, name), value in own.items() if section == one} for one in sections})
    if settings.database.url:
        raise Problem("A standby needs the private PostgreSQL of Folkmoot, but database.url names another server. Remove this setting.")
    directory = DataDirectory(data)
    why_not = restart_from_readable_copy(directory.owner) if directory.owner else ""
    if is_new:
        require_no_primary(directory)
    directory.prepare(HostState(role=STANDBY))
    try:
        directory.lock()
        directory.wait_for_orphans(_WAIT_FOR_ORPHANS, lambda sentence: click.echo(f"folkmoot: {sentence}", err=True))
    except DataDirectoryProblem as problem:
        require_no_primary(directory)
        raise Problem(
            "The network runs on this host. Stop it first (Ctrl-C, or systemctl stop folkmoot), then run this command again."
        ) from problem
    set_own_settings(directory, own)
    leave_root(directory.owner, why_not)
    return msgspec.structs.replace(settings, data=directory.path), directory


def _pair(settings: "Settings", directory: "DataDirectory", address: str, code: str, name: str, *, as_json: bool) -> None:
    """Pairs with the primary, unless an earlier run of the same command has."""
    from folkmoot.agent import own_address, own_name
    from folkmoot.portability.hosts.pairing import join
    from folkmoot.portability.hosts.peers import Peers, clean_name, join_address, parse_address

    peers = Peers(directory)
    peer = peers.one()
    if peer is None or peer.address != join_address(*parse_address(address)) or (name and clean_name(name) != peers.name):
        peer = asyncio.run(join(
            directory, address, code, name=name or own_name(settings), own_address=own_address(settings), is_name_chosen=bool(name)
        ))
    if not as_json:
        click.echo(f"Paired with {peer.name} at {peer.address}; this host is {peers.name}. Both machines must show the same six words:\n\n"
                   f"    {peer.words}\n", err=True)


@contextmanager
def _agent(settings: "Settings") -> Iterator[None]:
    """Runs the agent in a thread: the copy needs its socket, through which the PostgreSQL of the primary is reached."""
    from folkmoot.agent import create_agent

    started, stop, failures = threading.Event(), threading.Event(), []

    async def serve() -> None:
        async with create_agent(settings):
            started.set()
            await asyncio.to_thread(stop.wait)

    def work() -> None:
        try:
            asyncio.run(serve())
        except Exception as error:
            failures.append(error)
        finally:
            started.set()

    thread = threading.Thread(target=work, name="agent")
    thread.start()
    try:
        started.wait()
        if failures:
            raise failures[0]
        yield
    finally:
        stop.set()
        thread.join()


def _report(joined: "Joined", data: Path, back: "Rejoined | None", *, as_json: bool, goes_on: bool) -> None:
    from folkmoot.base.migrate import newest_number

    facts = joined.facts
    answer = {
        "network": facts.network, "data": str(data), "epoch": facts.epoch, "files": joined.files, "bytes": facts.database_bytes,
        "media": facts.media, "media_bytes": facts.media_bytes, "lost_media": joined.lacking, "seconds": round(joined.seconds, 1),
        "tables": joined.tables, "next": f"moot up --data {data}", "rewound": bool(back and back.is_standby), **_exported(back, data),
    }
    verified = f"{joined.files} files of the database verified" if joined.files else "the database was complete"
    if joined.tables:
        verified = f"{joined.tables} tables of the database compared: equal"
    if back and back.is_standby:
        verified = "the database was rewound to where the hosts parted"
    lines = [
        f"This host is a standby of “{facts.network}”, epoch {facts.epoch}.",
        f"  copied     {verified}, {facts.media} pictures",
        f"  took       {joined.seconds:.1f} s for {megabytes(facts.database_bytes + facts.media_bytes)} MB",
    ]
    if back and back.report and not back.report.count:
        lines.append(f"  exported   nothing: this host had no row that the other one lacked ({answer['exported_to']})")
    elif back and back.report:
        lines.append(f"  exported   {back.report.count} rows that only this host has, for a review: {answer['exported_to']}")
    if joined.tables:
        lines.append("  NOTE       it follows by rows: it is ready for a move (moot move), not for a failover")
    if joined.lacking:
        lines.append(f"  WARNING    {joined.lacking} pictures are missing on the primary too; moot doctor there says which")
    if facts.schema < newest_number():
        lines.append("  NOTE       this host runs a newer Folkmoot: it serves pages when the primary has been upgraded too")
    if not goes_on:
        lines.append(f"\nNext: {start_command(data)}")
    show(answer, as_json, "\n".join(lines))
    sys.stdout.flush()


def _exported(back: "Rejoined | None", data: Path) -> dict[str, Any]:
    from folkmoot.portability.data_directory import DataDirectory
    from folkmoot.portability.failover.export import folder_of

    if back is None or back.report is None:
        return {"exported": {}, "exported_to": None}
    return {"exported": back.report.rows, "exported_to": str(folder_of(DataDirectory(data), back.report.epoch))}


def _run_network(data: Path) -> None:
    """Goes on as `moot up`, in a fresh process."""
    import folkmoot

    variables = {**os.environ, "PYTHONPATH": str(Path(folkmoot.__file__).parents[1])}
    command = [sys.executable, "-P", "-m", "folkmoot", "up", "--data", str(data)]
    os.execve(command[0], command, variables)
