"""Runs ffmpeg and ffprobe, programs of the system, in a confined process (`confined.py`)."""

import asyncio
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from folkmoot.network.recordings.model import Failure, Refused

PACKAGE = "ffmpeg"  # the Debian package of both
SECONDS = 900.0
_CODE = Path(__file__).resolve().parents[4]
_SIGNALS_OF_LIMITS = (-signal.SIGXCPU, -signal.SIGKILL, -signal.SIGXFSZ)


def is_installed() -> bool:
    """Whether this host can encode video and audio."""
    return all(shutil.which(name) for name in ("ffmpeg", "ffprobe"))


async def run(program: str, arguments: Sequence[str], folder: Path) -> bytes:
    """The output of a program that runs in a folder. Raises Refused if it fails or reaches a limit."""
    path = shutil.which(program)
    if path is None:
        raise Refused(Failure.DAMAGED, f"{program} is not installed")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "folkmoot.network.recordings.encoding.confined", path, *arguments, cwd=folder,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(_CODE), "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(folder)},
    )
    try:
        async with asyncio.timeout(SECONDS):
            output, said = await process.communicate()
    except TimeoutError:
        raise Refused(Failure.COSTLY, f"{program} took more than {SECONDS:.0f} seconds") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        text = said.decode(errors="replace").strip().rpartition("\n")[2]
        is_limit = process.returncode in _SIGNALS_OF_LIMITS or "Cannot allocate memory" in text
        raise Refused(Failure.COSTLY if is_limit else Failure.DAMAGED, f"{program} ended with {process.returncode}: {text}")
    return output
