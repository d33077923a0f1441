"""Hosts for tests of moves and failures: each with its own network address, data directory and PostgreSQL.

    world.py       the hosts of a test, and the links between them: cut, one-way, slow, narrow
    host.py        one host: its commands, processes, power and disk
    network.py     what a kind of network can do; chooses the kind that this machine allows
    program.py     a child process that obeys lines of JSON; `programs/` has some
    namespaces.py  a Linux network namespace for each host, joined by a router (`programs/router.py` runs in it)
    loopback.py    without namespaces: loopback addresses, joined by relays
    folders.py     the folder of a world, removed also after a kill
    members/       clients that write and listen, and record what was acknowledged
    watch.py       which hosts accept writes, seen from their databases
    history.py     the judge: was anything lost or doubled, did two hosts accept writes at a time
"""
