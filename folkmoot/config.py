"""All settings, in one struct; the only module that reads the environment.

A setting comes from `DATA/folkmoot.toml`, or from `FOLKMOOT_SECTION_NAME` in the environment, which takes precedence.
Unknown names are errors with a suggestion. The sample file and the reference page are generated from these declarations,
so each setting has a unit, a default and a sentence.
"""

import difflib
import ipaddress
import math
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta, inspect

from folkmoot.base.errors import Problem

_NOT_SETTINGS = frozenset(["FOLKMOOT_DATA", "FOLKMOOT_PYTHON"])  # the data directory and the interpreter
_TEST_PREFIX = "FOLKMOOT_TEST_"  # variables of a test run for its processes
_SHORTEST_SECRET = 32
_SHOWN = 100  # characters of a wrong value in a sentence
_LISTS = frozenset([("server", "trusted_proxies"), ("names", "others"), ("names", "addresses")])


class WrongSetting(Problem):
    """A setting that is unknown or cannot be used."""

    code = "wrong_setting"


def _doc(sentence: str, **limits: Any) -> Any:
    return Meta(description=sentence, **limits)


class Server(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the network listens, and its public address."""

    host: Annotated[str, _doc("Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, _doc("Port to listen on.", ge=1, le=65535)] = 8420
    base_url: Annotated[str, _doc("Public address, without a slash at the end. Empty: http://localhost:PORT.")] = ""
    processes: Annotated[int, _doc("Web processes; 0: one per core, at most 4.", ge=0, le=64)] = 0
    trusted_proxies: Annotated[list[str], _doc("Addresses of proxies whose X-Forwarded-For header is trusted.")] = []
    certificates: Annotated[
        str, _doc("Socket through which certificates are exchanged with Caddy; moot install sets it. Empty: they stay where they are.")
    ] = ""


class DatabaseSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The PostgreSQL server."""

    url: Annotated[str, _doc("postgresql:// address of your own PostgreSQL (15 or newer). Empty: a private one.")] = ""
    readers: Annotated[int, _doc("Maximum of connections for reading, per process.", ge=1, le=100)] = 6
    writers: Annotated[int, _doc("Maximum of connections for writing, per process.", ge=2, le=100)] = 10


class Network(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the network is and who may join."""

    name: Annotated[str, _doc("Name of the network.", max_length=60)] = "Folkmoot"
    description: Annotated[str, _doc("One or two sentences for people who do not know it.", max_length=500)] = ""
    language: Annotated[Literal["cs", "en"], _doc("Default language of pages.")] = "en"
    registration: Annotated[
        Literal["open", "approval", "invitation", "closed"], _doc("Who may sign up: open, approval, invitation or closed.")
    ] = "open"
    contact_email: Annotated[str, _doc("Mail address of the operator, shown to the public.")] = ""
    source_url: Annotated[str, _doc("URL of the source code of the running version (AGPL, section 13).")] = ""
    max_characters: Annotated[int, _doc("Longest post, in characters.", ge=100, le=20000)] = 500
    time_zone: Annotated[str, _doc("Time zone of dates and times on pages and in mails.")] = "Europe/Prague"


class Mail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How mail is sent. Without a host it is written to DATA/outbox, and addresses need no confirmation."""

    host: Annotated[str, _doc("SMTP server. Empty: write mails to DATA/outbox.")] = ""
    port: Annotated[int, _doc("SMTP port.", ge=1, le=65535)] = 587
    user: Annotated[str, _doc("SMTP user.")] = ""
    password: Annotated[str, _doc("SMTP password.")] = ""
    sender: Annotated[str, _doc("From address.")] = "folkmoot@localhost"
    security: Annotated[Literal["starttls", "tls", "none"], _doc("How the connection is protected.")] = "starttls"


class Media(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Pictures."""

    max_bytes: Annotated[int, _doc("Largest upload, in bytes.", ge=100_000, le=100_000_000)] = 32 * 1024 * 1024
    base_url: Annotated[str, _doc("Public address of media, if a separate host serves them.")] = ""


class Secrets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Secrets that are not kept in the data directory."""

    network: Annotated[str, _doc("Signs forms, addresses of pictures and the journal. Empty: DATA/secrets/network-secret.")] = ""
    database: Annotated[str, _doc("Password for database.url, if it contains none.")] = ""
    folder: Annotated[
        str,
        _doc("Folder with files network-secret, database-password, mail-password, mailbox-password, offsite-password, dns-credentials."),
    ] = ""


class Offsite(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Encrypted copies in another place. With a repository they are made without a command."""

    repository: Annotated[
        str, _doc("Folder, sftp:USER@HOST:/FOLDER, s3:https://HOST/BUCKET/NAME or rest:https://HOST/NAME. Empty: that of moot backup --to.")
    ] = ""
    user: Annotated[str, _doc("Access key of an S3 store, or user of a REST server.")] = ""
    password: Annotated[str, _doc("Secret key of an S3 store, or password of a REST server.")] = ""
    keep: Annotated[str, _doc("How many daily, weekly and monthly backups are kept, as in 7,5,12; or: all.")] = "7,5,12"
    hour: Annotated[int, _doc("Hour of the nightly backup and drill, in network.time_zone.", ge=0, le=23)] = 3
    is_continuous: Annotated[bool, _doc("Copy the private PostgreSQL continuously, at most a minute behind.")] = True
    push_seconds: Annotated[int, _doc("Seconds between two pushes of the write-ahead log to the repository.", ge=1, le=60)] = 30
    spool_megabytes: Annotated[
        int, _doc("Space for what waits for the repository, in megabytes. When it is full, a new base is made later.", ge=64)
    ] = 1024
    nightly: Annotated[bool, _doc("Make a backup and a drill each night.")] = True


class Hosts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """This host as the other host of the network knows it."""

    name: Annotated[str, _doc("Name of this host before it is paired. Empty: that of the machine.", max_length=40)] = ""
    host: Annotated[str, _doc("Address to listen on for the other host. Empty: all addresses.")] = ""
    port: Annotated[int, _doc("Port to listen on for the other host.", ge=1, le=65535)] = 8421
    address: Annotated[str, _doc("HOST or HOST:PORT where the other host reaches this one. Empty: it is found out.")] = ""


class Replication(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the standby has to do with writing."""

    synchronous: Annotated[
        Literal["none", "chosen", "all"],
        _doc("Writes that wait for the standby: none, chosen (accounts, log-in secrets, direct messages, moderation) or all."),
    ] = "none"


class Names(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Under which names people find the network, and how these are changed when it moves."""

    others: Annotated[list[str], _doc("Other public addresses of the network, each as https://moot.example.net.")] = []
    lifeboat: Annotated[str, _doc("Address of the page of moot lifeboat, which browsers show if the network is silent.")] = ""
    addresses: Annotated[list[str], _doc("Public IP addresses of this host. Empty: those of its network cards.")] = []
    provider: Annotated[str, _doc("DNS provider as dns-lexicon calls it, such as cloudflare. Empty: you change DNS records by hand.")] = ""
    ttl: Annotated[int, _doc("Seconds for which others may keep an address of the network.", ge=30, le=86400)] = 60
    server: Annotated[str, _doc("IP address of the DNS server to ask. Empty: that of the machine.")] = ""


class Moderation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who is called before the time to decide about a case is over."""

    call_at_half: Annotated[
        Literal["moderators", "operators", "all", "nobody"], _doc("Who gets a mail when half of the time to decide has passed.")
    ] = "moderators"
    call_at_end: Annotated[
        Literal["moderators", "operators", "all", "nobody"], _doc("Who gets a mail when 80 % of the time have passed, and when it is over.")
    ] = "all"
    webhook_url: Annotated[str, _doc("Address that gets a signed POST request each time. Empty: none.")] = ""
    webhook_secret: Annotated[str, _doc("Key of the signature (HMAC-SHA256) of these requests, at least 32 characters.")] = ""


class Notices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Notices of illegal content from outside: their deadlines, and the mailbox from which they are read."""

    order_hours: Annotated[int, _doc("Hours to answer a removal order of an authority.", ge=1, le=720)] = 1
    contact_hours: Annotated[int, _doc("Hours to answer a hosting provider or a trusted flagger.", ge=1, le=720)] = 24
    other_hours: Annotated[int, _doc("Hours to answer anybody else.", ge=1, le=8760)] = 168
    address: Annotated[str, _doc("Mail address for notices, shown to the public. Empty: network.contact_email.")] = ""
    languages: Annotated[str, _doc("Languages that authorities and members can write in, as shown to the public.")] = "čeština, English"
    mailbox_host: Annotated[str, _doc("IMAP server from which notices are read. Empty: none are read.")] = ""
    mailbox_port: Annotated[int, _doc("IMAP port.", ge=1, le=65535)] = 993
    mailbox_user: Annotated[str, _doc("IMAP user.")] = ""
    mailbox_password: Annotated[str, _doc("IMAP password.")] = ""
    mailbox_folder: Annotated[str, _doc("Folder of the mailbox. Its mails are only read: nothing is deleted or marked.")] = "INBOX"
    mailbox_security: Annotated[Literal["tls", "starttls", "none"], _doc("How the connection to the mailbox is protected.")] = "tls"


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rate limits."""

    multiplier: Annotated[float, _doc("Multiplies every limit; for tests and benchmarks.", ge=0.01)] = 1.0


class Log(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Logging, to standard error."""

    level: Annotated[Literal["debug", "info", "warning", "error"], _doc("Lowest level that is logged.")] = "info"
    format: Annotated[Literal["auto", "json", "text"], _doc("auto: text on a terminal, else JSON.")] = "auto"


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every setting of one network."""

    server: Server = Server()
    database: DatabaseSettings = DatabaseSettings()
    network: Network = Network()
    mail: Mail = Mail()
    media: Media = Media()
    secrets: Secrets = Secrets()
    hosts: Hosts = Hosts()
    offsite: Offsite = Offsite()
    names: Names = Names()
    replication: Replication = Replication()
    moderation: Moderation = Moderation()
    notices: Notices = Notices()
    limits: Limits = Limits()
    log: Log = Log()
    data: Path = Path()
    secret: bytes = b""
    dsn: str = ""  # resolved: `database.url`, or that of the private PostgreSQL
    file: bytes = b""  # content of folkmoot.toml, which only root may be able to read; it is part of backups

    @property
    def base_url(self) -> str:
        return (self.server.base_url or f"http://localhost:{self.server.port}").rstrip("/")

    @property
    def domain(self) -> str:
        """The name of the network in handles: host, and port where it is not the scheme's own."""
        return self.base_url.partition("://")[2]

    @property
    def notice_address(self) -> str:
        """The mail address for notices; empty if there is none."""
        return self.notices.address or self.network.contact_email

    @property
    def is_secure(self) -> bool:
        return self.base_url.startswith("https://")


SECTIONS: dict[str, type[msgspec.Struct]] = {
    "server": Server, "database": DatabaseSettings, "network": Network, "mail": Mail, "media": Media, "secrets": Secrets,
    "hosts": Hosts, "offsite": Offsite, "names": Names, "replication": Replication, "moderation": Moderation, "notices": Notices,
    "limits": Limits, "log": Log,
}


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
    hint = f" Did you mean {near[0]}?" if near else " `moot settings` lists all."
    raise WrongSetting("There is no setting %(name)s.%(hint)s", name=name, hint=hint)


def described() -> Iterator[tuple[str, str, Any, str]]:
    """(section, name, default, sentence) of every setting: for the sample file and the reference."""
    for section, kind in SECTIONS.items():
        for field in msgspec.structs.fields(kind):
            sentence = next(m.description for m in field.type.__metadata__ if m.description)
            default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
            yield section, field.name, default, sentence
