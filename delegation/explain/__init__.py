"""Why one pair of hosts works or not: a chain of links, each with its evidence.

Of a broken link, ``fix`` says what to do, and ``hresult`` what a migration over it usually ends
with. The verdict at the end is ``kdc``'s; all the others are there to say why.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from delegation.explain.chain import Case, Link, Pair, State, granted_by, stranger
from delegation.explain.host_links import HostPair
from delegation.explain.host_links import links as host_links
from delegation.explain.links import LINKS
from delegation.mesh.kdc import Decision, Evidence, Route
from delegation.mesh.snapshot import Operator, Snapshot

__all__ = ["Explanation", "Link", "Pair", "State", "explain", "stranger"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The chain, and a KDC's decision for each of the target's names with this evidence."""

    links: tuple[Link, ...]
    decisions: Mapping[str, Decision]
    evidence: Evidence

    @property
    def broken(self) -> Link | None:
        """The first broken link: the one to mend first."""
        return next((link for link in self.links if link.state is State.BROKEN), None)

    @property
    def granted_by(self) -> Mapping[str, Route | None]:
        return granted_by(self.decisions)


def explain(
    snapshot: Snapshot,
    pair: Pair,
    operator: Operator | None = None,
    token: frozenset[str] | None = None,
    hosts: HostPair | None = None,
) -> Explanation:
    """Every link of ``pair``, by the accounts of ``snapshot`` and by what its hosts say.

    ``token`` is the source's. It counts where the target has a list of its own; None: not known.
    ``hosts`` None: they were not asked, and have no links.
    """
    case = Case(snapshot, pair, operator, token)
    links = (*(link(case) for link in LINKS), *(host_links(hosts) if hosts else ()))
    return Explanation(links, case.decisions, case.evidence)
