"""节点: picking values out of an answer without trusting its shape.

Pure. `text()` takes a code as text or number and never changes it; a missing optional text is "".
Lengths are not enforced on input. Raises BrokenAnswer with the path.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from adapters.baseline.errors import BrokenAnswer
from adapters.baseline.wire import Json, Node


def node(parent: Node, name: str, path: str) -> Node:
    """A required object."""
    value = parent.get(name)
    if not isinstance(value, dict):
        raise BrokenAnswer(f"{path}.{name}", "missing or not an object")
    return value


def rows(parent: Node, name: str, path: str) -> list[Node]:
    """A list of objects; one object alone counts as one row, absent as none."""
    value = parent.get(name)
    if value is None or value == "":
        return []
    found: list[Node] = []
    for index, row in enumerate(value if isinstance(value, list) else [value]):
        if not isinstance(row, dict):
            raise BrokenAnswer(f"{path}.{name}[{index}]", "not an object")
        found.append(row)
    return found


def text(parent: Node, name: str, path: str) -> str:
    """An optional text or code; missing, null and "" are all ""."""
    value: Json = parent.get(name)
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    # Some systems write codes as numbers; a bool or a fraction is no code.
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise BrokenAnswer(f"{path}.{name}", "not a text")


def required(parent: Node, name: str, path: str) -> str:
    """A text that must be there."""
    found = text(parent, name, path)
    if not found:
        raise BrokenAnswer(f"{path}.{name}", "missing")
    return found


def day(parent: Node, name: str, path: str) -> date | None:
    """yyyy-MM-dd; absent or the sentinel 1900-01-01 is None."""
    found = text(parent, name, path)
    if not found:
        return None
    try:
        value = date.fromisoformat(found)
    except ValueError as cause:
        raise BrokenAnswer(f"{path}.{name}", "not a date yyyy-MM-dd") from cause
    return None if value == date(1900, 1, 1) else value


def renamed(parent: Node, names: Mapping[str, str], path: str) -> Node:
    """The node with one province's names replaced by the baseline's (`theirs → ours`).

    A value under our own name wins only if theirs is absent or equal; two different values are no
    answer.
    """
    if not names:
        return parent
    found = dict(parent)
    for theirs, ours in names.items():
        value = found.pop(theirs, None)
        if value in (None, ""):
            continue
        if found.get(ours) not in (None, "", value):
            raise BrokenAnswer(f"{path}.{theirs}", f"contradicts {ours}")
        found[ours] = value
    return found
