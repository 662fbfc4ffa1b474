"""编解码: one province's messages, built and read: baseline plus its profile, nothing else.

Pure: no clock, no socket, no randomness. A province's codec derives from this one and overrides
only what its own documents or messages say differently. Every message of ours is checked against
the field table before it becomes bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from adapters.baseline import (
    cumulation,
    dictionary,
    envelope,
    fields,
    inquiry,
    lines,
    people,
    requests,
    settlement,
    statements,
)
from adapters.baseline.clock_text import stamp
from adapters.baseline.dictionary_check import (
    MOST_CHARACTERS,
    NOTHING_LOADED,
    CodeCheck,
    FoundCode,
    KnownCodes,
)
from adapters.baseline.errors import UnsendableMessage
from adapters.baseline.profile import Dictionary, Profile
from adapters.baseline.wire import Json, Node, write
from adapters.signing.scheme import Scheme
from adapters.signing.sm4_body import Sm4Body
from adapters.sm.provider import SmProviderBroken
from gateway.domain.benefits import Accumulators
from gateway.domain.bill import BillLine, VisitKind
from gateway.domain.dictionary import DictionaryRow
from gateway.domain.visit import Attendance, Insurance, Patient, PersonFound
from gateway.ports import (
    CallContext,
    CancelOrder,
    RegionLine,
    RegionSettlement,
    ReversalOrder,
    SettlementQuery,
    SettlementRecord,
    StatementOrder,
    StatementRow,
    StatementTotals,
    StatementVerdict,
    Verb,
    VisitedRow,
)

_OUTPATIENT: Mapping[Verb, str] = {
    Verb.FIND_PERSON: "1101",
    Verb.ACCUMULATORS: "5206",
    Verb.REGISTER: "2201",
    Verb.DESCRIBE: "2203",
    Verb.UPLOAD_LINES: "2204",
    Verb.PREDETERMINE: "2206",
    Verb.SETTLE: "2207",
    Verb.CANCEL: "2208",
    Verb.REVERSE: "2601",
    Verb.TELL_VISITED: fields.VISITED_NOTICE,
}
_INPATIENT: Mapping[Verb, str] = {
    **_OUTPATIENT,
    Verb.REGISTER: "2401",
    Verb.UPLOAD_LINES: "2301",
    Verb.DISCHARGE: "2402",
    Verb.PREDETERMINE: "2303",
    Verb.SETTLE: "2304",
    Verb.CANCEL: "2305",
}


@dataclass(frozen=True, slots=True)
class Message:
    """One request, final: these bytes are signed and kept as evidence."""

    infno: str
    path: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    sealed: bytes | None = field(default=None, repr=False)
    """The same with its input encrypted, where this province wants that."""

    @property
    def sent(self) -> bytes:
        """What goes over the wire."""
        return self.body if self.sealed is None else self.sealed


class NationalCodec:
    """The baseline spoken with one profile."""

    def __init__(
        self,
        profile: Profile,
        scheme: Scheme,
        known: KnownCodes = NOTHING_LOADED,
        *,
        cipher: Sm4Body | None = None,
    ) -> None:
        """`known`: what the region's own dictionaries say on the day the profile is of; `cipher`:
        of a province that encrypts its bodies."""
        self.profile = profile
        self.scheme = scheme
        self.cipher = cipher
        self._table = fields.baseline().with_lengths(profile.wire.lengths)
        self._codes = CodeCheck(self._table, profile.dictionary, known)

    # --- out -----------------------------------------------------------------------------

    def number(self, verb: Verb, kind: VisitKind) -> str:
        """This province's transaction number. Raises KeyError where there is none."""
        table = _INPATIENT if kind.is_inpatient else _OUTPATIENT
        return self.profile.number(table[verb])

    def person(self, ctx: CallContext, patient: Patient) -> Message:
        return self._message("1101", ctx, requests.person(patient, self._words))

    def accumulators(self, ctx: CallContext, person: PersonFound, day: date) -> Message:
        return self._message("5206", ctx, requests.accumulators(person, day))

    def dictionary(self, ctx: CallContext, kind: str, day: date) -> Message:
        area = f"{self.profile.province}0000"
        return self._message("1901", ctx, dictionary.ask(kind, day, area, self._words))

    def register(self, ctx: CallContext, att: Attendance) -> Message:
        if att.visit.kind.is_inpatient:
            return self._message("2401", ctx, requests.admit(att, self._words))
        return self._message("2201", ctx, requests.register_outpatient(att, self._words))

    def describe(self, ctx: CallContext, att: Attendance) -> Message:
        return self._message("2203", ctx, requests.describe(att, self._words))

    def lines(self, ctx: CallContext, att: Attendance, sent: tuple[BillLine, ...]) -> Message:
        if att.visit.kind.is_inpatient:
            return self._message("2301", ctx, requests.inpatient_lines(att, sent, self._words))
        return self._message("2204", ctx, requests.outpatient_lines(att, sent))

    def discharge(self, ctx: CallContext, att: Attendance) -> Message:
        return self._message("2402", ctx, requests.discharge(att, self._words))

    def predetermine(self, ctx: CallContext, att: Attendance) -> Message:
        infno = _INPATIENT if att.visit.kind.is_inpatient else _OUTPATIENT
        body = self._with_card_serial(att, requests.presettle(att, self._words))
        return self._message(infno[Verb.PREDETERMINE], ctx, body)

    def settle(self, ctx: CallContext, att: Attendance) -> Message:
        infno = _INPATIENT if att.visit.kind.is_inpatient else _OUTPATIENT
        body = self._with_card_serial(att, requests.settle(att, self._words))
        return self._message(infno[Verb.SETTLE], ctx, body)

    def cancel(self, ctx: CallContext, order: CancelOrder) -> Message:
        infno = _INPATIENT if order.kind.is_inpatient else _OUTPATIENT
        return self._message(infno[Verb.CANCEL], ctx, requests.cancel(order))

    def reverse(self, ctx: CallContext, order: ReversalOrder) -> Message:
        return self._message("2601", ctx, requests.reverse(order))

    def visited_notice(self, ctx: CallContext, row: VisitedRow) -> Message:
        """Not a national transaction: no envelope but what the signature needs."""
        infno = fields.VISITED_NOTICE
        rows = self._spelled(requests.visited_rows(ctx, row))
        self._table.check_input(infno, {"rows": rows})
        text = write(rows)
        head = {**self._sealing(), **self._signed(infno, text)}
        return self._final(infno, self.profile.wire.visited_notice_path, head, "rows", text)

    # --- back ----------------------------------------------------------------------------

    def read_person(self, reply: envelope.Reply, patient: Patient) -> PersonFound:
        return people.read_person(reply.output, patient.id_number, self._words)

    def read_accumulators(self, reply: envelope.Reply, insurance: Insurance) -> Accumulators:
        found = cumulation.read(reply.output, insurance.scheme_code, self._words)
        return replace(found, account_balance_fen=insurance.account_fen or 0)

    def read_dictionary(self, reply: envelope.Reply, kind: str) -> tuple[DictionaryRow, ...]:
        return dictionary.read(reply.output, kind, self._words)

    def read_visit_id(self, reply: envelope.Reply, att: Attendance) -> str:
        return people.read_visit_id(reply.output, att)

    def read_lines(
        self, reply: envelope.Reply, sent: tuple[BillLine, ...]
    ) -> tuple[RegionLine, ...]:
        return lines.read(reply.output, sent)

    def read_settlement(
        self, reply: envelope.Reply, message: Message, expected: settlement.Expected
    ) -> RegionSettlement:
        names = self.profile.aliases.names.get(message.infno, {})
        unknown = tuple(
            f"{found.field}={found.code[:MOST_CHARACTERS]}"
            for found in self.unknown(reply, message)
        )
        return settlement.read(reply.output, expected, self._words, names, unknown)

    def unknown(self, reply: envelope.Reply, message: Message) -> tuple[FoundCode, ...]:
        """Codes of an answer that neither the profile nor the region's own dictionary knows."""
        return self._codes.unknown(message.infno, reply.output)

    # --- statements: there and back ------------------------------------------------------

    def statement_totals(self, ctx: CallContext, ours: StatementTotals) -> Message:
        return self._message("3201", ctx, statements.totals(ours))

    def statement_upload(self, ctx: CallContext, order: StatementOrder) -> Message:
        """Takes a second for 100,000 rows."""
        files, table = self.profile.files, self._table
        return self._message("9101", ctx, statements.upload(ctx, order, files, table))

    def statement_detail(
        self, ctx: CallContext, ours: StatementTotals, uploaded: statements.RemoteFile
    ) -> Message:
        return self._message("3202", ctx, statements.detail(ours, uploaded))

    def statement_result(self, ctx: CallContext, result: statements.RemoteFile) -> Message:
        return self._message("9102", ctx, statements.download(ctx, result))

    def settlement_record(self, ctx: CallContext, query: SettlementQuery) -> Message:
        return self._message("5203", ctx, inquiry.ask(query))

    def read_settlement_record(
        self, reply: envelope.Reply, query: SettlementQuery
    ) -> SettlementRecord:
        return inquiry.read(reply.output, query)

    def read_statement_totals(
        self, reply: envelope.Reply, ours: StatementTotals
    ) -> StatementVerdict:
        return statements.read_verdict(reply.output, ours, self._words)

    def read_statement_upload(
        self, reply: envelope.Reply, ctx: CallContext
    ) -> statements.RemoteFile:
        return statements.read_upload(reply.output, ctx)

    def read_statement_detail(self, reply: envelope.Reply) -> statements.RemoteFile:
        return statements.read_detail(reply.output)

    def read_statement_result(self, data: bytes) -> tuple[StatementRow, ...]:
        """Takes a second for 100,000 rows."""
        return statements.read_result(data, self.profile.files, self._table, self._words)

    # --- how one message is spelled ------------------------------------------------------

    @property
    def _words(self) -> Dictionary:
        return self.profile.dictionary

    def _with_card_serial(self, att: Attendance, body: Node) -> Node:
        """Where a variant takes 就诊凭证识别码 (mdtrt_cert_sn); the baseline does not."""
        return body

    def _message(self, baseline_infno: str, ctx: CallContext, body: Node) -> Message:
        wire = self.profile.wire
        infno = self.profile.number(baseline_infno)
        spelled = {name: self._spelled(value) for name, value in body.items()}
        self._table.check_input(infno, spelled)
        text = write(spelled)
        head = self._head(infno, ctx, self._signed(infno, text))
        self._codes.refuse_unknown(infno, spelled, head)
        added = frozenset({*wire.extra_envelope, *self._sealing()})
        self._table.check_envelope(infno, head, added)
        return self._final(infno, self.profile.path(infno), head, "input", text)

    def _signed(self, infno: str, text: str) -> Mapping[str, str]:
        try:
            return self.scheme.envelope(text)
        except SmProviderBroken as broken:
            raise UnsendableMessage(infno, "cainfo", f"cannot be signed: {broken}") from broken

    def _final(
        self, infno: str, path: str, head: Mapping[str, str], member: str, text: str
    ) -> Message:
        """Signed already; encrypted last, so that evidence is what was signed."""
        body, sealed = envelope.build(head, member, text), None
        if self.cipher is not None:
            sealed = envelope.build(head, member, write(self.cipher.seal(text)))
        return Message(infno, path, {}, body, sealed)

    def _sealing(self) -> Mapping[str, str]:
        """The envelope's word for an encrypted body."""
        encryption = self.profile.encryption
        return {} if encryption is None else {encryption.type_field: encryption.type_value}

    def _head(self, infno: str, ctx: CallContext, signed: Mapping[str, str]) -> dict[str, str]:
        wire = self.profile.wire
        return {
            "infno": infno,
            "msgid": ctx.msgid,
            "mdtrtarea_admvs": ctx.visited_region,
            "insuplc_admdvs": ctx.insured_region,
            "recer_sys_code": wire.recer_sys_code,
            "dev_no": "",
            "dev_safe_info": "",
            "cainfo": "",
            "signtype": "",
            "infver": wire.infver,
            "opter_type": wire.operator_kind,
            "opter": wire.operator,
            "opter_name": wire.operator_name,
            "inf_time": stamp(ctx.sent_at),
            "fixmedins_code": ctx.institution.code,
            "fixmedins_name": ctx.institution.name,
            "sign_no": "",
            **wire.extra_envelope,
            **self._sealing(),
            **signed,
        }

    def _spelled(self, value: Json) -> Json:
        """Numbers as this province writes them: 12.30, or "12.30"."""
        if isinstance(value, Decimal):
            return format(value, "f") if self.profile.wire.number_style == "string" else value
        if isinstance(value, Mapping):
            return {name: self._spelled(item) for name, item in value.items()}
        if isinstance(value, Sequence) and not isinstance(value, str):
            return [self._spelled(item) for item in value]
        return value
