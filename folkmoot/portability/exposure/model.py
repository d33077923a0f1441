"""The secrets that both hosts of a pair know, how each is exchanged, and what it lets a stranger do. No input or output.

What identifies a host, its key and certificate, never leaves it. Log-ins of members are in the database as hashes.
"""

from datetime import datetime
from enum import StrEnum

import msgspec

FILE = "exposure.json"  # in the data directory: a restored host does not know who was removed, and has other passwords


class Way(StrEnum):
    """Who exchanges a secret, and when."""

    AT_ONCE = "at once"
    AT_RESTART = "at the next restart"
    BY_COMMAND = "by moot host rotate"
    BY_OPERATOR = "by you"
    NEVER = "never"


class Secret(msgspec.Struct, frozen=True):
    """`allows`: what whoever has it can do. `how`: the operator exchanges it."""

    name: str
    way: Way
    allows: str
    how: str = ""


class Exposure(msgspec.Struct, frozen=True):
    """The host that was removed, and for each secret the hash of its value then. `is_accepted`: the operator trusts whoever has it."""

    id: str
    host: str
    removed_at: datetime
    known: dict[str, str]
    is_accepted: bool = False


REPLICATION, POSTGRES, REPOSITORY, HTTPS, NETWORK = "replication", "postgres", "repository", "https", "network"
SECRETS = (
    Secret(REPLICATION, Way.AT_ONCE, "copy the database, if it could reach this host's PostgreSQL, which it cannot"),
    Secret(POSTGRES, Way.AT_RESTART, "open the database, if it could log in to this machine", "restart the network"),
    Secret(REPOSITORY, Way.BY_COMMAND, "read the off-site copies, if it can reach the repository", "the recovery key is needed"),
    Secret(HTTPS, Way.BY_COMMAND, "answer for your name, where it can redirect traffic",
           "run it as root; another proxy needs a new certificate"),
    Secret("ssh-key", Way.BY_OPERATOR, "write and delete at the SFTP server of the off-site copies",
           "remove DATA/secrets/offsite-ssh-key, run moot backup for a new line for authorized_keys, and delete the old line there"),
    Secret("offsite", Way.BY_OPERATOR, "read, write and delete in the store of the off-site copies",
           "make another access key there, then change offsite.user and offsite.password"),
    Secret("mail", Way.BY_OPERATOR, "send mail in the name of the network", "change the password at the mail server, then mail.password"),
    Secret("mailbox", Way.BY_OPERATOR, "read the mailbox for notices", "change the password there, then notices.mailbox_password"),
    Secret("dns", Way.BY_OPERATOR, "lead your name elsewhere", "make another key at the DNS provider: moot names"),
    Secret("webhook", Way.BY_OPERATOR, "pretend to be this network towards the receiver of its calls",
           "change moderation.webhook_secret here and there"),
    Secret(NETWORK, Way.NEVER, "sign addresses of pictures, forms and published ends of the journal as this network does",
           "it stays, because pictures in apps and all records of moderation depend on it"),
)
