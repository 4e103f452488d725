import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegation import names
from delegation.names import MIGRATION
from tests.builders import FOREIGN_VALUES

_NAMES = st.one_of(
    st.from_regex(r"[a-z]{1,3}[0-9]{1,4}", fullmatch=True),
    st.from_regex(r"[a-z][a-z0-9]{0,3}-?[0-9]{0,3}[a-z]?", fullmatch=True),
    st.integers(0, 120).map("hv{}".format),
    st.integers(0, 120).map("hv{:03}".format),
    st.sampled_from(["web", "hv", "x1234567890", "x0000000001", "a1b2c3"]),
)


_RUNS = st.builds(
    lambda first, count, width: [f"hv{n:0{width}}" for n in range(first, first + count)],
    st.sampled_from([0, 0, 1, 7, 8, 9, 95, 98]),
    st.integers(0, 15),
    st.integers(1, 3),
)


@given(st.lists(_NAMES, max_size=20), _RUNS, _RUNS)
def test_expand_undoes_fold(single: list[str], run: list[str], other: list[str]) -> None:
    listed = [*single, *run, *other]
    folded = names.fold(listed)
    expanded = [name for part in names.split_list(folded) for name in names.expand(part)]
    assert len(expanded) == len(set(listed))
    assert set(expanded) == set(listed)


@given(st.lists(_NAMES))
def test_fold_does_not_depend_on_order_or_repetition(listed: list[str]) -> None:
    assert names.fold([*reversed(listed), *listed]) == names.fold(listed)


@pytest.mark.parametrize(
    ("listed", "folded"),
    [
        ([], ""),
        (["hv01"], "hv01"),
        (["hv01", "hv02", "hv03"], "hv[01-03]"),
        (["hv03", "hv01", "hv07", "hv02"], "hv[01-03,07]"),
        (["hv9", "hv10", "hv11"], "hv[9-11]"),
        (["hv09", "hv9"], "hv9,hv09"),
        (["web", "hv1", "hv2"], "hv[1-2],web"),
        (["hv1.a.example", "hv2.a.example", "hv1.b.example"], "hv[1-2].a.example,hv1.b.example"),
        ([f"hv{n}" for n in range(11)], "hv[0-10]"),
    ],
)
def test_fold(listed: list[str], folded: str) -> None:
    assert names.fold(listed) == folded


@pytest.mark.parametrize(
    ("expression", "expanded"),
    [
        ("hv01", ["hv01"]),
        ("hv[01-03]", ["hv01", "hv02", "hv03"]),
        ("hv[8-11]", ["hv8", "hv9", "hv10", "hv11"]),
        ("hv[0-10]", [f"hv{n}" for n in range(11)]),
        ("hv[098-101]", ["hv098", "hv099", "hv100", "hv101"]),
        ("hv[1,03, 5]", ["hv1", "hv03", "hv5"]),
        ("r[1-2]n[1-2]", ["r1n1", "r1n2", "r2n1", "r2n2"]),
    ],
)
def test_expand(expression: str, expanded: list[str]) -> None:
    assert names.expand(expression) == expanded


@pytest.mark.parametrize(
    "expression",
    [
        "hv[01-",
        "hv01]",
        "hv[[01]]",
        "hv[]",
        "hv[a-b]",
        "hv[1-2-3]",
        "hv[01,]",
        "hv[3-1]",
        "hv[01-100]",
        "hv[-1-2]",
        "hv[1-9999999999]",
        "hv[1-999999999]",
        "a[1-999]b[1-999]c[1-999]",
        "a[1-150]b[1-150]",
    ],
)
def test_expand_refuses_in_words(expression: str) -> None:
    with pytest.raises(ValueError, match=r"\w{4}"):
        names.expand(expression)


def test_expansion_is_bounded_at_20_000_names() -> None:
    assert len(names.expand("hv[1-20000]")) == names.MAX_HOSTS
    with pytest.raises(ValueError, match="20,000"):
        names.expand("hv[1-20001]")


@given(st.text(alphabet="hv[]0123456789-, ", max_size=14))
def test_expand_gives_names_or_says_why_not(expression: str) -> None:
    try:
        expanded = names.expand(expression)
    except ValueError as exc:
        assert str(exc)  # noqa: PT017 - both ways are right
    else:
        assert 1 <= len(expanded) <= names.MAX_HOSTS
        assert not any("[" in name or "]" in name for name in expanded)


def test_split_list_leaves_commas_in_brackets_alone() -> None:
    assert names.split_list(" hv[01,03] , hv07,,") == ["hv[01,03]", "hv07"]


@pytest.mark.parametrize("name", ["hv01", "HV01", "h", "a-b", "x_1", "1a", "abcdefghijklmno"])
def test_computer_names(name: str) -> None:
    assert names.is_computer_name(name)


@pytest.mark.parametrize(
    "name",
    ["", "-a", "a-", "123", "abcdefghijklmnop", "a b", "a.b", "hv01$", "hv01\n", "h\u00e9", "a/b"],
)
def test_what_is_no_computer_name(name: str) -> None:
    assert not names.is_computer_name(name)


@pytest.mark.parametrize("name", ["a.b", "hv01.corp.example", "_x.y", "hv01.1.2"])
def test_dns_names(name: str) -> None:
    assert names.is_fqdn(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "hv01",
        "hv01.",
        ".corp",
        "a..b",
        "-a.b",
        "a b.c",
        f"{'a' * 64}.b",
        "a." * 130 + "a",
        "a.b\n",
    ],
)
def test_what_is_no_dns_name(name: str) -> None:
    assert not names.is_fqdn(name)


@pytest.mark.parametrize(
    ("text", "service", "host"),
    [
        ("cifs/hv02", "cifs", "hv02"),
        (f"{MIGRATION}/hv02.corp.example", MIGRATION, "hv02.corp.example"),
        ("MSSQLSvc/db1:1433", "MSSQLSvc", "db1"),
        ("ldap/dc1.corp.example/corp.example", "ldap", "dc1.corp.example"),
        ("GC/dc1:3268/corp.example", "GC", "dc1"),
    ],
)
def test_a_service_principal_name_is_read(text: str, service: str, host: str) -> None:
    assert names.ServicePrincipalName.parse(text) == (service, host)


@pytest.mark.parametrize("text", ["", "cifs", "cifs/", "/hv02", "cifs/:445", "/"])
def test_what_is_no_service_principal_name(text: str) -> None:
    assert names.ServicePrincipalName.parse(text) is None


def test_a_peer_takes_four_values() -> None:
    assert names.peer_values("hv02", "hv02.corp.example") == [
        "cifs/hv02",
        "cifs/hv02.corp.example",
        "Microsoft Virtual System Migration Service/hv02",
        "Microsoft Virtual System Migration Service/hv02.corp.example",
    ]


@pytest.mark.parametrize(
    ("dn", "context"),
    [
        ("CN=HV01,OU=Hyper-V,DC=corp,DC=example", "dc=corp,dc=example"),
        ("CN=HV01, OU=x, dc=Corp, dc=Example", "dc=corp,dc=example"),
        ("CN=HV01,DC=lab,DC=corp,DC=example", "dc=lab,dc=corp,dc=example"),
        (r"CN=a\,DC=b,DC=corp,DC=example", "dc=corp,dc=example"),
        ("CN=HV01", ""),
    ],
)
def test_the_naming_context_is_the_trailing_dc_parts(dn: str, context: str) -> None:
    assert names.naming_context(dn) == context


def test_two_spellings_of_a_distinguished_name_are_equal() -> None:
    assert names.dn_key("CN=HV01, OU=Hyper-V,DC=Corp") == names.dn_key("cn=hv01,ou=hyper-v,dc=corp")
    assert names.dn_key("CN=hv01,DC=a") != names.dn_key("CN=hv02,DC=a")


def test_a_domain_has_its_distinguished_name() -> None:
    assert names.domain_dn("corp.example") == "DC=corp,DC=example"


@given(st.text())
def test_inert_text_has_nothing_that_a_terminal_obeys(text: str) -> None:
    shown = names.inert(text)
    assert not any(
        ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 or c in "\u202e\u2028\u200b" for c in shown
    )
    shown.encode()


@pytest.mark.parametrize("value", FOREIGN_VALUES)
def test_ordinary_text_stays_as_it_is(value: str) -> None:
    assert names.inert(value) == value


def test_what_is_alike_is_told_once() -> None:
    pairs = [("b", "hv03"), ("a", "hv01"), ("b", "hv01"), ("b", "hv02")]
    assert names.grouped(pairs) == {"b": ["hv03", "hv01", "hv02"], "a": ["hv01"]}
    assert names.alike(pairs) == {"b": "hv[01-03]", "a": "hv01"}
    assert list(names.grouped(pairs)) == ["b", "a"]


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 hosts"), (1, "1 host"), (2, "2 hosts"), (1200, "1,200 hosts")]
)
def test_counted(number: int, words: str) -> None:
    assert names.counted(number, "host") == words


@pytest.mark.parametrize(
    ("one", "other"),
    [("CIFS/HV02", "cifs/hv02"), ("cifs/stra\u00dfe", "cifs/STRASSE"), ("\u00f8l", "OL")],
)
def test_what_active_directory_may_take_for_the_same(one: str, other: str) -> None:
    assert names.loose(one) == names.loose(other)


KNOWN = [*(f"hv{n:02}" for n in range(1, 65)), "web-a", "sofs01"]


@pytest.mark.parametrize(
    ("mistaken", "meant"),
    [
        (["hv1"], "hv01"),
        (["HV007"], "hv07"),
        (["hvo1"], "hv01"),
        (["vh12"], "hv"),
        (["hv99"], ""),
        (["hv99", "hv2"], "hv02"),
        (["hv1", "hv2", "hv3"], "hv[01-03]"),
        (["web_a"], "web-a"),
        (["sofs1"], "sofs01"),
        (["sosf01"], "sofs01"),
        (["printer"], ""),
        ([""], ""),
        ([], ""),
        (["hv" + "9" * 5_000], ""),
    ],
)
def test_did_you_mean(mistaken: list[str], meant: str) -> None:
    said = names.did_you_mean(mistaken, KNOWN)
    if meant == "hv":
        assert said.startswith("did you mean hv")
    else:
        assert said == (f"did you mean {meant}?" if meant else "")
