"""Members under load: a program of its own that writes, reads and listens as apps do, and records what was acknowledged.

    crowd.py       for tests: creates the accounts, starts the program on the members' node, gets its journal
    journal.py     what the program records
    __main__.py    the program; it obeys lines of JSON
    client.py      HTTP/1.1 over sockets: one connection that is kept, and opened again after a failure
    writer.py      posts, favourites and uploads, each until it is acknowledged
    reader.py      the home timeline, again and again
    listener.py    server-sent events and WebSockets; after a gap the home timeline is read, as apps do

All times are of the monotonic clock, which is the same for all namespaces of one machine.
"""
