"""What is known of a domain, held against what is met, and the text of its file."""

from __future__ import annotations

import pytest

from delegation.directory import known_domains, known_domains_form
from delegation.directory.known_domains import (
    Acquaintance,
    Destination,
    KnownDomain,
    judged,
)
from delegation.errors import UsageError

KEY, OTHER = (f"sha256:{letter * 42}A=" for letter in "AB")
KNOWN = KnownDomain((KEY,), ("10.0.0.53",))
DOMAIN = "corp.example"


def to(**more: object) -> Destination:
    return Destination(DOMAIN, **more)  # type: ignore[arg-type]


class TestJudged:
    @pytest.mark.parametrize(
        ("destination", "acquaintance"),
        [
            (to(), Acquaintance.KNOWN),
            (to(authorities=(KEY,)), Acquaintance.KNOWN),
            (to(authorities=(OTHER, KEY)), Acquaintance.KNOWN),
            (to(authorities=(KEY, OTHER)), Acquaintance.KNOWN),
            (to(authorities=(OTHER,)), Acquaintance.DIFFERENT),
            (to(authorities=()), Acquaintance.DIFFERENT),
            (to(dns_servers=("10.0.0.53",)), Acquaintance.KNOWN),
            (to(dns_servers=("10.0.0.66",)), Acquaintance.DIFFERENT),
            (to(dns_servers=("10.0.0.53", "10.0.0.66")), Acquaintance.DIFFERENT),
            (to(server="dc9.other.example"), Acquaintance.UNKNOWN),
            (to(is_ntlm_without_tls=True), Acquaintance.UNKNOWN),
            (to(authorities=(OTHER,), server="dc9.other.example"), Acquaintance.DIFFERENT),
        ],
    )
    def test_against_an_entry(self, destination: Destination, acquaintance: Acquaintance) -> None:
        assert judged(KNOWN, destination).acquaintance is acquaintance

    @pytest.mark.parametrize("known", [None, KnownDomain()])
    def test_what_an_entry_is_silent_about_is_unknown(self, known: KnownDomain | None) -> None:
        destination = to(authorities=(OTHER, KEY), dns_servers=("10.0.0.53",))
        verdict = judged(known, destination)
        assert verdict.acquaintance is Acquaintance.UNKNOWN
        assert verdict.lacking == KnownDomain((OTHER, KEY), ("10.0.0.53",))
        assert judged(verdict.lacking, destination).acquaintance is Acquaintance.KNOWN

    def test_its_name_alone_is_enough_for_a_password_to_a_kdc(self) -> None:
        assert judged(KnownDomain(), to()).acquaintance is Acquaintance.KNOWN
        assert judged(None, to()).acquaintance is Acquaintance.UNKNOWN

    def test_the_replacement_keeps_what_does_not_differ(self) -> None:
        known = KnownDomain((KEY,), ("10.0.0.53",), ("dc9.other.example",), ntlm_without_tls=True)
        verdict = judged(known, to(authorities=(OTHER,)))
        assert verdict.met == KnownDomain(
            (OTHER,), ("10.0.0.53",), ("dc9.other.example",), ntlm_without_tls=True
        )

    def test_servers_are_each_their_own(self) -> None:
        """Another one says nothing against those that are known."""
        known = KnownDomain((KEY,), servers=("10.0.0.1",))
        assert judged(known, to(server="10.0.0.1")).acquaintance is Acquaintance.KNOWN
        assert judged(known, to(server="10.0.0.2")).acquaintance is Acquaintance.UNKNOWN


class TestText:
    TEXT = f"""\
# ours
corp.example:
  # since 2021
  authorities: ["{KEY}"]
  dns_servers: [10.0.0.53]

# theirs
other.example: {{}}
bare.example:
"""

    def test_it_is_read(self) -> None:
        assert known_domains_form.parse(self.TEXT.encode(), "f") == {
            "corp.example": KNOWN,
            "other.example": KnownDomain(),
            "bare.example": KnownDomain(),
        }

    @pytest.mark.parametrize("text", ["", "# nothing yet\n", "\ufeff# nothing\n\n"])
    def test_nothing_is_known(self, text: str) -> None:
        assert known_domains_form.parse(text.encode(), "f") == {}

    @pytest.mark.parametrize("domain", ["corp.example", "other.example", "bare.example", "new.one"])
    def test_what_a_person_wrote_stays(self, domain: str) -> None:
        said = KnownDomain((KEY, OTHER), ("::1",), ("dc9.other.example",), ntlm_without_tls=True)
        made = known_domains_form.with_entry(self.TEXT.encode(), "f", domain, said)
        found = known_domains_form.parse(made, "f")
        assert found == known_domains_form.parse(self.TEXT.encode(), "f") | {domain: said}
        for comment in ("# ours\n", "  # since 2021\n", "\n# theirs\n"):
            assert comment in made.decode()

    @pytest.mark.parametrize("end", ["", "\n", "\r\n"])
    def test_whatever_line_ends_it_has(self, end: str) -> None:
        text = f"corp.example: {{}}{end}"
        made = known_domains_form.with_entry(text.encode(), "f", "new.example", KNOWN)
        assert known_domains_form.parse(made, "f").keys() == {"corp.example", "new.example"}

    @pytest.mark.parametrize(
        "text",
        [
            "{corp.example: {}, other.example: {}}\n",
            "a.example: &it {dns_servers: [10.0.0.1]}\nb.example: *it\n",
        ],
    )
    def test_what_can_not_be_changed_is_refused(self, text: str) -> None:
        with pytest.raises(UsageError, match="can't be added to"):
            known_domains_form.with_entry(text.encode(), "f", "a.example", KNOWN)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("corp: {}\n", "not a DNS domain"),
            ("corp.example: {ca: x}\n", "unknown key 'ca'"),
            ("corp.example: {authorities: [sha256:x]}\n", "is not a key like"),
            ("corp.example: {authorities: sha256:x}\n", "a list"),
            ("corp.example: {dns_servers: [dns1]}\n", "not an IP address"),
            ("corp.example: {servers: [dc9]}\n", "neither a host's full name nor an address"),
            ("corp.example: {ntlm_without_tls: maybe}\n", "true or false"),
            ("corp.example: {}\ncorp.example: {}\n", "duplicate key"),
            ("corp.example: {}\nCORP.example: {}\n", "comes twice"),
            ("- corp.example\n", "a mapping"),
            ("corp.example: [\n", "a value was expected"),
            ("corp.example: 1\n", "a mapping"),
        ],
    )
    def test_a_problem_is_told_with_its_place(self, text: str, words: str) -> None:
        with pytest.raises(UsageError) as refused:
            known_domains_form.parse(text.encode(), "known")
        assert "known domains known have" in refused.value.what
        assert any(line.startswith("known:") and words in line for line in refused.value.details)

    def test_a_key_has_one_spelling(self) -> None:
        """The last letter of the base64 of 32 bytes has bits that mean nothing."""
        spelled = f"sha256:{'A' * 42}B="
        assert known_domains.authority(spelled) == known_domains.authority(f"sha256:{'A' * 43}=")
