"""Ends a worker whose event loop is blocked, because a job in an endless loop would block all others.

The process writes a trace to standard error, and its supervisor restarts it; the job is then suspected of having ended
its worker. The timeout runs in a thread of `faulthandler`, which does not need the blocked interpreter.
"""

import asyncio
import faulthandler

_TIMEOUT_SECONDS = 10
_TICK_SECONDS = 1.0


def start() -> None:
    """Watches the running loop, for as long as it runs."""
    faulthandler.dump_traceback_later(_TIMEOUT_SECONDS, exit=True)
    asyncio.get_running_loop().call_later(_TICK_SECONDS, start)


def stop() -> None:
    faulthandler.cancel_dump_traceback_later()
