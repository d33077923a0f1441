"""The declarations of all settings: a struct for each section of `folkmoot.toml`.

The sample file and the reference page are generated from them, so each setting has a unit, a default and a sentence.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta


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
    """Pictures, video and audio."""

    max_bytes: Annotated[int, _doc("Largest picture, in bytes.", ge=100_000, le=100_000_000)] = 32 * 1024 * 1024
    max_video_bytes: Annotated[int, _doc("Largest video or sound, in bytes.", ge=100_000, le=400_000_000)] = 40 * 1024 * 1024
    base_url: Annotated[str, _doc("Public address of media, if a separate host serves them.")] = ""

    @property
    def max_upload_bytes(self) -> int:
        """Of a request with one file and its poster."""
        return max(self.max_bytes, self.max_video_bytes + self.max_bytes) + 1024 * 1024

    @property
    def max_form_bytes(self) -> int:
        """Of a form with four files."""
        return 4 * max(self.max_bytes, self.max_video_bytes) + 1024 * 1024


class Secrets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Secrets that are not kept in the data directory."""

    network: Annotated[str, _doc("Signs forms, addresses of pictures and the journal. Empty: DATA/secrets/network-secret.")] = ""
    database: Annotated[str, _doc("Password for database.url, if it contains none.")] = ""
    folder: Annotated[
        str,
        _doc("Folder with files network-secret, database-password, mail-password, mailbox-password, offsite-password, reader-key,"
             " dns-credentials."),
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
    """Who is called before the time to decide about a case is over, and how much one moderator decides."""

    call_at_half: Annotated[
        Literal["moderators", "operators", "all", "nobody"], _doc("Who gets a mail when half of the time to decide has passed.")
    ] = "moderators"
    call_at_end: Annotated[
        Literal["moderators", "operators", "all", "nobody"], _doc("Who gets a mail when 80 % of the time have passed, and when it is over.")
    ] = "all"
    webhook_url: Annotated[str, _doc("Public address, on port 80 or 443, that gets a signed POST request each time. Empty: none.")] = ""
    webhook_secret: Annotated[str, _doc("Key of the signature (HMAC-SHA256) of these requests, at least 32 characters.")] = ""
    sample_per_day: Annotated[
        int, _doc("Public posts a day that people judge at random, to measure how much breaks the rules. 0: none.", ge=0, le=1000)
    ] = 20
    cases_per_day: Annotated[
        int, _doc("Cases that one moderator gets in a day. After that, others get theirs; a moderator can ask for more.", ge=1, le=1000)
    ] = 40
    hidden_per_author: Annotated[int, _doc(
        "Posts of one author that programs hide in a day, until people decide. Further ones stay visible and get a case, about which"
        " moderators are mailed. Posts that people have restricted as well are not counted. 0: programs hide none.", ge=0, le=10_000
    )] = 5
    juries: Annotated[
        Literal["when_enough", "never"], _doc("Whether juries of members decide reported posts, as soon as there are enough jurors.")
    ] = "when_enough"


class Notices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Notices of illegal content from outside: their deadlines, and the mailbox from which they are read."""

    order_hours: Annotated[int, _doc("Hours to answer a removal order of an authority.", ge=1, le=720)] = 1
    contact_hours: Annotated[int, _doc("Hours to answer a hosting provider or a trusted flagger.", ge=1, le=720)] = 24
    other_hours: Annotated[int, _doc("Hours to answer anybody else.", ge=1, le=8760)] = 168
    address: Annotated[str, _doc("Mail address for notices, shown to the public. Empty: network.contact_email.")] = ""
    languages: Annotated[str, _doc("Languages that authorities and members can write in, as shown to the public.")] = "čeština, English"
    on_call: Annotated[
        str, _doc("Whom a hosting provider reaches in an emergency, and when: a telephone number with hours. Public. Empty: none.",
                  max_length=200)
    ] = ""
    mailbox_host: Annotated[str, _doc("IMAP server from which notices are read. Empty: none are read.")] = ""
    mailbox_port: Annotated[int, _doc("IMAP port.", ge=1, le=65535)] = 993
    mailbox_user: Annotated[str, _doc("IMAP user.")] = ""
    mailbox_password: Annotated[str, _doc("IMAP password.")] = ""
    mailbox_folder: Annotated[str, _doc("Folder of the mailbox. Its mails are only read: nothing is deleted or marked.")] = "INBOX"
    mailbox_authserv: Annotated[str, _doc(
        "Name of the mail server in its Authentication-Results headers, for the signatures (DKIM) that it finds. Empty: they are not read."
    )] = ""
    mailbox_security: Annotated[Literal["tls", "starttls", "none"], _doc("How the connection to the mailbox is protected.")] = "tls"


class DetectorSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The detector of threats: what it learns from, and the reader that is asked about what it leaves open."""

    samples_a_day: Annotated[
        int, _doc("Public posts a day that moderators are asked to review, so that the detector learns. 0: none.", ge=0, le=1000)
    ] = 10
    reader_url: Annotated[
        str, _doc("Address of an OpenAI-compatible service, as in https://models.example.org/v1. Public posts are sent there. Empty: none.")
    ] = ""
    reader_model: Annotated[str, _doc("Name of the model of that service.", max_length=200)] = ""
    reader_key: Annotated[str, _doc("Key of that service.")] = ""
    reader_from: Annotated[
        float, _doc("Score of the detector, 0 to 1, from which the reader is asked about a post that is not hidden.", ge=0.0, le=1.0)
    ] = 0.1
    reader_posts_a_day: Annotated[int, _doc("Posts a day that the reader is asked about, at most.", ge=0, le=1_000_000)] = 500
    reader_at_once: Annotated[int, _doc("Requests to the reader at the same time, at most.", ge=1, le=50)] = 2
    reader_seconds: Annotated[int, _doc("Seconds after which a request to the reader has failed.", ge=1, le=120)] = 30


class TranslationSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A service that translates public posts when a member asks for it."""

    url: Annotated[
        str, _doc("Address of a service that speaks the protocol of LibreTranslate. Public posts are sent there. Empty: none.")
    ] = ""
    key: Annotated[str, _doc("Key of that service, if it wants one.")] = ""
    seconds: Annotated[int, _doc("Seconds after which a request to the service has failed.", ge=1, le=60)] = 10


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
    detector: DetectorSettings = DetectorSettings()
    translation: TranslationSettings = TranslationSettings()
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
    "detector": DetectorSettings, "translation": TranslationSettings,
    "limits": Limits, "log": Log,
}
