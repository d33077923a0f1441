"""From outside: certificates that come and renew by themselves, pages, uploads, streams and real addresses through Caddy."""

import gzip
import io
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image
from websockets.sync.client import connect

from folkmoot.base import clock
from folkmoot.portability.certificates import keeper
from folkmoot.portability.certificates.model import Question
from tests.conftest import new_open_folder
from tests.journeys.https_host import DOMAIN, HttpsHost, why_impossible

if why := why_impossible():
    pytest.skip(why, allow_module_level=True)


@pytest.fixture(scope="module")
def host() -> Iterator[HttpsHost]:
    with new_open_folder() as folder:
        world = HttpsHost(folder)
        try:
            yield world.start()
        finally:
            world.stop()


@pytest.fixture(scope="module")
def token(host: HttpsHost) -> str:
    host.moot("account", "create", "hana", "--email", "hana@example.org", "--role", "operator", "--link")
    return str(host.moot("token", "create", "hana")["token"])


@pytest.fixture(scope="module")
def first_serial(host: HttpsHost) -> str:
    return host.serial_number()


def test_pages_come_with_a_certificate_of_the_authority(host: HttpsHost, first_serial: str) -> None:
    page = host.ask("GET", "/")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["strict-transport-security"].startswith("max-age=63072000")
    assert "__Host-" in host.ask("GET", "/log_in").headers["set-cookie"]  # the network knows that the address is https
    assert {"server", "via"} & set(page.headers) == set()
    plain = host.ask("GET", "/about", port=80)
    assert (plain.status, plain.headers["location"]) == (308, f"https://{DOMAIN}/about")


def test_answers_are_compressed_but_not_twice(host: HttpsHost) -> None:
    for path, kind in (("/api/v1/instance", "application/json"), ("/", "text/html")):
        answer = host.ask("GET", path, accept_encoding="gzip")
        assert answer.headers["content-type"].startswith(kind)
        assert answer.headers["content-encoding"] == "gzip"
        assert gzip.decompress(answer.body)[:1] in (b"{", b"<")
    assert host.ask("GET", "/api/v1/instance", accept_encoding="zstd").headers["content-encoding"] == "zstd"


def test_pictures_are_taken_and_served(host: HttpsHost, token: str) -> None:
    out = io.BytesIO()
    Image.new("RGB", (60, 40), "teal").save(out, "PNG")
    body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n' + out.getvalue() + b"\r\n--b--\r\n"
    sent = host.ask("POST", "/api/v2/media", token=token, body=body, content_type="multipart/form-data; boundary=b")
    assert sent.status == 200, sent.body
    address = sent.json["url"]
    assert address.startswith(f"https://{DOMAIN}/")
    picture = host.ask("GET", address.removeprefix(f"https://{DOMAIN}"), token=token)
    assert picture.status == 200
    assert picture.headers["content-type"].startswith("image/")
    assert "max-age" in picture.headers["cache-control"]
    assert "content-encoding" not in picture.headers


def test_what_is_too_large_is_refused_by_the_network_itself(host: HttpsHost, token: str) -> None:
    refused = host.ask("POST", "/api/v1/statuses", token=token, body=b"status=" + b"a" * 3_000_000,
                       content_type="application/x-www-form-urlencoded")
    assert refused.status == 413
    assert "error" in refused.json


def test_events_arrive_at_once(host: HttpsHost, token: str) -> None:
    """Each stream stays open, so its events can only come unbuffered."""
    with host.secure() as events:
        events.sendall(f"GET /api/v1/streaming/user HTTP/1.1\r\nHost: {DOMAIN}\r\nAccept-Encoding: gzip\r\n"
                       f"Authorization: Bearer {token}\r\n\r\n".encode())
        lines = events.makefile("rb")
        head = list(iter(lines.readline, b"\r\n"))
        assert head[0].split()[1] == b"200"
        assert not any(line.lower().startswith(b"content-encoding") for line in head)
        address = f"wss://{DOMAIN}/api/v1/streaming?stream=user"
        with connect(address, sock=host.connect(), ssl=host.trust(), additional_headers={"Authorization": f"Bearer {token}"}) as socket:
            posted = host.ask("POST", "/api/v1/statuses", token=token, body=b'{"status": "Ahoj"}', content_type="application/json")
            assert posted.status == 200
            frame = json.loads(socket.recv(timeout=60))
            assert (frame["event"], json.loads(frame["payload"])["id"]) == ("update", posted.json["id"])
        data = next(line for line in lines if line.startswith(b"data: "))
        assert json.loads(data[6:])["id"] == posted.json["id"]


def test_limits_count_the_real_address_whatever_a_visitor_claims(host: HttpsHost) -> None:
    def left(source: str, claimed: str = "198.51.100.7") -> int:
        answer = host.ask("GET", "/api/v1/timelines/public", source=source, x_forwarded_for=claimed, forwarded=f"for={claimed}")
        return int(answer.headers["x-ratelimit-remaining"])

    first = left("127.0.0.2")
    assert left("127.0.0.3") == first
    assert [left("127.0.0.2"), left("127.0.0.2", "198.51.100.8")] == [first - 1, first - 2]


def test_requests_wait_while_the_network_restarts(host: HttpsHost) -> None:
    host.stop_network()
    with ThreadPoolExecutor(1) as visitors:
        waiting = visitors.submit(host.ask, "GET", "/livez")
        host.start_network()
        assert waiting.result(60).status == 200


def test_the_log_has_no_address_and_no_words_of_visitors(host: HttpsHost) -> None:
    host.ask("GET", "/search?q=tajemstvi", source="127.0.0.9", user_agent="Nikdo/1.0")
    host.ask("GET", "/reset/tajny-klic", source="127.0.0.9")
    deadline = time.monotonic() + 90
    while '"uri":"/reset"' not in (log := host.caddy_log.read_text()):
        assert time.monotonic() < deadline, log[-2000:]
        time.sleep(0.05)
    assert '"uri":"/search"' in log
    assert not [secret for secret in ("tajemstvi", "tajny-klic", "127.0.0.9", "Nikdo", "Bearer") if secret in log]


def test_the_certificate_is_renewed_by_itself(host: HttpsHost, first_serial: str) -> None:
    deadline = time.monotonic() + 60
    while host.serial_number() == first_serial:
        assert time.monotonic() < deadline, host.caddy_log.read_text()[-4000:]
        time.sleep(0.2)
    assert host.ask("GET", "/livez").status == 200


def test_another_host_shows_the_certificate_and_asks_for_none_until_it_takes_over(host: HttpsHost) -> None:
    """Afterwards the Caddy of the second host answers. What travels here is what the secrets of a network contain."""
    here, there = host.folder / "front", host.folder / "second"
    there.mkdir()
    first = keeper.answer(here, Question(domain=DOMAIN, obtains=True, bundle={}))
    assert {name.partition("/")[0] for name in first.bundle} == {"certificates", "acme"}
    told = keeper.answer(there, Question(domain=DOMAIN, obtains=False, bundle=first.bundle))
    assert told == first
    assert told.until
    host.replace_caddy()
    serial = host.serial_number()
    assert host.ask("GET", "/livez").status == 200
    while (told.until - clock.now()).total_seconds() > 345:  # of 360; the first host would have renewed it at 353
        time.sleep(0.2)
    assert host.serial_number() == serial
    log = host.caddy_log.read_text()
    assert "obtain" not in log
    assert "renew" not in log
    keeper.answer(there, Question(domain=DOMAIN, obtains=True, bundle=first.bundle))
    deadline, resets = time.monotonic() + 60, 0
    while resets < 2:
        try:
            if host.serial_number() != serial:
                break
        except ConnectionResetError:  # a connection that Caddy has not accepted when it reloads, which is once: browsers ask again
            resets += 1
        assert time.monotonic() < deadline, host.caddy_log.read_text()[-4000:]
        time.sleep(0.05)
    assert resets < 2
    assert "certificate renewed successfully" in host.caddy_log.read_text()
    assert host.ask("GET", "/livez").status == 200
