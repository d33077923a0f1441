"""The door to the sandbox: hands an upload to `reencode` and takes back what it made, or a refusal."""

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
_HANDED_ON = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}  # what the interpreter needs
_gates: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


async def run(upload: bytes, purpose: Purpose) -> tuple[Reencoded, bytes, bytes]:
    """(what it is, original, preview). Raises Invalid for what is no picture that we take, or takes too much."""
    gate = _gates.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(_AT_ONCE))
    async with gate:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "folkmoot.network.media.reencode", purpose,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env={"PYTHONPATH": str(_CODE), "PYTHONDONTWRITEBYTECODE": "1", **_HANDED_ON},
        )
        try:
            async with asyncio.timeout(SECONDS):
                answer, complaint = await process.communicate(upload)
        except TimeoutError:
            raise _refusal("it took too long") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    if process.returncode:
        raise _refusal(complaint.decode(errors="replace").strip().rpartition("\n")[2])
    size = int.from_bytes(answer[:4])
    header = msgspec.json.decode(answer[4 : 4 + size], type=Reencoded)
    original = answer[4 + size : 4 + size + header.original_bytes]
    return header, original, answer[4 + size + header.original_bytes :]


def _refusal(why: str) -> Invalid:
    return Invalid(
        FieldError("file", "invalid", "This picture cannot be used. We take JPEG, PNG, WebP, AVIF and GIF, up to 40 megapixels."),
        log_text=f"upload refused: {why}",
    )
