"""docs/schema.sql: the schema as a migrated database really has it.

`python -m gateway.store.schema` prints it; a test compares the committed file with the print.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from gateway.store.engine import read_engine
from gateway.store.migrate import migrate_database

HEADER = """\
-- The SQL schema of the gateway (SQLite), as the migrations build it.
-- Generated: python -m gateway.store.schema > docs/schema.sql
-- Columns are explained in ledger/tables.py and gateway/store/tables.py.
"""
_OBJECTS = (
    "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' "
    "ORDER BY tbl_name, CASE type WHEN 'table' THEN 0 WHEN 'index' THEN 1 ELSE 2 END, name"
)


def schema_sql(database: Path) -> str:
    """Tables with their indexes and triggers, by name."""
    engine = read_engine(database)
    try:
        with engine.connect() as connection:
            statements = connection.exec_driver_sql(_OBJECTS).scalars().all()
    finally:
        engine.dispose()
    # CREATE TABLE comes with the tabs and trailing spaces of SQLAlchemy's compiler.
    tidy = [
        "\n".join(line.rstrip().replace("\t", "  ") for line in text.strip().splitlines())
        for text in statements
    ]
    return HEADER + "".join(f"\n{text};\n" for text in tidy)


def fresh_schema_sql() -> str:
    """The schema of a database made just now."""
    with tempfile.TemporaryDirectory() as directory:
        database = Path(directory, "yrd.db")
        migrate_database(database)
        return schema_sql(database)


if __name__ == "__main__":
    sys.stdout.write(fresh_schema_sql())
