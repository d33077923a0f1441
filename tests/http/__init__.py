"""Tests of `folkmoot/http`, shared by both entry points."""
