"""Commands that a sentence names, as this operator would type them.

Sentences say `moot host add`. In a clone that is `bin/moot host add`, and a network in another folder also needs `--data`. So
what is printed can be copied into the same terminal. Commands for the other host get no `--data`: its folder is not known.
"""

import itertools
import os
import re
import shlex
import shutil
import sys
from pathlib import Path

import click

TYPED_AS = "MOOT_TYPED_AS"  # set by bin/moot; not FOLKMOOT_…, because those are settings
_NAMED = re.compile(r"(?<![\w/`-])moot (?=[a-z])")
_ELSEWHERE = re.compile(r"\b(there|on (it|both|that one|the (primary|other|new|old)))\b[^.]*$|\bon \S+: $")
_WORD = re.compile(r"\s(\S+)")
_AFTER_WORD = ".,;:)"


def say(text: str) -> None:
    """Prints a sentence on standard error."""
    click.echo(as_typed(text), err=True)


def as_typed(text: str, group: click.Command | None = None) -> str:
    """The text with each command that it names as it is typed here. `group`: all commands, if none of them runs."""
    context = click.get_current_context(silent=True)
    root = group or (context.find_root().command if context else None)
    program, data = _program(), _needed_data()
    if not isinstance(root, click.Group) or (program == "moot" and not data):
        return text
    return "\n".join(_line(line, root, program, data) for line in text.split("\n"))


def type_from_now_on(program: str) -> None:
    """Names commands as this program from now on: it was installed just now."""
    os.environ[TYPED_AS] = program


def typed_data() -> str:
    """What was given with --data, "" if nothing was. Read from the arguments, because parsing them may have failed."""
    arguments = sys.argv[1:]
    for argument, following in itertools.pairwise([*arguments, ""]):
        if argument == "--data":
            return following
        if argument.startswith("--data="):
            return argument.removeprefix("--data=")
    return ""


def _needed_data() -> str:
    """What --data needs here, quoted; "" for the usual folder."""
    typed = typed_data()
    if not typed:
        return ""
    from folkmoot.config import default_data  # takes longer to import than everything that prints help

    return shlex.quote(typed) if Path(typed).absolute() != default_data() else ""


def _program() -> str:
    typed = os.environ.get(TYPED_AS) or "moot"
    return "moot" if typed == shutil.which("moot") else typed


def _line(line: str, root: click.Group, program: str, data: str) -> str:
    parts, done = [], 0
    for named in _NAMED.finditer(line):
        command, after = _command(line, named.end() - 1, root)
        if command is root:
            continue
        end = _end(line, after, command)
        needs_data = data and "--data" not in line[after:] and any(param.name == "data" for param in command.params)
        is_here = not _ELSEWHERE.search(line[:named.start()]) and not line.startswith((" there", " on "), end)
        parts += [line[done:named.start()], program, line[named.end() - 1:end], f" --data {data}" if needs_data and is_here else ""]
        done = end
    return "".join([*parts, line[done:]])


def _command(line: str, end: int, root: click.Group) -> tuple[click.Command, int]:
    """The command whose name begins at `end`, and where its name ends. The root if there is none."""
    found: click.Command = root
    while isinstance(found, click.Group) and (match := _WORD.match(line, end)):
        word = match.group(1).rstrip(_AFTER_WORD)
        inner = found.get_command(click.Context(found), word)
        if inner is None:
            break
        found, end = inner, match.start(1) + len(word)
    return found, end


def _end(line: str, end: int, command: click.Command) -> int:
    """Where the options and arguments of a command end in a sentence: words of the sentence may follow."""
    lacking, arguments = 0, [param for param in command.params if isinstance(param, click.Argument)]
    while match := _WORD.match(line, end):
        word = match.group(1).rstrip(_AFTER_WORD)
        option = next((param for param in command.params if word in param.opts and word.startswith("-")), None)
        if option is not None:
            lacking = 0 if getattr(option, "is_flag", False) else option.nargs
        elif lacking:
            lacking -= 1
        elif arguments and word and not word.islower():  # a placeholder such as NAME, or a name with a number
            arguments.pop()
        else:
            break
        end = match.start(1) + len(word)
    return end
