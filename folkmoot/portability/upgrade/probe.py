"""Asks a network on this machine whether it is ready."""

import socket
from contextlib import suppress

import msgspec

_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - of a server that listens on all addresses
_REQUEST = b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
_LONGEST = 64 * 1024


def why_not_ready(host: str, port: int, seconds: float = 3.0) -> str:
    """Why the network that listens there is not ready; "" if it is."""
    try:
        head, _, content = _answer(_ANY.get(host, host), port, seconds).partition(b"\r\n\r\n")
    except OSError as error:
        return f"/readyz does not answer: {error}"
    status = head.split(b" ", 2)[1] if head.count(b" ") > 1 else b"nothing"
    if status == b"200":
        return ""
    with suppress(msgspec.MsgspecError, KeyError, TypeError):
        return "it is not ready: " + "; ".join(msgspec.json.decode(content)["reasons"])
    return f"/readyz answers {status.decode(errors='replace')}"


def _answer(host: str, port: int, seconds: float) -> bytes:
    with socket.create_connection((host, port), seconds) as connection:
        connection.settimeout(seconds)
        connection.sendall(_REQUEST)
        answer = b""
        while len(answer) < _LONGEST and (part := connection.recv(_LONGEST)):
            answer += part
        return answer
