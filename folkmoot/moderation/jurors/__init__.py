"""Jurors: members who have applied, were trained, and can be called to judge cases. Nobody else sees who they are."""
