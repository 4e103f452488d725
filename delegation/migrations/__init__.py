"""Migrations: what to move, in which order, and the runner that has the hosts move it."""
