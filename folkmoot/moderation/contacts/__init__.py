"""Contacts: the register of senders of notices that are verified: hosting providers, authorities, trusted flaggers."""
