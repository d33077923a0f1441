"""Mechanisms that know nothing of social networks: the database, jobs, events, time, errors, text, outbound HTTP."""
