"""How long threats are visible before the detector hides them, at a steady rate of posts.

Fifty posts per second arrive through the client API; one in twenty is a threat that the packaged detector hides. The time
is measured from the response to the post, which is sent after its commit, until the restriction is committed.
"""

import asyncio
import json
import statistics
import time

from benchmarks.harness import Row, database_of, network, report, run
from benchmarks.posting import fill
from folkmoot.moderation.detection.detector import Detector
from tests.network_up import NetworkUp

RATE = 50
SECONDS = 40
_EVERY = 20
_CANDIDATES = (
    "Zítra si na tebe počkám před školou a rozbiju ti hubu, zabiju tě.",
    "Přijdu si pro tebe v noci a podříznu tě.",
    "I will wait for you after work and I will kill you, you have it coming.",
    "We should all go there tonight and burn them alive in their house.",
)
_CALM = "Na návsi dnes v šest otevíráme opravenou kašnu, voda teče po třiceti letech. Přijďte, bude polévka."


async def _post(port: int, token: str, text: str) -> int:
    body = json.dumps({"status": text, "language": _language(text)}).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write((f"POST /api/v1/statuses HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n"
                  f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body)
    answer = await reader.read()
    writer.close()
    return int(json.loads(answer.partition(b"\r\n\r\n")[2])["id"])


def _threats() -> list[str]:
    """The candidates that the detector hides. How many threats it misses is measured in docs/reference/detector.md."""
    findings = Detector.load().score(_CANDIDATES, [_language(text) for text in _CANDIDATES])
    return [text for text, finding in zip(_CANDIDATES, findings, strict=True) if finding.hide]


def _language(text: str) -> str:
    return "en" if text.isascii() else "cs"


async def publish_threats(up: NetworkUp, tokens: list[str]) -> tuple[list[float], int, float]:
    """Returns the seconds until each threat was hidden, how many stayed visible, and the posts per second."""
    published: dict[int, float] = {}
    tasks = []
    threats = _threats()

    async def publish(number: int) -> None:
        is_threat = number % _EVERY == 0
        text = threats[number // _EVERY % len(threats)] if is_threat else f"{_CALM} {number}"
        post_id = await _post(up.port, tokens[number % len(tokens)], text)
        if is_threat:
            published[post_id] = time.time()

    started = time.perf_counter()
    for number in range(RATE * SECONDS):
        await asyncio.sleep(max(0.0, started + number / RATE - time.perf_counter()))
        tasks.append(asyncio.create_task(publish(number)))
    await asyncio.gather(*tasks)
    took = time.perf_counter() - started
    await asyncio.sleep(5)
    async with database_of(up) as database, database.read() as conn:
        rows = await conn.fetch(
            "SELECT subject_id, imposed_at FROM restrictions WHERE subject = 'post' AND subject_id = ANY ($1::bigint[])", list(published)
        )
    hidden = {row["subject_id"]: row["imposed_at"].timestamp() for row in rows}
    return [max(0.0, hidden[id_] - published[id_]) for id_ in hidden], len(published) - len(hidden), RATE * SECONDS / took


def main() -> None:
    # Few authors write all threats here; by default programs hide five posts of one author in a day.
    with network(FOLKMOOT_LIMITS_MULTIPLIER="100000", FOLKMOOT_MODERATION_HIDDEN_PER_AUTHOR="10000") as up:
        delays, missed, rate = run(publish_threats(up, run(fill(up))))
    cuts = statistics.quantiles(delays, n=100)
    report("examine", [
        Row("posts per second", rate, "1/s", f">= {RATE - 1}", rate >= RATE - 1),
        Row("threats among them", len(delays) + missed, ""),
        Row("threats that stayed visible", missed, "", "0", missed == 0),
        Row("from publishing to hidden, median", statistics.median(delays), "s"),
        Row("from publishing to hidden, p95", cuts[94], "s", "<= 2", cuts[94] <= 2),
        Row("from publishing to hidden, p99", cuts[98], "s", "<= 5", cuts[98] <= 5),
    ])


if __name__ == "__main__":
    main()
