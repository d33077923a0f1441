"""Which authorities this host trusts when it looks at the certificates of its own network.

Those of the system, and the one that `moot install --acme-root` has named. Other networks are trusted by the system's only.
"""

import ssl
from contextlib import suppress
from pathlib import Path, PurePosixPath

ACME_ROOT = PurePosixPath("/etc/folkmoot/acme-root.pem")  # written by `moot install`


def own_trust() -> ssl.SSLContext:
    """For connections to addresses of this network."""
    context = ssl.create_default_context()
    with suppress(OSError):  # there is none, it cannot be read, or it is damaged (ssl.SSLError): then the system's alone count
        context.load_verify_locations(Path(ACME_ROOT))
    return context
