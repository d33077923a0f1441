"""Shared by both entry points (HTML pages and client API): routes with their access class, parameters, URLs, replies."""
