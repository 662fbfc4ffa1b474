"""What several messages of one file say about the same thing, and must say alike.

A file that names two patients, two institutions or two visits is refused: settling it would settle
one of them by chance. Values are compared, never repeated in a text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from gateway.hospital_files.node import Node

T = TypeVar("T")


def agreed(
    name: str, nodes: Iterable[Node], read: Callable[[Node], T], *, required: bool
) -> tuple[T | None, Node | None]:
    """The one value that all nodes with the field give, and the node that gave it first."""
    value: T | None = None
    source: Node | None = None
    first: Node | None = None
    for node in nodes:
        first = first or node
        if not given(node, name):
            continue
        said = read(node)
        if said is None or said == "":
            source = source or node
        elif value is None:
            value, source = said, node
        elif said != value and source is not None:
            node.say(name, "DIFFERS", f"与 {source.at(name)} 不一致,一个文件只能是同一次就诊。")
    if source is None and required and first is not None:
        first.say(name, "REQUIRED", "必填,不能为空。")
    return value, source


def given(node: Node, name: str) -> bool:
    """Whether the field is there and not empty."""
    return node.values.get(name) not in (None, "")


def agreed_text(name: str, nodes: Iterable[Node], *, required: bool) -> tuple[str, Node | None]:
    """`agreed` for a text; "" where no node gives it."""
    value, source = agreed(name, nodes, lambda node: node.text(name), required=required)
    return value or "", source


def agreed_code(
    name: str, nodes: Iterable[Node], known: Mapping[str, T], *, required: bool
) -> tuple[T | None, Node | None]:
    """`agreed` for a code."""
    return agreed(name, nodes, lambda node: node.code(name, known), required=required)
