"""The messages whose bytes are golden. `python -m tests.unit.adapters.recorded` writes them anew.

Then read the difference before committing it: it is what a province's platform will see.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from adapters.baseline.codec import Message, NationalCodec
from adapters.baseline.statements import RemoteFile
from adapters.signing.envelope_sm2 import EnvelopeSm2
from adapters.signing.scheme import Outgoing
from gateway.domain.bill import VisitKind
from gateway.ports import (
    CallContext,
    CancelOrder,
    OurRow,
    ReversalOrder,
    SettlementQuery,
    StatementKey,
    StatementOrder,
    StatementTotals,
    VisitedRow,
)
from tests.unit.adapters.people import CLASSES, MSGID, NOW, attendance, codec, context

GOLDEN = Path(__file__).parents[2] / "golden" / "adapters" / "messages"
PSN_TYPES = {"shanghai": "116032", "jiangsu": "11", "zhejiang": "11", "anhui": "11"}
CLOCK_MS = 1_757_471_400_000
_CAINFO = re.compile(r'"cainfo":"[A-Za-z0-9+/=]{88}"')


def messages(province: str) -> dict[str, tuple[NationalCodec, Message]]:
    speak = codec(province)
    return {message.infno: (speak, message) for message in messages_of(speak, province)}


def messages_of(speak: NationalCodec, province: str) -> list[Message]:
    """One of each that this codec can build."""
    ctx = context(province)
    out = attendance(VisitKind.OUTPATIENT, PSN_TYPES[province])
    stay = attendance(VisitKind.INPATIENT, PSN_TYPES[province])
    lines = out.bill.lines
    return [
        speak.person(ctx, out.patient),
        speak.accumulators(ctx, out.person, NOW.date()),
        speak.dictionary(ctx, "insutype", NOW.date()),
        speak.register(ctx, out),
        speak.describe(ctx, out),
        speak.lines(ctx, out, lines),
        speak.predetermine(ctx, out),
        speak.settle(ctx, out),
        speak.cancel(ctx, CancelOrder(VisitKind.OUTPATIENT, "900000001", "S1", "A1")),
        speak.register(ctx, stay),
        speak.lines(ctx, stay, lines),
        speak.discharge(ctx, stay),
        speak.predetermine(ctx, stay),
        speak.settle(ctx, stay),
        speak.cancel(ctx, CancelOrder(VisitKind.INPATIENT, "900000001", "S1", "A1")),
        speak.reverse(ctx, ReversalOrder("900000001", MSGID, speak.profile.number("2207"))),
        speak.visited_notice(
            ctx, VisitedRow("clm_01", "S1", out.patient.id_number, NOW, 1852, 1665)
        ),
        *_statements(speak, ctx),
    ]


def _statements(speak: NationalCodec, ctx: CallContext) -> list[Message]:
    """A settlement and its refund on one day, of all schemes; the totals of one scheme."""
    day = NOW.date()
    of_all = StatementKey("", "11", f"{speak.profile.province}0000", day, day)
    rows = (
        OurRow("A1", "S1", "900000001", 1852, 1665, 187, refund=False),
        OurRow("A2", "S1", "900000001", -1852, -1665, -187, refund=True),
        OurRow("A3", "S2", "900000001", 1000, 0, 1000, refund=False),
    )
    totals = StatementTotals(of_all, 1000, 0, 1000, 0, 3, None)
    of_one = replace(totals, key=replace(of_all, scheme_code="310"))
    order = StatementOrder(totals, rows, ("M1", "M2", "M3"))
    return [
        speak.statement_totals(ctx, of_one),
        speak.statement_upload(ctx, order),
        speak.statement_detail(ctx, totals, RemoteFile("F0000000001", "ours.zip")),
        speak.statement_result(ctx, RemoteFile("F0000000002", "result.zip")),
        speak.settlement_record(ctx, SettlementQuery("900000001", "S1", "A1")),
    ]


def shown(speak: NationalCodec, message: Message) -> str:
    """Request line, signature headers, body: exactly what leaves, but for SM2 signatures, which
    are random. An encrypted body stands below the plain one that is kept as evidence."""
    headers = speak.scheme.headers(Outgoing(message.infno, message.sent, CLOCK_MS, MSGID))
    head = "".join(f"{name}: {value}\n" for name, value in sorted(headers.items()))
    bodies = [message.body] if message.sealed is None else [message.body, message.sealed]
    text = "\n".join(body.decode() for body in bodies)
    if isinstance(speak.scheme, EnvelopeSm2):
        text = _CAINFO.sub('"cainfo":"(SM2)"', text)
    return f"POST {message.path}\n{head}\n{text}\n"


def record() -> None:
    for province in CLASSES:
        folder = GOLDEN / province
        folder.mkdir(parents=True, exist_ok=True)
        for infno, (speak, message) in messages(province).items():
            (folder / f"{infno}.http").write_text(shown(speak, message), encoding="utf-8")


if __name__ == "__main__":
    record()
