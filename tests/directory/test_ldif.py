from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delegation.directory import ldif
from delegation.errors import ExportError

CASES = Path(__file__).parent.parent / "cases" / "ldif"
SAMPLES = {path.name: path.read_bytes() for path in sorted(CASES.iterdir())}
HEAD = b"dn: CN=hv01,DC=corp,DC=example\n"


def parse(raw: bytes) -> list[ldif.LdifRecord]:
    return list(ldif.records(ldif.document(raw, "x.ldif")))


def one(lines: bytes) -> dict[str, list[bytes]]:
    (record,) = parse(HEAD + lines)
    return record.attributes


class TestValues:
    def test_plain_and_base64(self) -> None:
        lines = b"cn: hv01\ndescription:: S8O2bG4=\nempty:\nnear:x\nspaced:   y \ncolon: :z\n"
        assert one(lines) == {
            "cn": [b"hv01"],
            "description": ["Köln".encode()],
            "empty": [b""],
            "near": [b"x"],
            "spaced": [b"y "],
            "colon": [b":z"],
        }

    def test_names_in_any_case_and_groups_apart_are_one_attribute(self) -> None:
        attributes = one(b"SERVICEprincipalname: a\ncn: x\nservicePrincipalName: b\n")
        assert attributes == {"serviceprincipalname": [b"a", b"b"], "cn": [b"x"]}

    def test_options_are_part_of_the_name(self) -> None:
        attributes = one(b"member;range=0-1499: a\nuserCertificate;binary:: AAEC\n")
        assert attributes == {"member;range=0-1499": [b"a"], "usercertificate;binary": [b"\0\1\2"]}

    def test_folds_are_taken_out(self) -> None:
        lines = b"desc\n ription: a\n b\n  c\n \nx:\n  y\nb64:: S8O\n 2bG4=\n"
        assert one(lines) == {"description": [b"ab c"], "x": [b"y"], "b64": ["Köln".encode()]}

    def test_comments_are_passed_over_folded_ones_too(self) -> None:
        assert one(b"# a\ncn: x\n# b\n cn: no\n#\nsn: y\n") == {"cn": [b"x"], "sn": [b"y"]}

    def test_line_endings_may_be_mixed(self) -> None:
        assert one(b"cn: x\r\nsn: a\r\n b\nou: y\r\n z\r\n") == {
            "cn": [b"x"],
            "sn": [b"ab"],
            "ou": [b"yz"],
        }

    def test_a_dn_in_base64(self) -> None:
        (record,) = parse(b"dn:: Q049S8O2bG4sREM9eA==\ncn: x\n")
        assert record.dn == "CN=Köln,DC=x"


class TestRecords:
    def test_where_they_lie(self) -> None:
        raw = (
            b"version: 1\n\n# one\ndn: DC=a\ncn: x\n\n\n\r\ndn: DC=b\ncn:\n y\n\ndn: DC=c\ncn: z\n"
        )
        records = parse(raw)
        assert [(record.dn, record.line, record.closed) for record in records] == [
            ("DC=a", 3, True),
            ("DC=b", 9, True),
            ("DC=c", 13, False),
        ]
        assert raw[records[0].start : records[0].end] == b"# one\ndn: DC=a\ncn: x\n"
        assert raw[records[1].start : records[1].end] == b"dn: DC=b\ncn:\n y\n"

    @pytest.mark.parametrize(
        "around",
        [
            b"version: 1\n%s",
            b"version: 1\n\n%s",
            b"\n\r\n%s",
            b"# extended LDIF\n#\n\n%s\n# search result\nsearch: 2\nresult: 0 Success\n\n# n: 1\n",
            b"# extended LDIF\n\n%s\nsearch: 2\nresult: 0 Success\npagedresults: cookie=\n\n",
            b"%s\n# search reference\nref: ldap://forest/DC=a??base\nref: ldap://b/\n\n",
            b"%s\ndn:\nref: ldap://forest/DC=a\n",
            b"# record 1\n%s\n# returned 1 records\n# 1 entries\n",
        ],
    )
    def test_what_frames_them_is_passed_over(self, around: bytes) -> None:
        (record,) = parse(around % (HEAD + b"changetype: Add\ncn: x\n"))
        assert record.attributes == {"changetype": [b"Add"], "cn": [b"x"]}

    def test_the_samples(self) -> None:
        for name, raw in SAMPLES.items():
            assert len(parse(raw)) == 4, name


@pytest.mark.parametrize("text", ["a", "a:<", " a", ":a", "<a", "a ", "Köln", "a\nb", "", "\0"])
def test_a_line_reads_as_what_was_written(text: str) -> None:
    assert one(f"{ldif.line('cn', text)}\n".encode()) == {"cn": [text.encode()]}


def test_a_line_is_as_plain_as_it_can_be() -> None:
    assert ldif.line("cn", "a:<") == "cn: a:<"
    assert ldif.line("cn", "a ") == "cn:: YSA="


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "x.ldif: the file is empty"),
        (b"\xef\xbb\xbf\n\n", "x.ldif: the file is empty"),
        (b"\xff\xfe", "x.ldif: the file is empty"),
        (HEAD + b"cn: a\0b\n", "x.ldif:2: a NUL byte"),
        ((HEAD + b"cn: x\n").decode().encode("utf-16-le"), "x.ldif:1: a NUL byte"),
        (b"\xff\xfe" + HEAD, "x.ldif: broken UTF-16-LE"),
        (b"\xff\xfe" + "dn: \n".encode("utf-16-le") + b"\x00\xd8", "x.ldif: broken UTF-16-LE"),
        (HEAD + b"cn: a\rb\n", "x.ldif:2: a carriage return"),
        (HEAD + b"cn: x\r", "x.ldif:2: a carriage return"),
        (HEAD + b"cn: hv0", "x.ldif:2: the file ends within a line"),
        (HEAD + b"cn: x\nwithout\nsn: y\n", "x.ldif:3: no colon in the line b'without'"),
        (HEAD + b"cn: x\n\n folded\n", "x.ldif:4: no colon"),
        (HEAD + b"cn:\n x\n:y\n", "x.ldif:4: b'' is no attribute name"),
        (HEAD + b"a b: y\n", "x.ldif:2: b'a b' is no attribute name"),
        (HEAD + b"cn: x\n\tsn: y\n", "x.ldif:3: b'\\tsn' is no attribute name"),
        (HEAD + b"# c\n d\ncn:: AAE\n", "x.ldif:4: broken base64"),
        (HEAD + b"cn:: A A=\n", "x.ldif:2: broken base64"),
        (HEAD + b"cn:: AA=\n =\n\nb: y\n", "x.ldif:5: a record starts with b, not with its dn"),
        (HEAD + b"cn:< file:///etc/passwd\n", "x.ldif:2: a value by URL"),
        (HEAD + b"cn: x\n" + HEAD, "x.ldif:3: a second dn in one record"),
        (HEAD + b"changetype: modify\nadd: x\nx: y\n-\n", "x.ldif:5: a change file"),
        (HEAD + b"changetype: modify\nadd: x\nx: y\n", "x.ldif:2: a change of an object"),
        (HEAD + b"cn: x\nchangetype:: ZGVsZXRl\n", "x.ldif:3: a change of an object"),
        (b"dn:: /w==\ncn: x\n", "x.ldif:1: the dn is not UTF-8"),
        (b"version: 2\n" + HEAD, "x.ldif:1: not LDIF version 1"),
        (b"search: 2\nresult: 4 Size limit exceeded\n", "x.ldif:1: the result of the search is 4"),
        (HEAD + b"cn: x\n\n# x\nsearch: 2\n", "x.ldif:4: the result of the search is missing"),
        (b"# extended LDIF\n\n" + HEAD + b"cn: x\n\n", "x.ldif:5: 'result:' is not at the end"),
        (b"# record 1\n" + HEAD + b"cn: x\n\n", "x.ldif:4: '# returned' is not at the end"),
        (b"PK\x03\x04\xff\xfe\n", "x.ldif:1: no colon"),
    ],
)
def test_what_is_refused(raw: bytes, said: str) -> None:
    with pytest.raises(ExportError) as refused:
        parse(raw)
    assert refused.value.what.startswith(said)
    assert refused.value.fix


def test_too_large_a_file_is_refused() -> None:
    with pytest.raises(ExportError, match="larger than"):
        ldif.document(bytes(ldif.MAX_BYTES + 1), "x.ldif")


def spliced(raw: bytes, at: int, length: int, put: bytes) -> bytes:
    at %= len(raw)
    return raw[:at] + put + raw[at + length :]


ANY_FILE = st.one_of(
    st.binary(),
    st.lists(st.sampled_from(b"dn cn:: <\n\r #-x=;,A\0\xff\xfe\xef\xbb\xbf")).map(bytes),
    st.builds(
        spliced,
        st.sampled_from(sorted(SAMPLES.values())),
        st.integers(0),
        st.integers(0, 40),
        st.binary(max_size=20),
    ),
)


@settings(deadline=None)
@given(ANY_FILE)
def test_any_bytes_are_records_or_refused(raw: bytes) -> None:
    try:
        text = ldif.document(raw, "x.ldif")
        records = list(ldif.records(text))
    except ExportError:
        return
    assert text.encoded(text.body) == raw
    done = 0
    for record in records:
        assert done <= record.start < record.end <= len(text.body)
        assert text.body.count(b"\n", 0, record.start) + 1 == record.line
        chunk = text.body[record.start : record.end]
        assert b"\n".join(ldif.lines(chunk)) == chunk
        (again,) = ldif.records(ldif.Document("x.ldif", b"\n" + chunk))
        assert (again.dn, again.attributes) == (record.dn, record.attributes)
        done = record.end


@settings(deadline=None)
@given(st.sampled_from(sorted(SAMPLES)), st.data())
def test_folds_anywhere_and_other_line_endings_mean_the_same(
    name: str, data: st.DataObject
) -> None:
    text = ldif.document(SAMPLES[name], name)
    body = bytearray(text.body)
    places = st.lists(st.integers(1, len(body) - 2), max_size=20, unique=True)
    for place in sorted(data.draw(places), reverse=True):
        if not {body[place - 1], body[place]} & set(b"\r\n"):
            body[place:place] = b"\r\n " if place % 2 else b"\n "
    meant = [(record.dn, record.attributes) for record in ldif.records(text)]
    folded = ldif.records(ldif.Document(name, bytes(body)))
    assert [(record.dn, record.attributes) for record in folded] == meant
