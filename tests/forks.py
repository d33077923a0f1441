"""Commands of Python programs, each in a fork of a process that has imported the programs: importing takes longer than most commands."""

import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["folkmoot.app", "toot.cli", "tests.forks"])


def run_in_fork(
    program: str, command: Sequence[str], variables: Mapping[str, str], *, typed: str = "", seconds: float = 120
) -> subprocess.CompletedProcess[str]:
    """Runs a command and waits until it ends. `program`: its function, as `module:function`. `typed`: its standard input."""
    with tempfile.TemporaryDirectory(prefix="folkmoot-test-") as folder:
        given, out, err = (Path(folder) / name for name in ("given", "out", "err"))
        given.write_text(typed, "utf-8")
        process = _CONTEXT.Process(target=_run, args=(program, command, dict(variables), [given, out, err]))
        process.start()
        process.join(seconds)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(list(command), seconds)
        return subprocess.CompletedProcess(list(command), process.exitcode, out.read_text("utf-8"), err.read_text("utf-8"))


def _run(program: str, command: Sequence[str], variables: Mapping[str, str], files: Sequence[Path]) -> None:
    """The process of the command. `files`: standard input, output, errors."""
    for number, (file, flags) in enumerate(zip(files, (os.O_RDONLY, *[os.O_WRONLY | os.O_CREAT] * 2), strict=True)):
        os.dup2(os.open(file, flags), number)
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(number, mode, encoding="utf-8", closefd=False) for number, mode in enumerate("rww"))
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(ROOT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = list(command)
    module, _, function = program.partition(":")
    getattr(importlib.import_module(module), function)()
