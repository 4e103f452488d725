"""What two hosts told -> which questions are still open, and what somebody would have to try.

Reading tells much of a host, and not what becomes of a migration there, nor what it says in a
state that it is not in.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from delegation.hosts.cim import migration_service
from delegation.hosts.probe.probe_facts import Fact, Facts

SAVED = "Saved"


@dataclass(frozen=True, slots=True)
class Told:
    """All facts: of each host by the question's key, and of each step, with its key, in turn."""

    hosts: Sequence[Mapping[str, Facts]]
    steps: Sequence[tuple[str, Facts]]

    def of_hosts(self, question: str, name: str) -> Iterator[Fact]:
        """One fact, of each host that has told it."""
        for one in self.hosts:
            if name in one.get(question, {}):
                yield one[question][name]

    @property
    def moves(self) -> list[Facts]:
        """Migrations that were begun, and whose end is known."""
        return [facts for _, facts in self.steps if facts.get("where")]

    @property
    def checked(self) -> list[Facts]:
        """Machines that were checked in all ways."""
        return [facts for key, facts in self.steps if key == "ways" and "ways" in facts]


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """``attempt``: what to try, and by which means; one that ends with a probe is answered by that.

    Without ``is_answered`` no probe tells whether it was: somebody has to look.
    """

    key: str
    question: str
    attempt: str
    is_answered: Callable[[Told], bool] | None = None


def still_open(told: Told) -> tuple[OpenQuestion, ...]:
    """Those that the facts do not answer."""
    return tuple(one for one in QUESTIONS if one.is_answered is None or not one.is_answered(told))


def _few_rights_are_enough(told: Told) -> bool:
    """Where Windows' own namespace is refused, whoever asks is no administrator."""
    for one in told.hosts:
        windows = one.get("namespaces", {}).get("root/cimv2 Win32_OperatingSystem")
        is_no_administrator = isinstance(windows, Mapping) and "refused" in windows
        if is_no_administrator and "machines" in one.get("machines", {}):
            return True
    return False


def _was_moved(told: Told) -> bool:
    return bool(told.moves)


def _was_cancelled(told: Told) -> bool:
    """One that came too late was not."""
    return any(one.get("cancelled_after") and _was_stopped(one) for one in told.moves)


def _was_stopped(move: Facts) -> bool:
    failure = move.get("failure")
    return isinstance(failure, Mapping) and failure.get("stopped") is True


def _has_failed(told: Told) -> bool:
    return any(one.get("failure") and not _was_stopped(one) for one in told.moves)


def _was_checked(told: Told) -> bool:
    return bool(told.checked)


def _has_checkpoints(told: Told) -> bool:
    return any(one["disks_of_checkpoints"] for one in told.checked)


def _has_two_disks(told: Told) -> bool:
    return any("accepted" in _way(one, "last_disk_stays") for one in told.checked)


def _way(checked: Facts, key: str) -> Facts:
    ways = checked["ways"]
    found = ways.get(key) if isinstance(ways, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _has_saved(told: Told) -> bool:
    return any(one.get("state") == SAVED for one in told.checked)


def _has_two_owners(told: Told) -> bool:
    """Jobs of whom else are seen, and not only one's own."""
    return any(isinstance(count, int) and count > 1 for count in told.of_hosts("jobs", "owners"))


def _takes_any_network(told: Told) -> bool:
    networks = told.of_hosts("networks", "networks")
    return any(migration_service.ANY_NETWORK in str(one) for one in networks)


def _is_stopped(told: Told) -> bool:
    return any(one == "Stopped" for one in told.of_hosts("windows", "vmms"))


_BY_VM = "delegation hosts probe SOURCE TARGET --vm NAME, a machine that may be moved and back"
_BY_CHECK = "delegation hosts probe SOURCE TARGET --check NAME: "

QUESTIONS = (
    OpenQuestion(
        "rights",
        "whether Remote Management Users and Hyper-V Administrators are enough to ask all this",
        "make an account that is in these two groups alone on both hosts, and probe as that",
        _few_rights_are_enough,
    ),
    OpenQuestion(
        "move",
        "whether vmms starts a migration for an operator who came over WinRM, and who sees its job",
        _BY_VM,
        _was_moved,
    ),
    OpenQuestion(
        "cancel",
        "whether RequestedState 4 cancels a migration, and how long it takes to roll back",
        f"{_BY_VM}; a larger one, where it arrives before it can be cancelled",
        _was_cancelled,
    ),
    OpenQuestion(
        "kill",
        "what RequestedState 5 (Kill) does to a migration, and what it leaves",
        "with a machine that may be lost: delegation migrate run, and in its midst delegation "
        "migrate abort NAME --kill-job; then look on both hosts for files, shares and planned "
        "machines, and probe within five minutes, for its job",
    ),
    OpenQuestion(
        "leftovers",
        "whether a planned machine stays on the target after a cancelled migration",
        _BY_VM,
        _was_cancelled,
    ),
    OpenQuestion(
        "failed",
        "whether a planned machine stays on the target after a migration that failed",
        "in the midst of a migration of a machine that may be lost, take the target off its "
        "network (Disable-NetAdapter) until the job has failed; then probe within five minutes: "
        "'planned' counts them, and 'jobs' has its numbers",
        _has_failed,
    ),
    OpenQuestion(
        "resources",
        "how disks are listed in a request, as far as a check tells, and what a check leaves",
        f"{_BY_CHECK}any machine of SOURCE; it is not moved",
        _was_checked,
    ),
    OpenQuestion(
        "two_disks",
        "how a disk that stays is listed, and whether two disks may have one place",
        f"{_BY_CHECK}a machine with two disks or more",
        _has_two_disks,
    ),
    OpenQuestion(
        "checkpoints",
        "whether the disks of checkpoints have to be listed",
        f"{_BY_CHECK}a machine with a checkpoint",
        _has_checkpoints,
    ),
    OpenQuestion(
        "staying",
        "what a migration does with a disk that is listed where it is, or under another name: a "
        "check that accepts it has not done it",
        "at the source's console, with a machine that may be lost: Move-VM NAME TARGET "
        "-VirtualMachinePath FOLDER -Vhds with one of its two disks alone, then look where each "
        "file is",
    ),
    OpenQuestion(
        "saved",
        "whether a saved machine may go",
        f"{_BY_CHECK}one that is saved (Save-VM)",
        _has_saved,
    ),
    OpenQuestion(
        "special",
        "what a check says of pass-through disks, shared disks and assigned devices",
        f"{_BY_CHECK}one that has any of these; its MessageIDs are in 'ways'",
    ),
    OpenQuestion(
        "compared",
        "whether a check's MessageIDs are those of Compare-VM",
        "at the source's console, for a machine that was probed with --check: "
        "(Compare-VM NAME TARGET).Incompatibilities | Format-List MessageId, Message",
    ),
    OpenQuestion(
        "slots",
        "whether a migration beyond the limit is refused at once or waits, and with which numbers",
        "allow one at a time on SOURCE (Set-VMHost -MaximumVirtualMachineMigrations 1 "
        "-MaximumStorageMigrations 1), begin two moves there at its console (Move-VM NAME TARGET "
        "-IncludeStorage -AsJob), and probe at once, and again when the second one has ended: "
        "'jobs' has a JobState of 2 where it waits, and 10 with ErrorCode and MessageID where it "
        "is refused; then set back what was allowed",
    ),
    OpenQuestion(
        "owners",
        "whether another operator's job is seen",
        "have somebody else begin a migration there, and probe within five minutes of its end",
        _has_two_owners,
    ),
    OpenQuestion(
        "restart",
        "what becomes of a migration, and of its job, when vmms is started anew in its midst",
        "with a machine that may be lost: delegation migrate run, and in its midst Restart-Service "
        "vmms on the source; then delegation migrate resume, and probe",
    ),
    OpenQuestion(
        "any_network",
        "how Hyper-V itself writes that any network may be used",
        "Set-VMHost -UseAnyNetworkForMigration $true at a host's console, and probe",
        _takes_any_network,
    ),
    OpenQuestion(
        "stopped",
        "what a host says whose vmms is stopped",
        "on a host without migrations under way: Stop-Service vmms (its machines go on), probe as "
        "one of its administrators, Start-Service vmms",
        _is_stopped,
    ),
)
"""What was open when this program was written, in the order of what hangs on it."""
