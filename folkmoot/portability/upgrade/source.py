"""Where the code of a new release comes from: a folder, or a tag, branch or commit of the clone, fetched with git.

Trust: git checks that a commit is what its name says; a signature of a tag is verified if there is one, and the answer
says so. Packages are compared with the hashes in `requirements/`, which are part of the code.
"""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from folkmoot.portability.upgrade.releases import Releases, UpgradeProblem

_FETCH_SECONDS = 300


@dataclass(frozen=True)
class Source:
    """`origin`: for people. `signature`: what is known of a signature of the code."""

    folder: Path
    origin: str
    signature: str


@contextmanager
def find_source(releases: Releases, wanted: str) -> Iterator[Source]:
    """The code of the wanted release, by default of the newest one. Raises UpgradeProblem."""
    folder = Path(wanted).expanduser()
    if wanted and (folder / "folkmoot" / "__init__.py").exists():
        yield Source(folder.resolve(), f"the folder {folder.resolve()}{_commit_of(folder)}", "none: you trust this folder")
        return
    clone = releases.clone
    if clone is None or not (clone / ".git").exists():
        raise UpgradeProblem("There is no clone here to take a release from. Name a folder with the new code: moot upgrade --to FOLDER")
    reference = _fetched(clone, wanted)
    commit = _git(clone, "rev-parse", "--verify", f"{reference}^{{commit}}")
    with TemporaryDirectory(prefix="folkmoot-release-") as temporary:
        content = subprocess.run(["git", "-C", str(clone), "archive", commit], capture_output=True, check=True).stdout
        subprocess.run(["tar", "--extract", "--directory", temporary], input=content, check=True)
        yield Source(Path(temporary), f"{reference}, commit {commit[:12]}, of {clone}", _signature(clone, reference, commit))


def _fetched(clone: Path, wanted: str) -> str:
    """The name of the wanted tag, branch or commit, after asking the origin of the clone for new ones."""
    if _git(clone, "remote"):
        _git(clone, "fetch", "--quiet", "--tags")
    if wanted:
        if not _answers(clone, "rev-parse", "--verify", "--quiet", f"{wanted}^{{commit}}"):
            raise UpgradeProblem("%(wanted)s is neither a folder with Folkmoot nor a tag, branch or commit of %(clone)s.", wanted=wanted,
                                 clone=clone)
        return wanted
    tags = [tag for tag in _git(clone, "tag", "--list", "v*", "--sort=-version:refname").splitlines() if re.fullmatch(r"v[\d.]+", tag)]
    if tags:
        return tags[0]
    if _answers(clone, "rev-parse", "--verify", "--quiet", "@{upstream}"):
        return _git(clone, "rev-parse", "--abbrev-ref", "@{upstream}")
    raise UpgradeProblem("The clone %(clone)s has no tag of a release and follows no branch. Name one: moot upgrade --to NAME", clone=clone)


def _signature(clone: Path, reference: str, commit: str) -> str:
    for command, name in (("verify-tag", reference), ("verify-commit", commit)):
        if _answers(clone, command, name):
            return f"verified by git {command} with a key of this machine"
    return "none that this machine can verify"


def _commit_of(folder: Path) -> str:
    if not (folder / ".git").exists() or not _answers(folder, "rev-parse", "HEAD"):
        return ""
    changes = ", with changes" if _git(folder, "status", "--porcelain", "--untracked-files=no") else ""
    return f", commit {_git(folder, 'rev-parse', 'HEAD')[:12]}{changes}"


def _git(clone: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(clone), *arguments], capture_output=True, text=True, timeout=_FETCH_SECONDS)
    except FileNotFoundError as error:
        raise UpgradeProblem("git is not installed. Install it, or name a folder with the new code: moot upgrade --to FOLDER") from error
    except subprocess.TimeoutExpired as error:
        raise UpgradeProblem("git %(command)s did not end within five minutes. Try again later.", command=arguments[0]) from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        fatal = [line for line in lines if line.startswith("fatal: ")]  # what follows is advice
        raise UpgradeProblem("git %(command)s failed: %(why)s", command=arguments[0], why=(fatal or lines[-1:])[0].removeprefix("fatal: "))
    return done.stdout.strip()


def _answers(clone: Path, *arguments: str) -> bool:
    return subprocess.run(["git", "-C", str(clone), *arguments], capture_output=True).returncode == 0
