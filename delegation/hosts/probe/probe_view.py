"""What two hosts told, as shown and as sent in: no name of theirs is in the file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from delegation import __version__
from delegation.errors import DelegationError, HostError
from delegation.hosts.probe import open_questions
from delegation.hosts.probe.open_questions import OpenQuestion, Told
from delegation.hosts.probe.probe_facts import Fact, Facts
from delegation.hosts.probe.probe_questions import QUESTIONS, ProbeAnswer

FORM = 3
"""The version of the file's form."""

_PRIVATE = (
    (re.compile(r"\b[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\b"), "<guid>"),
    (re.compile(r"\bS-1-\d+(?:-\d+)+\b"), "<sid>"),
    (re.compile(r"\b[A-Za-z]:\\[^\"'<>|]*|\\\\[^\s\"'<>|]+"), "<path>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b(?!\.\d)"), "<address>"),
    (re.compile(r"\b[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{0,4}){2,7}\b"), "<address>"),
)
"""What a host's text may hold of a house: taken out, whatever it is."""
_UNSPECIFIED = "0.0.0.0"  # noqa: S104 - the subnet that stands for any, which is nobody's
_VERSION = re.compile(r"\d+(?:\.\d+){2,3}\Z")


@dataclass(frozen=True, slots=True)
class HostProbe:
    """One host: its answers so far; ``error`` where it was not asked to the end."""

    label: str
    computer: str
    fqdn: str
    answers: tuple[ProbeAnswer, ...]
    error: HostError | None = None

    @property
    def was_asked(self) -> bool:
        """Whether it answered at all, and is the host that was meant."""
        return self.failure is None

    @property
    def failure(self) -> HostError | None:
        """Why there is nothing more of it: not reached, lost on the way, or another computer."""
        if self.error is not None:
            return self.error
        last = self.answers[-1].error if self.answers else None
        return last if len(self.answers) < len(QUESTIONS) else None


STEPS: Mapping[str, str] = {
    "ways": "Which ways of sending this machine does a check accept, and what does it leave?",
    "check": "What does a check leave, and which job is it?",
    "cancel": "What becomes of a migration that is cancelled, and how long does it take?",
    "move": "Does vmms start a migration for an operator over WinRM, and what does it tell?",
    "back": "And on the way back?",
}
"""What is done with a VM, by the key in the file; the first for each that is checked alone."""


@dataclass(frozen=True, slots=True)
class ProbeStep:
    """One thing that was done with a VM, and what both hosts said of it."""

    key: str
    facts: Facts


@dataclass(frozen=True, slots=True)
class ProbeView:
    """Both hosts. ``user`` is who asked, as the inventory names it.

    ``steps`` are what was done with the VMs called ``machines``, if any were named, and ``trouble``
    why there are no more.
    """

    domain: str
    user: str | None
    source: HostProbe
    target: HostProbe
    steps: tuple[ProbeStep, ...] = ()
    machines: tuple[str, ...] = ()
    trouble: DelegationError | None = None

    @property
    def questions(self) -> Mapping[str, str]:
        """All questions to a host, by their keys."""
        return {key: question for key, (question, _) in QUESTIONS.items()}

    @property
    def hosts(self) -> tuple[HostProbe, ...]:
        return (self.source, self.target)

    def to_json(self) -> dict[str, Any]:
        """Everything that is to be sent in, with names and places taken out."""
        hidden = self._hidden()
        return {
            "probe": FORM,
            "program": __version__,
            "hosts": [
                _host_to_json(role, host, hidden)
                for role, host in (("source", self.source), ("target", self.target))
            ],
            "steps": [
                {"key": one.key, "question": STEPS[one.key], "facts": _masked(one.facts, hidden)}
                for one in self.steps
            ],
            "not_asked": [
                {"key": one.key, "question": one.question, "attempt": one.attempt}
                for one in self.open_questions
            ],
        }

    @property
    def open_questions(self) -> tuple[OpenQuestion, ...]:
        """What none of this answers, with what to try."""
        hosts = []
        for host in self.hosts:
            hosts.append({one.key: one.facts for one in host.answers})
        steps = [(one.key, one.facts) for one in self.steps]
        return open_questions.still_open(Told(hosts, steps))

    def _hidden(self) -> list[tuple[re.Pattern[str], str]]:
        """What stands for each name, the longest first, so that no part of one is left."""
        names: dict[str, str] = {self.domain: "<domain>"}
        names |= dict.fromkeys(self.machines, "<machine>")
        for role, host in (("source", self.source), ("target", self.target)):
            names |= dict.fromkeys((host.fqdn, host.computer, host.label), f"<{role}>")
        if self.user:
            account, _, realm = self.user.partition("@")
            names |= {self.user: "<user>", account.rpartition("\\")[2]: "<user>"}
            names |= {realm: "<domain>"} if realm else {}
        names.setdefault(self.domain.partition(".")[0], "<domain>")
        longest_first = sorted(names, key=len, reverse=True)
        return [
            (re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE), names[name])
            for name in longest_first
            if name
        ]


def _host_to_json(
    role: str, host: HostProbe, hidden: list[tuple[re.Pattern[str], str]]
) -> dict[str, Any]:
    answers = [_answer_to_json(one, hidden) for one in host.answers]
    told: dict[str, Any] = {"role": role, "answers": answers}
    if host.error is not None:
        told["error"] = _error_to_json(host.error, hidden)
    return told


def _answer_to_json(
    answer: ProbeAnswer, hidden: list[tuple[re.Pattern[str], str]]
) -> dict[str, Any]:
    told: dict[str, Any] = {"key": answer.key, "question": answer.question}
    if answer.error is not None:
        return {**told, "error": _error_to_json(answer.error, hidden)}
    return {**told, "facts": _masked(answer.facts, hidden)}


def _error_to_json(error: HostError, hidden: list[tuple[re.Pattern[str], str]]) -> dict[str, Any]:
    return {
        "what": _masked(error.what, hidden),
        "hresult": error.hresult or None,
        "said": [_masked(line, hidden) for line in error.details],
    }


def _masked(fact: Fact, hidden: list[tuple[re.Pattern[str], str]]) -> Any:  # noqa: ANN401 - JSON
    if isinstance(fact, str):
        return masked(fact, hidden)
    if isinstance(fact, Mapping):
        return {str(name): _masked(one, hidden) for name, one in fact.items()}
    if isinstance(fact, tuple):
        return [_masked(one, hidden) for one in fact]
    return fact


def masked(text: str, hidden: list[tuple[re.Pattern[str], str]]) -> str:
    """A text without the names in it, and without anything that looks like a place."""
    if text == _UNSPECIFIED or _VERSION.match(text):
        return text
    for pattern, instead in (*hidden, *_PRIVATE):
        text = pattern.sub(instead, text)
    return text
