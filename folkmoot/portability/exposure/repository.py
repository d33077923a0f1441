"""Exchanges the key by which this host, and the one that was removed, open the repository of the off-site copies.

What the recovery key has certified once stays certified: a removed host that can still write into the repository could put a copy
there that looks genuine. So its access there must end too, which only the provider of that place can do.
"""

from folkmoot.portability.backup_key import BackupKey
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.offsite.target import Target
from folkmoot.portability.recovery_key import RecoveryKey
from folkmoot.portability.repository import Repository


def exchange_key(target: Target, directory: DataDirectory, recovery: RecoveryKey) -> None:
    """A new key for this host; all others are removed. Can be repeated. Raises Refused if the store lets nothing be deleted.

    The caller has made sure that the recovery key is that of this network.
    """
    repository = Repository(target, recovery.repository_password)
    before = repository.host_keys()
    key = BackupKey.new(recovery)
    repository.add_host(key.repository)
    key.keep(directory)
    repository.remove_keys(before)
