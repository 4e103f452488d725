"""What tests are made of: inventories, computers, a directory in memory, and strategies for both.

``TODAY`` is the day on which every test happens. Names are short on purpose: a test reads as
``computer("hv01", "cifs/hv02")``, the account HV01$ that may delegate to cifs/hv02.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import TypeVar
from uuid import UUID, uuid5

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from delegation import names
from delegation.changes import apply as driver
from delegation.changes.outcomes import Absent, Outcome, Result
from delegation.changes.plan import Change, Target
from delegation.inventory import (
    FileServer,
    Foreign,
    Host,
    Inventory,
    Keep,
    Mesh,
    OwnValues,
    Policy,
    Retired,
    Unconstrained,
)
from delegation.mesh import compare, file_servers, planning, snapshot
from delegation.mesh.compare import Comparison
from delegation.mesh.desired import expand
from delegation.mesh.seams import AccountOrigin, Reader, delegations
from delegation.mesh.snapshot import Computer, Directory
from delegation.mesh.spn_mappings import HOST_ALIASES, SpnMappings
from delegation.mesh.state import Delegation, DelegationChange, DelegationOutcome, DelegationPlan
from delegation.mesh.survey import names_standing_for
from delegation.names import CIFS, MANAGED_SERVICES, MIGRATION

settings.register_profile(
    "default",
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    print_blob=True,
)
settings.load_profile("default")

TODAY = date(2026, 6, 15)
DOMAIN = "corp.example"
BASE = "DC=corp,DC=example"
READ = SpnMappings.of([f"host={','.join(sorted(HOST_ALIASES))}"])
"""What HOST stands for, as a forest says it that nobody has changed."""
DIRECTORY = Directory("ldaps://dc1.corp.example", DOMAIN, BASE, "dc1.corp.example")

ENABLED = 0x1000
"""userAccountControl of a member server."""
DISABLED = 0x2
UNCONSTRAINED = 0x80000
TRANSITION = 0x1000000
WRITABLE_DC = 0x2000
READ_ONLY_DC = 0x4000000

EVERY_OVERRIDE = ("removals", "flag-change", "unconstrained")

_GUIDS = UUID("2f1c9c1e-6d4f-4f0a-9f0e-0d6f2a7b1c55")
T = TypeVar("T")


# Inventories


def host(
    label: str,
    *,
    computer: str | None = None,
    fqdn: str | None = None,
    transition: bool | None = True,
) -> Host:
    return Host(label, computer or label, fqdn or f"{label}.{DOMAIN}", transition)


def one_way(name: str, sources: Iterable[str], targets: Iterable[str]) -> Mesh:
    return Mesh(name, tuple(sources), tuple(targets))


def two_way(name: str, *members: str) -> Mesh:
    return Mesh(name, members, members)


def on_shares(name: str, *members: str) -> Mesh:
    """Of hosts whose machines stay on SMB storage: they ask each other for no cifs."""
    return Mesh(name, members, members, (names.MIGRATION,))


def file_server(name: str, *reached_from: str) -> FileServer:
    return FileServer(name, name, f"{name}.{DOMAIN}", reached_from)


def retired(name: str, fqdn: str | None = None) -> Retired:
    return Retired(name, fqdn or f"{name}.{DOMAIN}")


def inventory(
    *hosts: str | Host,
    meshes: Sequence[Mesh] = (),
    file_servers: Sequence[FileServer] = (),
    keep: Sequence[Keep] = (),
    retired: Sequence[Retired] = (),
    policy: Policy | None = None,
) -> Inventory:
    """Hosts by label, or as ``host`` makes them; one mesh of all unless told otherwise."""
    members = {h.label: h for h in (h if isinstance(h, Host) else host(h) for h in hosts)}
    return Inventory(
        DOMAIN,
        "sha256:0",
        members,
        tuple(meshes) or (two_way("all", *members),),
        file_servers=tuple(file_servers),
        keep=tuple(keep),
        retired=tuple(retired),
        policy=policy or Policy(),
    )


# Accounts


def guid(name: str) -> UUID:
    return uuid5(_GUIDS, name.casefold())


def computer(
    name: str,
    *values: str,
    uac: int = ENABLED,
    dns: str | None = "",
    spns: Iterable[str] = (),
    classes: Iterable[str] = (),
    primary_group: int | None = 515,
    base: str = BASE,
) -> Computer:
    """The account ``name$``; its dNSHostName is name + domain unless told otherwise."""
    return Computer(
        account=f"{name}$",
        dn=f"CN={name.upper()},OU=Hyper-V,{base}",
        guid=guid(f"{name}$ {base}"),
        uac=uac,
        values=values,
        dns_host_name=f"{name}.{DOMAIN}" if dns == "" else dns,
        primary_group=primary_group,
        spns=tuple(spns),
        object_classes=frozenset({"top", "computer", *classes}),
    )


def user(name: str, *spns: str) -> Computer:
    """A user's account, which holds service principal names."""
    return Computer(
        account=name,
        dn=f"CN={name},CN=Users,{BASE}",
        guid=guid(f"user {name}"),
        uac=0x200,
        primary_group=513,
        spns=spns,
        object_classes=frozenset({"top", "user"}),
    )


def domain_controller(name: str = "dc1", **changes: str | None) -> Computer:
    made = computer(name, uac=WRITABLE_DC | UNCONSTRAINED, primary_group=516)
    return made._replace(**changes)  # type: ignore[arg-type]


def forms(name: str, *services: str) -> tuple[str, ...]:
    """The values that let a host reach ``name``: both name forms of each service."""
    return tuple(names.peer_values(name, f"{name}.{DOMAIN}", services or MANAGED_SERVICES))


# Directories


class _NoError(Exception):
    """What a domain controller answers to a modify that it does not make."""


ALL_WRITTEN = frozenset({"msds-allowedtodelegateto", "useraccountcontrol"})
"""The attributes that a change may touch, casefolded."""


class MemoryDirectory:
    """A Writer over accounts in memory, with Active Directory's rules.

    Values are compared casefolded; one modify is made whole or not at all; userAccountControl
    changes only where the old value is exactly as expected. Accounts that hold a value twice in
    different case can only come from a directory that allows it, as Samba does: this one then
    does as well.
    """

    def __init__(
        self,
        accounts: Iterable[Computer],
        directory: Directory = DIRECTORY,
        *,
        window: int = 2,
        mappings: SpnMappings = READ,
    ) -> None:
        self.mappings = mappings
        self.owner = "Domain Admins"
        self.logged_on: str | None = None
        self.not_writable: dict[UUID, set[str]] | None = None
        self._directory = directory
        self.window = window
        self.accounts = {account.guid: account for account in accounts}
        self._same: Callable[[str], str] = str if any(map(_twins, self.accounts.values())) else _key

    @property
    def directory(self) -> Directory:
        return self._directory

    def find(
        self,
        computer_names: Collection[str],
        spns: Collection[str] = (),
        users: Collection[str] = (),
    ) -> list[Computer]:
        wanted = {f"{name}$".casefold() for name in computer_names}
        wanted |= {name.casefold() for name in users}
        held = {names.loose(spn) for spn in spns}
        managed = tuple(f"{service}/".casefold() for service in MANAGED_SERVICES)
        return [
            account
            for account in self.accounts.values()
            if account.account.casefold() in wanted
            or account.is_domain_controller
            or any(
                (key := names.loose(spn)).startswith(managed) or key in held for spn in account.spns
            )
        ]

    def spn_mappings(self) -> SpnMappings:
        return self.mappings

    def origins(self, accounts: Collection[Computer]) -> Mapping[UUID, AccountOrigin]:
        return {account.guid: AccountOrigin(account.creator, self.owner) for account in accounts}

    def read(self, guids: Collection[UUID]) -> Mapping[UUID, Computer]:
        return {guid: self.accounts[guid] for guid in guids if guid in self.accounts}

    def close(self) -> None:
        pass

    def writable(self, guids: Collection[UUID]) -> Mapping[UUID, frozenset[str]] | None:
        if self.not_writable is None:
            return None
        return {guid: ALL_WRITTEN - self.not_writable.get(guid, set()) for guid in guids}

    def own_account(self) -> str | None:
        return self.logged_on

    def look(self, targets: Collection[Target]) -> Mapping[UUID, Delegation | Absent]:
        return delegations(self, targets)

    def write(self, changes: Iterable[DelegationChange]) -> Iterator[DelegationOutcome]:
        for change in list(changes):
            yield self.modify(change)

    def modify(self, change: DelegationChange) -> DelegationOutcome:
        """Make one change, or none of it."""
        account = self.accounts.get(change.target.guid)
        if account is None:
            return Outcome(change, Result.REFUSED, "noSuchObject")
        swapped = change.before.uac != change.after.uac
        if swapped and account.uac != change.before.uac:
            return Outcome(change, Result.REFUSED, f"noSuchAttribute: {change.before.uac:#x}")
        try:
            values = _delta(account.values, change.before.values, change.after.values, self._same)
        except _NoError as no:
            return Outcome(change, Result.REFUSED, str(no))
        uac = change.after.uac if swapped else account.uac
        self.put(account._replace(values=values, uac=uac))
        return Outcome(change, Result.APPLIED)

    # What others do to the directory.

    def put(self, account: Computer) -> None:
        self.accounts[account.guid] = account

    def edit(
        self,
        name: str,
        *,
        add: Iterable[str] = (),
        remove: Iterable[str] = (),
        uac: int | None = None,
    ) -> None:
        account = self[name]
        gone = set(remove)
        values = (*(v for v in account.values if v not in gone), *add)
        self.put(account._replace(values=values, uac=account.uac if uac is None else uac))

    def delete(self, name: str) -> None:
        del self.accounts[self[name].guid]

    def __getitem__(self, name: str) -> Computer:
        [found] = [
            a for a in self.accounts.values() if a.account.casefold() == f"{name}$".casefold()
        ]
        return found

    def state(self) -> dict[UUID, tuple[list[str], int]]:
        """All that can change, exactly; the order of values means nothing."""
        return {guid: (sorted(a.values), a.uac) for guid, a in self.accounts.items()}


def _key(value: str) -> str:
    return value.casefold()


def _twins(account: Computer) -> bool:
    return len({value.casefold() for value in account.values}) < len(account.values)


def _delta(
    found: Sequence[str], before: Sequence[str], after: Sequence[str], same: Callable[[str], str]
) -> tuple[str, ...]:
    """Deletes, then adds, as a DC makes them; ``same`` maps values to what must differ."""
    values = list(found)
    for value in before:
        if value in after:
            continue
        equal = [v for v in values if same(v) == same(value)]
        if not equal:
            raise _NoError(f"noSuchAttribute: {value}")
        values.remove(equal[0])
    for value in after:
        if value in before:
            continue
        if same(value) in map(same, values):
            raise _NoError(f"attributeOrValueExists: {value}")
        values.append(value)
    return tuple(values)


class Forgetful:
    """A Record that keeps nothing."""

    def intend(self, changes: Sequence[DelegationChange]) -> None:
        pass

    def settle(self, outcomes: Sequence[DelegationOutcome]) -> None:
        pass


def silent(done: int, total: int) -> None:
    """Progress that nobody looks at."""


# The way from an inventory to a written plan, as the command line wires it


def survey(
    inventory: Inventory,
    reader: Reader,
    *,
    limit: Collection[str] | None = None,
    today: date = TODAY,
) -> Comparison:
    desired = expand(inventory)
    wanted, users = desired.account_names(), desired.user_names()
    endpoints = desired.endpoints_of(list(desired.delegates))
    values = [value for endpoint in endpoints for value in endpoint.values]
    mappings = reader.spn_mappings()
    former = [gone.name for gone in inventory.retired if gone.own is OwnValues.REMOVE]
    accounts = reader.find([*wanted, *former], names_standing_for(mappings, values), users)
    found = snapshot.resolve(
        reader.directory, wanted, accounts, mappings=mappings, anywhere=former, users=users
    )
    answered = file_servers.answered(desired, found)
    return compare.compare(inventory, answered, found, today, limit)


def planned(
    inventory: Inventory,
    reader: Reader,
    *,
    allow: Collection[str] = (),
    limit: Collection[str] | None = None,
) -> DelegationPlan:
    return planning.plan(survey(inventory, reader, limit=limit), allow)


def applied(plan: DelegationPlan, directory: MemoryDirectory) -> None:
    """Write all of a plan that must not fail."""
    report = driver.apply(plan, directory, Forgetful(), silent)
    assert report.complete, report


def change(
    account: Computer, *, add: Sequence[str] = (), remove: Sequence[str] = (), uac: int = -1
) -> DelegationChange:
    before = Delegation.of(account)
    values = (*(v for v in before.values if v not in remove), *add)
    after = Delegation(values, before.uac if uac < 0 else uac)
    return Change(Target(account.name, account.dn, account.guid), before, after)


# Strategies


@dataclass(frozen=True)
class World:
    """An inventory and the accounts of a directory that it was not made for."""

    inventory: Inventory
    accounts: tuple[Computer, ...]

    @property
    def directory(self) -> MemoryDirectory:
        """A fresh directory of these accounts."""
        return MemoryDirectory(self.accounts)


HOST_LABELS = ("hv01", "hv02", "hv03", "hv04")
GONE = ("hv90", "hv91", "hv92")
"""Hosts that were there once; an inventory may list them as retired, or not."""
SERVERS = ("sofs01", "nas01")
FOREIGN_VALUES = (
    "HTTP/portal",
    "HTTP/portal.corp.example:8080",
    "MSSQLSvc/db1.corp.example:1433",
    "cifs/isos",
    "cifs/nas02.corp.example",
    "Hyper-V Replica Service/hv01",
    "Microsoft Virtual System Migration Service/elsewhere",
    "HTTP/caf\u00e9",
    "no slash at all",
    "cifs/",
)
PATTERNS = ("HTTP/*", "MSSQLSvc/*", "cifs/hv9?", "cifs/*", "*/hv01*", "CIFS/ISOS", "*")
RECASINGS: tuple[Callable[[str], str], ...] = (str, str, str.upper, str.lower, str.swapcase)


@cache
def some(choices: tuple[T, ...], at_least: int = 0) -> st.SearchStrategy[tuple[T, ...]]:
    """A selection of ``choices``, each at most once, in any order."""
    return st.lists(st.sampled_from(choices), unique=True, min_size=at_least).map(tuple)


def _odd_host(label: str, odd_computer: bool, odd_domain: bool, transition: int) -> Host:  # noqa: FBT001
    return host(
        label,
        computer=f"{label.upper()}X" if odd_computer else label,
        fqdn=f"{label}.lab.{DOMAIN}" if odd_domain else f"{label}.{DOMAIN}",
        transition=(None, False, True, True)[transition],
    )


_SELDOM = st.integers(0, 3).map(lambda number: number == 3)
_HOSTS = {
    label: st.builds(_odd_host, st.just(label), _SELDOM, _SELDOM, st.integers(0, 3))
    for label in HOST_LABELS
}

Ends = tuple[tuple[str, ...], tuple[str, ...]]


@cache
def meshes(labels: tuple[str, ...]) -> st.SearchStrategy[tuple[Mesh, ...]]:
    """One mesh of all, or several that overlap, some of them one way; every host is in one.

    Some ask for the migration service alone.
    """
    two: st.SearchStrategy[Ends] = some(labels, 2).map(lambda members: (members, members))
    one = st.tuples(some(labels, 1), some(labels, 1)).filter(lambda ends: ends[0] != ends[1])
    services = st.sampled_from([MANAGED_SERVICES, (names.MIGRATION,)])
    each = st.tuples(two | one, services)
    return st.lists(each, max_size=2).map(lambda drawn: _covering(labels, drawn))


def _covering(
    labels: tuple[str, ...], drawn: Sequence[tuple[Ends, tuple[str, ...]]]
) -> tuple[Mesh, ...]:
    found = [
        Mesh(f"mesh{number}", *ends, services) for number, (ends, services) in enumerate(drawn)
    ]
    covered = {label for mesh in found for label in (*mesh.sources, *mesh.targets)}
    if covered < set(labels):
        found.append(two_way("all", *labels))
    return tuple(found)


@cache
def _keeps(labels: tuple[str, ...]) -> st.SearchStrategy[tuple[Keep, ...]]:
    """Some rules without end, some that expired, some that end today."""
    days = st.sampled_from([None, -400, -1, 0, 1, 400])
    rule = st.builds(
        Keep,
        st.sampled_from(PATTERNS),
        st.just(()) | some(labels, 1),
        reason=st.just("somebody's"),
        expires=days.map(lambda count: None if count is None else TODAY + timedelta(days=count)),
        accepts_transition=st.booleans(),
    )
    return st.lists(rule, max_size=2).map(tuple)


_POLICIES = st.builds(
    Policy,
    st.sampled_from(Foreign),
    st.sampled_from(Unconstrained),
    st.sampled_from([0.0, 30.0, 100.0]),
    st.just(Policy().value_limit),
)
_RETIRED = some(GONE).map(lambda gone: tuple(retired(name) for name in gone))


@st.composite
def inventories(draw: st.DrawFn) -> Inventory:
    order = draw(some(HOST_LABELS, 2))
    labels = tuple(sorted(order))
    drawn = draw(meshes(labels))
    reached = some(tuple(mesh.name for mesh in drawn), 1)
    return inventory(
        *(draw(_HOSTS[label]) for label in order),
        meshes=drawn,
        file_servers=[file_server(name, *draw(reached)) for name in draw(some(SERVERS))],
        keep=draw(_keeps(labels)),
        retired=draw(_RETIRED),
        policy=draw(_POLICIES),
    )


_MENTIONED = [
    *(name for label in HOST_LABELS for name in (label, f"{label}X", f"{label}.{DOMAIN}")),
    *(name for label in GONE for name in (label, f"{label}.{DOMAIN}")),
    *SERVERS,
]
_OURS = tuple(f"{service}/{name}" for service in MANAGED_SERVICES for name in _MENTIONED)


def _spelled(chosen: list[str], recase: Callable[[str], str], twin: bool) -> tuple[str, ...]:  # noqa: FBT001
    values = [recase(value) if index % 3 else value for index, value in enumerate(chosen)]
    if values and twin:
        values.append(values[0].swapcase())
    return tuple(dict.fromkeys(values))


found_values = st.builds(
    _spelled,
    st.lists(st.sampled_from((*_OURS, *FOREIGN_VALUES)), unique=True, max_size=10),
    st.sampled_from(RECASINGS),
    st.integers(0, 7).map(lambda number: number == 7),
)
"""What may stand on an object: ours, stale, foreign; any order and case, sometimes twins."""

_FLAGS = st.sets(st.sampled_from([UNCONSTRAINED, TRANSITION, DISABLED])).map(sum)
_FOUND = st.tuples(found_values, _FLAGS, st.sampled_from(RECASINGS))


@st.composite
def worlds(draw: st.DrawFn, *, dangers: bool = False) -> World:
    """An inventory, and every account it needs; ``dangers`` adds what a plan must refuse."""
    inventory = draw(inventories())
    accounts = [domain_controller()]
    for h in inventory.hosts.values():
        values, flags, recase = draw(_FOUND)
        accounts.append(
            computer(
                recase(h.computer),
                *values,
                uac=ENABLED | flags,
                dns=recase(h.fqdn),
                spns=(f"HOST/{h.computer}", f"{MIGRATION}/{h.fqdn}"),
            )
        )
    accounts += [computer(name, spns=forms(name, CIFS)) for name in SERVERS]
    if dangers:
        accounts = draw(endangered(accounts, inventory))
    accounts.insert(draw(st.integers(0, 2)), computer("unrelated", "HTTP/x", uac=UNCONSTRAINED))
    return World(inventory, tuple(accounts))


def _renamed(victim: Computer, _: Host) -> Computer:
    return victim._replace(dns_host_name="other.corp.example")


def _controller(victim: Computer, _: Host) -> Computer:
    return victim._replace(uac=victim.uac | WRITABLE_DC)


def _read_only_controller(victim: Computer, _: Host) -> Computer:
    return victim._replace(primary_group=521)


def _service_account(victim: Computer, _: Host) -> Computer:
    classes = victim.object_classes | {"msds-groupmanagedserviceaccount"}
    return victim._replace(object_classes=classes)


def _cluster(victim: Computer, _: Host) -> Computer:
    return victim._replace(spns=("MSClusterVirtualServer/clu1",))


def _thief(_: Computer, h: Host) -> Computer:
    return computer("thief", spns=[f"{CIFS}/{h.fqdn}"])


def _namesake(_: Computer, h: Host) -> Computer:
    return user(h.computer, f"{MIGRATION}/{h.computer}")


def _second(victim: Computer, _: Host) -> Computer:
    return victim._replace(dn=f"CN=second,{victim.dn}", guid=guid("second"))


def _foreigner(_: Computer, h: Host) -> Computer:
    return computer(h.computer, base="DC=other,DC=example")


_DANGERS = st.sampled_from(
    [
        _renamed,
        _controller,
        _read_only_controller,
        _service_account,
        _cluster,
        _thief,
        _namesake,
        _second,
        _foreigner,
    ]
)


@st.composite
def endangered(
    draw: st.DrawFn, accounts: Sequence[Computer], inventory: Inventory
) -> list[Computer]:
    """The accounts after one or two things that happen in old directories; one may be gone."""
    found = {account.guid: account for account in accounts}
    for _ in range(draw(st.integers(1, 2))):
        victim = draw(st.sampled_from(accounts))
        h = draw(st.sampled_from(tuple(inventory.hosts.values())))
        made = draw(_DANGERS)(victim, h)
        found[made.guid] = made
    if draw(_SELDOM):
        found.pop(draw(st.sampled_from(accounts)).guid)
    return list(found.values())
