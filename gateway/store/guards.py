"""What may never be changed: triggers on the gateway's own evidence tables.

Messages, exchanges, the claims' entries, the ids of reversals and the regions' dictionaries are
insert-only. Openings are
never changed but may be deleted: that is how a person is erased. The ledger's tables have their own
(ledger/tables.py).
"""

from __future__ import annotations

from collections.abc import Sequence

INSERT_ONLY = {
    "message": ("msgid",),
    "exchange": ("exchange_id",),
    "claim_entry": ("entry_id",),
    "reversal_request": ("institution_code", "request_id"),
    "dictionary_load": ("msgid",),
    "dictionary_code": ("region", "kind", "code", "valid_from"),
}
"""Table → its key."""
DELETABLE = {"opening": ("leaf_index",)}
"""Never changed, but deleted when a person is erased."""


SINCE_0007 = ("dictionary_load", "dictionary_code")
"""Tables that the first schema did not have."""


def guard_ddl(dialect: str) -> list[str]:
    """One statement a trigger; run once, in the first migration, after the ledger's own."""
    return _guard(dialect, [t for t in INSERT_ONLY | DELETABLE if t not in SINCE_0007])


def guard_ddl_0007(dialect: str) -> list[str]:
    """Those of the dictionaries."""
    return _guard(dialect, SINCE_0007)


def _guard(dialect: str, tables: Sequence[str]) -> list[str]:
    if dialect == "sqlite":
        return [ddl for table in tables for ddl in _sqlite(table)]
    if dialect == "postgresql":
        return [ddl for table in tables for ddl in _postgresql(table)]
    raise ValueError(f"the gateway does not run on {dialect}: use sqlite or postgresql")


def _sqlite(table: str) -> list[str]:
    key = (INSERT_ONLY | DELETABLE)[table]
    same = " AND ".join(f"{column} = NEW.{column}" for column in key)
    refused = f"SELECT RAISE(ABORT, '{table} is append-only')"
    verbs = ("UPDATE",) if table in DELETABLE else ("UPDATE", "DELETE")
    made = [
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} BEGIN {refused}; END"
        for verb in verbs
    ]
    # INSERT OR REPLACE would delete the old row without firing a DELETE trigger.
    made.append(
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "
        f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) BEGIN {refused}; END"
    )
    return made


def _postgresql(table: str) -> list[str]:
    verbs = "UPDATE" if table in DELETABLE else "UPDATE OR DELETE"
    refuse = "EXECUTE FUNCTION ledger_refuse_change()"
    return [
        f"CREATE TRIGGER {table}_no_change BEFORE {verbs} ON {table} FOR EACH ROW {refuse}",
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
        f"FOR EACH STATEMENT {refuse}",
    ]
