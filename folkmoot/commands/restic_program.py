"""Offers to install restic, which a new machine usually lacks."""

import os
import shutil
import subprocess
import sys

import click

from folkmoot.portability.offsite.target import RepositoryProblem, require_restic


def ensure_restic(*, says_yes: bool) -> None:
    """Installs restic with apt-get if root agrees to it. Raises RepositoryProblem with the command for other cases."""
    if shutil.which("restic"):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        require_restic()
    question = "restic is not installed, and backups need it. Install it with apt-get now?"
    if not says_yes and not (sys.stdin.isatty() and click.confirm(question, default=True, err=True)):
        raise RepositoryProblem("restic is not installed, and backups need it. Run: apt-get install restic; or add --yes.")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "restic"]):
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    if done.returncode or not shutil.which("restic"):
        raise RepositoryProblem("apt-get could not install restic; its last lines say why. Solve that, then: apt-get install restic")
