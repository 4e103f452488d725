import re
import subprocess
import sys
from pathlib import Path

from delegation import names
from delegation.directory.offline import OfflineDirectory
from delegation.mesh.snapshot import resolve

ROOT = Path(__file__).parent.parent.parent
SAMPLE = ROOT / "templates" / "sample-directory.ldif"


def test_it_is_what_its_script_prints() -> None:
    script = ROOT / "scripts" / "sample-directory"
    run = subprocess.run([sys.executable, str(script)], capture_output=True, check=True)
    assert run.stdout == SAMPLE.read_bytes()


def test_what_is_in_it() -> None:
    edge = OfflineDirectory(SAMPLE, "corp.example")
    hosts = names.expand("hv[01-64]")
    snapshot = resolve(edge.directory, [*hosts, "sofs01"], edge.find([*hosts, "sofs01"]))
    assert snapshot.computers.keys() == {*hosts, "sofs01"}
    assert snapshot.domain_controller_names == {"dc1", "dc1.corp.example"}
    for host in hosts:
        computer = snapshot.computers[host]
        assert computer.dns_host_name == f"{host}.corp.example"
        assert computer.values == (("HTTP/portal",) if host == "hv03" else ())
        assert computer.uac == 4096
        assert not computer.not_a_host
        assert not computer.is_domain_controller
        assert snapshot.holders(f"{names.MIGRATION}/{host}") == [computer]


def test_its_guids_look_random() -> None:
    edge = OfflineDirectory(SAMPLE, "corp.example")
    guids = {computer.guid for computer in edge.find(["sofs01", "nas01", "web01"])}
    assert len(guids) == len(re.findall(b"^dn:", SAMPLE.read_bytes(), re.MULTILINE)) == 68
    assert {guid.version for guid in guids} == {4}
