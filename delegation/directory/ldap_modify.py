"""Change -> the deltas of one modify; a domain controller's result -> the outcome of the change."""

from collections.abc import Collection, Mapping
from typing import Any

from delegation.changes.outcomes import Outcome, Result
from delegation.directory import bounded, entries, ldap_answers, requests
from delegation.directory.ldap_answers import Answer, Unreadable
from delegation.mesh.state import DelegationChange, DelegationOutcome, added, removed


def modifications(change: DelegationChange) -> list[requests.Modification]:
    """The deltas of one modify: values by name, the flag by its exact old and new number.

    Deletes first, so that a value whose spelling changes is gone before it is added again.
    """
    deltas: list[requests.Modification] = []
    # Value by value and never "replace": other teams' values stay, whatever happened to the list
    # since it was read, and a DC refuses the whole modify where one of ours is not as planned.
    for operation, values in ((requests.DELETE, removed(change)), (requests.ADD, added(change))):
        if values:
            encoded = [value.encode() for value in values]
            deltas.append((operation, entries.ALLOWED_TO_DELEGATE_TO, encoded))
    # A compare-and-swap: all flags of the account are one number, and writing a new one over a
    # number that was not looked at would enable or disable it.
    if change.before.uac != change.after.uac:
        old, new = b"%d" % change.before.uac, b"%d" % change.after.uac
        deltas.append((requests.DELETE, entries.USER_ACCOUNT_CONTROL, [old]))
        deltas.append((requests.ADD, entries.USER_ACCOUNT_CONTROL, [new]))
    return deltas


_CONFLICTS = {16, 20, 32}
"""noSuchAttribute, attributeOrValueExists, noSuchObject: this object is not as it was planned."""

_STOPPING = {
    8: "the domain controller asks for a stronger logon",
    10: "this domain controller is read-only, or not this domain's; name a writable one",
    50: "no right to write this: the account needs write access to the property, and for the "
    "delegation flags SeEnableDelegationPrivilege on the domain controller since its last logon",
    51: "the domain controller is busy; try again later",
    52: "the domain controller is not available; try again later",
}
"""Results that every other object would get as well, in words. By code: texts differ by DC."""

_OF_ONE_OBJECT = {
    11: "the object holds as many values as a domain controller takes; make meshes smaller"
}


def outcome(change: DelegationChange, result: Mapping[str, Any]) -> DelegationOutcome:
    """What a domain controller's result means for the change."""
    code = result["result"]
    if code == 0:
        return Outcome(change, Result.APPLIED)
    message = str(result["message"]).strip("\0 \n")
    answer = f"result {code} {result['description']}"
    if message:
        answer = f"{answer}: {message}"
    if code in _CONFLICTS:
        return Outcome(change, Result.REFUSED, f"changed meanwhile ({answer})")
    words = _STOPPING.get(code) or _OF_ONE_OBJECT.get(code)
    reason = f"{words} ({answer})" if words else answer
    return Outcome(change, Result.FAILED, reason, stops=code in _STOPPING)


_MODIFY_RESPONSE = 0x67


def result_of_write(answer: Answer, asked: Collection[int]) -> Mapping[str, Any]:
    """The result that an answer has for one of the requests that were ``asked``.

    Raises Unreadable where nobody asked for it, and LDAPException at the server's goodbye.
    """
    bounded.expected(answer, answer.number if answer.number in asked else next(iter(asked), 0))
    if answer.tag != _MODIFY_RESPONSE:
        raise Unreadable(f"a message of type {answer.tag:#04x} answers a modify")
    return ldap_answers.result(answer)
