"""配置档: one province's answers to every question the national interface leaves open, as data.

Each section says from when it holds, where it was read, and with which confidence (solid | medium |
unverified). `ProfileBook.at(day)` picks, per section, the newest that is valid. Not here: signing
and encryption (profile_signing.py); reading the file (profile_file.py); addresses, keys and
certificates, which are given when the gateway is wired. Times in milliseconds, counts as they say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Literal, TypeVar

from adapters.baseline.profile_section import Section
from adapters.baseline.profile_signing import Encryption, Signing
from gateway.domain.bill import VisitKind
from gateway.domain.visit import CertificateKind, PersonKind, Scheme
from gateway.ports import StatementResult

S = TypeVar("S", bound="Section")


class ProfileError(Exception):
    """The profile file itself is wrong; start-up fails with file, section and key (中文)."""


class Accumulator(StrEnum):
    """累计: what a region counts over its insurance year."""

    OUTPATIENT_DEDUCTIBLE = "outpatient_deductible"
    INPATIENT_DEDUCTIBLE = "inpatient_deductible"
    POOLED = "pooled"
    OUTPATIENT_POOLED = "outpatient_pooled"
    OUTPATIENT_IN_SCOPE = "outpatient_in_scope"
    LARGE_SUM = "large_sum"
    STAYS = "stays"
    """A number, though written with two decimals like an amount."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire(Section):
    """Envelope spelling, paths and transaction numbers."""

    infver: str
    recer_sys_code: str
    path: str
    """The single path, or a pattern with `{infno}`."""
    paths: Mapping[str, str] = field(default_factory=dict)
    """infno → path where it is not the pattern's."""
    visited_notice_path: str
    variants: Mapping[str, str] = field(default_factory=dict)
    """baseline number → this province's, e.g. 2207 → 2207A."""
    extra_envelope: Mapping[str, str] = field(default_factory=dict)
    number_style: Literal["number", "string"] = "number"
    """Amounts, counts and prices go out as 12.30, or as "12.30"."""
    operator_kind: str
    operator: str
    operator_name: str
    lines_per_upload: int
    """2301: at most so many rows a call."""
    lengths: Mapping[str, str] = field(default_factory=dict)
    """Lengths that differ from fields.csv, `name` or `txn.name`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conventions(Section):
    """What an infcode means here. A code in none of the lists is no answer at all."""

    success: tuple[str, ...]
    refused: tuple[str, ...]
    """Business refusals: nothing took effect."""
    system_errors: tuple[str, ...] = ()
    """Where −1 and −2 are separated: an error that leaves the state unknown."""
    not_delivered_codes: tuple[str, ...]
    """`code` of a service gateway that turned the message away before the platform saw it."""
    replayed_texts: tuple[str, ...] = ()
    """What such a gateway says, in part, of a nonce that it has seen: then the message was there
    before, and what became of it is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dictionary(Section):
    """字典: this region's codes ↔ our words. Unknown codes stay text and are reported."""

    schemes: Mapping[str, Scheme]
    """insutype → ours"""
    person_kinds: Mapping[str, PersonKind]
    """psn_type → ours"""
    visit_kinds: Mapping[VisitKind, str]
    """ours → med_type"""
    certificates: Mapping[CertificateKind, str]
    """ours → mdtrt_cert_type"""
    id_card: str
    """psn_cert_type of a 居民身份证"""
    active_states: tuple[str, ...]
    """psn_insu_stas that let a person settle; no dictionary of it is published."""
    clearing_types: tuple[str, ...]
    """clr_type we know"""
    fund_types: tuple[str, ...]
    """fund_pay_type we know (setldetail)"""
    main_diagnosis: str
    """diag_type of the first diagnosis"""
    other_diagnosis: str
    settlement_way: str
    """psn_setlway"""
    discharge_way: str
    """dscg_way"""
    department_category: str
    """caty sent where the institution's department code is not one (10 characters at most)."""
    bed_unknown: str
    """adm_bed, required by the interface and not known to us"""
    accumulators: Mapping[str, Accumulator]
    """cum_type_code of 5206 → ours; no dictionary of it is published."""
    statement_results: Mapping[str, StatementResult]
    """stmt_rslt → ours. The same code means different things: 1 is 不平 in Hunan and 中心多 in
    Jiangxi."""
    kind_names: Mapping[str, str] = field(default_factory=dict)
    """1901: our name of a dictionary → theirs, where they differ."""
    top_parent: str = "0"
    """1901: parentValue of a dictionary without a parent, required and explained nowhere."""
    asked_area: str = ""
    """1901: admdvs; empty is the province's own code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aliases(Section):
    """Names this province uses in one transaction's answer: transaction → their name → ours."""

    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Files(Section):
    """How a file travels inside 9101; only that it is "bytes" is printed."""

    file_bytes: Literal["base64", "signed_bytes"]
    """`signed_bytes`: an array of numbers −128…127, as some JSON writers put a Java byte[]."""
    line_of_names: bool = False
    """Whether a TXT begins with the names of its columns; none is printed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing(Section):
    """Time-outs and bounds. The observed ones (10–120 s) are clients', nobody's requirement."""

    connect_timeout_ms: int
    read_timeout_ms: int
    """Any transaction that is not in `timeouts_ms`."""
    timeouts_ms: Mapping[str, int] = field(default_factory=dict)
    concurrency: int
    queue_timeout_ms: int
    retry_budget: int
    failures_to_open: int
    open_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions(Section):
    """平台行为假设: what a platform does where no document says; compared by `yrd conformance`.

    No money of ours depends on these: an unknown outcome is reversed by 2601, and only 3201/3202
    closes it, whichever way a platform behaves.
    """

    repeated_msgid: Literal["same_answer", "refused"] = "same_answer"
    """The same message again."""
    reused_msgid: Literal["refused", "same_answer"] = "refused"
    """Another message under a msgid that was used."""
    unknown_reversal: Literal["accepted", "refused"] = "accepted"
    """2601 for a message that never arrived."""
    late_original: Literal["refused", "accepted"] = "refused"
    """A settlement that arrives after its own 2601."""
    second_reversal: Literal["accepted", "refused"] = "accepted"
    """2601 for what is reversed already."""
    reversed_reversal: Literal["refused", "accepted"] = "refused"
    """2601 of a 2601, which may not be reversed; "accepted": to no effect."""
    reversed_cancellation: Literal["stands_again", "refused"] = "stands_again"
    """2601 of a 结算撤销: the settlement stands again."""
    second_cancellation: Literal["refused", "accepted"] = "refused"
    """结算撤销 of what is cancelled already; "accepted": to no effect."""


UNSAID = Assumptions(valid_from=date.min, source="ours", confidence="unverified")
"""Where a profile has no [[assumptions]]."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One province on one day."""

    province: str
    name_zh: str
    wire: Wire
    signing: Signing
    conventions: Conventions
    dictionary: Dictionary
    aliases: Aliases
    files: Files
    timing: Timing
    encryption: Encryption | None = None
    assumptions: Assumptions = UNSAID

    def number(self, baseline_infno: str) -> str:
        """This province's variant of a baseline transaction, e.g. 2207 → 2207A."""
        return self.wire.variants.get(baseline_infno, baseline_infno)

    def path(self, infno: str) -> str:
        return self.wire.paths.get(infno, self.wire.path).replace("{infno}", infno)

    def timeout_ms(self, infno: str) -> int:
        return self.timing.timeouts_ms.get(infno, self.timing.read_timeout_ms)


@dataclass(frozen=True, slots=True)
class ProfileBook:
    """All dated sections of one province."""

    province: str
    """First two digits of its area codes."""
    name_zh: str
    sections: Mapping[str, tuple[Section, ...]]

    def at(self, day: date) -> Profile:
        """Raises ProfileError when a section has nothing valid on that day."""
        return Profile(
            self.province,
            self.name_zh,
            self._pick("wire", Wire, day),
            self._pick("signing", Signing, day),
            self._pick("conventions", Conventions, day),
            self._pick("dictionary", Dictionary, day),
            self._pick("aliases", Aliases, day),
            self._pick("files", Files, day),
            self._pick("timing", Timing, day),
            self._encryption(day),
            self._assumptions(day),
        )

    def signings_from(self, day: date) -> tuple[tuple[Signing, Encryption | None], ...]:
        """What is in force on a day and what comes after: start-up finds what is missing."""
        begins = {section.valid_from for name in ("signing", "encryption")
                  for section in self.sections.get(name, ())}  # fmt: skip
        days = (day, *sorted(later for later in begins if later > day))
        return tuple((self._pick("signing", Signing, d), self._encryption(d)) for d in days)

    def _encryption(self, day: date) -> Encryption | None:
        """None where the province says nothing of it, or says that there is none."""
        begun = [s for s in self.sections.get("encryption", ()) if s.valid_from <= day]
        if not begun:
            return None
        found = self._pick("encryption", Encryption, day)
        return None if found.scheme == "none" else found

    def _assumptions(self, day: date) -> Assumptions:
        begun = [s for s in self.sections.get("assumptions", ()) if s.valid_from <= day]
        return self._pick("assumptions", Assumptions, day) if begun else UNSAID

    def _pick(self, name: str, kind: type[S], day: date) -> S:
        valid = [s for s in self.sections[name] if isinstance(s, kind) and s.valid_from <= day]
        if not valid:
            raise ProfileError(f"{self.name_zh}:[[{name}]] 没有在 {day} 已生效的一节(valid_from)")
        return max(valid, key=lambda section: section.valid_from)
