"""The settings of the private PostgreSQL, and who may connect to it.

They suit one small machine that also runs the network. No setting reduces durability; tests switch fsync off themselves.
A primary and its standby have the same settings, because they exchange their roles.
"""

import hashlib
import shutil
import ssl
import sys
from pathlib import Path

from folkmoot.portability.data_directory import DataDirectory

REPLICATION_ROLE = "folkmoot_replication"  # may copy the server and stream its WAL, and may not connect to a database
REPLICATION_SECRET = "replication-password"  # the same on both hosts, because a copy has the same roles
SIGNAL = "standby.signal"  # file in the folder of the server: it replays its primary instead of accepting writes
LOGICAL = "folkmoot.logical"  # file in the folder of the server: it follows its primary by the subscription of this name (decision 0079)
SUBSCRIPTION = "folkmoot_logical"
_SLOT_SHARE = 10  # a standby that is away may make its primary keep WAL for a tenth of the disk
_LEAST_SLOT, _MOST_SLOT = 256, 16384  # MB

SETTINGS = {
    "listen_addresses": "''",
    "max_connections": "120",
    "shared_buffers": "'64MB'",
    "work_mem": "'8MB'",
    "maintenance_work_mem": "'64MB'",
    "jit": "off",
    "wal_level": "logical",  # for a move to another major version without a long pause (decision 0072)
    "max_wal_size": "'1GB'",
    "checkpoint_timeout": "'15min'",
    "wal_compression": "on",
    "password_encryption": "'scram-sha-256'",
    "log_min_messages": "warning",
    "log_error_verbosity": "terse",  # a DETAIL line would show rows with texts of members
    "logging_collector": "off",
    "timezone": "'UTC'",
    "max_worker_processes": "4",
    "max_parallel_workers_per_gather": "0",
    "autovacuum_naptime": "'20s'",
    "random_page_cost": "1.1",
    "wal_keep_size": "'256MB'",  # pg_rewind needs the WAL since the last common checkpoint; an interrupted off-site receiver goes on
    # A broken link between hosts is noticed within 15 s by both sides, and the standby connects again each second.
    "wal_sender_timeout": "'15s'",
    "wal_receiver_timeout": "'15s'",
    "wal_receiver_status_interval": "'1s'",
    "wal_retrieve_retry_interval": "'1s'",
}
if sys.platform == "linux":
    # After a kill, and in a new copy, everything is on the disk before WAL is replayed: by one call instead of one for each file.
    SETTINGS["recovery_init_sync_method"] = "'syncfs'"

# The socket is in a folder of its owner. Through the channel between hosts, a peer can connect to it too.
ACCESS = f"""\
# Written by Folkmoot when it starts: changes by hand are replaced.
local  replication  folkmoot,{REPLICATION_ROLE}  scram-sha-256
local  all          {REPLICATION_ROLE}           reject
local  all          all                          scram-sha-256
"""


def slot_limit(folder: Path) -> str:
    """How much WAL the slot of an absent standby may keep: without a limit it fills the disk, and the primary stops.

    A standby that was away for longer is seeded again.
    """
    megabytes = shutil.disk_usage(folder).total // _SLOT_SHARE // 2**20
    return f"'{min(_MOST_SLOT, max(_LEAST_SLOT, megabytes))}MB'"


def slot_of(host_id: str) -> str:
    """The name of the slot that a primary keeps for the standby with this id."""
    return f"folkmoot_{host_id[:32]}"


def standby_settings(directory: DataDirectory, socket_folder: Path) -> dict[str, str]:
    """How a standby reaches its primary: through the socket of its agent, for as long as the hosts are paired.

    Empty on a primary, and on a standby of another origin. `socket_folder`: that of the peer.
    """
    certificate = directory.path / "secrets" / "host-certificate.pem"
    if not (directory.path / "postgres" / SIGNAL).exists() or not certificate.exists() or not directory.has_secret(REPLICATION_SECRET):
        return {}
    slot = slot_of(hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.read_text())).hexdigest())
    connection = {
        "host": str(socket_folder), "user": REPLICATION_ROLE, "password": directory.secret(REPLICATION_SECRET), "application_name": slot,
        "connect_timeout": "10",
    }
    return {
        "primary_conninfo": quoted_connection(**connection),
        "primary_slot_name": _quoted(slot), "recovery_target_timeline": "'latest'",
    }


def quoted_connection(**values: str) -> str:
    """A connection string as a quoted text, for a settings file or a statement."""
    return _quoted(" ".join(f"{name}={_quoted_value(value)}" for name, value in values.items()))


def _quoted_value(value: str) -> str:
    """A value in a connection string."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _quoted(value: str) -> str:
    """A text in a settings file."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
