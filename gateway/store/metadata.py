"""The whole schema: the ledger's tables and the gateway's, in one place for migrations and docs."""

from __future__ import annotations

from sqlalchemy import MetaData
from sqlmodel import SQLModel

import gateway.store.tables
import ledger.tables

METADATA: MetaData = SQLModel.metadata
TABLES = (*ledger.tables.TABLES, *gateway.store.tables.TABLES)
