"""The first process of a host in namespaces. Run as a program, with the standard library only.

Prints its process id as the outer namespace sees it. Reaps orphans, as an init process does: PostgreSQL takes a zombie for a running
server. Is the only DNS server that the host knows: it refuses every question at once, until it is told to be silent. Ends with
its standard input, which the test process holds: then the kernel kills all other processes of the host.

    python node.py     reads lines of JSON from standard input, {"dns": "refuses" or "silent"}, and answers each with "ok"
"""

import ctypes
import errno
import json
import os
import signal
import socket
import sys
import threading
from pathlib import Path

_MS_BIND = 4096
_HEADER = 12  # bytes of a DNS message
_ANSWER, _REFUSED = 0x80, 5  # RFC 1035 4.1.1


class Dns:
    """A name server that answers nothing useful."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("0.0.0.0", 53))  # 127.0.0.1 does not exist yet
        self.is_silent = False

    def serve(self) -> None:
        while True:
            question, sender = self._socket.recvfrom(512)
            if len(question) >= _HEADER and not self.is_silent:
                flags = bytes([question[2] | _ANSWER, question[3] & 0xF0 | _REFUSED])
                self._socket.sendto(question[:2] + flags + question[4:], sender)


def mount(source: str, target: str, kind: str = "", flags: int = 0) -> int:
    """Returns the number of the error, or 0."""
    done = ctypes.CDLL(None, use_errno=True).mount(source.encode(), target.encode(), kind.encode() or None, flags, None)
    return ctypes.get_errno() if done else 0


def main() -> None:
    outer_id = os.readlink("/proc/self")
    if failed := mount("proc", "/proc", "proc"):
        sys.exit(os.strerror(failed))
    failed = mount(str(Path(__file__).with_name("resolv.conf")), "/etc/resolv.conf", flags=_MS_BIND)
    if failed not in (0, errno.ENOENT):  # without the file, the same server is asked
        sys.exit(f"/etc/resolv.conf: {os.strerror(failed)}")
    dns = Dns()
    threading.Thread(target=dns.serve, daemon=True).start()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print(outer_id, flush=True)
    for line in sys.stdin:
        dns.is_silent = json.loads(line)["dns"] == "silent"
        print("ok", flush=True)


main()
