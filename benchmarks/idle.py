"""The cost of an idle `moot up`: memory and start time; and the time of `moot --help`."""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.harness import Row, memory_of, report
from tests.network_up import MOOT, ROOT, NetworkUp, environment_with


def _started(data: Path) -> tuple[float, NetworkUp]:
    began = time.perf_counter()
    up = NetworkUp(data, "--no-demo")
    while not up.get("/readyz").get("ready"):
        time.sleep(0.01)
    return time.perf_counter() - began, up


def _seconds(command: list[str]) -> float:
    found = []
    for _ in range(9):
        began = time.perf_counter()
        subprocess.run(command, capture_output=True, check=True, cwd=ROOT, env=environment_with({}))
        found.append(time.perf_counter() - began)
    return statistics.median(found)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="folkmoot-bench-") as folder:
        Path(folder).chmod(0o755)
        data = Path(folder) / "data"
        first, up = _started(data)
        up.stop()
        later, up = _started(data)
        for path in ("/", "/explore", "/api/v1/timelines/public", "/about") * 5:
            up.get(path)
        time.sleep(15)
        memory = memory_of(up.process.pid)
        stopped = up.stop()
    total = sum(memory.values())
    shown, bare = _seconds([*MOOT, "--help"]), _seconds([sys.executable, "-c", "pass"])
    report("idle", [
        Row("memory of everything that `moot up` starts, idle (PSS)", total, "MiB", "<= 300", total <= 300),
        *(Row(f"of that {kind}", value, "MiB") for kind, value in sorted(memory.items())),
        Row("first start of an empty network, until it is ready", first, "s", "<= 180", first <= 180),
        Row("later start, until it is ready", later, "s", "<= 5", later <= 5),
        Row("stop", stopped, "s", "<= 5", stopped <= 5),
        Row("moot --help", 1000 * shown, "ms", "<= 150", shown <= 0.15),
        Row("the bare interpreter", 1000 * bare, "ms"),
    ])


if __name__ == "__main__":
    main()
