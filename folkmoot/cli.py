"""The command line: `moot`. Each command is a file in `commands/` and is imported only when it runs."""

import errno
import importlib
import sys
from typing import NoReturn

import click

from folkmoot.base.errors import Problem, Unavailable, WritesPaused

_FULL = "The disk is full. Free some space and run the command again; saved data are intact."
_COMMANDS = {
    "up": ("up", "Run the whole network on this machine."),
    "web": ("serve", "Run one web process, for example on another machine."),
    "worker": ("serve", "Run one worker, for example on another machine."),
    "migrate": ("migrate", "Bring the schema of the database up to date."),
    "account": ("account", "Create, help and delete accounts; decide about sign-ups."),
    "token": ("token", "Create access tokens for programs."),
    "feed": ("feed", "Publish the lines of a file as posts, for tests of detectors."),
    "cases": ("cases", "List cases that wait for a decision, most urgent first."),
    "jobs": ("jobs", "Show background jobs; retry or drop those that failed."),
    "log": ("log", "Verify the journal of moderation."),
    "backup": ("backup", "Back up the running network, encrypted; list and verify backups."),
    "restore": ("restore", "Restore a network from a repository, with the recovery key."),
    "drill": ("drill", "Rehearse a restore in a temporary copy."),
    "detector": ("detector", "Train, evaluate and choose the text detector."),
    "status": ("status", "Show the state of the network."),
    "doctor": ("doctor", "Find problems and print the command that solves each."),
    "routes": ("routes", "List all routes and who may use each."),
    "settings": ("settings", "Print a sample settings file."),
}


class LazyGroup(click.Group):
    """Knows the names and sentences of all commands, and imports the one that runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"folkmoot.commands.{_COMMANDS[cmd_name][0]}")
        command = getattr(module, cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, sentence) for name, (_, sentence) in _COMMANDS.items()])


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name=None, version="0.1.0", prog_name="folkmoot")
def moot() -> None:
    """Folkmoot: a self-hosted social network.

    Start with `moot up`. Each command takes --data DIR, the data directory of the network.
    """


def main() -> None:
    """Runs a command; a problem becomes one sentence on standard error and exit code 1."""
    try:
        moot(prog_name="moot")
    except Problem as problem:
        if isinstance(problem, Unavailable) and _is_full_disk(problem):
            _end(_FULL)
        if isinstance(problem, Unavailable):  # an operator may see the log text
            _end(f"{problem.message} Details: {problem.log_text or 'none'}.")
        if isinstance(problem, WritesPaused):
            _end(f"Writes are refused: {problem.log_text}. Run moot doctor for more.")
        for one in getattr(problem, "errors", None) or [problem]:  # one sentence for each invalid field
            click.echo(f"folkmoot: {one.message % one.params if one.params else one.message}", err=True)
        sys.exit(1)
    except PermissionError as error:
        _end(f"{error.filename} cannot be used: {error.strerror}. Run the command as the user that owns it, or as root.")
    except Exception as error:
        if not _is_full_disk(error):
            raise
        _end(_FULL)


def _end(sentence: str) -> NoReturn:
    click.echo(f"folkmoot: {sentence}", err=True)
    sys.exit(1)


def _is_full_disk(error: BaseException | None) -> bool:
    """Whether this error or a cause of it says that the disk is full (ENOSPC, EDQUOT or SQLSTATE 53100)."""
    while error is not None:
        if getattr(error, "sqlstate", None) == "53100" or (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)):
            return True
        error = error.__cause__ or error.__context__
    return False
