"""The command line: `moot`. Each command is a file in `commands/` and is imported only when it runs.

Exit codes: 0 if it was done and all is well; 1 if the answer is that something is not well, or the command was refused;
2 if the network could not be asked (docs/operate/command-line.md).
"""

import importlib
import json
import os
import sys
import traceback
from typing import NoReturn

import click

from folkmoot import __version__
from folkmoot.base.errors import Problem, Unavailable, WritesPaused
from folkmoot.base.shortage import disk_sentence
from folkmoot.commands.group import Group
from folkmoot.commands.hints import as_typed

NOT_WELL, CANNOT_ASK = 1, 2
# Codes of problems that prevent the command from asking at all: its result says nothing about the network.
_CANNOT_ASK = frozenset(["cannot_ask", "unavailable", "refused_address", "writes_paused", "wrong_setting", "secret", "host"])
_COMMANDS = {
    "up": ("up", "Run the whole network on this machine."),
    "install": ("install", "Make this Debian or Ubuntu machine a host, with HTTPS."),
    "web": ("serve", "Run one web process, for example on another machine."),
    "worker": ("serve", "Run one worker, for example on another machine."),
    "migrate": ("migrate", "Bring the schema of the database up to date."),
    "account": ("account", "Create, help and delete accounts; decide about sign-ups."),
    "token": ("token", "Create access tokens for programs."),
    "feed": ("feed", "Publish the lines of a file as posts, for tests of detectors."),
    "contacts": ("contacts", "Register hosting providers, authorities and trusted flaggers."),
    "cases": ("cases", "List cases that wait for a decision, in the order of the queue."),
    "webhook": ("webhook", "Try the address that is called before the time to decide a case is over."),
    "proposals": ("proposals", "List and answer what needs two people."),
    "hold": ("hold", "Keep what a case is about for a court or the police."),
    "evidence": ("evidence", "Export and check evidence packages."),
    "transparency": ("transparency", "Export transparency reports; write notes about months; print two pages for a host."),
    "measure": ("measure", "Show how well moderation works, as figures with intervals."),
    "policy": ("policy", "Check and publish the rules of the network."),
    "privacy": ("privacy", "Show and publish the privacy policy of the network."),
    "jurors": ("jurors", "Count jurors, replace their training questions, exclude members."),
    "jury": ("jury", "Recompute the verdict of a jury; show what juries do; simulate them."),
    "rules": ("rules", "Check, test and publish rules against spam and floods."),
    "hashes": ("hashes", "Recognise known files, pictures, texts and addresses."),
    "jobs": ("jobs", "Show background jobs; retry or drop those that failed."),
    "journal": ("journal", "Verify the journal of moderation; accept damage."),
    "host": ("host", "Pair this host with another one, list and sign the pair, end it."),
    "backup": ("backup", "Back up the running network, encrypted; list and verify backups."),
    "restore": ("restore", "Restore a network from a repository, with the recovery key."),
    "drill": ("drill", "Rehearse a restore in a temporary copy."),
    "standby": ("standby", "Make this machine a standby of another, and show how it follows."),
    "move": ("move", "Make the other host the primary, without losing a write."),
    "failover": ("failover", "Make this host the primary, because the other one is lost."),
    "names": ("names", "Show where the names of the network lead, and lead them to this host."),
    "lifeboat": ("lifeboat", "Publish a page elsewhere, for members who cannot reach the network."),
    "upgrade": ("upgrade", "Bring another release onto this host while the network runs."),
    "detector": ("detector", "Train, evaluate and choose the text detector."),
    "status": ("status", "Show the state of the network."),
    "doctor": ("doctor", "Find problems and print the command that solves each."),
    "routes": ("routes", "List all routes and who may use each."),
    "settings": ("settings", "Print a sample settings file."),
}
_EARLIER_NAMES = {"log": "journal"}  # still accepted


class LazyGroup(Group):
    """Knows the names and sentences of all commands, and imports the one that runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        cmd_name = _EARLIER_NAMES.get(cmd_name, cmd_name)
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"folkmoot.commands.{_COMMANDS[cmd_name][0]}")
        command = getattr(module, cmd_name)
        assert isinstance(command, click.Command)
        return command

    def sentence(self, name: str) -> str:
        return _COMMANDS[name][1]


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name=None, version=__version__, prog_name="folkmoot")
def moot() -> None:
    """Folkmoot: a self-hosted social network.

    Start with `moot up`. Each command takes --data DIR, the data directory of the network.
    """


def main() -> None:
    """Runs a command and turns every failure into one sentence and an exit code, with `--json` into a JSON object."""
    try:
        moot.main(prog_name="moot", standalone_mode=False)
    except click.exceptions.Abort:
        _end("aborted", ["The command was aborted."], NOT_WELL)
    except click.ClickException as error:  # wrong arguments
        if not _is_json_wanted():
            error.show()
            sys.exit(error.exit_code)
        _end("usage", [error.format_message()], error.exit_code)
    except BrokenPipeError:  # the reader, such as `head`, has ended
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(NOT_WELL)
    except Exception as error:
        _end(*describe(error))


def describe(error: Exception) -> tuple[str, list[str], int]:
    """The machine code, the sentences and the exit code of a failure. The traceback of an unexpected one is printed too."""
    if sentence := disk_sentence(error):
        return "disk", [sentence], NOT_WELL
    if isinstance(error, PermissionError):
        why = f"{error.filename} cannot be used: {error.strerror}. Run the command as the user that owns it, or as root."
        return "permission", [why], CANNOT_ASK
    if not isinstance(error, Problem):
        traceback.print_exception(error)
        return "unexpected", [f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"], CANNOT_ASK
    code = CANNOT_ASK if error.code in _CANNOT_ASK else NOT_WELL
    if isinstance(error, WritesPaused):
        return error.code, [f"Writes are refused: {error.log_text}. Run moot doctor for more."], code
    if isinstance(error, Unavailable):  # an operator may see the log text
        return error.code, [f"{error.message} Details: {error.log_text or 'none'}."], code
    problems = getattr(error, "errors", None) or [error]  # one sentence for each invalid field
    return error.code, [one.message % one.params if one.params else one.message for one in problems], code


def _end(code: str, sentences: list[str], exit_code: int) -> NoReturn:
    if _is_json_wanted():
        click.echo(json.dumps({"error": code, "message": " ".join(sentences)}, ensure_ascii=False))
    else:
        for sentence in sentences:
            click.echo(f"folkmoot: {as_typed(sentence, moot)}", err=True)
    sys.exit(exit_code)


def _is_json_wanted() -> bool:
    """Read from the arguments themselves, because parsing them may have failed."""
    return "--json" in sys.argv[1:]
