"""A Core statement compiled once a dialect, for the hot path: a fraction of the usual cost.

Only for statements whose parameters are plain str, int, bytes or None and whose text does not
depend on them (no IN list, no LIMIT), inside a transaction that has begun. `rows` goes through
SQLAlchemy for its rows; `write` goes to the driver and gives back SQLAlchemy's errors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, CursorResult, Delete, Insert, Select, Update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

from gateway.domain.errors import InvariantViolated

Values = Mapping[str, Any]


class Prepared:
    """One statement; its parameters are given by name."""

    def __init__(self, statement: Select[*tuple[Any, ...]] | Insert | Update | Delete) -> None:
        self._statement = statement
        self._compiled: dict[str, tuple[str, Sequence[str] | None]] = {}

    def rows(self, connection: Connection, values: Values) -> CursorResult[Any]:
        """Run a query."""
        sql, names = self._for(connection)
        return connection.exec_driver_sql(sql, _ordered(values, names))

    def write(self, connection: Connection, *many: Values) -> int:
        """Run it once for each set of values; answers the number of rows touched by the last call.

        Raises what SQLAlchemy would raise (IntegrityError, OperationalError …).
        """
        sql, names = self._for(connection)
        driver = connection.dialect.loaded_dbapi
        cursor = connection.connection.cursor()
        try:
            for values in many:
                cursor.execute(sql, _ordered(values, names))
            return cursor.rowcount
        except driver.Error as error:
            raise DBAPIError.instance(
                sql, None, error, driver.Error, hide_parameters=True, dialect=connection.dialect
            ) from error
        finally:
            cursor.close()

    def _for(self, connection: Connection) -> tuple[str, Sequence[str] | None]:
        known = self._compiled.get(connection.dialect.name)
        if known is not None:
            return known
        compiled = self._statement.compile(dialect=connection.dialect)
        if not isinstance(compiled, SQLCompiler):
            raise InvariantViolated("only a query can be prepared")
        made = (compiled.string, compiled.positiontup if compiled.positional else None)
        self._compiled[connection.dialect.name] = made
        return made


def _ordered(values: Values, names: Sequence[str] | None) -> Any:
    """As the driver's parameter style wants them."""
    return dict(values) if names is None else tuple(values[name] for name in names)
