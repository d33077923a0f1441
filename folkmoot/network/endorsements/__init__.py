"""Endorsements: accounts that a member recommends on their profile. An endorsement ends with the follow."""
