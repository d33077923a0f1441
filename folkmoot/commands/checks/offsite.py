"""Checks of backups: their age, the programs that they need, the repository, and the continuous copy."""

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from folkmoot.commands.checks.model import BROKEN, GOOD, WARNING, Finding
from folkmoot.commands.options import duration
from folkmoot.config import Settings

if TYPE_CHECKING:
    from folkmoot.portability.runs import Last

_FAR_BEHIND = 120  # seconds; the promise is one minute


def check_backups(
    settings: Settings, runs: "Mapping[str, Last]", last_used: str, rehearsals: "Mapping[str, float]"
) -> Iterator[Finding]:
    """Whether there is a recent backup and a recent drill, in a place that outlives this disk.

    `last_used`: the last repository. `rehearsals`: by form, the age of the last good drill.
    """
    from folkmoot.portability.runs import BACKUP, BACKUP_IS_OLD, DRILL, DRILL_IS_OLD

    for kind, old, command, why in (
        (BACKUP, BACKUP_IS_OLD, "moot backup --to REPO", "if this disk is lost, everything since the last backup is lost"),
        (DRILL, DRILL_IS_OLD, "moot drill", "nobody knows whether the backup can be restored"),
    ):
        last = runs[kind]
        if last.good_age is None:
            yield Finding(f"{kind}.recent", WARNING, f"there is no {kind} yet", why, f"{command} (docs/operate/first-backup.md)")
        elif last.failed:
            yield Finding(f"{kind}.recent", WARNING, f"the last {kind} failed: {last.failed}", why, f"solve that, then: {command}")
        elif last.good_age > old:
            yield Finding(
                f"{kind}.recent", WARNING, f"the last {kind} was {duration(last.good_age)} ago", why,
                f"{command}; moot up makes one each night, if offsite.nightly is true",
            )
        else:
            yield Finding(f"{kind}.recent", GOOD, f"the last {kind} was {duration(last.good_age)} ago")
    yield from _check_forms(settings, runs[DRILL], rehearsals)
    repository = settings.offsite.repository or last_used
    yield from _check_programs(repository)
    yield from _check_repository(repository, settings.data)
    yield from _check_continuous(settings)


def check_pictures_to_come(settings: Settings) -> Iterator[Finding]:
    """Whether a restored network still fetches pictures, and whether some are lost."""
    from folkmoot.portability.offsite.coming import FILE, LOST, read_coming

    coming, lost = read_coming(settings.data), settings.data / "offsite" / LOST
    if coming:
        stopped = f", and it does not go on: {coming.said}" if coming.said else ""
        given_up = f"solve that; it goes on by itself. If that copy is lost for good, remove {settings.data / FILE}"
        yield Finding(
            "pictures.to_come", WARNING, f"{coming.left_files} pictures are still to come from the restored copy{stopped}",
            "members wait for them, and no backup is made before all are here",
            given_up if stopped else "wait, and leave the repository where it is",
        )
    if lost.exists():
        yield Finding(
            "pictures.lost", WARNING, f"{len(lost.read_text().splitlines())} pictures are damaged in the copy that was restored",
            f"members see gaps; {lost} has their names",
            f"copy them from another copy into {settings.data / 'media'}, then remove that file",
        )


def _check_forms(settings: Settings, drill: "Last", rehearsals: "Mapping[str, float]") -> Iterator[Finding]:
    """Whether both forms of copy are rehearsed. Nightly drills take turns; a drill by hand rehearses what a restore would take."""
    from folkmoot.portability.offsite.chain import read_state
    from folkmoot.portability.runs import CONTINUOUS, DRILL_IS_OLD, DUMP

    if drill.good_age is None or read_state(settings.data) is None:
        return
    for form, name in ((DUMP, "a dump"), (CONTINUOUS, "the continuous copy")):
        age = rehearsals.get(form)
        if age is None and settings.offsite.nightly:
            continue  # one of the next nights
        if age is None or age > DRILL_IS_OLD:
            how = "was never rehearsed" if age is None else f"was last rehearsed {duration(age)} ago"
            yield Finding(
                "drill.forms", WARNING, f"{name} {how}", "a restore takes a dump where the continuous copy does not fit",
                f"moot drill --{form}; nightly drills take turns",
            )


def _check_programs(repository: str) -> Iterator[Finding]:
    if not shutil.which("restic"):
        yield Finding("backup.program", WARNING, "restic is not installed", "backups and drills need it", "apt-get install restic")
    if repository.startswith("sftp:") and not shutil.which("ssh"):
        yield Finding(
            "backup.ssh", WARNING, "ssh is not installed", "the repository is on an SFTP server", "apt-get install openssh-client",
        )


def _check_repository(repository: str, data: Path) -> Iterator[Finding]:
    if not repository.startswith("/"):  # a server: the age of the last backup says whether it answers
        return
    if not (Path(repository) / "config").exists():
        yield Finding("backup.repository", WARNING, f"the repository {repository} cannot be found", "the next backup will fail",
                      "mount its disk, or name another one: moot backup --to REPO --new")
    elif os.stat(repository).st_dev == os.stat(data).st_dev:
        yield Finding(
            "backup.same_disk", WARNING, f"the backups in {repository} are on the same disk as the network", "they are lost together",
            "back up to another disk or machine",
        )


def _check_continuous(settings: Settings) -> Iterator[Finding]:
    from folkmoot.portability.host import PRIMARY, Host
    from folkmoot.portability.offsite.chain import read_state

    state = read_state(settings.data)
    if state is None or Host(settings.data).role != PRIMARY or not settings.offsite.is_continuous:
        return
    if state.behind is None or state.behind > _FAR_BEHIND:
        how = "has not begun" if state.behind is None else f"is {duration(state.behind)} behind"
        why = f": {state.said}" if state.said else ""
        yield Finding(
            "offsite.behind", BROKEN, f"the continuous copy {how}{why}", "if this host is lost, everything since then is lost",
            f"solve that; {settings.data / 'offsite' / 'receiver.log'} and the log of moot up say more. It goes on by itself",
        )
    else:
        yield Finding("offsite.behind", GOOD, f"the continuous copy is {duration(state.behind)} behind")
