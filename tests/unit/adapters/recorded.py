"""The messages whose bytes are golden. `python -m tests.unit.adapters.recorded` writes them anew.

Then read the difference before committing it: it is what a province's platform will see.
"""

from __future__ import annotations

from pathlib import Path

from adapters.baseline.codec import Message, NationalCodec
from adapters.signing.scheme import Outgoing
from gateway.domain.bill import VisitKind
from gateway.ports import CancelOrder, ReversalOrder, VisitedRow
from tests.unit.adapters.people import CLASSES, MSGID, NOW, attendance, codec, context

GOLDEN = Path(__file__).parents[2] / "golden" / "adapters" / "messages"
PSN_TYPES = {"shanghai": "116032", "jiangsu": "11", "zhejiang": "11"}
CLOCK_MS = 1_757_471_400_000


def messages(province: str) -> dict[str, tuple[NationalCodec, Message]]:
    speak, ctx = codec(province), context(province)
    out = attendance(VisitKind.OUTPATIENT, PSN_TYPES[province])
    stay = attendance(VisitKind.INPATIENT, PSN_TYPES[province])
    lines = out.bill.lines
    built = [
        speak.person(ctx, out.patient),
        speak.accumulators(ctx, out.person, NOW.date()),
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
    ]
    return {message.infno: (speak, message) for message in built}


def shown(speak: NationalCodec, message: Message) -> str:
    """Request line, signature headers, body: exactly what leaves."""
    headers = speak.scheme.headers(Outgoing(message.infno, message.body, CLOCK_MS, MSGID))
    head = "".join(f"{name}: {value}\n" for name, value in sorted(headers.items()))
    return f"POST {message.path}\n{head}\n{message.body.decode()}\n"


def record() -> None:
    for province in CLASSES:
        folder = GOLDEN / province
        folder.mkdir(parents=True, exist_ok=True)
        for infno, (speak, message) in messages(province).items():
            (folder / f"{infno}.http").write_text(shown(speak, message), encoding="utf-8")


if __name__ == "__main__":
    record()
