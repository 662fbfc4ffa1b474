"""A Core statement compiled once a dialect, for the hot path: half the cost of executing it anew.

Only for statements whose parameters are plain str, int, bytes or None and whose text does not
depend on them (no IN list, no LIMIT). Rows come back as the driver gives them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, CursorResult, Delete, Insert, Select, Update
from sqlalchemy.sql.compiler import SQLCompiler

from gateway.domain.errors import InvariantViolated

Values = Mapping[str, Any]


class Prepared:
    """Call it with a connection and its parameters by name (a list of them for many rows)."""

    def __init__(self, statement: Select[*tuple[Any, ...]] | Insert | Update | Delete) -> None:
        self._statement = statement
        self._compiled: dict[str, tuple[str, Sequence[str] | None]] = {}

    def __call__(
        self, connection: Connection, values: Values | Sequence[Values] = ()
    ) -> CursorResult[Any]:
        known = self._compiled.get(connection.dialect.name)
        sql, names = known or self._compile(connection)
        if names is None:
            return connection.exec_driver_sql(sql, values)
        if isinstance(values, Mapping):
            return connection.exec_driver_sql(sql, tuple(values[name] for name in names))
        many = [tuple(row[name] for name in names) for row in values]
        return connection.exec_driver_sql(sql, many or None)

    def _compile(self, connection: Connection) -> tuple[str, Sequence[str] | None]:
        compiled = self._statement.compile(dialect=connection.dialect)
        if not isinstance(compiled, SQLCompiler):
            raise InvariantViolated("only a query can be prepared")
        made = (compiled.string, compiled.positiontup if compiled.positional else None)
        self._compiled[connection.dialect.name] = made
        return made
