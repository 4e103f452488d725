"""The labs' fixtures, for every test that asks for them."""

from tests.lab.fixtures import fresh_hardened_lab, fresh_lab, hardened_lab, lab
from tests.lab.hosts.fixtures import host_processes, hosts, many_hosts

__all__ = [
    "fresh_hardened_lab",
    "fresh_lab",
    "hardened_lab",
    "host_processes",
    "hosts",
    "lab",
    "many_hosts",
]
