"""`moot install`: makes this Debian or Ubuntu machine a host that survives a reboot, with HTTPS; `--remove` undoes it.

At most five questions, each also an option, and each answer is checked at once. A second run asks nothing: it changes only
what differs, so it also applies a new release or edited settings.
"""

import sys
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import click

from folkmoot import config
from folkmoot.commands import install_report as report
from folkmoot.commands.options import json_option, show
from folkmoot.commands.progress import show_progress
from folkmoot.commands.settings import sample
from folkmoot.config import Settings
from folkmoot.portability.install import answers
from folkmoot.portability.install.answers import Answers, InvalidAnswer, Smtp
from folkmoot.portability.install.files import ACME_ROOT, Wanted
from folkmoot.portability.install.machine import Machine
from folkmoot.portability.install.plan import Plan
from folkmoot.portability.install.plan import remove as remove_host
from folkmoot.portability.install.record import Installed, find_installed

T = TypeVar("T")
_DATA = "/var/lib/folkmoot"
_DEFAULTS = {"language": "en", "smtp": answers.LATER, "registration": "approval"}
_QUESTIONS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "domain": ("Domain of the network, such as moot.example.org", answers.read_domain),
    "email": ("Your e-mail address, for members and for the certificate authority", answers.read_email),
    "language": (f"Language of pages ({', '.join(answers.LANGUAGES)})", answers.read_language),
    "registration": (f"Who may join ({', '.join(answers.REGISTRATIONS)})", answers.read_registration),
    "smtp": ("Mail server, such as user@mail.example.org:587, or: later", answers.read_smtp),
}


@click.command()
@click.option("--domain", help="Public name of the network, such as moot.example.org.")
@click.option("--email", help="Mail address of the operator: shown to the public, and given to the certificate authority.")
@click.option("--language", help=f"Language of pages: {', '.join(answers.LANGUAGES)}.")
@click.option("--smtp", metavar="USER@SERVER:PORT", help="Mail server, or: later.")
@click.option("--smtp-password-file", type=click.File("r"), help="File with the password in its first line; - for standard input.")
@click.option("--registration", help=f"Who may join: {', '.join(answers.REGISTRATIONS)}.")
@click.option("--data", type=click.Path(path_type=PurePosixPath), help=f"Data directory of the network.  [default: {_DATA}]")
@click.option("--acme", metavar="URL", help="Directory of another certificate authority (ACME).")
@click.option("--acme-root", type=click.File("r"), help="File with the root certificate of that authority.")
@click.option("--root", type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path), default=Path("/"),
              help="Prepare the system in this folder, such as an image; nothing is started.")
@click.option("--remove", "removes", is_flag=True, help="Remove everything that was installed, and keep the data.")
@click.option("--dry-run", is_flag=True, help="Print every file in full, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@json_option
def install(
    data: PurePosixPath | None, acme: str | None, acme_root: Any, root: Path, removes: bool, smtp_password_file: Any, dry_run: bool,
    yes: bool, as_json: bool, **given: str | None,
) -> None:
    """Make this Debian or Ubuntu machine a host that survives a reboot, with HTTPS."""
    machine = Machine(root)
    if not dry_run:
        machine.require()
    installed = find_installed(machine)
    if removes:
        _remove(machine, installed, dry_run, yes, as_json)
        return
    place = data or PurePosixPath(installed.data if installed else _DATA)
    before = config.load(machine.path(place))
    decided = _decide(given, before, is_asked=installed is None and sys.stdin.isatty() and not yes)
    password = _mail_password(decided.smtp, before, smtp_password_file)
    if acme is None and installed:
        acme = installed.acme
    root_file = machine.path(ACME_ROOT)
    certificate = acme_root.read() if acme_root else root_file.read_text() if acme and root_file.exists() else ""
    wanted = Wanted(decided, place, before.server.port, password, acme or "", certificate)
    plan = Plan(machine, wanted, sample())
    if dry_run:
        show(report.as_json(plan, is_done=False), as_json, report.in_full(plan))
        return
    plan.require()
    if plan.is_empty:
        show(report.as_json(plan, is_done=True), as_json, "Everything is installed as wanted. Nothing was changed.")
        return
    if not as_json:
        click.echo(report.summary(plan, before), err=True)
    _confirm("Go on?", yes)
    with show_progress(as_json) as progress:
        plan.apply(progress)
    show(report.as_json(plan, is_done=True), as_json, report.finished(plan, machine))


def _decide(given: dict[str, str | None], before: Settings, *, is_asked: bool) -> Answers:
    """The answers: from options, else from the settings file, else asked for at a terminal, else defaults."""
    known = answers.from_settings(before)
    decided: dict[str, Any] = {}
    for name, (question, read) in _QUESTIONS.items():
        text = given[name]
        if text is not None:
            decided[name] = read(text)
        elif name in known:
            decided[name] = known[name]
        elif is_asked:
            decided[name] = _ask(question, _DEFAULTS.get(name), read)
        elif name in _DEFAULTS:
            decided[name] = read(_DEFAULTS[name])
        else:
            raise InvalidAnswer("Without questions, --%(name)s is needed.", name=name)
    return Answers(**decided)


def _ask(question: str, default: str | None, read: Callable[[str], T]) -> T:
    """Asks until the answer can be used."""
    def checked(text: str) -> T:
        try:
            return read(text)
        except InvalidAnswer as problem:
            raise click.BadParameter(problem.message % problem.params) from problem

    answer: T = click.prompt(question, default=default, value_proc=checked, err=True)
    return answer


def _mail_password(smtp: Smtp | None, before: Settings, file: Any) -> str:
    """The new password for the mail server, or "" if none is needed. A stored one is never sent to another server."""
    known = Smtp(before.mail.host, before.mail.port, before.mail.user)
    if file is None and (smtp is None or not smtp.user or smtp == known):
        return ""
    if before.mail.password:
        raise InvalidAnswer("folkmoot.toml contains mail.password, which has priority. Remove that line, then run moot install again.")
    if file is not None:
        return str(file.readline()).rstrip("\r\n")
    if not sys.stdin.isatty():
        raise InvalidAnswer("The mail server %(smtp)s needs a password: give it with --smtp-password-file FILE.", smtp=smtp)
    return str(click.prompt(f"Password of {smtp} (it is not shown)", hide_input=True, err=True))


def _remove(machine: Machine, installed: Installed | None, dry_run: bool, yes: bool, as_json: bool) -> None:
    if installed and dry_run:
        paths = [*installed.files, "/opt/folkmoot"]
        show({"would_remove": paths, "keeps": [installed.data]}, as_json, "\n".join(["Nothing was done. This would be removed:", *paths]))
        return
    if installed:
        click.echo(report.host_line(machine.path(installed.data)), err=True)
        _confirm("Stop this network and remove it from this machine? Its data stay.", yes)
    removed = remove_host(machine)
    assert installed is not None
    show({"removed": removed, "kept": [installed.data]}, as_json, report.removed(installed.data))


def _confirm(question: str, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise InvalidAnswer("Without a terminal, add --yes to confirm, or --dry-run to see what would be done.")
    click.confirm(question, default=True, abort=True, err=True)
