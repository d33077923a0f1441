"""Tests of the names of a network: the record of each host, DNS, and the page for a day without any host."""
