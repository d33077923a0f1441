"""Tests of `folkmoot/streaming`."""
