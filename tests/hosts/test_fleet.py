"""Many hosts at once: what one of them does never costs another its answer, nor the run its end."""

import signal
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import pytest

from delegation.changes import apply as driver
from delegation.changes.outcomes import Absent, Outcome, Result
from delegation.changes.plan import Change
from delegation.errors import CommandFailed, HostError, HostRefused, HostUnreachable, Refused
from delegation.hosts import fleet, settings, settings_plan
from delegation.hosts.crew import Crew, HostLine, Limits, Over
from delegation.hosts.fleet import HostSettingsChanger
from delegation.hosts.hypervisor import Hypervisor
from delegation.hosts.settings import HostSetting, SettingChange
from delegation.inventory import Authentication, LiveMigration, Network, Performance
from tests.builders import DOMAIN, silent
from tests.hosts.fake_hosts import PATIENCE, FakeFleet
from tests.hosts.settings_cases import inventory, reading

ALL = LiveMigration(
    enabled=True,
    authentication=Authentication.KERBEROS,
    migrations=4,
    performance=Performance.SMB,
    networks=(Network("10.20.0.0/24"),),
)
IN_TURN = (
    "network 10.20.0.0/24",
    "any_network",
    "migrations",
    "performance",
    "authentication",
    "enabled",
)
SOON = Limits(seconds=0.5)
"""For hosts that hang; everything else in these tests ends in a moment."""


class Page:
    """A Record in memory."""

    def __init__(self) -> None:
        self.intended: list[SettingChange] = []
        self.settled: list[Outcome[HostSetting]] = []

    def intend(self, changes: Sequence[SettingChange]) -> None:
        self.intended += changes

    def settle(self, outcomes: Sequence[Outcome[HostSetting]]) -> None:
        self.settled += outcomes


def changer(hosts: FakeFleet, limits: Limits | None = None) -> HostSettingsChanger:
    return HostSettingsChanger(hosts.open, hosts.fqdns, limits or Limits())


def plan(hosts: FakeFleet, declared: LiveMigration = ALL) -> settings_plan.HostsPlan:
    wanted = inventory(**dict.fromkeys(hosts.hosts, declared))
    return settings_plan.propose(wanted, hosts.hosts).plan


def results(outcomes: Iterable[Outcome[HostSetting]], label: str) -> dict[str, Result]:
    return {o.change.after.name: o.result for o in outcomes if o.change.target.name == label}


def one_change(label: str = "hv01", fqdn: str | None = None) -> SettingChange:
    target = settings.target(label, fqdn or f"{label}.{DOMAIN}", "migrations")
    return Change(target, HostSetting("migrations", 2), HostSetting("migrations", 4))


def fqdn(host: Hypervisor) -> str:
    return host.fqdn


# Asking


def test_every_host_answers_in_the_order_asked_and_progress_counts() -> None:
    hosts = FakeFleet()
    seen: list[tuple[int, int]] = []
    order = ["hv03", "hv01", "hv02", "hv01"]
    answers = fleet.ask(hosts.open, order, fqdn, lambda *counts: seen.append(counts))
    assert list(answers.items()) == [
        (label, f"{label}.{DOMAIN}") for label in ("hv03", "hv01", "hv02")
    ]
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert hosts.open_now.total() == 0


def test_nobody_is_asked_for_nothing() -> None:
    assert fleet.ask(FakeFleet().open, [], fqdn) == {}


def test_hosts_are_asked_at_the_same_time() -> None:
    hosts = FakeFleet(["hv01", "hv02"])
    together = threading.Barrier(2, timeout=PATIENCE)
    for label in hosts.hosts:
        hosts.troubles[label, "read"] = together.wait
    readings, errors = fleet.read(hosts.open, hosts.hosts)
    assert readings.keys() == {"hv01", "hv02"}
    assert not errors


def test_no_more_than_the_limit_at_a_time() -> None:
    hosts = FakeFleet([f"hv{n:02}" for n in range(1, 21)])
    answers = fleet.ask(hosts.open, hosts.hosts, fqdn, limits=Limits(workers=3))
    assert len(answers) == 20
    assert hosts.most_open <= 3


def test_a_host_that_fails_costs_no_other_its_answer() -> None:
    hosts = FakeFleet()
    hosts.down("hv01")
    hosts.refuses("hv03")
    readings, errors = fleet.read(hosts.open, hosts.hosts)
    assert readings.keys() == {"hv02"}
    assert isinstance(errors["hv01"], HostUnreachable)
    assert isinstance(errors["hv03"], HostRefused)
    assert errors["hv01"].fix == "start it"


def test_a_host_that_hangs_is_given_up() -> None:
    hosts = FakeFleet()
    released = hosts.hangs("hv02", "read")
    readings, errors = fleet.read(hosts.open, hosts.hosts, limits=SOON)
    released.set()
    assert readings.keys() == {"hv01", "hv03"}
    assert isinstance(errors["hv02"], HostUnreachable)
    assert "has not answered" in errors["hv02"].what


def test_a_connection_that_ends_badly_after_the_answer_does_not_matter() -> None:
    hosts = FakeFleet()
    hosts.bad_ends.add("hv02")
    readings, errors = fleet.read(hosts.open, hosts.hosts)
    assert len(readings) == 3
    assert not errors


def test_a_bug_in_a_thread_is_raised_where_it_was_asked() -> None:
    hosts = FakeFleet()
    hosts.fails("hv02", "read", ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError, match="a bug"):
        fleet.read(hosts.open, hosts.hosts)


# Looking


def test_look_gives_each_setting_as_it_is() -> None:
    hosts = FakeFleet()
    hosts.hosts["hv01"] = reading("hv01", ("10.20.0.0/24", 7))
    network = settings.target("hv01", f"hv01.{DOMAIN}", "network 10.20.0.0/24")
    other = settings.target("hv02", f"hv02.{DOMAIN}", "network 10.20.0.0/24")
    number = one_change("hv02").target
    assert changer(hosts).look([network, other, number]) == {
        network.guid: HostSetting("network 10.20.0.0/24", 7),
        other.guid: HostSetting("network 10.20.0.0/24", None),
        number.guid: HostSetting("migrations", 2),
    }


def test_look_tells_what_is_out_of_reach_and_never_that_it_is_gone() -> None:
    hosts = FakeFleet()
    hosts.down("hv01")
    hosts.hosts["hv02"] = reading("hv02", without="migrations")
    changes = [
        one_change("hv01"),
        one_change("hv02"),
        one_change("hv03", "other.corp.example"),
        one_change("hv09"),
    ]
    found = changer(hosts).look([change.target for change in changes])
    absent = [found[change.target.guid] for change in changes]
    whys = []
    for one in absent:
        assert isinstance(one, Absent)
        assert not one.for_good
        whys.append(one.why)
    assert whys == [
        "hv01 is not there",
        "the host does not tell its migrations",
        f"hv03 was other.corp.example then, and is hv03.{DOMAIN} in the inventory now",
        f"hv09 (hv09.{DOMAIN}) is not in the inventory any more",
    ]
    assert ("hv03", "open") not in hosts.begun


# Writing


def test_a_plan_is_carried_out_in_turn_on_every_host() -> None:
    hosts = FakeFleet()
    wanted = plan(hosts)
    page = Page()
    report = driver.apply(wanted, changer(hosts), page, silent)
    assert report.complete
    assert report.count(Result.APPLIED) == 18
    for label in hosts.hosts:
        assert tuple(name for host, name in hosts.made if host == label) == IN_TURN
    assert plan(hosts).changes == ()
    assert len(page.intended) == len({o.change.target.guid for o in page.settled}) == 18
    assert hosts.open_now.total() == 0


def test_the_reverse_restores_every_host() -> None:
    hosts = FakeFleet()
    before = dict(hosts.hosts)
    wanted = plan(hosts)
    driver.apply(wanted, changer(hosts), Page(), silent)
    back = settings_plan.reversal(DOMAIN, wanted.changes, hosts.hosts).plan
    hosts.made.clear()
    assert driver.apply(back, changer(hosts), Page(), silent).complete
    assert hosts.hosts == before
    on_one = [name for host, name in hosts.made if host == "hv02"]
    assert (on_one[0], on_one[-1]) == ("enabled", "network 10.20.0.0/24")


def test_hosts_are_changed_at_the_same_time() -> None:
    hosts = FakeFleet(["hv01", "hv02"])
    together = threading.Barrier(2, timeout=PATIENCE)
    for label in hosts.hosts:
        hosts.troubles[label, "migrations"] = together.wait
    assert driver.apply(plan(hosts), changer(hosts), Page(), silent).complete


def test_a_conflict_on_one_host_leaves_all_as_they_are() -> None:
    hosts = FakeFleet()
    wanted = plan(hosts)
    hosts.hosts["hv02"] = reading("hv02", migrations=9)
    with pytest.raises(Refused) as refused:
        driver.apply(wanted, changer(hosts), Page(), silent)
    assert refused.value.details == ("hv02: migrations went from 2 to 9",)
    assert hosts.made == []


def test_what_a_method_refuses_ends_that_host_and_no_other() -> None:
    hosts = FakeFleet()
    hosts.fails("hv02", "migrations", CommandFailed("access denied", "get the right"))
    report = driver.apply(plan(hosts), changer(hosts), Page(), silent)
    assert results(report.outcomes, "hv02") == {
        "network 10.20.0.0/24": Result.APPLIED,
        "any_network": Result.APPLIED,
        "migrations": Result.FAILED,
        "performance": Result.FAILED,
        "authentication": Result.FAILED,
        "enabled": Result.FAILED,
    }
    assert [name for host, name in hosts.made if host == "hv02"] == list(IN_TURN[:2])
    assert report.count(Result.APPLIED) == 14
    reasons = {o.change.after.name: o.reason for o in report.outcomes if o.result is Result.FAILED}
    assert reasons["migrations"] == "access denied; get the right"
    assert reasons["enabled"].startswith("not tried")
    assert not any(outcome.stops for outcome in report.outcomes)


@pytest.mark.parametrize(
    "error",
    [
        HostUnreachable("the link was lost", "look at it"),
        HostRefused("no access any more", "get the right"),
    ],
)
def test_a_lost_answer_is_unknown_and_stays_open_in_the_record(error: HostError) -> None:
    """A refusal says as little of the change: it may come when the host has made the change."""
    hosts = FakeFleet()
    hosts.fails("hv02", "migrations", error)
    page = Page()
    report = driver.apply(plan(hosts), changer(hosts), page, silent)
    found = results(report.outcomes, "hv02")
    assert found["migrations"] is Result.UNKNOWN
    assert found["performance"] is Result.FAILED
    assert "migrations" not in results(page.settled, "hv02")
    assert "performance" in results(page.settled, "hv02")


def test_what_a_host_has_counts_more_than_the_error_of_the_method() -> None:
    """A method can fail after it has made the change; then the rest goes on."""
    hosts = FakeFleet()

    def made_and_failed() -> None:
        with hosts.lock:
            host = hosts.hosts["hv02"]
            hosts.hosts["hv02"] = replace(host, settings={**host.settings, "migrations": 4})
        raise CommandFailed("it went wrong", "look at it")

    hosts.troubles["hv02", "migrations"] = made_and_failed
    page = Page()
    report = driver.apply(plan(hosts), changer(hosts), page, silent)
    assert report.complete
    [told] = {o.reason for o in page.settled if o.reason}
    assert told == "found made, although it failed: it went wrong; look at it"


def test_where_it_can_not_be_read_whether_a_failed_method_has_made_it_that_stays_open() -> None:
    hosts = FakeFleet()

    def fails_and_goes() -> None:
        hosts.fails("hv02", "read", HostUnreachable("hv02 is gone"))
        raise CommandFailed("it went wrong", "look at it")

    hosts.troubles["hv02", "migrations"] = fails_and_goes
    page = Page()
    report = driver.apply(plan(hosts), changer(hosts), page, silent)
    assert results(report.outcomes, "hv02")["migrations"] is Result.UNKNOWN
    assert "migrations" not in results(page.settled, "hv02")
    assert "it went wrong; look at it; not read back: hv02 is gone" in {
        o.reason for o in report.outcomes
    }
    assert report.surprises == ("hv02: not read back: hv02 is gone",)


def test_a_host_that_is_gone_when_the_plan_is_carried_out_costs_the_others_nothing() -> None:
    hosts = FakeFleet()
    wanted = plan(hosts)
    hosts.down("hv02")
    page = Page()
    report = driver.apply(wanted, changer(hosts), page, silent)
    assert report.unreached == {"hv02"}
    assert set(results(report.outcomes, "hv02").values()) == {Result.FAILED}
    assert report.count(Result.APPLIED) == 12
    assert {o.reason for o in report.outcomes if o.reason} == {"not reached: hv02 is not there"}
    assert "hv02" not in {change.target.name for change in page.intended}
    assert results(page.settled, "hv02") == results(report.outcomes, "hv02")


def test_a_host_that_is_gone_hides_no_conflict_on_another() -> None:
    hosts = FakeFleet()
    wanted = plan(hosts)
    hosts.down("hv02")
    hosts.hosts["hv03"] = reading("hv03", migrations=9)
    with pytest.raises(Refused) as refused:
        driver.apply(wanted, changer(hosts), Page(), silent)
    assert refused.value.details == ("hv03: migrations went from 2 to 9",)


def test_the_priority_that_a_host_gave_is_put_on_record() -> None:
    hosts = FakeFleet()
    page = Page()
    report = driver.apply(plan(hosts), changer(hosts), page, silent)
    network = HostSetting("network 10.20.0.0/24", 0)
    for outcomes in (report.outcomes, page.settled[-3:]):
        after = [o.change.after for o in outcomes if o.change.after.name == network.name]
        assert after == [network] * 3


def test_a_host_that_can_not_be_opened_is_not_tried() -> None:
    hosts = FakeFleet()
    wanted = plan(hosts)
    hosts.down("hv02")
    outcomes = list(changer(hosts).write(wanted.changes))
    assert set(results(outcomes, "hv02").values()) == {Result.FAILED}
    reasons = {o.reason for o in outcomes if o.change.target.name == "hv02"}
    assert reasons == {"not reached: hv02 is not there; start it"}
    assert {o.change.target.name for o in outcomes if not o.reached} == {"hv02"}
    assert set(results(outcomes, "hv01").values()) == {Result.APPLIED}


def test_a_host_that_hangs_in_a_change_is_unknown_and_does_nothing_more() -> None:
    hosts = FakeFleet()
    wanted = plan(hosts)
    released = hosts.hangs("hv02", "migrations")
    outcomes = list(changer(hosts, SOON).write(wanted.changes))
    assert len(outcomes) == 18
    found = results(outcomes, "hv02")
    assert found["any_network"] is Result.APPLIED
    assert found["migrations"] is Result.UNKNOWN
    assert found["performance"] is found["enabled"] is Result.FAILED
    released.set()
    gone(hosts, "hv02")
    assert ("hv02", "performance") not in hosts.begun


def test_a_host_that_hangs_when_opened_is_not_tried() -> None:
    hosts = FakeFleet()
    wanted = plan(hosts)
    released = hosts.hangs("hv02", "open")
    outcomes = list(changer(hosts, SOON).write(wanted.changes))
    assert set(results(outcomes, "hv02").values()) == {Result.FAILED}
    released.set()
    gone(hosts, "hv02")
    assert not [name for host, name in hosts.made if host == "hv02"]


def test_a_bug_while_writing_is_raised_and_what_may_be_written_stays_open() -> None:
    hosts = FakeFleet()
    hosts.fails("hv02", "migrations", ZeroDivisionError("a bug"))
    page = Page()
    with pytest.raises(ZeroDivisionError):
        driver.apply(plan(hosts), changer(hosts), page, silent)
    assert "migrations" in {c.after.name for c in page.intended}
    assert "migrations" not in results(page.settled, "hv02")


# Ctrl-C


class Keyboard:
    """Somebody who presses Ctrl-C, and how far the waiting thread has taken notice."""

    def __init__(self) -> None:
        self.noticed = [threading.Event(), threading.Event()]
        """By the first Ctrl-C, by the second."""

    def wait(self) -> None:
        """In a host's thread: until Ctrl-C was noticed."""
        assert self.noticed[0].wait(PATIENCE)

    @contextmanager
    def pressed(self, hosts: FakeFleet, *moment: tuple[str, str], times: int = 1) -> Iterator[None]:
        """As soon as all of ``moment`` has begun, while the block runs; it ends the block."""
        pressed: list[threading.Event] = []

        def press() -> None:
            hosts.begun.wait_for(*moment)
            for event in self.noticed[:times]:
                pressed.append(event)
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
                assert event.wait(PATIENCE)

        def notice(number: int, frame: object) -> None:
            pressed[-1].set()
            raise KeyboardInterrupt

        before = signal.signal(signal.SIGINT, notice)
        presser = threading.Thread(target=press)
        presser.start()
        try:
            with pytest.raises(KeyboardInterrupt):
                yield
        finally:
            presser.join(PATIENCE)
            signal.signal(signal.SIGINT, before)


def gone(hosts: FakeFleet, label: str) -> None:
    """Wait until nobody is connected to the host any more."""
    end = time.monotonic() + PATIENCE
    while hosts.open_now[label]:
        assert time.monotonic() < end
        time.sleep(0.01)


def made_by(page: Page) -> set[tuple[str, str]]:
    """What the record says was made."""
    applied = [o.change for o in page.settled if o.result is Result.APPLIED]
    return {(change.target.name, change.after.name) for change in applied}


def test_ctrl_c_while_asking_begins_nothing_more() -> None:
    hosts = FakeFleet(["hv01", "hv02"])
    released = hosts.hangs("hv01", "read")
    with Keyboard().pressed(hosts, ("hv01", "read")):
        fleet.read(hosts.open, hosts.hosts, limits=Limits(workers=1))
    released.set()
    gone(hosts, "hv01")
    assert ("hv02", "open") not in hosts.begun


def test_after_ctrl_c_what_is_under_way_comes_to_its_end() -> None:
    hosts = FakeFleet(["hv01", "hv02", "hv03"])
    wanted, page, keyboard = plan(hosts), Page(), Keyboard()
    moment = [("hv01", "migrations"), ("hv02", "migrations")]
    hosts.troubles |= dict.fromkeys(moment, keyboard.wait)
    with keyboard.pressed(hosts, *moment):
        driver.apply(wanted, changer(hosts, Limits(workers=2)), page, silent)
    assert made_by(page) == set(hosts.made)
    assert made_by(page) >= set(moment)
    assert len(page.settled) == 18
    rest = {(o.result, o.reason) for o in page.settled if o.result is not Result.APPLIED}
    assert rest == {(Result.FAILED, "not tried: interrupted")}


def test_a_second_ctrl_c_waits_for_nobody() -> None:
    hosts = FakeFleet(["hv01"])
    wanted, page = plan(hosts), Page()
    released = hosts.hangs("hv01", "migrations")
    with Keyboard().pressed(hosts, ("hv01", "migrations"), times=2):
        driver.apply(wanted, changer(hosts), page, silent)
    assert made_by(page) == {("hv01", "network 10.20.0.0/24"), ("hv01", "any_network")}
    assert "migrations" not in results(page.settled, "hv01")
    released.set()
    gone(hosts, "hv01")
    assert ("hv01", "performance") not in hosts.begun


def test_a_stopped_crew_begins_nothing_and_hears_what_is_under_way() -> None:
    def job(line: HostLine[str]) -> None:
        number = 0
        while line.begins(number):
            line.says(f"{line.label} {number}")
            number += 1
        line.says("the last word")

    crew = Crew(dict.fromkeys(["hv01", "hv02"], job), Limits(workers=1))
    heard = [crew.hear()]
    crew.stop()
    while (said := crew.hear()) is not None:
        heard.append(said)
    *words, end = heard
    assert words[0] == ("hv01", "hv01 0")
    assert words[-1] == ("hv01", "the last word")
    assert end == ("hv01", Over(tuple(range(len(words) - 1))))
