"""Secrets: the only module that knows where each comes from.

A setting (also from the environment) has priority; then a file in `secrets.folder`, as container platforms mount them;
then the data directory, where `moot up` creates missing ones. Other commands create none: a second machine with its own
secret would create signatures that the first one refuses.
"""

from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from folkmoot.base.errors import Problem
from folkmoot.config import Settings
from folkmoot.portability.data_directory import DataDirectory

NETWORK, DATABASE, MAIL, MAILBOX = "network-secret", "database-password", "mail-password", "mailbox-password"  # names of the files
OFFSITE = "offsite-password"
DNS = "dns-credentials"
READER = "reader-key"


class SecretProblem(Problem):
    """A secret is missing or cannot be read."""

    code = "secret"


def network_secret(settings: Settings, directory: DataDirectory, *, makes: bool = False) -> bytes:
    """Key of the signatures of forms, picture addresses and the journal; the same on all machines. Raises SecretProblem."""
    configured = settings.secrets.network or _from_folder(settings, NETWORK)
    if not configured and not makes and not directory.has_secret(NETWORK):
        raise SecretProblem(
            "%(file)s is missing. All machines of a network share this secret: copy it from the first one, or set secrets.network.",
            file=directory.path / "secrets" / NETWORK,
        )
    return (configured or directory.secret(NETWORK)).encode()


def mail_password(settings: Settings, directory: DataDirectory) -> str:
    configured = settings.mail.password or _from_folder(settings, MAIL)
    return configured or (directory.secret(MAIL) if directory.has_secret(MAIL) else "")


def mailbox_password(settings: Settings, directory: DataDirectory) -> str:
    configured = settings.notices.mailbox_password or _from_folder(settings, MAILBOX)
    return configured or (directory.secret(MAILBOX) if directory.has_secret(MAILBOX) else "")


def offsite_password(settings: Settings, directory: DataDirectory) -> str:
    configured = settings.offsite.password or _from_folder(settings, OFFSITE)
    return configured or (directory.secret(OFFSITE) if directory.has_secret(OFFSITE) else "")


def reader_key(settings: Settings, directory: DataDirectory) -> str:
    configured = settings.detector.reader_key or _from_folder(settings, READER)
    return configured or (directory.secret(READER) if directory.has_secret(READER) else "")


def dns_credentials(settings: Settings, directory: DataDirectory) -> str:
    """The options of the DNS provider, a line each."""
    return _from_folder(settings, DNS) or (directory.secret(DNS) if directory.has_secret(DNS) else "")


def database_url(settings: Settings) -> str:
    """`database.url`, with the password from a setting or file if the URL contains none."""
    parts = urlsplit(settings.database.url)
    password = settings.secrets.database or _from_folder(settings, DATABASE)
    if not password or parts.password or not parts.username:
        return settings.database.url
    user, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}"))


def _from_folder(settings: Settings, name: str) -> str:
    if not settings.secrets.folder:
        return ""
    file = Path(settings.secrets.folder) / name
    try:
        return file.read_text("utf-8").strip()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise SecretProblem("%(file)s cannot be read: %(why)s.", file=file, why=getattr(error, "strerror", error)) from error
