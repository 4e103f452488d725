"""Where -o leads: a file, a link, or what is no file at all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from delegation.cli import files
from tests.cli.program import Delegation

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links to output are POSIX's here")


def saved_to_output(here: Path, link: str) -> str:
    """``plan -o link``, with the output in a file; what is in it then."""
    with (here / "out.txt").open("wb") as output:
        command = [sys.executable, "-m", "delegation", "plan", "-o", link, "--format", "json"]
        subprocess.run(command, cwd=here, stdout=output, stderr=subprocess.PIPE, check=False)
    return (here / "out.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("target", ["/dev/stdout", "/proc/self/fd/1"])
def test_a_link_to_the_output_stays_one_where_that_is_a_file(
    delegation: Delegation, here: Path, target: str
) -> None:
    """As root, ``-o /dev/stdout >plan.json`` made a file of /dev/stdout."""
    (here / "link").symlink_to(target)
    text = saved_to_output(here, "link")
    assert (here / "link").is_symlink()
    assert text.count('"digest"') == 2


def test_a_pipe_is_written_to(delegation: Delegation, here: Path) -> None:
    os.mkfifo(here / "pipe")
    reader = subprocess.Popen(["cat", "pipe"], cwd=here, stdout=subprocess.PIPE, text=True)
    assert delegation("plan", "-o", "pipe").code == 3
    text, _ = reader.communicate(timeout=60)
    assert '"digest"' in text


def test_what_has_become_a_file_meanwhile_is_not_written_to(tmp_path: Path) -> None:
    """Who owns the folder can put a link in the place of the pipe that was seen there."""
    (tmp_path / "victim").write_bytes(b"theirs")
    (tmp_path / "pipe").symlink_to("victim")
    with pytest.raises(FileExistsError):
        files._opened_device(tmp_path / "pipe")
    assert (tmp_path / "victim").read_bytes() == b"theirs"


def test_a_link_to_a_file_is_replaced(delegation: Delegation, here: Path) -> None:
    (here / "victim").write_text("theirs", encoding="utf-8")
    (here / "plan.json").symlink_to("victim")
    assert delegation("plan", "-o", "plan.json").code == 2
    assert delegation("plan", "-o", "plan.json", "--force").code == 3
    assert (here / "victim").read_text(encoding="utf-8") == "theirs"
    assert not (here / "plan.json").is_symlink()
