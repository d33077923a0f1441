"""`moot install`: makes this Debian or Ubuntu machine a host that survives a reboot, with HTTPS; `--remove` undoes it.

At most five questions, each also an option, and each answer is checked at once. A second run asks nothing: it changes only
what differs, so it also applies a new release or edited settings. With `--join` the machine becomes the standby of a
primary, which has the answers.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import click

from folkmoot import config
from folkmoot.commands import install_report as report
from folkmoot.commands.hints import type_from_now_on
from folkmoot.commands.options import json_option, show
from folkmoot.commands.progress import show_progress
from folkmoot.commands.settings import sample
from folkmoot.config import Settings
from folkmoot.portability.certificates.trust import ACME_ROOT
from folkmoot.portability.install import answers
from folkmoot.portability.install.answers import Answers, InvalidAnswer, Smtp
from folkmoot.portability.install.files import Wanted
from folkmoot.portability.install.machine import Machine
from folkmoot.portability.install.plan import Plan, removable, require_data
from folkmoot.portability.install.plan import remove as remove_host
from folkmoot.portability.install.record import Installed, find_installed
from folkmoot.portability.install.units import PROGRAM

T = TypeVar("T")
_DATA = "/var/lib/folkmoot"
_OF_THE_PRIMARY = Answers("the-domain-of-the-primary", "the-operator")  # not known before this machine has joined
_OF_THE_NETWORK = ("domain", "language", "registration", "smtp")  # answers that a standby takes from its primary
_NEEDED = {"domain": "moot.example.org", "email": "hana@example.org"}  # have no default; and samples of them
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
@click.option("--join", "target", nargs=2, metavar="ADDRESS CODE",
              help="Make this machine the standby of the primary at ADDRESS, with the code of moot host add.")
@click.option("--name", "host_name", default="", help="With --join: name of this host. Without it, that of the machine.")
@click.option("--root", type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path), default=Path("/"),
              help="Prepare the system in this folder, such as an image; nothing is started.")
@click.option("--remove", "removes", is_flag=True, help="Remove everything that was installed, and keep the data.")
@click.option("--dry-run", is_flag=True, help="Print every file in full, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@json_option
def install(
    data: PurePosixPath | None, acme: str | None, acme_root: Any, target: tuple[str, str] | None, host_name: str, root: Path,
    removes: bool, smtp_password_file: Any, dry_run: bool, yes: bool, as_json: bool, **given: str | None,
) -> None:
    """Make this Debian or Ubuntu machine a host that survives a reboot, with HTTPS."""
    if removes and (host_name or any(one is not None for one in (data, acme, acme_root, target, smtp_password_file, *given.values()))):
        raise click.UsageError("--remove goes with --root, --dry-run, --yes and --json only.")
    if host_name and not target:
        raise click.UsageError("--name belongs to --join.")
    machine = Machine(root)
    if not dry_run:
        machine.require()
    installed = find_installed(machine)
    if removes:
        _remove(machine, installed, dry_run, yes, as_json)
        return
    place = data or PurePosixPath(installed.data if installed else _DATA)
    require_data(installed, place)
    if target:
        _require_joinable(machine, place, target, host_name, given, is_dry=dry_run)
        if dry_run:
            plan = Plan(machine, Wanted(_OF_THE_PRIMARY, place), sample())
            show(report.as_json(plan, is_done=False), as_json, report.in_full(plan, joins=target[0]))
            return
        yes = _join(machine, place, target, host_name, yes, as_json)
    before = config.load(machine.path(place))
    decided = _decide(given, before, is_asked=not (installed and installed.release) and sys.stdin.isatty() and not yes)
    password = _mail_password(decided.smtp, before, smtp_password_file)
    if acme is None and installed:
        acme = installed.acme
    root_file = machine.path(ACME_ROOT)
    certificate = acme_root.read() if acme_root else root_file.read_text() if acme and root_file.exists() else ""
    wanted = Wanted(decided, place, before.server.port, password, acme or "", certificate)
    plan = Plan(machine, wanted, sample())
    if dry_run:
        show(report.as_json(plan, is_done=False), as_json, report.in_full(plan))
    else:
        _carry_out(plan, machine, before, yes, as_json)


def _carry_out(plan: Plan, machine: Machine, before: Settings, yes: bool, as_json: bool) -> None:
    """Asks, and makes the changes of the plan. `before`: the settings so far."""
    plan.require()
    if plan.is_empty:
        show(report.as_json(plan, is_done=True), as_json, "Everything is installed as wanted. Nothing was changed.")
        return
    if not as_json:
        click.echo(report.summary(plan, before), err=True)
    _confirm("Go on?", yes)
    with show_progress(as_json) as progress:
        plan.apply(progress)
    if machine.is_live:
        type_from_now_on(PROGRAM)  # no clone is needed for the commands that the report names
    show(report.as_json(plan, is_done=True), as_json, report.finished(plan, machine))


def _require_joinable(
    machine: Machine, place: PurePosixPath, target: tuple[str, str], name: str, given: dict[str, str | None], *, is_dry: bool
) -> None:
    """Everything that can be found out before a copy begins. Raises Problem."""
    from folkmoot.portability.hosts.code import PairingCode
    from folkmoot.portability.hosts.peers import clean_name, parse_address

    for option in _OF_THE_NETWORK:
        if given[option] is not None:
            raise InvalidAnswer("The primary decides about --%(option)s, and its standby follows. Leave it out.", option=option)
    parse_address(target[0])
    PairingCode.read(target[1])
    if name:
        clean_name(name)
    if not machine.is_live and not is_dry:
        raise InvalidAnswer("--join copies a running network to a running machine, so it cannot be used with --root.")
    Plan(machine, Wanted(_OF_THE_PRIMARY, place), sample()).require()


def _join(machine: Machine, place: PurePosixPath, target: tuple[str, str], name: str, yes: bool, as_json: bool) -> bool:
    """Copies the primary, unless an earlier run of the same command has. Returns that nothing else is to be confirmed."""
    import folkmoot
    from folkmoot.portability.data_directory import DataDirectory
    from folkmoot.portability.standby.joining import is_complete

    path = machine.path(place)
    if is_complete(DataDirectory(path)):
        return yes
    if not as_json:
        click.echo(f"\n  This machine becomes the standby of the primary at {target[0]}: a copy of its data in {place}, then services and\n"
                   "  HTTPS, so that it can take over at any time.\n", err=True)
    _confirm("Go on?", yes)
    command = [sys.executable, "-P", "-m", "folkmoot", "standby", "--join", *target, "--no-start", "--goes-on", "--data", str(path)]
    variables = {**os.environ, "PYTHONPATH": str(Path(folkmoot.__file__).parents[1])}
    # A process of its own: it gives up the rights of root, which are needed later.
    done = subprocess.run([*command, *(["--name", name] if name else [])], env=variables, stdout=sys.stderr)
    if done.returncode:
        raise InvalidAnswer("The primary could not be joined, for the reason above, and nothing was installed. Run the same command again.")
    return True


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
    if lacking := " ".join(f"--{name} {sample}" for name, sample in _NEEDED.items() if name not in decided):
        raise InvalidAnswer("Without a terminal nothing is asked. Run the command again with: %(options)s", options=lacking)
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
        paths = removable(installed)
        text = "\n".join(["Nothing was done. This would be removed:", *paths, f"The data in {installed.data} would stay."])
        show({"would_remove": paths, "keeps": [installed.data]}, as_json, text)
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
