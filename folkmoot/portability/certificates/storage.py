"""Caddy's storage: which of its files travel, and how they are merged on another host.

Certificates of public authorities with their keys, and the accounts there. Not Caddy's own authority, challenges or locks.
What comes from another host is checked, as the sender may be a network that was broken into: only known paths are written,
and only certificates that are valid, with their key. Of two certificates the one that ends later stays.
"""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from folkmoot.portability.certificates.model import Bundle

_PART = r"[a-z0-9_@-][a-z0-9_@.-]{0,252}"
_CERTIFICATE = re.compile(rf"(certificates/(?!local/){_PART}/({_PART})/\2)\.(crt|key|json)")
_ACCOUNT = re.compile(rf"(acme/(?!local/){_PART}/users/{_PART}/{_PART})\.(key|json)")
_BEGIN = b"-----BEGIN CERTIFICATE-----"
_MOST_BYTES = 64 * 1024  # of a file


@dataclass(frozen=True)
class Certificate:
    """A valid certificate with its key. `base`: its path without the ending."""

    base: str
    names: frozenset[str]
    until: datetime
    files: Bundle
    lifetime: timedelta

    @property
    def pem(self) -> bytes:
        """The chain and the key, as one file.

        The last certificate of the chain stands there twice, which clients accept. Caddy's cache has one entry for equal chains:
        when it changes between this file and its storage, it would drop the new entry with the old one.
        """
        chain = self.files[f"{self.base}.crt"].rstrip()
        return b"\n".join([chain, chain[chain.rindex(_BEGIN):], self.files[f"{self.base}.key"]])

    def is_for(self, domain: str) -> bool:
        return domain in self.names or f"*.{domain.partition('.')[2]}" in self.names


def read_storage(folder: Path, now: datetime) -> Bundle:
    """What travels: valid certificates, and all accounts."""
    found = {}
    for pattern in ("certificates/*/*/*", "acme/*/users/*/*"):
        for file in folder.glob(pattern):
            name = str(file.relative_to(folder))
            if _is_known(name) and file.is_file() and not file.is_symlink() and file.stat().st_size <= _MOST_BYTES:
                found[name] = file.read_bytes()
    kept = {name for certificate in certificates_of(found, now) for name in certificate.files}
    return {name: content for name, content in sorted(found.items()) if name in kept or _ACCOUNT.fullmatch(name)}


def merge(folder: Path, bundle: Bundle, now: datetime) -> None:
    """Adds the certificates that the storage lacks or that end later, and the accounts that it lacks."""
    current = {one.base: one for one in certificates_of(read_storage(folder, now), now)}
    for certificate in certificates_of(bundle, now):
        known = current.get(certificate.base)
        if known is None or known.until < certificate.until:
            _write(folder, certificate.files)
    for base in sorted({found[1] for name in bundle if (found := _ACCOUNT.fullmatch(name))}):
        files = {name: bundle[name] for name in (f"{base}.key", f"{base}.json") if name in bundle}
        if not any((folder / name).exists() for name in files) and _is_account(files):
            _write(folder, files)


def certificates_of(bundle: Bundle, now: datetime) -> Iterator[Certificate]:
    """The certificates of a bundle that are valid now, with their keys. Others are left out."""
    for base in sorted({found[1] for name in bundle if (found := _CERTIFICATE.fullmatch(name))}):
        files = {name: bundle[name] for ending in ("crt", "key", "json") if (name := f"{base}.{ending}") in bundle}
        with suppress(ValueError, TypeError, KeyError, msgspec.DecodeError):
            chain = x509.load_pem_x509_certificates(files[f"{base}.crt"])
            key = load_pem_private_key(files[f"{base}.key"], None).public_key()
            msgspec.json.decode(files[f"{base}.json"], type=dict)
            is_pair = _bytes_of(chain[0].public_key()) == _bytes_of(key)
            begins, ends = chain[0].not_valid_before_utc, chain[0].not_valid_after_utc
            if is_pair and begins <= now < ends:
                yield Certificate(base, _names_of(chain[0]), ends, files, ends - begins)


def newest_for(domain: str, bundle: Bundle, now: datetime) -> Certificate | None:
    """The certificate of a domain that ends last."""
    return max((one for one in certificates_of(bundle, now) if one.is_for(domain)), key=lambda one: one.until, default=None)


def write_file(file: Path, content: bytes) -> None:
    """Writes a file that only its owner can read; after a crash it is complete or unchanged."""
    for folder in reversed([parent for parent in file.parents if not parent.exists()]):
        folder.mkdir(mode=0o700)
    new = file.with_name(file.name + ".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    new.rename(file)


def _write(folder: Path, files: Bundle) -> None:
    for name, content in files.items():
        write_file(folder / name, content)


def _is_known(name: str) -> bool:
    return bool(_CERTIFICATE.fullmatch(name) or _ACCOUNT.fullmatch(name))


def _is_account(files: Bundle) -> bool:
    """Whether these are the registration and the key of an account."""
    with suppress(ValueError, TypeError, msgspec.DecodeError):
        for name, content in files.items():
            if name.endswith(".key"):
                load_pem_private_key(content, None)
            else:
                msgspec.json.decode(content, type=dict)
        return len(files) == 2 and all(len(content) <= _MOST_BYTES for content in files.values())
    return False


def _names_of(certificate: x509.Certificate) -> frozenset[str]:
    with suppress(x509.ExtensionNotFound):
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return frozenset(names.get_values_for_type(x509.DNSName))
    return frozenset()


def _bytes_of(key: object) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined,no-any-return]
