"""The stage of the hosts' tests."""

from tests.lab.hosts.stage import delegated, idle, operator, stage

__all__ = ["delegated", "idle", "operator", "stage"]
