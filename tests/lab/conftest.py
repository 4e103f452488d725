"""The stage of the hosts' tests."""

from tests.lab.hosts.stage import delegated, session_operator, stage

__all__ = ["delegated", "session_operator", "stage"]
