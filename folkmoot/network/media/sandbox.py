"""Runs the sandbox: sends an upload to a `reencode` process and returns its output, or raises a refusal."""

import asyncio
import os
import sys
from pathlib import Path
from weakref import WeakKeyDictionary

import msgspec

from folkmoot.base.errors import FieldError, Invalid
from folkmoot.network.media.model import Purpose, Reencoded

SECONDS = 30
_AT_ONCE = 2
_CODE = Path(__file__).resolve().parents[3]
_PASSED_ENVIRONMENT = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}  # needed by the interpreter
_slots: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


async def run(upload: bytes, purpose: Purpose) -> tuple[Reencoded, bytes, bytes]:
    """Returns (header, original, preview). Raises Invalid for anything that is not an accepted picture or exceeds the limits."""
    slot = _slots.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(_AT_ONCE))
    async with slot:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "folkmoot.network.media.reencode", purpose,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env={"PYTHONPATH": str(_CODE), "PYTHONDONTWRITEBYTECODE": "1", **_PASSED_ENVIRONMENT},
        )
        try:
            async with asyncio.timeout(SECONDS):
                output, error_text = await process.communicate(upload)
        except TimeoutError:
            raise _refusal("it took too long") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    if process.returncode:
        raise _refusal(error_text.decode(errors="replace").strip().rpartition("\n")[2])
    size = int.from_bytes(output[:4])
    header = msgspec.json.decode(output[4 : 4 + size], type=Reencoded)
    original = output[4 + size : 4 + size + header.original_bytes]
    return header, original, output[4 + size + header.original_bytes :]


def _refusal(why: str) -> Invalid:
    return Invalid(
        FieldError("file", "invalid", "This picture cannot be used. We take JPEG, PNG, WebP, AVIF and GIF, up to 40 megapixels."),
        log_text=f"upload refused: {why}",
    )
