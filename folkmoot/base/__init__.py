"""Mechanisms that do not depend on the social network: the database, jobs, events, time, errors, text, outbound HTTP."""
