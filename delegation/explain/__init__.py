"""Pair, accounts, hosts -> Explanation: why one pair works or not, link by link.

Of a broken link, ``fix`` says what to do, and ``hresult`` what a migration over it usually ends
with. The verdict at the end is ``kdc``'s; all the others are there to say why. ``pair_explained``
is the use case that reads all this; nothing in it can write.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from delegation.explain.chain import Link, LinkState, Pair, PairCase, granted_by, stranger
from delegation.explain.host_links import links as host_links
from delegation.explain.host_pair import HostPair
from delegation.explain.links import LINKS
from delegation.mesh.kdc import Decision, Evidence, Route
from delegation.mesh.snapshot import Operator, Snapshot

__all__ = ["Explanation", "Link", "LinkState", "Pair", "explain", "stranger"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The chain, and a KDC's decision for each of the target's names with this evidence."""

    links: tuple[Link, ...]
    decisions: Mapping[str, Decision]
    evidence: Evidence

    @property
    def broken(self) -> Link | None:
        """The first broken link: the one to mend first.

        The order of the chain is that of cause and effect. A missing account breaks every link
        after it, and to mend one of those would help nobody.
        """
        for link in self.links:
            if link.state is LinkState.BROKEN:
                return link
        return None

    @property
    def unknown(self) -> tuple[Link, ...]:
        """Those of which nothing can be told."""
        return tuple(link for link in self.links if link.state is LinkState.UNKNOWN)

    @property
    def granted_by(self) -> Mapping[str, Route | None]:
        """For each of the target's names, the list by which a ticket for it is granted."""
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
    case = PairCase(snapshot, pair, operator, token)
    of_directory = tuple(link(case) for link in LINKS)
    of_hosts = host_links(hosts) if hosts else ()
    return Explanation((*of_directory, *of_hosts), case.decisions, case.evidence)
