"""Ends a worker whose event loop stands still: a job that computes without end would hold up all others for ever.

The process leaves a trace on standard error, and its supervisor starts it again; the job is then suspected as one that
ended its worker. The clock is kept by a thread of `faulthandler`, which needs nothing of the interpreter that hangs.
"""

import asyncio
import faulthandler

_PATIENCE = 10  # seconds
_TICK = 1.0


def start() -> None:
    """Watches the running loop, for as long as it runs."""
    faulthandler.dump_traceback_later(_PATIENCE, exit=True)
    asyncio.get_running_loop().call_later(_TICK, start)


def stop() -> None:
    faulthandler.cancel_dump_traceback_later()
