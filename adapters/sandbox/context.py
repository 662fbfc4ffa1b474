"""一次交易的上下文: what a transaction is given: the request, the platform's books and its state.

No transaction reads a clock, a file or a header; everything comes through here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from adapters.sandbox.catalogue import Catalogue
from adapters.sandbox.dictionaries import Dictionaries
from adapters.sandbox.policies import RegionPolicy
from adapters.sandbox.provinces import Province, pool_of
from adapters.sandbox.records import Insured, Person, Visit
from adapters.sandbox.state import State
from adapters.sandbox.wire import Node

TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
STUDENT_AGE_MAX, SENIOR_AGE_MIN = 18, 60


class Refusal(Exception):
    """业务拒绝: infcode −1; `args[0]` is err_msg. Nothing of the transaction stays."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What no available document states, as settings; README.md lists them."""

    unknown_reversal: str = "accept"
    """2601 for a msgid never seen: accept (no effect) or refuse."""
    late_original: str = "refuse"
    """A settlement that arrives after its own 2601: refuse or accept."""
    refunds_counted: bool = True
    """Whether a refund's row counts in fixmedins_setl_cnt of 3201."""
    unlisted_level: str = "tertiary"
    """Level of an institution missing in institutions.toml; "" refuses it."""


@dataclass(frozen=True, slots=True)
class Books:
    """What every platform holds besides its own people."""

    policy: RegionPolicy
    catalogues: Mapping[str, Catalogue]
    """Pooling region of the visit → catalogue."""
    institutions: Mapping[str, str]
    """fixmedins_code → primary, secondary or tertiary."""
    dictionaries: Dictionaries
    """What 1901 answers from."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request on its way through a transaction."""

    infno: str
    """As sent, e.g. 2207A."""
    msgid: str
    visited_area: str
    insured_area: str
    """insuplc_admdvs; "" when not given."""
    institution: str
    given: Node
    """The `input` object."""
    now: datetime
    """Asia/Shanghai."""
    province: Province
    books: Books
    rules: Rules
    state: State
    differ_fen: int = 0

    @property
    def number(self) -> str:
        """infno without its variant letter."""
        return self.infno.rstrip("A")

    def serial(self, letter: str) -> str:
        """Ids as one public client describes them: letter + admdvs(6) + yyMMdd + seq(7)."""
        sequence = self.state.next_number(f"serial.{letter}")
        return f"{letter}{self.province.pool}{self.now:%y%m%d}{sequence:07}"


def person_of(call: Call, psn_no: str) -> Person:
    person = call.state.person(psn_no)
    if person is None:
        raise Refusal("未查询到该参保人员信息")
    return person


def check_certificate(person: Person, certno: str, name: str) -> None:
    """异地 messages carry the certificate again; it must be the same person's."""
    if (certno and certno != person.certno) or (name and name != person.name):
        raise Refusal("人员编号与证件信息不一致")


def insured_of(call: Call, psn_no: str, insutype: str, area: str) -> Insured:
    """The one insuinfo row that pays; a pooling region's code stands for its districts."""
    rows = [row for row in call.state.insured_rows(psn_no) if row.insutype == insutype]
    exact = [row for row in rows if row.area == area]
    pooled = [row for row in rows if not area or pool_of(area) == pool_of(row.area)]
    found = exact or pooled
    if not found:
        raise Refusal("该人员在本统筹区无此险种的参保信息")
    if len(found) > 1:
        raise Refusal("存在多条参保信息,请指明参保地医保区划")
    return found[0]


def active_insured_of(call: Call, psn_no: str, insutype: str, area: str) -> Insured:
    row = insured_of(call, psn_no, insutype, area)
    if row.status != "1":
        raise Refusal("该人员参保状态为暂停参保,不能享受待遇")
    return row


def kind_on(insured: Insured, born: str, day: date) -> str:
    """人员类别 on a day: residents by completed years, employees as registered."""
    if insured.insutype == "310":
        return insured.kind
    age = age_on(born, day)
    if age <= STUDENT_AGE_MAX:
        return "student"
    return "senior_60_plus" if age >= SENIOR_AGE_MIN else "adult_19_59"


def visit_of(call: Call, mdtrt_id: str, psn_no: str) -> Visit:
    visit = call.state.visit(mdtrt_id)
    if visit is None or visit.cancelled:
        raise Refusal("未查询到该就诊登记信息")
    if visit.psn_no != psn_no:
        raise Refusal("人员编号与就诊登记信息不一致")
    return visit


def day_of(time_text: str) -> date:
    """Day of a wire time; raises Refusal where it is no date."""
    try:
        return date.fromisoformat(time_text[:10])
    except ValueError as error:
        raise Refusal("时间格式不正确,应为 yyyy-MM-dd HH:mm:ss") from error


def age_on(born: str, day: date) -> int:
    birth = date.fromisoformat(born)
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))
