"""From publishing a threat to hiding it, at fifty posts per second (see `benchmarks/examine.py`), with readers beside: a hundred pages
per second, half of them of the client API."""

import asyncio
import itertools
import statistics

from benchmarks.examine import RATE, publish_threats
from benchmarks.harness import Row, network
from benchmarks.moderating.browser import Browser
from benchmarks.posting import fill
from tests.network_up import NetworkUp

READERS = 20
_PAUSE = 0.2  # seconds from one page of a reader to the next
_PATHS = ("/api/v1/timelines/home", "/explore", "/api/v1/timelines/public", "/@author_07")


async def _read(up: NetworkUp, tokens: list[str], pages: list[float]) -> None:
    """One reader, until cancelled; `pages` gets the seconds of each page."""
    reader = Browser(up.port, token=tokens[0])
    loop = asyncio.get_running_loop()
    for path in itertools.cycle(_PATHS):
        began = loop.time()
        answer = await reader.get(path)
        assert answer.status in (200, 206), (path, answer.status)  # 206: the home is being rebuilt
        pages.append(answer.seconds)
        await asyncio.sleep(max(0.0, began + _PAUSE - loop.time()))


async def measure() -> list[Row]:
    with network(FOLKMOOT_LIMITS_MULTIPLIER="100000", FOLKMOOT_MODERATION_HIDDEN_PER_AUTHOR="10000") as up:
        tokens = await fill(up)
        pages: list[float] = []
        loop = asyncio.get_running_loop()
        readers = [asyncio.create_task(_read(up, tokens, pages)) for _ in range(READERS)]
        began = loop.time()
        delays, missed, rate = await publish_threats(up, tokens)
        read = len(pages) / (loop.time() - began)
        for reader in readers:
            if reader.done():
                reader.result()
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
    cuts, page_cuts = statistics.quantiles(delays, n=100), statistics.quantiles(pages, n=100)
    return [
        Row("hiding: posts per second", rate, "1/s", f">= {RATE - 1}", rate >= RATE - 1),
        Row("hiding: pages read per second beside", read, "1/s", ">= 90", read >= 90),
        Row("hiding: threats among the posts", len(delays) + missed, ""),
        Row("hiding: threats that stayed visible", missed, "", "0", missed == 0),
        Row("hiding: from publishing to hidden, median", cuts[49], "s"),
        Row("hiding: from publishing to hidden, p95", cuts[94], "s", "<= 2", cuts[94] <= 2),
        Row("hiding: from publishing to hidden, p99", cuts[98], "s", "<= 5", cuts[98] <= 5),
        Row("hiding: page of a reader, p95", 1000 * page_cuts[94], "ms"),
    ]
