"""Pairs two hosts: the primary invites with a one-time code, the other host joins with it.

    primary   invite     stores the hash of a secret for an hour, and prints the code
    joining   join       compares the primary's certificate with the fingerprint in the code, sends its own and the secret
    primary   admit      checks the secret, pins the certificate, and answers with its own name
    both      words      six words from both fingerprints and the secret, to be compared by people

A host between the two would need a certificate with the same fingerprint, so it is refused before anything is sent. A code
works once; only the host that used it may repeat its request, because an answer can be lost. Decision 0058.
"""

import asyncio
import hashlib
import hmac
import logging
import ssl
from datetime import timedelta
from typing import Any

import httpcore
import msgspec

from folkmoot.base import clock
from folkmoot.base.errors import Problem
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.hosts.channel import CONNECT_SECONDS, SERVER_NAME, pairing_context, reason
from folkmoot.portability.hosts.code import PairingCode
from folkmoot.portability.hosts.identity import fingerprint_of, fingerprint_of_der, make_identity
from folkmoot.portability.hosts.messages import REFUSED, PeerRefused, PeerUnreachable, Refusal
from folkmoot.portability.hosts.peers import (
    HostsFile,
    Invitation,
    Peer,
    Peers,
    PeersProblem,
    clean_name,
    join_address,
    paired_already,
    parse_address,
    unlike,
    with_peer,
)
from folkmoot.portability.hosts.roster import Rosters

log = logging.getLogger(__name__)
VALID_FOR = timedelta(hours=1)
PATH = "/pairing"
LARGEST_REQUEST = 16 * 1024
_SECONDS = 20.0
_WORDS = 6  # of 11 bits


class CodeProblem(Problem):
    """The code is not valid, or no longer."""

    code = "pairing"


class WrongHost(Problem):
    """The host that answers does not have the certificate that the code names."""

    code = "wrong_host"


class JoinRequest(msgspec.Struct, frozen=True):
    """What the joining host sends. `address`: where it can be reached; an empty host means: where this request comes from.

    `is_name_chosen`: by its operator, so it is not changed.
    """

    secret: bytes
    certificate: str
    name: str
    address: str
    is_name_chosen: bool = False


class JoinAnswer(msgspec.Struct, frozen=True):
    """`name`: of the inviting host. `your_name`: how it calls the other one. `roster`: the number of its roster, 0 if it has none."""

    name: str
    your_name: str
    roster: int = 0


def invite(directory: DataDirectory, name: str = "") -> PairingCode:
    """Opens an invitation, valid for an hour; an older one ends. `name`: of the new host. Raises PeersProblem."""
    peers = Peers(directory)
    with peers.changing() as content:
        require_no_peer(peers)
        code = PairingCode.new(make_identity(directory).id)
        invitation = Invitation(_hash(code.secret), clean_name(name) if name else "", clock.now() + VALID_FOR)
        peers.write(msgspec.structs.replace(content, invitation=invitation))
    return code


def require_no_peer(peers: Peers) -> None:
    """Raises PeersProblem if this host is paired already."""
    if found := peers.list():
        raise paired_already(found[0])


def admit(directory: DataDirectory, request: JoinRequest, name: str, source: str) -> JoinAnswer:
    """Adds the joining host as a peer. `name`: of this host; `source`: the address that the request came from.

    Raises CodeProblem or PeersProblem.
    """
    own, peers = make_identity(directory), Peers(directory)
    other = fingerprint_of(request.certificate)
    with peers.changing() as content:
        invitation = content.invitation
        if invitation is None or not hmac.compare_digest(_hash(request.secret), invitation.secret_hash):
            raise CodeProblem("This code is not valid, or no longer. Get a new one on the primary with: moot host add")
        if invitation.is_expired:
            raise CodeProblem("This code has expired. Get a new one on the primary with: moot host add")
        if invitation.used_by not in ("", other):
            raise CodeProblem("This code was used by another host. If you do not know it, run on the primary: moot host list")
        if other == own.id:
            raise PeersProblem("A host cannot be paired with itself. Run this on the new host.")
        (host, port), rosters = _sent_address(request.address), Rosters(directory)
        peer = Peer(
            id=other, name=_name_of(request, invitation, name), address=join_address(host or source, port), added_at=clock.now(),
            certificate=request.certificate, words=words(own.id, other, request.secret), roster=rosters.number,
        )
        used = msgspec.structs.replace(invitation, used_by=other)
        peers.write(with_peer(HostsFile(content.peers, used), peer, name))
        rosters.readmit(other)
    log.info("the host %s at %s has joined", peer.name, peer.address)
    return JoinAnswer(name, peer.name, peer.roster)


def _name_of(request: JoinRequest, invitation: Invitation, own: str) -> str:
    """The name of the joining host: as its operator chose, else the one of the invitation, else its machine's, made different
    from `own`, the name of this host. Raises PeersProblem."""
    requested = clean_name(request.name)
    if not request.is_name_chosen:
        return unlike(invitation.name or requested, own)
    if requested == own:
        raise PeersProblem("This host is called %(name)s already. Choose another name for the new one, with --name.", name=own)
    return requested


async def join(
    directory: DataDirectory, address: str, code: str, *, name: str, own_address: str, is_name_chosen: bool = False
) -> Peer:
    """Pairs this host with the one at `address`; returns that host. Repeat it after a failure; only the code may be used up.

    `name`, `own_address`: how the other host calls and reaches this one, see `own_address`. Unless `is_name_chosen`, the other
    host may give it another name. Raises MistypedCode, WrongHost, PeerUnreachable, PeerRefused, PeersProblem.
    """
    parsed, (host, port), peers = PairingCode.read(code), parse_address(address), Peers(directory)
    with peers.changing():
        own = make_identity(directory)
    request = JoinRequest(parsed.secret, own.certificate, clean_name(name), own_address, is_name_chosen)
    certificate, answer = await _sent(parsed, host, port, request)
    other = fingerprint_of(certificate)
    peer = Peer(
        other, clean_name(answer.name), join_address(host, port), certificate, clock.now(), words(other, own.id, parsed.secret),
        answer.roster,
    )
    peers.add(peer, clean_name(answer.your_name))
    return peer


def words(primary: str, joining: str, secret: bytes) -> str:
    """Six words that are the same on both hosts if they saw the same certificates."""
    from mnemonic import Mnemonic

    digest = hashlib.sha256(b"folkmoot pairing words 1\n" + bytes.fromhex(primary) + bytes.fromhex(joining) + secret).digest()
    number, chosen = int.from_bytes(digest, "big"), Mnemonic("english").wordlist
    return " ".join(chosen[number >> (11 * position) & 2047] for position in range(_WORDS))


async def _sent(code: PairingCode, host: str, port: int, request: JoinRequest) -> tuple[str, JoinAnswer]:
    """Sends the request to the host of the code; returns its certificate and answer."""
    where = {"host": join_address(host, port)}
    try:
        async with asyncio.timeout(_SECONDS):
            plain = await httpcore.AnyIOBackend().connect_tcp(host, port, timeout=CONNECT_SECONDS)
            stream = await plain.start_tls(pairing_context(), SERVER_NAME, timeout=CONNECT_SECONDS)
            try:
                shown = stream.get_extra_info("ssl_object").getpeercert(binary_form=True)
                if not code.is_of(fingerprint_of_der(shown)):
                    raise WrongHost(
                        "The host at %(host)s is not the one that made this code: its certificate is another one. Check the address; if it"
                        " is right, somebody stands between the two hosts.", **where,
                    )
                status, body = await _post(stream, host, port, msgspec.json.encode(request))
            finally:
                await stream.aclose()
    except (OSError, TimeoutError, httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
        raise PeerUnreachable(
            "The host at %(host)s does not answer: %(why)s. Is moot up running there, is the code still valid, and is this port open?",
            why=reason(error), **where,
        ) from error
    if status == REFUSED:
        refusal = msgspec.json.decode(body, type=Refusal)
        raise PeerRefused(refusal.code, refusal.sentence)
    return ssl.DER_cert_to_PEM_cert(shown), msgspec.json.decode(body, type=JoinAnswer)


async def _post(stream: Any, host: str, port: int, body: bytes) -> tuple[int, bytes]:
    where = httpcore.URL(scheme=b"https", host=host.encode(), port=port, target=PATH.encode())
    async with httpcore.AsyncHTTP11Connection(origin=where.origin, stream=stream) as connection:
        headers = [(b"host", SERVER_NAME.encode()), (b"content-length", str(len(body)).encode())]
        response = await connection.handle_async_request(httpcore.Request("POST", where, headers=headers, content=body))
        try:
            answered = b""
            async for piece in response.aiter_stream():
                answered += piece
                if len(answered) > LARGEST_REQUEST:
                    raise httpcore.RemoteProtocolError("the answer is too long")
            return response.status, answered
        finally:
            await response.aclose()


def _sent_address(address: str) -> tuple[str, int]:
    """(host, port) of the joining host; its host may be empty, as in ":8421"."""
    return ("", parse_address(f"host{address}")[1]) if address.startswith(":") else parse_address(address)


def _hash(secret: bytes) -> str:
    return hashlib.sha256(b"folkmoot pairing secret 1\n" + secret).hexdigest()
