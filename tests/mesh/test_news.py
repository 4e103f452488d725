"""What is new among findings, subject by subject, and what only stopped to be looked at."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from delegation.mesh import news
from delegation.mesh.audit_look import INVENTORY, KEEP_RULES, Look
from delegation.mesh.audit_pages import AuditPage, PastFinding
from delegation.mesh.checks import ACCOUNT_RULE, RULE_IDS, Finding, Severity
from delegation.mesh.news import Audited, Baseline, LastLook, News, NotLookedAt, OldAudit

MISSING = Finding(
    "KCD001", Severity.HIGH, "hv01", "cifs/hv02", "desired and not there", "apply", "guid-1"
)
ACTING = Finding("KCD016", Severity.MEDIUM, "hv01", "", "A may act", "ask", "guid-1", ("S-A",))
MONDAY, TUESDAY = "2026-06-15T05:30:00.000+00:00", "2026-06-16T05:30:00.000+00:00"


def look(*numbers: int, whole: bool = True) -> Look:
    """At hosts hv01 (guid-1) and so on."""
    subjects = {f"guid-{n}": f"hv{n:02}" for n in numbers}
    subjects |= {f"account hv{n:02}": f"hv{n:02}" for n in numbers}
    if whole:
        subjects |= {INVENTORY: INVENTORY, KEEP_RULES: KEEP_RULES}
    return Look(subjects, whole)


def baseline(
    found: Iterable[Finding], looked: Look, told: str = MONDAY, rules: frozenset[str] = RULE_IDS
) -> Baseline:
    """One audit of Monday."""
    page = AuditPage(tuple(PastFinding(it, looked.subject(it), told) for it in found), rules)
    looks = {subject: LastLook(1, label) for subject, label in looked.subjects.items()}
    return Baseline(Audited(1, MONDAY), is_declared=True, looks=looks, pages={1: page})


def told(now: Iterable[Finding], before: Iterable[Finding], remind_before: str = "") -> News:
    return news.news(now, look(1, 2), baseline(before, look(1, 2)), remind_before)


few = st.sampled_from(["", "a", "A", "b", "\u0130", "\ud800", "cifs/\u5317"])
found = st.lists(
    st.builds(Finding, st.sampled_from(["KCD001", "KCD003"]), st.sampled_from(Severity),
              few, few, few, few, st.sampled_from(["guid-1", "guid-2"]),
              st.lists(few, max_size=2).map(tuple)),
    max_size=8,
)  # fmt: skip


def parts(findings: Iterable[Finding]) -> set[news.Atom]:
    return {atom for it in findings for atom in news.atoms(it, look(1, 2).subject(it))}


@given(found, found)
def test_each_finding_is_new_or_known_and_what_is_resolved_is_gone(
    now: list[Finding], before: list[Finding]
) -> None:
    compared = told(now, before)
    assert sorted(map(repr, (*compared.new, *compared.known))) == sorted(map(repr, now))
    assert parts(compared.known) <= parts(before)
    for finding in compared.new:
        as_bad = [it for it in before if it.severity >= finding.severity]
        assert not parts([finding]) <= parts(as_bad)
    for finding in compared.resolved:
        assert not parts([finding]) & parts(now)
    gone = [it for it in before if not parts([it]) & parts(now)]
    assert list(compared.resolved) == gone
    assert compared.left_out == ()


@given(found)
def test_the_same_again_is_no_news(now: list[Finding]) -> None:
    again = told(now, reversed(now))
    assert (again.new, again.resolved, again.uncounted, again.reminded) == ((), (), (), ())
    assert told((), now).resolved == tuple(now)


@given(found)
def test_of_what_nobody_looked_at_all_is_new(now: list[Finding]) -> None:
    assert news.news(now, look(1, 2), Baseline()).new == tuple(now)


def test_words_make_no_other_finding_and_whom_it_names_does() -> None:
    assert told([MISSING._replace(value="CIFS/HV02")], [MISSING]).new == ()
    for same in (
        MISSING._replace(message="other words, and a number: 17"),
        MISSING._replace(fix="else"),
        MISSING._replace(severity=Severity.LOW),
        MISSING._replace(computer="renamed"),
    ):
        assert told([same], [MISSING]).known == (same,)
    for other in (
        MISSING._replace(guid="guid-2"),
        MISSING._replace(rule="KCD002"),
        MISSING._replace(value="cifs/hv03"),
        MISSING._replace(named=("S-1",)),
    ):
        compared = told([other], [MISSING])
        assert (compared.new, compared.resolved) == ((other,), (MISSING,))


def test_what_is_worse_than_it_was_is_news_and_nothing_is_resolved_by_it() -> None:
    worse = MISSING._replace(severity=Severity.CRITICAL)
    compared = told([worse], [MISSING])
    assert (compared.new, compared.resolved) == ((worse,), ())
    assert told([MISSING], [worse]).known == (MISSING,)


def test_one_more_who_may_act_is_news_and_the_others_are_not_resolved() -> None:
    two = ACTING._replace(message="A, B may act", named=("S-A", "S-B"))
    compared = told([two], [ACTING])
    assert (compared.new, compared.resolved) == ((two,), ())
    fewer = told([ACTING], [two])
    assert (fewer.new, fewer.known, fewer.resolved) == ((), (ACTING,), ())
    other = ACTING._replace(named=("S-B",))
    swapped = told([other], [ACTING])
    assert (swapped.new, swapped.resolved) == ((other,), (ACTING,))


# What is looked at


def test_what_is_not_looked_at_any_more_is_said_and_not_resolved() -> None:
    second = MISSING._replace(computer="hv02", guid="guid-2")
    compared = news.news([MISSING], look(1), baseline([MISSING, second], look(1, 2)))
    assert compared.resolved == ()
    assert compared.left_out == (NotLookedAt("hv02", 1, for_now=False),)
    limited = news.news([MISSING], look(1, whole=False), baseline([MISSING, second], look(1, 2)))
    assert NotLookedAt("hv02", 1, for_now=True) in limited.left_out


def test_that_it_is_left_out_is_said_once() -> None:
    before = baseline([], look(1))
    before = before._replace(looks={**before.looks, "guid-2": LastLook(1, "hv02", is_gone=True)})
    assert news.news([], look(1), before).left_out == ()


def test_of_a_host_without_an_account_nothing_is_resolved() -> None:
    gone = Finding(ACCOUNT_RULE, Severity.HIGH, "hv01", "", "there is no computer HV01$", "join it")
    second = MISSING._replace(computer="hv02", guid="guid-2")
    without = Look({k: v for k, v in look(1, 2).subjects.items() if k != "guid-1"})
    compared = news.news([gone], without, baseline([MISSING, second], look(1, 2)))
    assert (compared.new, compared.resolved) == ((gone,), (second,))
    assert compared.left_out == (NotLookedAt("hv01", 1, for_now=False),)
    back = news.news([MISSING], look(1, 2), baseline([gone], without))
    assert back.resolved == (gone,)


def test_a_host_that_is_new_in_the_inventory_is_all_news() -> None:
    second = MISSING._replace(computer="hv02", guid="guid-2")
    compared = news.news([MISSING, second], look(1, 2), baseline([MISSING], look(1)))
    assert (compared.new, compared.known) == ((second,), (MISSING,))


def test_each_host_is_compared_with_the_last_audit_that_looked_at_it() -> None:
    second = MISSING._replace(computer="hv02", guid="guid-2")
    pages = {
        1: AuditPage((PastFinding(MISSING, "guid-1", MONDAY),
                      PastFinding(second, "guid-2", MONDAY)), RULE_IDS),
        2: AuditPage((), RULE_IDS),
    }  # fmt: skip
    looks = {"guid-1": LastLook(2, "hv01"), "guid-2": LastLook(1, "hv02")}
    before = Baseline(Audited(2, TUESDAY), looks=looks, pages=pages)
    compared = news.news([MISSING, second], look(1, 2), before)
    assert (compared.new, compared.known) == ((MISSING,), (second,))


# Rules, and reminders


def test_what_only_new_rules_see_is_no_news_once() -> None:
    then = baseline([], look(1), rules=RULE_IDS - {"KCD016"})
    compared = news.news([ACTING, MISSING], look(1, 2), then)
    assert (compared.uncounted, compared.new) == ((ACTING,), (MISSING,))
    elsewhere = ACTING._replace(guid="guid-2")
    assert news.news([elsewhere], look(1, 2), then).new == (elsewhere,), "nobody had looked at it"


def test_what_no_rule_looks_for_any_more_is_not_resolved() -> None:
    assert told([], [MISSING._replace(rule="KCD999")]).resolved == ()


def test_what_is_still_open_is_told_again() -> None:
    second = MISSING._replace(value="cifs/hv03")
    before = baseline([MISSING], look(1, 2), told=MONDAY)
    page = before.pages[1]
    page = page._replace(found=(*page.found, PastFinding(second, "guid-1", TUESDAY)))
    before = before._replace(pages={1: page})
    compared = news.news([MISSING, second], look(1, 2), before, TUESDAY)
    assert (compared.reminded, compared.known, compared.new) == ((MISSING,), (second,), ())
    assert [past.told for past in compared.page] == ["", TUESDAY]
    assert news.news([MISSING, second], look(1, 2), before).reminded == ()


# After 0.1.0


def after_old(now: Iterable[Finding], before: Iterable[Finding], *, same: bool = True) -> News:
    page = AuditPage(
        tuple(PastFinding(it._replace(guid="", named=()), "", "") for it in before),
        RULE_IDS - {"KCD020"},
        is_old=True,
    )
    old = OldAudit(Audited(5, MONDAY), page, same)
    return news.news(now, look(1, 2), Baseline(Audited(5, MONDAY), old=old))


def test_an_audit_of_the_first_version_is_compared_with_by_name() -> None:
    seen = MISSING._replace(rule="KCD020")
    other = MISSING._replace(value="cifs/hv03")
    words = ACTING._replace(message="other words")
    compared = after_old([MISSING, words, other, seen], [MISSING, ACTING])
    assert compared.known == (MISSING, words)
    assert (compared.new, compared.uncounted) == ((other,), (seen,))
    assert [past.told for past in compared.page] == [MONDAY, MONDAY, "", ""]


def test_by_name_too_what_is_worse_is_news() -> None:
    """KCD011 has no value: a name that a stranger holds alone, after another refusal."""
    worse = MISSING._replace(rule="KCD011", severity=Severity.CRITICAL, value="")
    assert after_old([worse], [worse._replace(severity=Severity.HIGH)]).new == (worse,)


def test_what_it_found_is_resolved_where_the_inventory_is_the_same() -> None:
    elsewhere = MISSING._replace(computer="hv77")
    compared = after_old([], [MISSING, elsewhere])
    assert [it.computer for it in compared.resolved] == ["hv01"]
    assert compared.left_out == (NotLookedAt("hv77", 1, for_now=False),)
    assert after_old([], [MISSING], same=False).resolved == ()


def test_what_is_no_object_of_the_inventory_is_told_apart_by_its_name() -> None:
    """A second host that was dropped is news, and the first one is not resolved by it."""
    first = Finding("KCD023", Severity.HIGH, "HV07", "", "not in the inventory", "retire it")
    second = first._replace(computer="HV08")
    compared = told([first, second], [first])
    assert compared.new == (second,)
    assert compared.known == (first,)
    assert not told([second], [second]).new
    assert told([second], [first, second]).resolved == (first,)
