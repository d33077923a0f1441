"""The detector on one core: posts per second in batches, time to load, memory in a worker."""

import itertools
import os
import re
import subprocess
import sys
import time

from benchmarks.harness import Row, report

POSTS = 5_000
ROUNDS = 3
_WORD = re.compile(r"[^\W_]+")
_SENTENCES = [
    "Ráno jsem šla kolem řeky a lávka byla celá bílá.", "The bakery on the corner has changed its hours again, so do check first.",
    "Kdo má zítra cestu do Brna, vezme mi balík?", "I finally read the book you lent me, and the ending is not what I thought.",
    "Včera jsme sázeli stromky, dnes mě bolí záda.", "Does anybody know who feeds the ducks on Sundays?",
    "V knihovně je nová výstava fotografií, končí v pátek.", "We lost three to nothing and it was still a lovely evening.",
    "Najdu tě a zmlátím tě, to si piš!", "My train was late, my phone was flat, and then it began to rain 🌧",
    "To je fakt s k v ě l ý nápad 😂", "c00l st0ry, tell m3 m0re",
]
_CHILD = """
import time
import msgspec, click, folkmoot.base.text
def memory():
    return next(int(line.split()[1]) for line in open("/proc/self/smaps_rollup") if line.startswith("Pss:")) / 1024
before = memory()
started = time.perf_counter()
from folkmoot.moderation.detection.detector import Detector
imported = time.perf_counter()
detector = Detector.load()
loaded = time.perf_counter()
detector.score(["Ahoj, kdo jde zítra na hrad?"] * 256, ["cs"] * 256)
print(1000 * (loaded - imported), 1000 * (imported - started), memory() - before)
"""


def _posts() -> list[str]:
    """Posts of one to five sentences, about 130 characters on average; the same in each run."""
    cycle = itertools.cycle(_SENTENCES)
    return [" ".join(itertools.islice(cycle, 1 + number % 5)) for number in range(POSTS)]


def main() -> None:
    from folkmoot.moderation.detection.detector import PACKAGED, Detector

    posts, detector = _posts(), Detector.load()
    detector.score(posts[:256], ["cs"] * 256)
    score, split = [], []
    for _ in range(ROUNDS):
        started = time.process_time()
        findings = detector.score(posts, ["cs"] * POSTS)
        score.append(time.process_time() - started)
        started = time.process_time()
        words = sum(len(_WORD.findall(post)) for post in posts)
        split.append(time.process_time() - started)
    assert len(findings) == POSTS and words > POSTS  # noqa: PT018
    rate, size = POSTS / min(score), PACKAGED.stat().st_size / 1e6
    child = subprocess.run([sys.executable, "-c", _CHILD], capture_output=True, text=True, check=True)
    load, imported, memory = map(float, child.stdout.split())
    report("detector", [
        Row("posts per second, one core, batches of 256", rate, "posts/s", ">= 1000", rate >= 1000),
        Row("cost relative to splitting the same posts into words with a regular expression", min(score) / min(split), "x"),
        Row("loading the model", load, "ms", "<= 200", load <= 200),
        Row("importing numpy and the scorer", imported, "ms"),
        Row("size of the artefact", size, "MB", "<= 25", size <= 25),
        Row("memory in a worker, including numpy", memory, "MiB", "<= 25", memory <= 25),
    ])


if __name__ == "__main__":
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    main()
