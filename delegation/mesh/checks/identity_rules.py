"""MeshCase -> observations of which objects the accounts are: made again, made by anybody, renamed.

By objectGUID alone: a name is given again, and inherits what others have been given by it.
"""

from collections.abc import Iterator

from delegation.mesh.checks.rule import MeshCase, Observation, Rule, Severity
from delegation.mesh.identities import NEW_ACCOUNT_RULE


def _made_again(case: MeshCase) -> Iterator[Observation]:
    """Accounts that are other objects than those known by their names.

    The peers' lists name the host and not the object: whoever made the new one has what the old one
    was trusted with. The finding is of this very object, so that to accept it accepts no third one.
    """
    hosts = set(case.comparison.labels)
    for other in case.comparison.identities.new:
        is_looked_at = other.label in hosts or other.label not in case.comparison.inventory.hosts
        if is_looked_at:
            fix = f"{other.look}; if so: delegation apply --allow {other.override}"
            yield Observation(other.label, str(other.account.guid), other.what, fix)


def _made_by_anybody(case: MeshCase) -> Iterator[Observation]:
    """Of hosts that are new to the mesh: of all others, somebody has decided about it before."""
    for stranger in case.comparison.identities.by_quota:
        yield Observation(stranger.label, "", stranger.what, stranger.fix)


def _renamed(case: MeshCase) -> Iterator[Observation]:
    """Values that name such a host by its former name are nobody's, or somebody else's by now."""
    for renamed in case.comparison.identities.renamed:
        named = tuple(sorted(renamed.unsaid))
        yield Observation(renamed.label, "", renamed.what, renamed.fix, named=named)


RULES = (
    Rule(
        NEW_ACCOUNT_RULE,
        Severity.HIGH,
        "another account than the one that was known by its name",
        "look whether the host was reinstalled; then delegation apply --allow new-account=HOST",
        "MS-ADTS 3.1.1.1.4: an object is known by its objectGUID, a name is given again",
        _made_again,
    ),
    Rule(
        "KCD026",
        Severity.LOW,
        "a host that is new to the mesh, and whose account anybody may have made",
        "ask whoever made it, or have it made anew by an administrator",
        "MS-ADTS 3.1.1.5.2.1.2: mS-DS-CreatorSID and ms-DS-MachineAccountQuota",
        _made_by_anybody,
    ),
    Rule(
        "KCD027",
        Severity.LOW,
        "a host's account that had another name, of which the inventory says nothing",
        "say its former name at the host, and what still names it so goes",
        "MS-ADTS 3.1.1.1.4: an object is known by its objectGUID, a name is given again",
        _renamed,
    ),
)
