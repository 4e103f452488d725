"""The labs' fixtures, for every test that asks for them."""

from importlib.util import find_spec

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

# For scripts/test --unit alone, which installs no compiled Kerberos: tests of the lab that can't
# even be read without it.
collect_ignore = (
    []
    if find_spec("gssapi")
    else ["lab", "hyperv/test_host.py", "hyperv/test_remoting.py", "story/test_central_proof.py"]
)
