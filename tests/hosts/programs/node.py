"""The first process of a host in namespaces. Run as a program, with the standard library only.

Prints its process id as the outer namespace sees it. Reaps orphans, as an init process does: PostgreSQL takes a zombie for a running
server. Ends with its standard input, which the test process holds: then the kernel kills all other processes of the host.
"""

import ctypes
import os
import signal
import sys

outer_id = os.readlink("/proc/self")
mounted = ctypes.CDLL(None, use_errno=True).mount(b"proc", b"/proc", b"proc", 0, None)
if mounted != 0:
    sys.exit(os.strerror(ctypes.get_errno()))
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
print(outer_id, flush=True)
sys.stdin.buffer.read()
