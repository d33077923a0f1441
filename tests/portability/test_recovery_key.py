"""Recovery keys: reading, derived keys, sealing and signatures."""

import hashlib

import pytest

from folkmoot.portability.backup_key import BackupKey, NotSigned, unseal, verify
from folkmoot.portability.recovery_key import RecoveryKey, WrongRecoveryKey

# BIP39's own test vector for 32 bytes of 0x7f.
WORDS = (
    "legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth useful legal winner"
    " thank year wave sausage worth title"
).split()


def _error_text(text: str) -> str:
    with pytest.raises(WrongRecoveryKey) as caught:
        RecoveryKey.read(text)
    return caught.value.message % caught.value.params


def test_numbers_capitals_and_line_ends_do_not_matter() -> None:
    written = "\n".join(f"{number}. {word.upper()}" for number, word in enumerate(WORDS, 1))
    assert RecoveryKey.read(written).words == WORDS
    fresh = RecoveryKey.new()
    assert len(fresh.words) == 24
    assert RecoveryKey.read(" ".join(fresh.words)).words == fresh.words
    assert RecoveryKey.new().words != fresh.words


def test_the_same_words_always_give_the_same_keys() -> None:
    """Otherwise a later release could not open what an earlier one wrote."""
    key = RecoveryKey.read(" ".join(WORDS))
    everything = key.repository_password.encode() + key.sealing.private_bytes_raw() + key.authority.private_bytes_raw()
    assert hashlib.sha256(everything).hexdigest() == "25ea6169259bb6e4a5f5e0cbee73ebeaa7ade8c5f0bb707de466ecd563b8043d"


def test_a_wrong_word_is_named_with_similar_words() -> None:
    said = _error_text(" ".join([*WORDS[:6], "wort", *WORDS[7:]]))
    assert said.startswith("Word 7, “wort”, is not a word of recovery keys.")
    assert "worth" in said
    assert "Compare it with the paper" in _error_text(" ".join(["qqqqqqqq", *WORDS[1:]]))


def test_words_with_a_wrong_checksum_or_number_are_refused() -> None:
    swapped = [WORDS[1], WORDS[0], *WORDS[2:]]
    assert "are swapped" in _error_text(" ".join(swapped))
    assert "has 24 words, not 23" in _error_text(" ".join(WORDS[:23]))
    assert "has 24 words, not 0" in _error_text("")


def test_the_host_can_seal_and_only_the_recovery_key_can_open() -> None:
    recovery = RecoveryKey.read(" ".join(WORDS))
    host = BackupKey.new(recovery)
    sealed = host.seal(b"the secret of the network")
    assert b"secret" not in sealed
    assert unseal(recovery, sealed) == b"the secret of the network"
    changed = sealed[:40] + bytes([sealed[40] ^ 1]) + sealed[41:]
    for other, bundle in ((RecoveryKey.new(), sealed), (recovery, sealed[:-1]), (recovery, b""), (recovery, changed)):
        with pytest.raises(NotSigned):
            unseal(other, bundle)


def test_a_manifest_is_valid_only_if_the_recovery_key_certified_its_signer() -> None:
    recovery = RecoveryKey.read(" ".join(WORDS))
    authority = recovery.authority.public_key().public_bytes_raw()
    signature = BackupKey.new(recovery).sign(b"manifest")
    verify(authority, b"manifest", signature)
    stranger = BackupKey.new(RecoveryKey.new())
    borrowed = type(signature)(stranger.sign(b"manifest").signer, signature.certificate, stranger.sign(b"manifest").signature)
    for content, other in ((b"Manifest", signature), (b"manifest", stranger.sign(b"manifest")), (b"manifest", borrowed)):
        with pytest.raises(NotSigned):
            verify(authority, content, other)
