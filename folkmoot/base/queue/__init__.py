"""The job queue: background work in the same database as everything else.

`model.py` declares jobs, `enqueue.py` writes them, `queries.py` stores them, and `worker.py` runs them. Code outside of
this package does not use the table. A job is written in the transaction of the change that needs it. It runs at least
once, so running a handler twice must be harmless. See decision 0040.
"""
