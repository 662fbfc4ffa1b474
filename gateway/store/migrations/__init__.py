"""数据库迁移: one file per revision, expand–contract, never edited after a release."""
