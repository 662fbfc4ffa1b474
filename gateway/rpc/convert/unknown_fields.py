"""Fields that we do not know: refused, not ignored.

A caller that sends a field of a newer version means something by it. Where money moves, dropping it
in silence would do something else than was asked; so every request of ours is read as written.
"""

from __future__ import annotations

from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet

from gateway.rpc.convert.findings import Findings


def refuse_unknown_fields(request: Message) -> None:
    """Raises Malformed UNKNOWN_FIELD with the path of the message and the field's number."""
    known = type(request)()
    known.CopyFrom(request)
    known.DiscardUnknownFields()
    # Two sizes, in C, for the usual case; the walk is for the one that has something to tell.
    if known.ByteSize() == request.ByteSize():
        return
    found = Findings()
    _walk(found, "", request)
    found.refuse()


def _walk(found: Findings, path: str, message: Message) -> None:
    unknown = UnknownFieldSet(message)
    for i in range(len(unknown)):
        where = f"{path}#{unknown[i].field_number}"
        found.add(where, "UNKNOWN_FIELD", "请求含有本版本不支持的字段,请核对接口版本。")
    for field, value in message.ListFields():
        if field.type != field.TYPE_MESSAGE:
            continue
        here = f"{path}.{field.name}" if path else field.name
        if isinstance(value, Message):
            _walk(found, here, value)
        else:
            for i, item in enumerate(value):
                _walk(found, f"{here}[{i}]", item)
