"""HostPair -> the links at the hosts: what each said of itself, and the source of a VM's check.

Those of the directory come first; a migration needs both.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from delegation.errors import (
    Advice,
    Command,
    HostError,
)
from delegation.explain import check_links, networks
from delegation.explain.chain import NO_CREDENTIALS, Link, broken, ok, unknown
from delegation.explain.host_pair import HostPair, by_host, in_words
from delegation.hosts.machines import HostReading
from delegation.hosts.settings import AUTHENTICATION, ENABLED

REMOTE_MANAGEMENT: Final = "remote management"
RIGHTS: Final = "Hyper-V rights"
DRY_RUN: Final = "migration check"


def links(pair: HostPair) -> tuple[Link, ...]:
    """Every link, in the order in which to look at them."""
    asked = {**_LINKS, DRY_RUN: check_links.migration_check} if pair.dry_run else _LINKS
    if pair.unasked is not None:
        why, fix = f"the hosts were not asked: {pair.unasked.what}", pair.unasked.fix
        rest = [unknown(name, "the hosts were not asked") for name in asked]
        return (unknown(REMOTE_MANAGEMENT, why, fix), *rest[1:])
    return tuple(link(pair, name) for name, link in asked.items())


def _reachable(pair: HostPair, name: str) -> Link:
    silent = {end.label: end.error for end in pair.ends if end.error and not end.answered}
    if silent:
        # Its error is about the way from here to a host, which no migration takes.
        return _failed(name, silent, of_migration=False)
    return ok(name, "WinRM of both answers")


def _failed(name: str, errors: Mapping[str, HostError], *, of_migration: bool = True) -> Link:
    """Every host's error in its own words; what to do about each, and the first HRESULT."""
    words = {label: in_words(error) for label, error in errors.items()}
    fixes = dict.fromkeys(error.fix for error in errors.values() if error.fix)
    hresults = [error.hresult for error in errors.values() if of_migration and error.hresult]
    return broken(name, by_host(words), _joined(fixes), next(iter(hresults), ""))


def _joined(sentences: Iterable[str]) -> Advice:
    """Sentences as one, in which commands stay commands."""
    parts: list[str | Command] = []
    for sentence in sentences:
        parts += ["; "] if parts else []
        parts += sentence.parts if isinstance(sentence, Advice) else [sentence]
    return Advice(*parts)


def _service(pair: HostPair, name: str) -> Link:
    states = {end.label: end.vmms for end in pair.ends if end.vmms is not None}
    stopped = {
        label: f"vmms is {vmms or 'absent'}" for label, vmms in states.items() if vmms != "Running"
    }
    if stopped:
        fix = f"on {' and '.join(stopped)}: Start-Service vmms; its event log says why it ended"
        return broken(name, by_host(stopped), fix)
    if len(states) < len(pair.ends):
        return unknown(name, pair.lacking)
    return ok(name, "vmms runs on both")


def _rights(pair: HostPair, name: str) -> Link:
    """Whether whoever asks may read Hyper-V's own namespace, which its administrators may.

    Of a host whose service is stopped, that is all there is to say.
    """
    failed: dict[str, HostError] = {}
    for end in pair.ends:
        is_stopped = end.vmms not in {None, "Running"}
        if end.error and end.answered and not is_stopped:
            failed[end.label] = end.error
    if failed:
        return _failed(name, failed)
    if pair.lacking:
        return unknown(name, pair.lacking)
    return ok(name, "both tell their settings (root/virtualization/v2)")


def _enabled(pair: HostPair, name: str) -> Link:
    off = [
        label
        for label, reading in pair.readings.items()
        if reading.settings.get(ENABLED) is not True
    ]
    if off:
        labels = " and ".join(off)
        fix = f"live_migration: {{enabled: true}} for {labels}, then delegation hosts apply"
        return broken(name, f"{labels}: it is off", fix)
    return unknown(name, pair.lacking) if pair.lacking else ok(name, "on both")


def _authentication(pair: HostPair, name: str) -> Link:
    """Only Kerberos lets the source pass on who the operator is, without a logon at it.

    CredSSP, the default of a host, hands over a password instead, which is there only where the
    operator has typed it; Credential Guard, on by default since Windows Server 2025, forbids that.
    Kerberos with delegation by name is not touched by it.
    """
    others = {}
    for label, reading in pair.readings.items():
        if why := _not_kerberos(reading):
            others[label] = why
    if others:
        labels = " and ".join(others)
        setting = f"live_migration: {{authentication: Kerberos}} for {labels}"
        fix = f"{setting}, then delegation hosts apply"
        return broken(name, by_host(others), fix, NO_CREDENTIALS)
    return unknown(name, pair.lacking) if pair.lacking else ok(name, "Kerberos on both")


def _not_kerberos(reading: HostReading) -> str:
    """What is used instead of Kerberos, and what that asks for; empty where it is Kerberos."""
    authentication = reading.settings.get(AUTHENTICATION)
    if authentication == "Kerberos":
        return ""
    what = f"{authentication or 'unknown'}, which needs the operator to be logged on at the source"
    if authentication == "CredSSP":
        what += _forbidden_by_guard(reading)
    return what


def _forbidden_by_guard(reading: HostReading) -> str:
    if reading.credential_guard:
        return ", and which Credential Guard, which runs there, forbids"
    is_told = reading.credential_guard is not None
    if not is_told and _build(reading.windows) >= _SERVER_2025:
        return ", and which Credential Guard forbids, on by default since Windows Server 2025"
    return ""


_SERVER_2025 = 26100
"""Its build number."""


def _build(windows: str | None) -> int:
    """The third part of a version, as of ``10.0.26100``; 0: not told."""
    parts = (windows or "").split(".")
    return int(parts[2]) if len(parts) > 2 and parts[2].isdecimal() else 0


_LINKS: Mapping[str, Callable[[HostPair, str], Link]] = {
    REMOTE_MANAGEMENT: _reachable,
    RIGHTS: _rights,
    "migration service": _service,
    "migration enabled": _enabled,
    "authentication": _authentication,
    networks.NAME: check_links.listening,
    f"TCP {check_links.MIGRATION_PORT}": check_links.migration_port,
    f"TCP {check_links.SMB_PORT}": check_links.smb_port,
}
