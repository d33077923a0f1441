"""Encryption of push messages, against the examples of the standards and another implementation; the key of the network."""

import hashlib
import json

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec

from folkmoot.base.web_push import MOST_BYTES, Receiver, Sealer, VapidKey, decode, encode, encrypt, is_key, seal_draft, seal_standard
from tests.push_service import CONTACT, Device, Sent, bytes_of

VAPID = VapidKey(b"a secret of the tests")


def _private(text: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(bytes_of(text)), ec.SECP256R1())


def test_the_example_of_the_standard_is_encrypted_to_the_same_bytes() -> None:
    """RFC 8291, appendix A."""
    receiver = Receiver(
        bytes_of("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
        bytes_of("BTBZMqHH6r4Tts7J_aSIgg"),
        is_standard=True,
    )
    sealed = seal_standard(
        b"When I grow up, I want to be a watermelon", receiver, _private("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"),
        bytes_of("DGv6ra1nlYgDCS1FRnbzlw"),
    )
    assert encode(sealed) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT"
        "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


def test_the_example_of_the_draft_is_encrypted_to_the_same_bytes() -> None:
    """draft-ietf-webpush-encryption-04, section 5."""
    receiver = Receiver(
        bytes_of("BCEkBjzL8Z3C-oi2Q7oE5t2Np-p7osjGLg93qUP0wvqRT21EEWyf0cQDQcakQMqz4hQKYOQ3il2nNZct4HgAUQU"),
        bytes_of("R29vIGdvbyBnJyBqb29iIQ"),
        is_standard=False,
    )
    sealed = seal_draft(
        b"I am the walrus", receiver, _private("nCScek-QpEjmOOlT-rQ38nZzvdPlqa00Zy0i6m2OJvY"), bytes_of("lngarbyKfMoi9Z75xYXmkg")
    )
    assert encode(sealed) == "6nqAQUME8hNqw5J3kl8cpVVJylXKYqZOeseZG8UueKpA"


@pytest.mark.parametrize("is_standard", [True, False])
@pytest.mark.parametrize("is_padded", [True, False])
@pytest.mark.parametrize("length", [2, 511, 512, 513, MOST_BYTES])
def test_a_device_decrypts_every_length(is_standard: bool, is_padded: bool, length: int) -> None:
    device = Device()
    keys = {name: bytes_of(text) for name, text in device.keys.items()}
    message = json.dumps("x" * (length - 2)).encode()
    sealed = encrypt(message, Receiver(keys["p256dh"], keys["auth"], is_standard, is_padded), VAPID, "https://push.example.org", CONTACT)
    sent = Sent("/", sealed.headers, sealed.body)
    assert device.read(sent) == "x" * (length - 2)
    sent.verified_claims(VAPID.public)
    assert len(sealed.body) <= 4096
    with pytest.raises(InvalidTag):
        Device().read(sent)


@pytest.mark.parametrize("is_standard", [True, False])
def test_another_implementation_decrypts(is_standard: bool) -> None:
    http_ece = pytest.importorskip("http_ece", reason="the library http_ece is not installed: it has no wheel")
    device = Device()
    receiver = Receiver(bytes_of(device.keys["p256dh"]), device.auth, is_standard)
    sealed = encrypt(b"Ahoj", receiver, VAPID, "https://push.example.org", CONTACT)
    options = {"version": "aes128gcm"}
    if not is_standard:
        dh = sealed.headers["crypto-key"].partition("dh=")[2].partition(";")[0]
        options = {"version": "aesgcm", "keylabel": "P-256", "dh": bytes_of(dh), "salt": bytes_of(sealed.headers["encryption"][5:])}
    assert http_ece.decrypt(sealed.body, private_key=device.private, auth_secret=device.auth, **options) == b"Ahoj"


def test_padded_messages_have_few_lengths() -> None:
    device = Device()
    receiver = Receiver(bytes_of(device.keys["p256dh"]), device.auth, is_standard=True, is_padded=True)
    lengths = {len(encrypt(b"x" * length, receiver, VAPID, "https://a.example", CONTACT).body) for length in range(1, 1024, 73)}
    assert len(lengths) == 2


def test_the_key_of_the_network_depends_on_its_secret_alone() -> None:
    """Subscriptions are void with another key, so a release must never derive it in another way."""
    assert VapidKey(b"a secret of the tests").public == VAPID.public != VapidKey(b"another secret").public
    assert hashlib.sha256(VAPID.public.encode()).hexdigest()[:16] == "6cad1d760edd5229"


@pytest.mark.parametrize("wrong", [b"", b"\4" + bytes(64), b"\4" + b"\xff" * 64, b"\2" + bytes(32), bytes(65), b"x" * 65, b"x" * 1000])
def test_what_is_no_point_of_the_curve_is_no_key(wrong: bytes) -> None:
    assert not is_key(wrong)


def test_a_compressed_point_is_no_key_for_push() -> None:
    whole = bytes_of(Device().keys["p256dh"])
    assert is_key(whole)
    assert not is_key(bytes([2 + whole[-1] % 2]) + whole[1:33])
    assert not is_key(whole[:-1] + bytes([whole[-1] ^ 1]))


@pytest.mark.parametrize(("text", "content"), [
    ("-_8", b"\xfb\xff"), ("+/8=", b"\xfb\xff"), ("+_8", b"\xfb\xff"), ("", b""), ("ab c", None), ("á", None), ("a", None), ("ab!c", None),
])
def test_keys_are_read_in_either_alphabet(text: str, content: bytes | None) -> None:
    assert decode(text) == content


def test_a_sealed_token_opens_in_its_own_row_only() -> None:
    sealer = Sealer(b"a secret", "tokens")
    sealed = sealer.seal("tajné", 7)
    assert sealer.open(sealed, 7) == "tajné"
    assert "tajné".encode() not in sealed
    for other, row in ((sealer, 8), (Sealer(b"another secret", "tokens"), 7), (Sealer(b"a secret", "others"), 7)):
        with pytest.raises(InvalidTag):
            other.open(sealed, row)
