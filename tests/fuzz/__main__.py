"""``scripts/fuzz``: a number of mutated answers, and each hostile behaviour, in one process.

It prints the seed, what was wrong, and the most memory that it took; ends with 1 where anything
was. ``--only`` repeats one conversation.
"""

from __future__ import annotations

import argparse
import contextlib
import secrets
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.fuzz import ldap_hostile, ldap_server
from tests.fuzz.ldap_client import DEADLINE, SLACK, Ended, everything, hurry
from tests.fuzz.ldap_mutations import mutant
from tests.fuzz.ldap_server import Spoil

MOST_MEMORY = 300
"""MiB of the whole process, client and server."""


def main() -> int:
    arguments = _arguments()
    hurry()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        pem = ldap_server.certificate(Path(folder))
        wrong = sum(_is_wrong(name, spoil, pem) for name, spoil in _conversations(arguments))
    memory = _peak()
    print(f"seed {arguments.seed}: {sum(_ENDS.values())} conversations, {wrong} of them wrong")
    print(f"{time.monotonic() - began:.0f} s, at most {memory} MiB, {dict(_ENDS)}")
    return 1 if wrong or memory > MOST_MEMORY else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__)
    parser.add_argument("-n", "--number", type=int, default=2_000, help="of mutated answers")
    parser.add_argument("--seed", default=secrets.token_hex(4))
    parser.add_argument("--only", type=int, help="the one with this number")
    parser.add_argument("--no-hostile", action="store_true", help="mutated answers only")
    return parser.parse_args()


def _conversations(arguments: argparse.Namespace) -> list[tuple[str, Spoil]]:
    if arguments.only is not None:
        return [(str(arguments.only), mutant(f"{arguments.seed}/{arguments.only}"))]
    found = [(str(n), mutant(f"{arguments.seed}/{n}")) for n in range(arguments.number)]
    if arguments.no_hostile:
        return found
    for behaviour in (*ldap_hostile.ANYWHERE, *ldap_hostile.IN_SEARCHES):
        stages = ldap_hostile.STAGES if behaviour in ldap_hostile.ANYWHERE else ("find",)
        for stage in stages:
            name = f"{behaviour.__name__} at {stage}"
            found.append((name, ldap_hostile.at_stage(stage, behaviour)))
    return found


_ENDS: Counter[str] = Counter()


def _is_wrong(name: str, spoil: Spoil, pem: Path) -> bool:
    with ldap_server.serving(pem, spoil) as url:
        ended = everything(url, pem)
    _ENDS[_kind(ended)] += 1
    late = ended.seconds > DEADLINE + SLACK
    if ended.error or late:
        print(f"{name}: {ended.seconds:.1f} s: {ended.error or 'late'}", flush=True)
    return bool(ended.error) or late


def _kind(ended: Ended) -> str:
    if ended.error:
        return "wrong"
    return "believed" if "of which []" in ended.words else "refused"


def _peak() -> int:
    """MiB that this process has had at most; 0 where the system does not tell."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) // 1024
    return 0


if __name__ == "__main__":
    sys.exit(main())
