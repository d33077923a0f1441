"""What both hosts need besides database and media: secrets and settings. The primary collects, the standby installs.

Everything travels over the channel and is written once, readable by the owner only. The key of a host never leaves it,
and settings that describe one machine stay there: where it listens, its database, its log.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any

import msgspec

from folkmoot.base.errors import Problem
from folkmoot.config import SECTIONS, Settings
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.hosts.identity import CERTIFICATE, KEY
from folkmoot.portability.install.settings_file import with_values
from folkmoot.portability.postgres_settings import REPLICATION_SECRET
from folkmoot.portability.secrets import MAIL, MAILBOX, NETWORK, READER

_OWN_SECRETS = frozenset([KEY, CERTIFICATE])
_OWN_SETTINGS = {
    "server": {"host", "port", "processes", "trusted_proxies", "certificates"}, "database": None, "secrets": None, "log": None,
    "hosts": None,
    "mail": {"password"}, "notices": {"mailbox_password"}, "detector": {"reader_key"},  # they travel as secrets
    "names": {"addresses"},
}  # None: the whole section
_SECRET = re.compile(r"[a-z0-9][a-z0-9._-]{0,60}")


class WrongSecret(Problem):
    """The primary sent a secret that must not be written."""

    code = "secret"


def collect_secrets(settings: Settings, directory: DataDirectory) -> dict[str, bytes]:
    """The secrets of the network by file name, also those that this host has from its settings or the environment."""
    directory.secret(REPLICATION_SECRET)  # made now, if this is the first standby
    files = {
        file.name: file.read_bytes() for file in (directory.path / "secrets").iterdir()
        if file.is_file() and not file.is_symlink() and _SECRET.fullmatch(file.name) and not file.name.endswith((".new", ".next"))
    }
    files[NETWORK] = settings.secret
    if settings.mail.password:
        files[MAIL] = settings.mail.password.encode()
    if settings.notices.mailbox_password:
        files[MAILBOX] = settings.notices.mailbox_password.encode()
    if settings.detector.reader_key:
        files[READER] = settings.detector.reader_key.encode()
    return {name: content for name, content in files.items() if name not in _OWN_SECRETS}


def collect_settings(settings: Settings) -> dict[str, dict[str, Any]]:
    """The settings that differ from the defaults and belong to the network, wherever the primary has them from."""
    found: dict[str, dict[str, Any]] = {}
    for section, kind in SECTIONS.items():
        values, defaults = msgspec.structs.asdict(getattr(settings, section)), msgspec.structs.asdict(kind())
        found[section] = {name: value for name, value in values.items() if not _is_own(section, name) and value != defaults[name]}
    found["server"]["base_url"] = settings.base_url  # also if it follows from the port, which the other host may not share
    return {section: pairs for section, pairs in found.items() if pairs}


def install_secrets(directory: DataDirectory, secrets: Mapping[str, bytes]) -> None:
    """Writes the secrets that differ. Raises WrongSecret."""
    for name, content in secrets.items():
        if not _SECRET.fullmatch(name) or name in _OWN_SECRETS:
            raise WrongSecret("The primary sent a secret with the name %(name)s, which was refused.", name=name)
        file = directory.path / "secrets" / name
        if not file.exists() or file.read_bytes() != content:
            directory.write(file, content)


def install_settings(directory: DataDirectory, shared: Mapping[str, Mapping[str, Any]]) -> None:
    """Replaces the settings of the network in `folkmoot.toml` if they differ; those of this host stay. Unknown ones are left out.

    The file before, which may contain comments, is kept as `folkmoot.toml.before`.
    """
    file = directory.path / "folkmoot.toml"
    before = tomllib.loads(file.read_text("utf-8")) if file.exists() else {}
    merged = {}
    for section, kind in SECTIONS.items():
        own = {name: value for name, value in before.get(section, {}).items() if _is_own(section, name)}
        others = {
            name: value for name, value in shared.get(section, {}).items()
            if name in kind.__struct_fields__ and not _is_own(section, name)
        }
        if own or others:
            merged[section] = {**own, **others}
    if any(_read(kind, merged.get(section)) != _read(kind, before.get(section)) for section, kind in SECTIONS.items()):
        if file.exists():
            directory.write(file.with_name("folkmoot.toml.before"), file.read_bytes())
        directory.write(file, _toml(merged).encode())


def set_own_settings(directory: DataDirectory, values: Mapping[tuple[str, str], Any]) -> None:
    """Sets settings of this machine, by section and name, in `folkmoot.toml`; everything else in the file stays."""
    file = directory.path / "folkmoot.toml"
    before = file.read_text("utf-8") if file.exists() else ""
    if (after := with_values(before, values)) != before:
        directory.write(file, after.encode())


def _read(kind: type[msgspec.Struct], pairs: Mapping[str, Any] | None) -> msgspec.Struct:
    """A section with its defaults."""
    return msgspec.convert(pairs or {}, kind, strict=False)


def _is_own(section: str, name: str) -> bool:
    names = _OWN_SETTINGS.get(section, ())
    return names is None or name in names


def _toml(sections: Mapping[str, Mapping[str, Any]]) -> str:
    """Texts, numbers, truth values and lists of texts look the same in JSON."""
    lines = ["# Shared settings come from the primary. Change them there; those of this host, such as server.port, stay."]
    for section, pairs in sections.items():
        lines += ["", f"[{section}]", *(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in pairs.items())]
    return "\n".join(lines).replace("\x7f", "\\u007f") + "\n"
