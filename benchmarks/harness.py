"""Shared by benchmarks: a separate network, a load generator, a table of results."""

import asyncio
import contextlib
import json
import os
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop

from folkmoot.base.db import Database
from folkmoot.commands.options import open_database, settings_of
from tests.network_up import NetworkUp

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Row:
    """One result. `holds`: whether it reaches its target; None if it has none. `load`: of the machine in the minute before."""

    name: str
    value: float
    unit: str
    target: str = ""
    holds: bool | None = None
    load: float = field(default_factory=lambda: round(os.getloadavg()[0], 2))


def report(name: str, rows: list[Row], *, is_kept: bool = True, is_part: bool = False) -> None:
    """Prints the table and writes it to `results/NAME.json`, unless it is not to be kept. `is_part`: the rows replace those of their
    names, and the others stay."""
    width = max(len(row.name) for row in rows)
    for row in rows:
        mark = {None: "", True: "  holds", False: "  MISSED"}[row.holds]
        print(f"{row.name:{width}}  {row.value:>12,.3f} {row.unit:9}{('aim ' + row.target) if row.target else '':>16}{mark}")
    if not is_kept:
        return
    machine = {"python": platform.python_version(), "system": platform.system(), "cores": os.cpu_count(), "processor": _processor()}
    path, found = RESULTS / f"{name}.json", {row.name: asdict(row) for row in rows}
    if is_part:
        found = {row["name"]: row for row in json.loads(path.read_text())["rows"]} | found
    answer = {"machine": machine, "date": datetime.now(UTC).date().isoformat(), "rows": list(found.values())}
    RESULTS.mkdir(exist_ok=True)
    path.write_text(json.dumps(answer, indent=1, ensure_ascii=False) + "\n")


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


@contextlib.contextmanager
def network(**environment: str) -> Iterator[NetworkUp]:
    """A new, empty network in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="folkmoot-bench-") as folder:
        Path(folder).chmod(0o755)
        up = NetworkUp(Path(folder) / "data", "--no-demo", **environment).wait()
        try:
            yield up
        finally:
            up.stop()


@contextlib.asynccontextmanager
async def database_of(up: NetworkUp) -> AsyncIterator[Database]:
    async with open_database(settings_of(up.data)) as database:
        yield database


@dataclass
class Load:
    """The results of one run of the load generator."""

    answers: int
    seconds: float
    latencies: list[float]
    failures: int
    processor: float = 0  # seconds of the server's processes

    @property
    def cost(self) -> float:
        """Microseconds of processor time per answer."""
        return 1e6 * self.processor / self.answers

    @property
    def rate(self) -> float:
        return self.answers / self.seconds

    def percentile(self, share: float) -> float:
        """The latency in milliseconds."""
        return 1000 * statistics.quantiles(self.latencies, n=1000)[round(share * 1000) - 1]


async def drive(
    port: int, request: Callable[[int], bytes], *, connections: int, seconds: float, most: int = 10**9, pids: Iterable[int] = (),
) -> Load:
    """Closed loop over keep-alive connections: each connection sends its next request after the response.

    Ends after `seconds`, or after `most` requests. `pids`: the processes whose processor time is measured.
    """
    pids = list(pids)
    load = Load(0, seconds, [], 0)
    numbers = iter(range(most))
    end = time.perf_counter() + seconds

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
        for number in numbers:
            if time.perf_counter() >= end:
                break
            started = time.perf_counter()
            writer.write(request(number))
            head = await reader.readuntil(b"\r\n\r\n")
            lower = head.lower()
            at = lower.index(b"content-length:") + 15
            await reader.readexactly(int(lower[at : lower.index(b"\r", at)]))
            load.latencies.append(time.perf_counter() - started)
            load.answers += 1
            load.failures += not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 206"))
        writer.close()

    started, spent = time.perf_counter(), sum(map(processor_time, pids))
    await asyncio.gather(*(one() for _ in range(connections)))
    load.seconds, load.processor = time.perf_counter() - started, sum(map(processor_time, pids)) - spent
    return load


async def wait_for(port: int) -> None:
    """Until a server that was started listens."""
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            await asyncio.sleep(0.2)
        else:
            writer.close()
            return


def get(path: str, token: str = "", host: str = "localhost") -> bytes:
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{authorization}\r\n".encode()


def processor_time(pid: int) -> float:
    """Seconds of user and kernel time that a process has used."""
    try:
        return sum(int((task / "schedstat").read_text().split()[0]) for task in Path(f"/proc/{pid}/task").iterdir()) / 1e9
    except (FileNotFoundError, ProcessLookupError):  # it has ended
        return 0.0


def server_pids(pid: int) -> list[int]:
    """Web and worker below `moot up`, without PostgreSQL."""
    listed = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(pid)], capture_output=True, text=True).stdout
    return [int(line.split()[0]) for line in listed.splitlines() if "postgres" not in line]


def tree_of(pid: int) -> set[int]:
    """A process and its descendants."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True).stdout
    rows = [tuple(map(int, line.split())) for line in listed.splitlines()]
    tree, more = {pid}, {pid}
    while more:
        more = {child for child, parent in rows if parent in tree} - tree
        tree |= more
    return tree


def memory_of(pid: int) -> dict[str, float]:
    """MiB of a process and its descendants, by kind. PSS counts shared memory once."""
    found: dict[str, float] = {}
    for one in tree_of(pid):
        with contextlib.suppress(OSError):
            kind = "PostgreSQL" if b"postgres" in Path(f"/proc/{one}/cmdline").read_bytes() else "Folkmoot"
            for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    found[kind] = found.get(kind, 0) + int(line.split()[1]) / 1024
    return found


def run(work: Any) -> Any:
    return uvloop.run(work)


__all__ = ["Load", "Row", "database_of", "drive", "get", "memory_of", "network", "processor_time", "report", "run", "server_pids",
           "tree_of", "wait_for"]
