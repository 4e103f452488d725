"""docs/python.md, run as it stands, on an export and on hosts in memory; click is not there."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "python.md"
WITHOUT_CLICK = """
import runpy, sys
sys.modules["click"] = None
runpy.run_module("tests.python_page", run_name="__main__")
"""
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_page_runs_without_a_command_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_CLICK, str(PAGE), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^sha256:[0-9a-f]{64} \d+ values to add$", done.stdout, re.MULTILINE)
    assert "3 hosts to change; []" in done.stdout
    assert done.stdout.splitlines()[-8:] == [
        "done: 2 moved",
        "1 apply done CHG-1234 {'objects': 3, 'applied': 3}",
        "2 rollback done  {'objects': 3, 'applied': 3}",
        "3 apply done  {'objects': 3, 'applied': 3}",
        "4 hosts apply done  {'objects': 2, 'applied': 2}",
        "5 hosts rollback done  {'objects': 2, 'applied': 2}",
        "6 hosts apply done  {'objects': 6, 'applied': 6}",
        "7 migrate done CHG-1235 {'objects': 2, 'moved': 2}",
    ]


def test_the_page_has_every_verb() -> None:
    code = "\n".join(BLOCK.findall(PAGE.read_text(encoding="utf-8")))
    for verb in ("plan_mesh", "apply_mesh", "roll_back_mesh", "plan_settings", "apply_settings"):
        assert f"{verb}(" in code
    assert "roll_back_settings(" in code
    assert "start(" in code
