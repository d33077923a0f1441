"""Notices: formal demands from outside (DSA Art. 16), by form, e-mail and API, each with a deadline and a receipt."""
