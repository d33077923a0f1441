"""Runs the sandbox: sends an upload to a `reencode` process and returns its output, or raises a refusal."""

import asyncio
import dataclasses
import os
import signal
import sys
from pathlib import Path
from weakref import WeakKeyDictionary

import msgspec

from folkmoot.base.errors import FieldError, Invalid, Plural
from folkmoot.network.media.model import Purpose, Reencoded, Refusal, Refused

SECONDS = 30
_AT_ONCE = 2
_CODE = Path(__file__).resolve().parents[3]
_PASSED_ENVIRONMENT = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}  # needed by the interpreter
_SIGNALS_OF_LIMITS = (-signal.SIGXCPU, -signal.SIGKILL)
_ERRORS = {
    Refusal.UNKNOWN: FieldError(
        "file", "invalid", "This file is not a picture that we can read. We take JPEG, PNG, WebP, AVIF, HEIC and GIF."
    ),
    Refusal.DAMAGED: FieldError("file", "invalid", "This picture is damaged or incomplete, so we cannot open it."),
    Refusal.PIXELS: FieldError("file", "too_large", Plural(
        "This picture has too many pixels. In its format we take up to %(limit)d megapixel.",
        "This picture has too many pixels. In its format we take up to %(limit)d megapixels.", "limit",
    )),
    Refusal.FRAMES: FieldError("file", "too_large", Plural(
        "This animation is too long. We take up to %(limit)d frame.",
        "This animation is too long. We take up to %(limit)d frames.", "limit",
    )),
    Refusal.FRAME_PIXELS: FieldError("file", "too_large", Plural(
        "This animation is too large. Its frames may have %(limit)d megapixel together: make it shorter or smaller.",
        "This animation is too large. Its frames may have %(limit)d megapixels together: make it shorter or smaller.", "limit",
    )),
    Refusal.COSTLY: FieldError(
        "file", "too_large", "This picture takes too much work to open. Save it smaller, or as an ordinary JPEG or PNG."
    ),
}
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
            raise _invalid(Refused(Refusal.COSTLY), f"no output within {SECONDS} seconds") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    log_text = error_text.decode(errors="replace").strip().rpartition("\n")[2]
    if process.returncode:
        why = Refusal.COSTLY if process.returncode in _SIGNALS_OF_LIMITS else Refusal.DAMAGED
        raise _invalid(Refused(why), f"exit code {process.returncode}: {log_text}")
    size = int.from_bytes(output[:4])
    header = msgspec.json.decode(output[4 : 4 + size], type=Reencoded | Refused)
    if isinstance(header, Refused):
        raise _invalid(header, log_text)
    original = output[4 + size : 4 + size + header.original_bytes]
    return header, original, output[4 + size + header.original_bytes :]


def _invalid(refused: Refused, log_text: str) -> Invalid:
    is_in_pixels = refused.why in (Refusal.PIXELS, Refusal.FRAME_PIXELS)
    limit = refused.limit // 1_000_000 if is_in_pixels else refused.limit
    error = dataclasses.replace(_ERRORS[refused.why], params={"limit": limit} if limit else {})
    return Invalid(error, log_text=f"upload refused, {refused.why}: {log_text}")
