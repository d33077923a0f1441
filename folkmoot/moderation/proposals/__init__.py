"""Proposals: decisions that need two people. One moderator proposes, another agrees or refuses within a day."""
