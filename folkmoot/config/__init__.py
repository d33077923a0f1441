"""Loads all settings into one struct; the only module that reads the environment.

A setting comes from `DATA/folkmoot.toml`, or from `FOLKMOOT_SECTION_NAME` in the environment, which takes precedence.
Unknown names are errors with a suggestion. `sections.py` declares them.
"""

import difflib
import ipaddress
import math
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import inspect

from folkmoot.base.errors import Problem
from folkmoot.config.sections import (
    SECTIONS,
    DatabaseSettings,
    DetectorSettings,
    Hosts,
    Limits,
    Log,
    Mail,
    Media,
    Moderation,
    Names,
    Network,
    Notices,
    Offsite,
    Replication,
    Secrets,
    Server,
    Settings,
    TranslationSettings,
)

__all__ = [
    "SECTIONS", "DatabaseSettings", "DetectorSettings", "Hosts", "Limits", "Log", "Mail", "Media", "Moderation", "Names", "Network",
    "Notices", "Offsite", "Replication", "Secrets", "Server", "Settings", "TranslationSettings", "WrongSetting", "default_data",
    "described", "load", "received", "sent",
]
_NOT_SETTINGS = frozenset(["FOLKMOOT_DATA", "FOLKMOOT_PYTHON"])  # the data directory and the interpreter
_TEST_PREFIX = "FOLKMOOT_TEST_"  # variables of a test run for its processes
_SHORTEST_SECRET = 32
_SHOWN = 100  # characters of a wrong value in a sentence
_LISTS = frozenset([("server", "trusted_proxies"), ("names", "others"), ("names", "addresses")])


class WrongSetting(Problem):
    """A setting that is unknown or cannot be used."""

    code = "wrong_setting"


def default_data() -> Path:
    """The data directory if none is given: for root in /var/lib, else in the data folder of the system user."""
    if os.environ.get("FOLKMOOT_DATA"):
        return Path(os.environ["FOLKMOOT_DATA"])
    if os.geteuid() == 0:
        return Path("/var/lib/folkmoot")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "folkmoot"


def load(data: Path, overrides: Mapping[str, Mapping[str, Any]] | None = None) -> Settings:
    """The settings of the network in `data`. `overrides` (from the command line) take precedence over file and environment.

    Raises WrongSetting with the name, the reason and a suggestion.
    """
    file = data / "folkmoot.toml"
    values: dict[str, dict[str, Any]] = {}
    if file.exists():
        try:
            values = tomllib.loads(file.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise WrongSetting("%(file)s is not valid TOML: %(why)s", file=file, why=error) from error
        except OSError as error:
            raise WrongSetting("%(file)s cannot be read: %(why)s.", file=file, why=error.strerror) from error
    _refuse_unknown(values, file)
    sources = {}
    for variable, section, name, value in _from_environment():
        _refuse_unknown({section: {name: value}}, file)
        values.setdefault(section, {})[name] = value
        sources[section, name] = variable
    for section, pairs in (overrides or {}).items():
        values.setdefault(section, {}).update(pairs)
        sources |= {(section, name): f"--{name.replace('_', '-')}" for name in pairs}
    sections = {section: _section(section, values.get(section, {}), sources, file) for section in SECTIONS}
    settings = Settings(**sections, data=data)  # type: ignore[arg-type]
    _refuse_unusable(settings)
    return settings


def sent(settings: Settings) -> bytes:
    """Resolved settings for a process of another release, which may not be able to read what root has read."""
    return msgspec.json.encode(settings, enc_hook=str)


def received(content: bytes) -> Settings:
    """The settings that a process of another release has sent; names that this one does not know are left out."""
    values = msgspec.json.decode(content)
    for section, kind in SECTIONS.items():
        values[section] = {name: value for name, value in values.get(section, {}).items() if name in kind.__struct_fields__}
    found = {name: value for name, value in values.items() if name in Settings.__struct_fields__}
    return msgspec.convert(found, Settings, dec_hook=lambda kind, value: kind(value))


def _section(section: str, pairs: Mapping[str, Any], sources: Mapping[tuple[str, str], str], file: Path) -> msgspec.Struct:
    try:
        return msgspec.convert(pairs, SECTIONS[section], strict=False)
    except msgspec.ValidationError as error:
        name = str(error).rpartition("`$.")[2].rstrip("`").partition("[")[0]
        raise WrongSetting(
            "The setting %(name)s in %(source)s cannot be used: it must be %(what)s.", name=f"{section}.{name}",
            source=sources.get((section, name), file), what=_describe_type(SECTIONS[section], name),
        ) from error


def _describe_type(kind: type[msgspec.Struct], name: str) -> str:
    """What a setting can be, in words."""
    declared = inspect.type_info(next(field.type for field in msgspec.structs.fields(kind) if field.name == name))
    match declared.type if isinstance(declared, inspect.Metadata) else declared:
        case inspect.IntType(ge=least, le=most):
            return f"a whole number from {least} to {most}"
        case inspect.FloatType(ge=least):
            return f"a number of at least {least}"
        case inspect.LiteralType(values=values):
            return "one of " + ", ".join(map(str, values))
        case inspect.BoolType():
            return "true or false"
        case inspect.ListType():
            return 'a list of texts, such as ["10.0.0.1"]'
        case inspect.StrType(max_length=None):
            return "a text in quotes"
        case inspect.StrType(max_length=most):
            return f"a text in quotes, of at most {most} characters"
        case other:
            raise TypeError(f"a setting of an unknown type: {other}")


def _from_environment() -> Iterator[tuple[str, str, str, Any]]:
    """(variable, section, name, value) of each setting in the environment."""
    for variable, text in os.environ.items():
        prefix, _, rest = variable.partition("_")
        section, _, name = rest.lower().partition("_")
        if prefix == "FOLKMOOT" and variable not in _NOT_SETTINGS and not variable.startswith(_TEST_PREFIX):
            is_list = (section, name) in _LISTS
            yield variable, section, name, [part.strip() for part in text.split(",") if part.strip()] if is_list else text


def _refuse_unknown(values: Mapping[str, Any], file: Path) -> None:
    for section, pairs in values.items():
        if section in SECTIONS and not isinstance(pairs, dict):
            raise WrongSetting(
                "[%(section)s] in %(file)s must be a section with settings, such as %(section)s.%(name)s.", section=section, file=file,
                name=SECTIONS[section].__struct_fields__[0],
            )
        if section not in SECTIONS:
            names = [f"{section}.{name}" for name in pairs] if isinstance(pairs, dict) else []
            _refuse(names[0] if names else section, [f"{known}.{name}" for known, name, _, _ in described()] if names else list(SECTIONS))
        known = list(SECTIONS[section].__struct_fields__)
        for name in pairs:
            if name not in known:
                _refuse(f"{section}.{name}", [f"{section}.{other}" for other in known])


def _refuse_unusable(settings: Settings) -> None:
    """Refuses values of the right type that cannot work."""
    if settings.server.base_url and not _is_address_of_site(settings.server.base_url):
        _cannot_be_used("server.base_url", "it must be https:// or http:// and a host, as in https://moot.example.org")
    for other in settings.names.others:
        if not _is_address_of_site(other):
            _cannot_be_used("names.others", f"{other[:_SHOWN]!r} must be https:// or http:// and a host, as in https://moot.example.net")
    if settings.names.lifeboat and urlsplit(settings.names.lifeboat).scheme not in ("http", "https"):
        _cannot_be_used("names.lifeboat", "it must begin with https:// or http://")
    if settings.moderation.webhook_url and urlsplit(settings.moderation.webhook_url).scheme not in ("http", "https"):
        _cannot_be_used("moderation.webhook_url", "it must begin with https:// or http://")
    if settings.moderation.webhook_url and len(settings.moderation.webhook_secret) < _SHORTEST_SECRET:
        _cannot_be_used("moderation.webhook_secret",
                        f"it must have at least {_SHORTEST_SECRET} characters, as from: openssl rand -base64 48")
    if settings.detector.reader_url and urlsplit(settings.detector.reader_url).scheme not in ("http", "https"):
        _cannot_be_used("detector.reader_url", "it must begin with https:// or http://")
    if settings.translation.url and urlsplit(settings.translation.url).scheme not in ("http", "https"):
        _cannot_be_used("translation.url", "it must begin with https:// or http://")
    if settings.detector.reader_url and not settings.detector.reader_model:
        _cannot_be_used("detector.reader_model", "detector.reader_url needs the name of a model")
    for address in [*settings.names.addresses, *([settings.names.server] if settings.names.server else [])]:
        if not _is_ip_address(address):
            name = "names.addresses" if address in settings.names.addresses else "names.server"
            _cannot_be_used(name, f"{address[:_SHOWN]!r} is not an IP address")
    if settings.database.url and urlsplit(settings.database.url).scheme not in ("postgresql", "postgres"):
        _cannot_be_used("database.url", "it must begin with postgresql://")
    if not math.isfinite(settings.limits.multiplier):
        _cannot_be_used("limits.multiplier", "it must be a finite number")
    if 0 < len(settings.secrets.network) < _SHORTEST_SECRET:
        _cannot_be_used("secrets.network", f"it must have at least {_SHORTEST_SECRET} characters, as from: openssl rand -base64 48")
    try:
        ZoneInfo(settings.network.time_zone)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        _cannot_be_used("network.time_zone", "this machine knows no such zone; an example is Europe/Prague (from Debian's package tzdata)")


def _is_address_of_site(url: str) -> bool:
    address = urlsplit(url)
    return address.scheme in ("http", "https") and bool(address.hostname) and not address.path.strip("/")


def _is_ip_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _cannot_be_used(name: str, why: str) -> NoReturn:
    raise WrongSetting("The setting %(name)s cannot be used: %(why)s.", name=name, why=why)


def _refuse(name: str, known: list[str]) -> None:
    near = difflib.get_close_matches(name, known, 1)
    hint = f" Did you mean {near[0]}?" if near else " moot settings lists all."
    raise WrongSetting("There is no setting %(name)s.%(hint)s", name=name, hint=hint)


def described() -> Iterator[tuple[str, str, Any, str]]:
    """(section, name, default, sentence) of every setting: for the sample file and the reference."""
    for section, kind in SECTIONS.items():
        for field in msgspec.structs.fields(kind):
            sentence = next(m.description for m in field.type.__metadata__ if m.description)
            default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
            yield section, field.name, default, sentence
