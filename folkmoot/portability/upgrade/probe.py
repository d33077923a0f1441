"""Asks a network whether it is ready."""

import http.client
from collections.abc import Sequence
from contextlib import suppress

import msgspec

_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - of a server that listens on all addresses


def why_not_ready(host: str, port: int, seconds: float = 3.0) -> str:
    """Why the network that listens there is not ready; "" if it is."""
    connection = http.client.HTTPConnection(_ANY.get(host, host), port, timeout=seconds)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        content = answer.read()
        if answer.status == http.client.OK:
            return ""
        with suppress(msgspec.MsgspecError, KeyError, TypeError):
            reasons: Sequence[str] = msgspec.json.decode(content)["reasons"]
            return "it is not ready: " + "; ".join(reasons)
        return f"/readyz answers {answer.status}"
    except (OSError, http.client.HTTPException) as error:
        return f"/readyz does not answer: {error}"
    finally:
        connection.close()
