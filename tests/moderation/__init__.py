"""Tests of moderation, from detection to appeals."""
