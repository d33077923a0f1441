"""An authoritative DNS server for tests: Knot, which takes signed updates (RFC 2136, TSIG) for the zone `moot.example`.

dns-lexicon asks port 53, so the server needs the right to listen there; every test has an address of its own.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.portability.servers import program

ZONE = "moot.example"
SECRET = "Wg2ZbTz0mSGbH5e9l1F8n3yXq7c4rK6vU0pJd2sLhAo="
_KEY = "folkmoot"


@dataclass(frozen=True)
class DnsServer:
    """`credentials`: the secret `dns-credentials` of a network that uses it."""

    address: str

    @property
    def credentials(self) -> str:
        return f"auth_token = hmac-sha256:{_KEY}:{SECRET}\nddns_server = {self.address}\n"


def _free_address() -> str:
    """An address of this machine whose port 53 nobody uses."""
    if sys.platform != "linux":
        pytest.skip("only Linux has many loopback addresses")
    for last in range(1, 255):
        address = f"127.{os.getpid() >> 8 & 127 | 64}.{os.getpid() & 255}.{last}"
        with socket.socket() as probe:
            try:
                probe.bind((address, 53))
            except PermissionError:
                pytest.skip("only root may listen on port 53")
            except OSError:
                continue
        return address
    raise AssertionError("no free address")


@contextmanager
def dns_server(folder: Path, *records: str, can_store: bool = True) -> Iterator[DnsServer]:
    """`records`: lines of the zone file, such as "@ 60 A 192.0.2.1". If it cannot store, it refuses updates."""
    server, address = program("knotd", "knot"), _free_address()
    for name in ("zones", "db") if can_store else ("zones",):
        (folder / name).mkdir(parents=True)
    (folder / "zones" / f"{ZONE}.zone").write_text("\n".join([
        f"$ORIGIN {ZONE}.", "$TTL 60", "@ SOA ns hostmaster 1 3600 600 86400 60", "@ NS ns", f"ns A {address}", *records, "",
    ]))
    configuration = folder / "knot.conf"
    configuration.write_text(f"""\
server:
  rundir: {folder}
  listen: {address}@53
  identity: ""
log:
- target: stderr
  any: info
database:
  storage: {folder}/db
  journal-db-max-size: 32M
  kasp-db-max-size: 8M
  timer-db-max-size: 8M
key:
- id: {_KEY}
  algorithm: hmac-sha256
  secret: {SECRET}
acl:
- id: updates
  key: {_KEY}
  action: [update, transfer]
zone:
- domain: {ZONE}
  storage: {folder}/zones
  acl: updates
""")
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen([server, "--config", configuration], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        _await(address, process, folder / "log")
        yield DnsServer(address)
    finally:
        process.terminate()
        process.wait(60)


def _await(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Waits until the zone is served."""
    import dns.exception
    import dns.message
    import dns.query
    import dns.rcode

    deadline = time.monotonic() + 120
    while True:
        try:
            if dns.query.udp(dns.message.make_query(ZONE, "SOA"), address, timeout=1).rcode() == dns.rcode.NOERROR:
                return
        except (dns.exception.DNSException, OSError):
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"knotd does not answer:\n{log.read_text(errors='replace')[-3000:]}")
        time.sleep(0.1)
