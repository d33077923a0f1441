"""Gives a folder with a repository to the user of the network, so that nightly backups can write to it."""

import os
import pwd
from pathlib import Path

from folkmoot.portability.offsite.target import RepositoryProblem
from folkmoot.portability.service_user import can_reach


def require_reachable(folder: Path, owner: pwd.struct_passwd) -> None:
    """Raises RepositoryProblem if that user cannot enter the folder."""
    if not can_reach(owner, folder):
        raise RepositoryProblem(
            "The network runs as the user %(user)s, who cannot enter the folder above %(folder)s. Name another folder, for example"
            " below /mnt or /srv.", user=owner.pw_name, folder=folder,
        )


def require_writable(folder: Path, paths: str) -> None:
    """Raises RepositoryProblem if services may not write there. `paths`: ReadWritePaths of their unit, with what the operator has added."""
    allowed = [Path(path.lstrip("-+")) for path in paths.split()]
    if not any(folder.is_relative_to(parent) for parent in allowed):
        raise RepositoryProblem(
            "Services of this host can write below %(allowed)s only, so they could not go on with copies in %(folder)s. Name a folder below"
            " one of these, or allow this one first: systemctl edit folkmoot", allowed=", ".join(map(str, allowed)), folder=folder,
        )


def hand_over(folder: Path, owner: pwd.struct_passwd) -> None:
    """Creates the folder if it is missing. What root owns in an empty folder or in a repository gets the new owner. Run by root."""
    try:
        for missing in reversed([parent for parent in folder.parents if not parent.exists()]):
            missing.mkdir(mode=0o755)
        folder.mkdir(mode=0o700, exist_ok=True)
        if (folder / "config").exists() or not any(folder.iterdir()):
            for parent, _, names in os.walk(folder):
                for path in (parent, *(os.path.join(parent, name) for name in names)):
                    if os.lstat(path).st_uid == 0:
                        os.chown(path, owner.pw_uid, owner.pw_gid, follow_symlinks=False)
    except OSError as error:
        raise RepositoryProblem("%(folder)s cannot be used: %(why)s. Name another folder.", folder=folder, why=error.strerror) from error
