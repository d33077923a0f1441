"""The job queue: background work in the same database as everything else.

`model.py` says what a job is, `enqueue.py` how one is written, `queries.py` how jobs are stored, and `worker.py` runs
them. Nothing outside of this package knows the table. A job is written in the transaction of the change that wants it.
It runs at least once, so a handler must be harmless when it runs twice. See decision 0040.
"""
