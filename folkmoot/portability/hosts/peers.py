"""The other host that this one trusts, and the open invitation: `DATA/hosts.json`.

The file is small and changes rarely, but several processes change it: `moot host`, and the agent when a host joins. A lock
keeps their changes apart. Without peers and invitation there is no file, and then no agent runs. The name of this host outlives
its pair in `DATA/host-name`: another host may have the same machine name, so its own would be mistaken for that one.
"""

import fcntl
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec

from folkmoot.base import clock
from folkmoot.base.errors import Problem
from folkmoot.portability.data_directory import DataDirectory

FILE = "hosts.json"
NAME_FILE = "host-name"
DEFAULT_PORT = 8421
SLOTS = "folkmoot_"  # replication slots of peers have names with this beginning
_LONGEST_NAME = 40


class PeersProblem(Problem):
    """`hosts.json`, an address or a name cannot be used."""

    code = "hosts"


class Peer(msgspec.Struct, frozen=True):
    """Another host of this network. `id`: the SHA-256 of its certificate; `words`: shown on both hosts when they were paired.

    `roster`: the number of the primary's roster when they were paired. Only a later one can say that they are no pair any more.
    """

    id: str
    name: str
    address: str  # host:port, [IPv6]:port
    certificate: str
    added_at: datetime
    words: str = ""
    roster: int = 0

    @property
    def slot(self) -> str:
        """The name of the replication slot of this peer."""
        return f"{SLOTS}{self.id[:32]}"


class Invitation(msgspec.Struct, frozen=True):
    """A host may join once with this secret. `used_by`: the id of the host that did; it may repeat its request."""

    secret_hash: str
    name: str  # of the new host, "" for the name that it gives itself
    expires_at: datetime
    used_by: str = ""

    @property
    def is_expired(self) -> bool:
        return clock.now() >= self.expires_at


class HostsFile(msgspec.Struct, frozen=True):
    """The content of `hosts.json`. Unknown fields, of a newer release, are ignored.

    `name`: of this host, as both hosts agreed when they were paired; "" before.
    """

    peers: list[Peer] = []
    invitation: Invitation | None = None
    name: str = ""


class Peers:
    """The peers of one data directory. Reads the file again when it has changed."""

    def __init__(self, directory: DataDirectory) -> None:
        self._directory = directory
        self._file = directory.path / FILE
        self._seen: object = ()
        self._content = HostsFile()

    def list(self) -> list[Peer]:
        return self._read().peers

    def one(self) -> Peer | None:
        """The only peer."""
        peers = self.list()
        return peers[0] if len(peers) == 1 else None

    def find(self, peer_id: str) -> Peer | None:
        return next((peer for peer in self.list() if peer.id == peer_id), None)

    @property
    def invitation(self) -> Invitation | None:
        return self._read().invitation

    @property
    def name(self) -> str:
        """Of this host, as the other one calls it, or the last one did; "" if it was never paired."""
        return self._read().name or self._kept_name()

    @property
    def stamp(self) -> object:
        """Differs after each change of the file."""
        try:
            status = self._file.stat()
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size

    def add(self, peer: Peer, name: str = "") -> None:
        """Adds a peer, or replaces the one with the same id. `name`: of this host, if it changes. Raises PeersProblem if there is
        another peer."""
        with self.changing() as content:
            self.write(with_peer(content, peer, name))

    def remove(self, name: str) -> Peer | None:
        """Removes a peer and the invitation, by which it could come back; returns the peer."""
        with self.changing() as content:
            removed = next((peer for peer in content.peers if name in (peer.name, peer.id)), None)
            if removed:
                self._keep_name(content.name)
                self.write(HostsFile([peer for peer in content.peers if peer is not removed]))
            return removed

    def expire_invitation(self) -> None:
        with self.changing() as content:
            if content.invitation and content.invitation.is_expired:
                self.write(msgspec.structs.replace(content, invitation=None))

    @contextmanager
    def changing(self) -> Iterator[HostsFile]:
        """The content, while no other process changes it."""
        with locked(self._directory, "hosts.lock"):
            yield self._read()

    def write(self, content: HostsFile) -> None:
        """Only inside `changing`."""
        if content.peers or content.invitation:
            self._directory.write(self._file, msgspec.json.format(msgspec.json.encode(content)))
        else:
            self._file.unlink(missing_ok=True)

    def _keep_name(self, name: str) -> None:
        if name and name != self._kept_name():
            self._directory.write(self._directory.path / NAME_FILE, name.encode())

    def _kept_name(self) -> str:
        """A file that somebody has damaged is no name."""
        try:
            return clean_name((self._directory.path / NAME_FILE).read_text())
        except (OSError, ValueError, PeersProblem):
            return ""

    def _read(self) -> HostsFile:
        stamp = self.stamp
        if stamp != self._seen:
            self._content = _content_of(self._file)
            self._seen = stamp
        return self._content


@contextmanager
def locked(directory: DataDirectory, name: str) -> Iterator[None]:
    """One process at a time; the kernel releases the lock of a killed one."""
    lock = os.open(directory.path / name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        directory.set_owner(directory.path / name)
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def with_peer(content: HostsFile, peer: Peer, name: str = "") -> HostsFile:
    """`name`: of this host, if it changes. Raises PeersProblem if there is another peer."""
    if other := next((one for one in content.peers if one.id != peer.id), None):
        raise paired_already(other)
    return HostsFile([peer], content.invitation, name or content.name)


def paired_already(other: Peer) -> PeersProblem:
    return PeersProblem(
        "This host is paired with %(name)s already, and two hosts make a pair. Remove it first: moot host remove %(name)s", name=other.name
    )


def _content_of(file: Path) -> HostsFile:
    try:
        return msgspec.json.decode(file.read_bytes(), type=HostsFile)
    except FileNotFoundError:
        return HostsFile()
    except (msgspec.DecodeError, OSError) as error:
        raise PeersProblem("%(file)s is damaged: %(why)s. Remove it and pair the hosts again.", file=file, why=error) from error


def clean_name(name: str) -> str:
    """A name that can be typed as one word. Raises PeersProblem."""
    cleaned = re.sub(r"[^a-z0-9.-]+", "-", name.lower()).strip("-.")[:_LONGEST_NAME]
    if not cleaned:
        raise PeersProblem("A host needs a name of letters and digits, not “%(name)s”. Set hosts.name, or use --name.", name=name)
    return cleaned


def machine_name() -> str:
    """The name of this machine; "host" if it has none that can be typed."""
    try:
        return clean_name(socket.gethostname())
    except PeersProblem:
        return "host"


def unlike(name: str, taken: str) -> str:
    """The name, or with a number if the other host has it: two machines of one provider often have the same."""
    stem = stem_of(name)
    return name if name != taken else next(one for one in (f"{stem}-2", f"{stem}-3") if one != taken)


def stem_of(name: str) -> str:
    """The name without the number that `unlike` gives."""
    return re.sub(r"-\d+$", "", name)[: _LONGEST_NAME - 3]


def parse_address(text: str, default: int = DEFAULT_PORT) -> tuple[str, int]:
    """(host, port) of `host`, `host:port`, `[IPv6]:port` or a bare IPv6 address. Raises PeersProblem."""
    matched = re.fullmatch(r"(?:\[([0-9A-Fa-f:.%\w]+)\]|([^\s\[\]:/@]+))(?::(\d{1,5}))?", text.strip())
    if matched is None and re.fullmatch(r"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%\w+)?", text.strip()):
        return text.strip(), default
    port = int(matched[3] or default) if matched else 0
    if matched is None or not 0 < port < 65536:
        raise PeersProblem("“%(text)s” is no address. Name a host, or host:port, such as 192.0.2.7:8421.", text=text)
    return matched[1] or matched[2], port


def is_address(text: str) -> bool:
    try:
        parse_address(text)
    except PeersProblem:
        return False
    return True


def join_address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
