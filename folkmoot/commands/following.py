"""Shows how a standby follows its primary: for `moot standby`, `moot status` and programs."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from folkmoot.commands.hints import as_typed
from folkmoot.commands.options import CannotAsk, duration, show

if TYPE_CHECKING:
    from folkmoot.portability.host import HostState

_REFRESH = 1.0


def watch(data: Path, as_json: bool) -> None:
    """Shows the state: once, or on a terminal until Ctrl-C."""
    from folkmoot.portability.standby.following import find_following

    if not (data / "host.json").exists():
        raise CannotAsk("There is no network in %(data)s. Make this machine a standby with: moot standby --join ADDRESS CODE", data=data)
    if as_json or not sys.stdout.isatty():
        show(following_facts(find_following(data)), as_json, _screen(data))
        return
    from rich.live import Live
    from rich.text import Text

    with Live(Text.from_ansi(_screen(data)), auto_refresh=False) as live:
        try:
            while True:
                time.sleep(_REFRESH)
                live.update(Text.from_ansi(_screen(data)), refresh=True)
        except KeyboardInterrupt:
            return


def _screen(data: Path) -> str:
    """This host, the other one, and how the standby follows."""
    from folkmoot.commands.this_host import peer_text
    from folkmoot.portability.data_directory import DataDirectory
    from folkmoot.portability.host import Host
    from folkmoot.portability.hosts.link import describe_link
    from folkmoot.portability.hosts.peers import Peers
    from folkmoot.portability.moving.rejoin import find_order
    from folkmoot.portability.standby.following import find_following

    directory, state, following = DataDirectory(data), Host(data).state, find_following(data)
    lines = [f"  host       {state.role.upper()}, epoch {state.epoch}, {data}"]
    peers = Peers(directory).list()
    lines += [f"  peer       {peer.name} {peer_text(describe_link(directory, peer))}" for peer in peers]
    if order := find_order(directory):
        return "\n".join([*lines, f"  database   {order.sentence}"])
    return as_typed("\n".join([*lines, f"  standby    {following_text(following, state, *(peer.name for peer in peers))}"]))


def following_facts(state: Any) -> dict[str, Any]:
    """The state of the following, for programs."""
    if state is None:
        return {"stage": None}
    return {
        "stage": str(state.stage), "role": state.role, "since": round(state.since, 1), "lag_bytes": state.lag_bytes,
        "lag_seconds": state.lag_seconds, "logical": state.is_logical, "media_missing": state.media_missing,
        "media_missing_bytes": state.media_missing_bytes, "replaced": state.is_replaced,
        "synchronous": {"wanted": state.wanted, "active": state.active, "is_bound": state.is_bound},
    }


def following_text(state: Any, host: "HostState", peer: str = "NAME") -> str:
    """The state of the following in one sentence, and the command that goes on. `peer`: the name of the other host."""
    from folkmoot.base import clock
    from folkmoot.portability.host import FENCED, PRIMARY, STANDBY
    from folkmoot.portability.standby.following import replaced_text
    from folkmoot.portability.standby.model import ALARM_SECONDS, Stage
    from folkmoot.portability.synchronous import Mode

    if host.role == FENCED and not host.move:
        return "follows nobody: the other host took over without this one. Stop the network here, then run: moot standby --again"
    if host.role == FENCED:
        return "follows nobody yet: a move has begun. If it does not go on by itself, run: moot move"
    if state is None:
        if host.role == PRIMARY:
            return "there is none. Invite one with: moot host add"
        return "nothing is known, because the agent does not run. Start the network with: moot up"
    since = duration(max(0.0, clock.now().timestamp() - state.since))
    alarm = "ALARM: " if state.lag_seconds > ALARM_SECONDS else ""
    behind = f"{alarm}{state.lag_seconds:.1f} s ({state.lag_bytes} bytes) behind"
    pictures = f"; {state.media_missing} pictures ({megabytes(state.media_missing_bytes)} MB) still to come" if state.media_missing else ""
    waiting = f"; {state.active} writes wait until it has them" if state.active != Mode.NONE else ""
    match state.stage:
        case Stage.NONE:
            return "the other host has not copied this one yet. Run on it: moot standby --again"
        case Stage.SEEDING:
            return f"it has been copying the database for {since}"
        case Stage.STREAMING:
            by_rows = "; by rows, so ready for a move but not for a failover" if state.is_logical else ""
            return f"follows for {since}, {behind}{waiting}{pictures}{by_rows}"
        case Stage.CATCHING_UP:
            return f"catching up for {since}, {behind}{pictures}"
        case Stage.LOST:
            return "LOST: it was away for too long. Run on it: moot standby --again"
        case _ if state.is_replaced:
            return f"NOT CONNECTED for {since}: {replaced_text(peer)}"
        case _:
            when = "the primary answers" if state.role == STANDBY else "it runs and reaches this host"
            return f"NOT CONNECTED for {since}, {behind}; it connects again by itself when {when}{pictures}"


def megabytes(count: float) -> str:
    return f"{count / 1e6:,.1f}"
