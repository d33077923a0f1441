"""Starts ffmpeg with limits: this process limits itself, then becomes the program.

    python -m folkmoot.network.recordings.encoding.confined PROGRAM ARGUMENTS

Hard limits of memory, time, size of files and number of files; a low priority; no core dump, no secrets in the
environment. Where the kernel allows it, a network namespace without interfaces.
"""

import contextlib
import ctypes
import os
import resource
import sys

MEMORY = 3 * 1024**3  # of addresses: the libraries of ffmpeg alone take half a gigabyte of them
CPU_SECONDS = 1200
LARGEST_FILE = 512 * 1024**2
NICENESS = 5  # web processes and the database go first, but a busy machine still encodes
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000


def confine() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(NICENESS)
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        leave_network()


def leave_network() -> bool:
    """Returns False where the kernel refuses. The demuxers and protocols that ffmpeg may use open no connection either."""
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None, use_errno=True)
        wanted = _NEW_NETWORK if os.geteuid() == 0 else _NEW_USER | _NEW_NETWORK
        return bool(libc.unshare(wanted) == 0)
    return False


def main() -> None:
    confine()
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606  (the caller names the program, never an upload)


if __name__ == "__main__":
    main()
