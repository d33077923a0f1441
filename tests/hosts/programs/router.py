"""Slow and narrow links: a program that runs in the router's network namespace, with the standard library only.

The kernel routes packets of shaped links into one end of a pair of devices. This program reads them at the other end, keeps
each until its time, and sends it back to be routed to its target. Packets keep their offload header, so large segments
stay whole and one process is enough. `tc netem` would do the same, but not every kernel has it.

    python router.py DEVICE     reads lines of JSON from standard input, {"source": ADDRESS, "target": ADDRESS, "delay": S, "rate": B/S},
                                answers each with "ok", and ends with its input.
"""

import heapq
import itertools
import json
import os
import select
import socket
import sys
import time

_SOL_PACKET, _PACKET_VNET_HDR = 263, 15
_ETH_P_IP = 0x0800
_HEADER = 10  # bytes of the offload header
_LONGEST_QUEUE = 1.0  # seconds; a full link drops what would wait longer

Link = tuple[bytes, bytes]


class Router:
    """Packets in flight, ordered by the time at which they arrive."""

    def __init__(self, device: str) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_IP))
        self._socket.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
        self._socket.bind((device, _ETH_P_IP))
        self._socket.setblocking(False)
        self._shapes: dict[Link, tuple[float, float]] = {}
        self._free_at: dict[Link, float] = {}  # when a narrow link has sent everything before
        self._in_flight: list[tuple[float, int, bytes]] = []
        self._order = itertools.count()

    def run(self) -> None:
        """Until standard input ends."""
        commands = b""
        while True:
            wait = max(0.0, self._in_flight[0][0] - time.monotonic()) if self._in_flight else None
            ready, _, _ = select.select([sys.stdin, self._socket], [], [], wait)
            if sys.stdin in ready:
                read = os.read(0, 65536)
                if not read:
                    return
                *lines, commands = (commands + read).split(b"\n")
                for line in lines:
                    self._shape(json.loads(line))
            if self._socket in ready:
                self._receive()
            self._deliver()

    def _shape(self, command: dict[str, str | float]) -> None:
        link = (socket.inet_aton(str(command["source"])), socket.inet_aton(str(command["target"])))
        self._shapes[link] = (float(command["delay"]), float(command["rate"]))
        print("ok", flush=True)

    def _receive(self) -> None:
        for _ in range(64):
            try:
                packet = self._socket.recv(2**17)
            except BlockingIOError:
                return
            address = _HEADER + 14 + 12  # after the Ethernet header, in the IP header
            link = (packet[address : address + 4], packet[address + 4 : address + 8])
            delay, rate = self._shapes.get(link, (0.0, 0.0))
            now = leaves = time.monotonic()
            if rate:
                leaves = max(now, self._free_at.get(link, 0.0)) + len(packet) / rate
                if leaves - now > _LONGEST_QUEUE:
                    continue
                self._free_at[link] = leaves
            heapq.heappush(self._in_flight, (leaves + delay, next(self._order), packet))

    def _deliver(self) -> None:
        now = time.monotonic()
        while self._in_flight and self._in_flight[0][0] <= now:
            _, _, packet = heapq.heappop(self._in_flight)
            # From this device to the one that the packet came from: the two Ethernet addresses change places.
            back = packet[:_HEADER] + packet[_HEADER + 6 : _HEADER + 12] + packet[_HEADER : _HEADER + 6] + packet[_HEADER + 12 :]
            try:
                self._socket.send(back)
            except BlockingIOError:
                pass  # lost, as on a real link


if __name__ == "__main__":
    Router(sys.argv[1]).run()
