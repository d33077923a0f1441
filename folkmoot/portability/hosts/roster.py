"""The roster of this host: which hosts belong to the network, signed by the recovery key (decision 0069).

A host that was lost can come into other hands, with all its keys. So a host's claim that it has taken over counts only if the
newest roster names it. `DATA/roster.json` keeps that roster, and the hosts that were removed here since it was signed. A host
that was paired since then belongs to the network too. Without a recovery key there is no roster: then the paired host does.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from folkmoot.base import clock
from folkmoot.portability.backup_key import BackupKey, NotSigned
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.host import Host
from folkmoot.portability.hosts.identity import find_identity, make_identity
from folkmoot.portability.hosts.model import Member, Roster, SignedRoster
from folkmoot.portability.hosts.peers import Peers, locked
from folkmoot.portability.recovery_key import RecoveryKey

FILE = "roster.json"
_PURPOSE = b"folkmoot host roster 1\n"


class _Kept(msgspec.Struct, frozen=True):
    """The content of `roster.json`. `removed`: hosts that were removed here and may still be in the roster."""

    signed: SignedRoster | None = None
    removed: list[Member] = []


class Rosters:
    """The roster of one data directory."""

    def __init__(self, directory: DataDirectory) -> None:
        self._directory = directory
        self._file = directory.path / FILE

    def signed(self) -> SignedRoster | None:
        """The roster as it is sent to others."""
        return self._read().signed

    def find(self) -> Roster | None:
        """None if there is none, or none with a valid signature: then only the paired host is trusted."""
        signed, key = self.signed(), BackupKey.find(self._directory)
        if signed is None or key is None:
            return None
        try:
            return verify_roster(signed, key.authority)
        except NotSigned:
            return None

    @property
    def removed(self) -> list[Member]:
        """The hosts that were removed here since the roster was signed."""
        return self._read().removed

    @property
    def number(self) -> int:
        """Of the roster; 0 if there is none."""
        roster = self.find()
        return roster.number if roster else 0

    def why_not(self, host: str) -> str:
        """Why a host does not belong to the network; "" if it does."""
        if any(member.id == host for member in self.removed):
            return "it was removed from the network"
        roster, peer = self.find(), Peers(self._directory).find(host)
        if roster and not roster.has(host) and not (peer and peer.roster >= roster.number):
            return "the operator's roster does not name it"
        return "" if roster or peer else "it is not paired with this host"

    def excludes(self, own: str) -> bool:
        """Whether the roster does not name this host, with the id `own`, and this host was not paired since it was signed."""
        roster = self.find()
        if roster is None or roster.has(own):
            return False
        return not any(peer.roster >= roster.number for peer in Peers(self._directory).list())

    def sign(self, recovery: RecoveryKey, name: str, epoch: int = 0) -> Roster:
        """A new roster of this host and its peer. `name`: of this host; `epoch`: by default the highest that is known.

        The caller has made sure that the recovery key is that of this network.
        """
        with Peers(self._directory).changing() as hosts, self._changing() as kept:
            now, own, before = clock.now(), make_identity(self._directory), self.find()
            roster = Roster(
                number=max(int(now.timestamp() * 1000), before.number + 1 if before else 0),
                epoch=epoch or Host(self._directory.path).state.highest, signed_at=now,
                hosts=[Member(own.id, hosts.name or name), *(Member(peer.id, peer.name) for peer in hosts.peers)],
            )
            text = msgspec.json.encode(roster)
            self._write(_Kept(SignedRoster(text.decode(), recovery.authority.sign(_PURPOSE + text)), _unsettled(kept.removed, roster)))
        return roster

    def take_over(self, signed: SignedRoster) -> Roster | None:
        """Keeps a roster of the other host if it is newer than the own one, and returns it. Raises NotSigned."""
        key = BackupKey.find(self._directory)
        if key is None:  # a standby gets it from its primary
            return None
        roster = verify_roster(signed, key.authority)
        with self._changing() as kept:
            if roster.number <= self.number:
                return None
            self._write(_Kept(signed, _unsettled(kept.removed, roster)))
        return roster

    def remove(self, host: Member) -> None:
        """Notes that a host was removed: from now on nothing that it claims counts here."""
        with self._changing() as kept:
            if (roster := self.find()) and roster.has(host.id):
                self._write(_Kept(kept.signed, [*(one for one in kept.removed if one.id != host.id), host]))

    def readmit(self, host: str) -> None:
        """A host that was removed has been paired again."""
        with self._changing() as kept:
            if any(one.id == host for one in kept.removed):
                self._write(_Kept(kept.signed, [one for one in kept.removed if one.id != host]))

    @contextmanager
    def _changing(self) -> Iterator[_Kept]:
        with locked(self._directory, "run/roster.lock"):
            yield self._read()

    def _write(self, kept: _Kept) -> None:
        self._directory.write(self._file, msgspec.json.format(msgspec.json.encode(kept)))

    def _read(self) -> _Kept:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=_Kept)
        except (FileNotFoundError, msgspec.DecodeError):  # without a roster only the paired host is trusted
            return _Kept()


def verify_roster(signed: SignedRoster, authority: bytes) -> Roster:
    """Raises NotSigned unless the recovery key with this authority has signed it."""
    try:
        Ed25519PublicKey.from_public_bytes(authority).verify(signed.signature, _PURPOSE + signed.text.encode())
        return msgspec.json.decode(signed.text, type=Roster)
    except (InvalidSignature, ValueError) as error:
        raise NotSigned("the recovery key of this network has not signed this roster") from error


def own_id(directory: DataDirectory) -> str:
    """The id of this host; "" if it has no certificate, because it was never paired nor signed."""
    identity = find_identity(directory)
    return identity.id if identity else ""


def _unsettled(removed: list[Member], roster: Roster) -> list[Member]:
    """Those of the removed hosts that a new roster still names."""
    return [member for member in removed if roster.has(member.id)]
