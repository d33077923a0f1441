"""Checks of the pair of hosts: whether the other one is reachable, and whether writes wait for it as they should."""

from collections.abc import Iterator

from folkmoot.commands.checks.model import BROKEN, GOOD, WARNING, Finding
from folkmoot.commands.options import duration
from folkmoot.config import Settings
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import PRIMARY, Host
from folkmoot.portability.hosts.link import describe_link
from folkmoot.portability.hosts.peers import Peers, PeersProblem
from folkmoot.portability.standby.following import find_following, synchronous_warnings
from folkmoot.portability.synchronous import Mode


def check_synchronous(settings: Settings) -> Iterator[Finding]:
    """On the primary: whether writes wait for the standby as the setting says. Nothing if they should not and do not."""
    wanted = Mode(settings.replication.synchronous)
    if Host(settings.data).role != PRIMARY:
        return
    following = find_following(settings.data)
    if following is None or following.role != PRIMARY:
        if wanted is not Mode.NONE:
            yield Finding(
                "hosts.synchronous", WARNING, f"replication.synchronous is {wanted}, but there is no standby",
                "writes are on this host only", "moot host add",
            )
        return
    for warning in synchronous_warnings(following):
        state = BROKEN if following.active is Mode.ALL else WARNING
        yield Finding("hosts.synchronous", state, warning.removeprefix("ALARM: "), "writes are late, or lost with this host", "moot status")
        return
    if wanted is not Mode.NONE:
        yield Finding("hosts.synchronous", GOOD, f"{wanted} writes are acknowledged when the standby has them")


def check_hosts(settings: Settings) -> Iterator[Finding]:
    """Nothing without a second host."""
    directory = DataDirectory(settings.data)
    try:
        peers = Peers(directory).list()
    except PeersProblem as problem:
        yield Finding("hosts.file", BROKEN, problem.message % problem.params, "the hosts of this network cannot reach each other",
                      "remove it, then pair the hosts again: moot host add")
        return
    for peer in peers:
        found = describe_link(directory, peer)
        if found["is_reachable"] is None:
            yield Finding("hosts.agent", WARNING, f"nothing here listens for the host {peer.name}", "it cannot follow this host",
                          f"moot up --data {settings.data}; if it runs, its log says more")
        elif found["is_reachable"]:
            yield Finding("hosts.reachable", GOOD, f"the host {peer.name} is reachable for {duration(found['since_seconds'])}")
        else:
            yield Finding(
                "hosts.reachable", WARNING, f"the host {peer.name} is not reachable for {duration(found['since_seconds'])}: {found['why']}",
                "if this host is lost, the other one lacks everything since then",
                f"start it, and allow TCP to {peer.address} in both firewalls; if it is gone for good: moot host remove {peer.name}",
            )
