"""驱动: statements of the hot path, given to the driver itself on the caller's connection.

SQLAlchemy makes a result, a context and a compiled statement of each call; here a statement is a
text for one dialect. Errors are SQLAlchemy's, without parameters. Never begins or ends a
transaction; the caller's must have begun.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

Row = tuple[Any, ...]


def fetch(connection: Connection, sql: str, values: Sequence[Any] = ()) -> list[Row]:
    """All rows of a query."""
    driver = connection.dialect.loaded_dbapi
    cursor = connection.connection.cursor()
    try:
        cursor.execute(sql, values)
        return list(cursor.fetchall())
    except driver.Error as error:
        raise as_dbapi_error(connection, sql, error) from error
    finally:
        cursor.close()


def run(connection: Connection, sql: str, values: Sequence[Any] = ()) -> int:
    """One statement; answers the number of rows it touched."""
    driver = connection.dialect.loaded_dbapi
    cursor = connection.connection.cursor()
    try:
        cursor.execute(sql, values)
        return int(cursor.rowcount)
    except driver.Error as error:
        raise as_dbapi_error(connection, sql, error) from error
    finally:
        cursor.close()


def run_many(connection: Connection, sql: str, rows: Sequence[Sequence[Any]]) -> None:
    """One statement for each row."""
    driver = connection.dialect.loaded_dbapi
    cursor = connection.connection.cursor()
    try:
        cursor.executemany(sql, rows)
    except driver.Error as error:
        raise as_dbapi_error(connection, sql, error) from error
    finally:
        cursor.close()


def as_dbapi_error(connection: Connection, sql: str, error: Any) -> Exception:
    """The driver's error as SQLAlchemy would raise it, without parameters."""
    driver = connection.dialect.loaded_dbapi
    return DBAPIError.instance(  # type: ignore[no-any-return, unused-ignore]  # typed as Any by some releases
        sql, None, error, driver.Error, hide_parameters=True, dialect=connection.dialect
    )
