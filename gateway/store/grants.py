"""数据库权限: what the gateways' PostgreSQL role may do, table by table, and nothing else.

Journal, log and evidence: read and add, never change. An opening may be deleted (erasure). The rest
is state and may be updated. Tables belong to the role that migrates, with which nobody serves.
"""

from __future__ import annotations

import re

from sqlalchemy import Connection, text

from gateway.store.errors import StoreRefused
from gateway.store.guards import DELETABLE, INSERT_ONLY
from gateway.store.metadata import TABLES
from ledger.tables import IMMUTABLE

_ROLE = re.compile(r"[a-z_][a-z0-9_]{0,62}")


def grant_ddl(role: str) -> list[str]:
    """Statements for the owner; running them again changes nothing. Raises StoreRefused."""
    if not _ROLE.fullmatch(role):
        raise StoreRefused("ROLE_NAME", "用户名只能含小写字母、数字和下划线。")
    made = [
        "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC",
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}",
        f"GRANT USAGE ON SCHEMA public TO {role}",
        f"GRANT SELECT ON alembic_version TO {role}",
    ]
    for table in TABLES:
        made.append(f"GRANT {_verbs(table.name)} ON {table.name} TO {role}")
    return made


def _verbs(table: str) -> str:
    if table in IMMUTABLE or table in INSERT_ONLY:
        return "SELECT, INSERT"
    if table in DELETABLE:
        return "SELECT, INSERT, DELETE"
    if table == "ledger_head":
        return "SELECT, UPDATE"
    return "SELECT, INSERT, UPDATE"


def refuse_no_role(connection: Connection, role: str) -> None:
    """Raises StoreRefused for a role that is not there."""
    known = text("SELECT 1 FROM pg_roles WHERE rolname = :role")
    if connection.execute(known, {"role": role}).scalar() is None:
        raise StoreRefused(
            "ROLE_MISSING", f"数据库用户 {role} 不存在:请先执行 deploy/postgresql.sql。"
        )
