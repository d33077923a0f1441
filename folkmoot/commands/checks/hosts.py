"""Checks of the pair of hosts: the link, whether writes wait for the standby as they should, and which hosts are signed."""

from collections.abc import Iterator

from folkmoot.commands.checks.model import BROKEN, GOOD, WARNING, Finding
from folkmoot.commands.host_rotate import COMMAND as ROTATE
from folkmoot.commands.options import duration
from folkmoot.commands.roster import SIGN, roster_facts, roster_text, unsigned
from folkmoot.config import Settings
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.exposure.record import find_exposure, outstanding
from folkmoot.portability.host import PRIMARY, STANDBY, Host
from folkmoot.portability.hosts.claims import find_refused_claim
from folkmoot.portability.hosts.link import describe_link
from folkmoot.portability.hosts.peers import Peer, Peers, PeersProblem
from folkmoot.portability.hosts.roster import Rosters, own_id
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
    following = find_following(settings.data)
    for peer in peers:
        found = describe_link(directory, peer)
        if following and following.is_replaced:
            yield Finding(
                "hosts.replaced", WARNING, f"this host took over from {peer.name}, which has not followed it since",
                "if this host is lost, the other one lacks everything since then",
                f"run moot standby --again on {peer.name}; if it is gone for good: moot host remove {peer.name}",
            )
        elif found["is_reachable"] is None:
            yield Finding("hosts.agent", WARNING, f"nothing here listens for the host {peer.name}", "it cannot follow this host",
                          f"moot up --data {settings.data}; if it runs, its log says more")
        elif found["is_reachable"]:
            yield Finding("hosts.reachable", GOOD, f"the host {peer.name} is reachable for {duration(found['since_seconds'])}")
        else:
            yield Finding(
                "hosts.reachable", WARNING, f"the host {peer.name} is not reachable for {duration(found['since_seconds'])}: {found['why']}",
                *_unreachable(peer, Host(settings.data).role),
            )


def _unreachable(peer: Peer, role: str) -> tuple[str, str]:
    """Why it matters, and what to do. A standby that removes its lost primary could not take over from it."""
    start = f"start it, and allow TCP to {peer.address} in both firewalls"
    if role == STANDBY:
        return "nobody can write while the primary is gone", f"{start}; if it is lost, this host can take over: moot failover --dry-run"
    if role == PRIMARY:
        lost = f"if it is gone for good: moot host remove {peer.name}"
        return "if this host is lost, the other one lacks everything since then", f"{start}; {lost}"
    return "this host cannot ask whether it may write, nor follow", f"{start}; moot status says what else can be done"


def check_exposure(settings: Settings) -> Iterator[Finding]:
    """Nothing if no host was removed, or if everything was exchanged that can be."""
    directory = DataDirectory(settings.data)
    left, exposure = outstanding(settings, directory), find_exposure(directory)
    if left and exposure:
        yield Finding(
            "hosts.exposed", WARNING, f"{exposure.host} was removed and still knows: {', '.join(secret.name for secret in left)}",
            "whoever has that machine can use it", f"{ROTATE}; if it is wiped: {ROTATE} --accept",
        )


def check_roster(settings: Settings) -> Iterator[Finding]:
    """Which hosts belong to the network, and what others have claimed. Nothing on a single host without a recovery key."""
    directory = DataDirectory(settings.data)
    try:
        has_peer = bool(Peers(directory).list())
    except PeersProblem:  # a finding of the pair
        return
    rosters, facts = Rosters(directory), roster_facts(directory)
    if claim := find_refused_claim(directory):
        yield Finding(
            "hosts.claim", WARNING, claim.sentence, "somebody may have the keys of a host that was lost",
            "moot names list shows which host answers under each name; take names away from it, and end that machine",
        )
    if rosters.excludes(own_id(directory)):
        yield Finding(
            "hosts.excluded", BROKEN, "the roster of this network does not name this host", "the other hosts do not believe it",
            f"if it belongs to the network: {SIGN}; else clear this machine",
        )
    elif has_peer and not facts["has_recovery_key"]:
        yield Finding(
            "hosts.unsigned", WARNING, "no recovery key signs which hosts belong to this network",
            "if the other host comes into other hands, it can stop this one until it is removed", "moot backup --to REPO",
        )
    elif facts["has_recovery_key"] and unsigned(directory):
        yield Finding(
            "hosts.unsigned", WARNING, f"the recovery key has not signed all of it: {'; '.join(unsigned(directory))}",
            "only this host knows, and a host that is restored or comes back does not", SIGN,
        )
    elif rosters.find():
        yield Finding("hosts.roster", GOOD, roster_text(facts).rstrip("."))
