"""Notices by the signed API: only registered keys, each reference once, and nothing to gain from a recorded request."""

import base64
import json
from datetime import timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from folkmoot.base import clock
from folkmoot.base.http_signatures import Signature, SignedRequest, digest_of, is_signed, read_signature, signature_base
from folkmoot.moderation.contacts.actions import end_contact
from folkmoot.moderation.contacts.model import Contact, key_bytes
from tests.moderation.court import Court
from tests.moderation.notices import Desk
from tests.village import Answer, Visitor

_PATH = "/api/folkmoot/v1/notices"
# RFC 9421, B.1.4 and B.2.6: a signature by another implementation.
_RFC_KEY = """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=
-----END PUBLIC KEY-----"""
_RFC_REQUEST = SignedRequest("POST", "https://example.com/foo?param=Value&Pet=dog", {
    "host": "example.com", "date": "Tue, 20 Apr 2021 02:07:55 GMT", "content-type": "application/json", "content-length": "18",
    "signature-input": 'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;'
    'keyid="test-key-ed25519"',
    "signature": "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:",
}, b'{"hello": "world"}')


@pytest.fixture
async def court(village: Any) -> Court:
    return await Court(village).open()


class _Sender:
    """A hosting provider with a key."""

    def __init__(self, contact: Contact, key: Ed25519PrivateKey, visitor: Visitor) -> None:
        self.contact, self.key, self.visitor = contact, key, visitor

    @classmethod
    async def register(cls, court: Court, name: str = "Hosting s.r.o.") -> "_Sender":
        key = Ed25519PrivateKey.generate()
        pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        return cls(await Desk(court.village).register(name=name, senders=(), key=pem), key, court.village.nobody())

    def headers(self, method: str, path: str, body: bytes = b"", **changed: Any) -> dict[str, str]:
        signed = {"components": ("@method", "@target-uri", "content-digest") if body else ("@method", "@target-uri"),
                  "created": int(clock.now().timestamp()), "keyid": str(self.contact.id), **changed}
        listed = " ".join(f'"{name}"' for name in signed["components"])
        parameters = f'({listed});created={signed["created"]};keyid="{signed["keyid"]}";alg="ed25519"'
        headers = {"content-digest": digest_of(body), "content-type": "application/json"}
        signature = Signature("", signed["components"], parameters, 0, b"")
        request = SignedRequest(method, f"http://localhost:8420{path}", headers, body)
        value = base64.b64encode(self.key.sign(signature_base(signature, request))).decode()
        return {**headers, "signature-input": f"sig={parameters}", "signature": f"sig=:{value}:"}

    async def send(self, body: Any, *, path: str = _PATH, **changed: Any) -> Answer:
        content = json.dumps(body).encode()
        return await self.visitor.send("POST", path, body=content, headers=self.headers("POST", path, content, **changed))

    async def get(self, path: str) -> Answer:
        return await self.visitor.send("GET", path, headers=self.headers("GET", path))


def test_a_signature_of_the_standard_is_valid() -> None:
    key, signature = key_bytes(_RFC_KEY), read_signature(_RFC_REQUEST.headers)
    assert key
    assert is_signed(signature, _RFC_REQUEST, key)
    for change in ({"method": "GET"}, {"url": "https://example.org/foo"}, {"headers": {**_RFC_REQUEST.headers, "date": "x"}}):
        assert not is_signed(signature, _RFC_REQUEST._replace(**change), key)
    assert not is_signed(signature._replace(components=("@nothing",)), _RFC_REQUEST, key)


async def test_a_contact_sends_a_notice_and_reads_its_outcome(court: Court) -> None:
    sender = await _Sender.register(court)
    post = await court.village.write("author")
    body = {"reference": "A-17", "addresses": [f"http://localhost:8420/posts/{post.post.id}", "https://x.example/1"],
            "reason": "A threat.", "rule": "2", "in_good_faith": True, "email": "abuse@hosting.example"}
    sent = await sender.send(body)
    assert sent.status == 201, sent.text
    await court.village.work()
    [mail] = (court.village.settings.data / "outbox").glob("*-notice_receipt.eml")
    written = message_from_bytes(mail.read_bytes(), policy=policy.default).get_content()
    assert (written.count(sent.json["number"] + "\n"), written.count(sent.json["status_url"])) == (1, 1)
    assert [(place["found"], place["action"]) for place in sent.json["places"]] == [("found", None), ("foreign", None)]
    [case] = await court.queue()
    assert (case.is_confirmed, case.clause) == (True, "violence")
    again = await sender.send({**body, "reason": "Said again."})
    assert (again.status, again.json["number"]) == (200, sent.json["number"])
    await court.decide("moderator", case, "remove")
    path = f"{_PATH}/{sent.json['number']}"
    state = (await sender.get(path)).json
    assert (state["places"][0]["action"], state["places"][0]["rule"]) == ("remove", "2")
    assert (await court.village.nobody().get(state["status_url"].removeprefix("http://localhost:8420"))).status == 200
    other = await _Sender.register(court, "Another")
    assert (await other.get(path)).status == 404
    assert (await court.village.nobody().get(path)).status == 401


async def test_a_contact_objects_to_what_was_kept(court: Court) -> None:
    sender, other = await _Sender.register(court), await _Sender.register(court, "Another")
    posts = [await court.village.write("author", f"Počkáme na něj {number}") for number in range(2)]
    addresses = [f"http://localhost:8420/posts/{post.post.id}" for post in posts]
    sent = await sender.send({"reference": "A-17", "addresses": addresses, "reason": "A threat.", "in_good_faith": True})
    path = f"{_PATH}/{sent.json['number']}"
    early = await sender.send({"reason": "No."}, path=f"{path}/appeal")
    assert early.status == 403, early.text
    for case in await court.queue():
        await court.decide("moderator", case, "keep")
    objected = await sender.send({"addresses": addresses[:1], "reason": "Read it again."}, path=f"{path}/appeal")
    assert objected.status == 200, objected.text
    assert [place["appeal"] for place in objected.json["places"]] == ["lodged", None]
    assert (await other.send({}, path=f"{path}/appeal")).status == 404
    assert (await sender.send({"addresses": addresses[:1]}, path=f"{path}/appeal")).status == 403  # once each
    [appeal] = await court.queue()
    await court.decide("other_moderator", appeal, "remove")
    places = (await sender.get(path)).json["places"]
    assert [(place["action"], place["appeal"]) for place in places] == [("remove", "overturned"), ("keep", None)]


async def test_a_notice_that_is_not_signed_exactly_is_refused(court: Court) -> None:
    sender, other = await _Sender.register(court), await _Sender.register(court, "Another")
    post = await court.village.write("author")
    body = {"reference": "A-17", "addresses": [f"http://localhost:8420/posts/{post.post.id}"], "reason": "x", "in_good_faith": True}
    now = int(clock.now().timestamp())
    for change in (
        {"created": now - 301}, {"created": now + 360}, {"keyid": str(other.contact.id)}, {"keyid": "1"}, {"keyid": "x"},
        {"components": ("@method", "@target-uri")}, {"components": ("@method", "content-digest")}, {"components": ("@target-uri",)},
        {"components": ("@method", "@method", "@target-uri", "content-digest")},
    ):
        assert (await sender.send(body, **change)).status == 401, change
    content = json.dumps(body).encode()
    good = sender.headers("POST", _PATH, content)
    for headers in (
        {**good, "signature": "sig=:AAAA:"}, {**good, "signature": ""},
        {**good, "signature-input": good["signature-input"] + ', b=("@method")'},
        {**good, "signature-input": good["signature-input"].replace("sig=", "other=")},
        {**good, "content-digest": digest_of(b"other")}, {**good, "signature-input": good["signature-input"].replace("ed25519", "none")},
        {},
    ):
        answer = await sender.visitor.send("POST", _PATH, body=content, headers={"content-type": "application/json", **headers})
        assert answer.status == 401, headers
    changed = content.replace(b"A-17", b"A-18")
    assert (await sender.visitor.send("POST", _PATH, body=changed, headers=good)).status == 401
    assert not await court.queue()


async def test_a_recorded_request_gains_nothing(court: Court) -> None:
    sender = await _Sender.register(court)
    post = await court.village.write("author")
    body = {"reference": "A-17", "addresses": [f"http://localhost:8420/posts/{post.post.id}"], "reason": "x", "in_good_faith": True}
    content = json.dumps(body).encode()
    recorded = sender.headers("POST", _PATH, content)
    answers = [await sender.visitor.send("POST", _PATH, body=content, headers=recorded) for _ in range(3)]
    assert [answer.status for answer in answers] == [201, 200, 200]
    with clock.stopped_at(clock.now() + timedelta(minutes=6)):
        assert (await sender.visitor.send("POST", _PATH, body=content, headers=recorded)).status == 401
    async with court.database.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM notices") == 1


async def test_a_contact_exchanges_its_key(court: Court) -> None:
    """It is registered with the new key beside the old one, which then ends. From then on the old key signs for nobody."""
    old = await _Sender.register(court)
    post = await court.village.write("author")
    body = {"addresses": [f"http://localhost:8420/posts/{post.post.id}"], "reason": "x", "in_good_faith": True}
    sent = await old.send({**body, "reference": "A-17"})
    assert sent.status == 201, sent.text
    new = await _Sender.register(court)
    assert (await old.get(f"{_PATH}/{sent.json['number']}")).status == 200  # both are valid for a while
    [case] = await court.queue()
    async with court.database.write() as tx:
        await end_contact(tx, old.contact.id)
    swapped = {"keyid": str(new.contact.id)}, {"keyid": str(old.contact.id)}
    for sender, changed in ((old, {}), (old, swapped[0]), (new, swapped[1])):
        assert (await sender.send({**body, "reference": "A-18"}, **changed)).status == 401, changed
    assert (await old.get(f"{_PATH}/{sent.json['number']}")).status == 401
    assert (await new.send({**body, "reference": "A-18"})).status == 201
    again = await court.case(case.id)
    assert (again.is_demanded, again.is_ordered, again.due_at) == (True, False, case.due_at)  # what the old key signed keeps its deadline
    link = sent.json["status_url"].removeprefix("http://localhost:8420")
    assert (await court.village.nobody().get(link)).status == 200


async def test_an_incomplete_notice_names_its_faults(court: Court) -> None:
    sender = await _Sender.register(court)
    refused = await sender.send({"reference": "A-1", "addresses": ["https://elsewhere.example/1"], "reason": " ", "rule": "77"})
    assert refused.status == 422
    assert set(refused.json["details"]) == {"addresses", "reason", "rule", "in_good_faith"}, refused.text
