"""Answers to notices: their senders learn the outcome, and get an evidence package that can be checked without this network."""
