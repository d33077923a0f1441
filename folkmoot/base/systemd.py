"""Tells systemd how far a service of type `notify` is. Does nothing if something else started this process."""

import os
import socket
from contextlib import suppress


def notify(state: str) -> None:
    """Sends a state such as `READY=1` (sd_notify(3)). The process must not fail because nobody listens."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        sender.settimeout(1)
        sender.sendto(state.encode(), address.replace("@", "\0", 1) if address[0] == "@" else address)
