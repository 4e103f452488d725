"""Explanation -> its data, and what to do next: what every front end shows of a pair."""

from dataclasses import dataclass

from delegation.errors import Command, command
from delegation.explain import Explanation, Link, Pair
from delegation.explain.account_links import NOT_LOOKED_AT
from delegation.explain.host_links import REMOTE_MANAGEMENT
from delegation.mesh.snapshot import Directory


@dataclass(frozen=True, slots=True)
class ExplanationView:
    """A pair explained: by which domain controller, and for whom; ``operator`` None: for anybody.

    ``asked_again`` are the words that ask for the same once more.
    """

    pair: Pair
    directory: Directory
    operator: str | None
    explanation: Explanation
    asked_again: tuple[str, ...]

    @property
    def headline(self) -> str:
        who = f" as {self.operator}" if self.operator else ""
        ends = f"{self.pair.source.label} to {self.pair.target.label}"
        return f"{ends}{who}, on {self.directory.dc}"

    @property
    def hosts_unasked(self) -> Link | None:
        """The link that says why the hosts themselves could not be asked, if that is so."""
        for link in self.explanation.unknown:
            if link.name == REMOTE_MANAGEMENT:
                return link
        return None

    @property
    def wants_operator(self) -> bool:
        """Whether nobody was named whose own account could be looked at."""
        return any(link.evidence == NOT_LOOKED_AT for link in self.explanation.unknown)

    @property
    def again(self) -> Command:
        return command(*self.asked_again)

    @property
    def with_operator(self) -> Command:
        """The words of ``again``, for an operator to be named."""
        return command(*self.asked_again, "--as", "USER")

    def mending(self, link: Link) -> Command | None:
        """The command that shows what mends a broken link, where one of ours does."""
        source, target = self.pair.source.label, self.pair.target.label
        if link.name in {"values", "protocol transition"} and self.pair.desired:
            return command("plan", "--limit", source)
        if link.name in {"migration enabled", "authentication", "networks"}:
            return command("hosts", "plan", "--limit", f"{source},{target}")
        return None

    def to_json(self) -> dict[str, object]:
        """The explanation as programs read it (README, explain)."""
        routes = self.explanation.granted_by
        return {
            "source": self.pair.source.label,
            "target": self.pair.target.label,
            "operator": self.operator,
            "domain": self.directory.domain,
            "dc": self.directory.dc,
            "ok": self.explanation.broken is None,
            "links": [_link_data(link) for link in self.explanation.links],
            "evidence": str(self.explanation.evidence),
            "granted_by": {spn: str(route) if route else None for spn, route in routes.items()},
        }


def _link_data(link: Link) -> dict[str, str]:
    return {
        "name": link.name,
        "state": str(link.state),
        "evidence": link.evidence,
        "fix": link.fix,
        "hresult": link.hresult,
    }
