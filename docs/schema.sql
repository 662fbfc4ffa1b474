-- The SQL schema of the gateway (SQLite), as the migrations build it.
-- Generated: python -m gateway.store.schema > docs/schema.sql
-- Columns are explained in ledger/tables.py and gateway/store/tables.py.

CREATE TABLE alembic_version (
  version_num VARCHAR(32) NOT NULL,
  CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

CREATE TABLE claim (
  claim_id VARCHAR(64) NOT NULL,
  institution_code VARCHAR(12) NOT NULL,
  request_id VARCHAR(128) NOT NULL,
  reversal_request_id VARCHAR(128),
  state VARCHAR(24) NOT NULL,
  version INTEGER NOT NULL,
  visited_region VARCHAR(6) NOT NULL,
  insured_region VARCHAR(6) NOT NULL,
  visit_kind VARCHAR(16) NOT NULL,
  batch_index BLOB NOT NULL,
  subject_ref VARCHAR(64) NOT NULL,
  clearing_window VARCHAR(7) NOT NULL,
  created_us BIGINT NOT NULL,
  updated_us BIGINT NOT NULL,
  work_due_us BIGINT,
  body BLOB,
  answer BLOB,
  key_version INTEGER NOT NULL, reconcile_due_us BIGINT,
  PRIMARY KEY (claim_id),
  CONSTRAINT claim_request UNIQUE (institution_code, request_id)
);

CREATE INDEX claim_batch ON claim (batch_index);

CREATE INDEX claim_listing ON claim (institution_code, created_us, claim_id);

CREATE INDEX claim_provisional ON claim (claim_id) WHERE state IN ('REVERSAL_SENT', 'REVERSAL_UNKNOWN', 'REVIEW', 'UNKNOWN');

CREATE INDEX claim_reconcile ON claim (reconcile_due_us) WHERE reconcile_due_us IS NOT NULL;

CREATE INDEX claim_reversed ON claim (institution_code, updated_us) WHERE state = 'REVERSED';

CREATE INDEX claim_subject ON claim (subject_ref);

CREATE INDEX claim_work ON claim (work_due_us) WHERE work_due_us IS NOT NULL;

CREATE TABLE claim_entry (
  entry_id VARCHAR(64) NOT NULL,
  claim_id VARCHAR(64) NOT NULL,
  kind VARCHAR(8) NOT NULL,
  leaf_index INTEGER NOT NULL,
  PRIMARY KEY (entry_id)
);

CREATE INDEX claim_entry_claim ON claim_entry (claim_id);

CREATE TRIGGER claim_entry_no_delete BEFORE DELETE ON claim_entry BEGIN SELECT RAISE(ABORT, 'claim_entry is append-only'); END;

CREATE TRIGGER claim_entry_no_replace BEFORE INSERT ON claim_entry WHEN EXISTS (SELECT 1 FROM claim_entry WHERE entry_id = NEW.entry_id) BEGIN SELECT RAISE(ABORT, 'claim_entry is append-only'); END;

CREATE TRIGGER claim_entry_no_update BEFORE UPDATE ON claim_entry BEGIN SELECT RAISE(ABORT, 'claim_entry is append-only'); END;

CREATE TABLE dictionary_code (
  region VARCHAR(2) NOT NULL,
  kind VARCHAR(30) NOT NULL,
  code VARCHAR NOT NULL,
  valid_from VARCHAR(10) NOT NULL,
  label VARCHAR NOT NULL,
  parent VARCHAR NOT NULL,
  valid INTEGER NOT NULL,
  version VARCHAR NOT NULL,
  msgid VARCHAR(30) NOT NULL,
  PRIMARY KEY (region, kind, code, valid_from)
);

CREATE TRIGGER dictionary_code_no_delete BEFORE DELETE ON dictionary_code BEGIN SELECT RAISE(ABORT, 'dictionary_code is append-only'); END;

CREATE TRIGGER dictionary_code_no_replace BEFORE INSERT ON dictionary_code WHEN EXISTS (SELECT 1 FROM dictionary_code WHERE region = NEW.region AND kind = NEW.kind AND code = NEW.code AND valid_from = NEW.valid_from) BEGIN SELECT RAISE(ABORT, 'dictionary_code is append-only'); END;

CREATE TRIGGER dictionary_code_no_update BEFORE UPDATE ON dictionary_code BEGIN SELECT RAISE(ABORT, 'dictionary_code is append-only'); END;

CREATE TABLE dictionary_load (
  msgid VARCHAR(30) NOT NULL,
  region VARCHAR(2) NOT NULL,
  kind VARCHAR(30) NOT NULL,
  day VARCHAR(10) NOT NULL,
  codes INTEGER NOT NULL,
  loaded_us BIGINT NOT NULL,
  PRIMARY KEY (msgid)
);

CREATE INDEX dictionary_load_kind ON dictionary_load (region, kind, day);

CREATE TRIGGER dictionary_load_no_delete BEFORE DELETE ON dictionary_load BEGIN SELECT RAISE(ABORT, 'dictionary_load is append-only'); END;

CREATE TRIGGER dictionary_load_no_replace BEFORE INSERT ON dictionary_load WHEN EXISTS (SELECT 1 FROM dictionary_load WHERE msgid = NEW.msgid) BEGIN SELECT RAISE(ABORT, 'dictionary_load is append-only'); END;

CREATE TRIGGER dictionary_load_no_update BEFORE UPDATE ON dictionary_load BEGIN SELECT RAISE(ABORT, 'dictionary_load is append-only'); END;

CREATE TABLE exchange (
  exchange_id VARCHAR(48) NOT NULL,
  msgid VARCHAR(30) NOT NULL,
  subject_ref VARCHAR(64) NOT NULL,
  transaction_code VARCHAR(16) NOT NULL,
  outcome VARCHAR(16) NOT NULL,
  request BLOB NOT NULL,
  reply BLOB,
  recorded_us BIGINT NOT NULL,
  PRIMARY KEY (exchange_id)
);

CREATE INDEX exchange_msgid ON exchange (msgid);

CREATE TRIGGER exchange_no_delete BEFORE DELETE ON exchange BEGIN SELECT RAISE(ABORT, 'exchange is append-only'); END;

CREATE TRIGGER exchange_no_replace BEFORE INSERT ON exchange WHEN EXISTS (SELECT 1 FROM exchange WHERE exchange_id = NEW.exchange_id) BEGIN SELECT RAISE(ABORT, 'exchange is append-only'); END;

CREATE TRIGGER exchange_no_update BEFORE UPDATE ON exchange BEGIN SELECT RAISE(ABORT, 'exchange is append-only'); END;

CREATE TABLE ledger_balance (
  account VARCHAR(160) NOT NULL,
  pending_debit_fen BIGINT NOT NULL,
  pending_credit_fen BIGINT NOT NULL,
  posted_debit_fen BIGINT NOT NULL,
  posted_credit_fen BIGINT NOT NULL,
  PRIMARY KEY (account)
)
 WITHOUT ROWID;

CREATE TABLE ledger_checkpoint (
  size INTEGER NOT NULL,
  note VARCHAR NOT NULL,
  signed_us BIGINT NOT NULL,
  PRIMARY KEY (size)
);

CREATE TRIGGER ledger_checkpoint_no_delete BEFORE DELETE ON ledger_checkpoint BEGIN SELECT RAISE(ABORT, 'ledger_checkpoint is append-only: add an entry that corrects it'); END;

CREATE TRIGGER ledger_checkpoint_no_replace BEFORE INSERT ON ledger_checkpoint WHEN EXISTS (SELECT 1 FROM ledger_checkpoint WHERE size = NEW.size) BEGIN SELECT RAISE(ABORT, 'ledger_checkpoint is append-only: add an entry that corrects it'); END;

CREATE TRIGGER ledger_checkpoint_no_update BEFORE UPDATE ON ledger_checkpoint BEGIN SELECT RAISE(ABORT, 'ledger_checkpoint is append-only: add an entry that corrects it'); END;

CREATE TABLE ledger_cosignature (
  size INTEGER NOT NULL,
  witness VARCHAR(255) NOT NULL,
  line VARCHAR NOT NULL,
  received_us BIGINT NOT NULL,
  PRIMARY KEY (size, witness)
)
 WITHOUT ROWID;

CREATE TRIGGER ledger_cosignature_no_delete BEFORE DELETE ON ledger_cosignature BEGIN SELECT RAISE(ABORT, 'ledger_cosignature is append-only: add an entry that corrects it'); END;

CREATE TRIGGER ledger_cosignature_no_replace BEFORE INSERT ON ledger_cosignature WHEN EXISTS (SELECT 1 FROM ledger_cosignature WHERE size = NEW.size AND witness = NEW.witness) BEGIN SELECT RAISE(ABORT, 'ledger_cosignature is append-only: add an entry that corrects it'); END;

CREATE TRIGGER ledger_cosignature_no_update BEFORE UPDATE ON ledger_cosignature BEGIN SELECT RAISE(ABORT, 'ledger_cosignature is append-only: add an entry that corrects it'); END;

CREATE TABLE ledger_entry (
  entry_id VARCHAR(64) NOT NULL,
  kind VARCHAR(8) NOT NULL,
  resolves VARCHAR(64),
  reverses VARCHAR(64),
  leaf_index INTEGER NOT NULL,
  recorded_us BIGINT NOT NULL,
  seal_salt BLOB, linked VARCHAR(64), expires_us BIGINT,
  PRIMARY KEY (entry_id),
  CONSTRAINT entry_kind CHECK (kind IN ('pending', 'posted', 'voided', 'expired'))
)
 WITHOUT ROWID;

CREATE INDEX ledger_entry_expires ON ledger_entry (expires_us) WHERE expires_us IS NOT NULL;

CREATE UNIQUE INDEX ledger_entry_leaf ON ledger_entry (leaf_index);

CREATE UNIQUE INDEX ledger_entry_resolves ON ledger_entry (resolves) WHERE resolves IS NOT NULL;

CREATE UNIQUE INDEX ledger_entry_reverses ON ledger_entry (reverses) WHERE reverses IS NOT NULL AND kind = 'posted';

CREATE TRIGGER ledger_entry_no_delete BEFORE DELETE ON ledger_entry BEGIN SELECT RAISE(ABORT, 'ledger_entry is append-only: add an entry that corrects it'); END;

CREATE TRIGGER ledger_entry_no_replace BEFORE INSERT ON ledger_entry WHEN EXISTS (SELECT 1 FROM ledger_entry WHERE entry_id = NEW.entry_id) OR EXISTS (SELECT 1 FROM ledger_entry WHERE leaf_index = NEW.leaf_index) OR EXISTS (SELECT 1 FROM ledger_entry WHERE resolves = NEW.resolves) OR EXISTS (SELECT 1 FROM ledger_entry WHERE reverses = NEW.reverses AND kind = NEW.kind AND kind = 'posted') BEGIN SELECT RAISE(ABORT, 'ledger_entry is append-only: add an entry that corrects it'); END;

CREATE TRIGGER ledger_entry_no_update BEFORE UPDATE ON ledger_entry BEGIN SELECT RAISE(ABORT, 'ledger_entry is append-only: add an entry that corrects it'); END;

CREATE TABLE ledger_head (
  head_id INTEGER NOT NULL,
  size BIGINT NOT NULL,
  compact_range BLOB NOT NULL,
  PRIMARY KEY (head_id),
  CONSTRAINT one_head CHECK (head_id = 1)
);

CREATE TABLE ledger_leaf (
  leaf_index INTEGER NOT NULL,
  leaf BLOB NOT NULL,
  leaf_hash BLOB NOT NULL,
  PRIMARY KEY (leaf_index)
);

CREATE TRIGGER ledger_leaf_no_delete BEFORE DELETE ON ledger_leaf BEGIN SELECT RAISE(ABORT, 'ledger_leaf is append-only: add an entry that corrects it'); END;

CREATE TRIGGER ledger_leaf_no_replace BEFORE INSERT ON ledger_leaf WHEN EXISTS (SELECT 1 FROM ledger_leaf WHERE leaf_index = NEW.leaf_index) BEGIN SELECT RAISE(ABORT, 'ledger_leaf is append-only: add an entry that corrects it'); END;

CREATE TRIGGER ledger_leaf_no_update BEFORE UPDATE ON ledger_leaf BEGIN SELECT RAISE(ABORT, 'ledger_leaf is append-only: add an entry that corrects it'); END;

CREATE TABLE ledger_leg (
  entry_id VARCHAR(64) NOT NULL,
  leg_no INTEGER NOT NULL,
  debit VARCHAR(160) NOT NULL,
  credit VARCHAR(160) NOT NULL,
  amount_fen BIGINT NOT NULL,
  PRIMARY KEY (entry_id, leg_no),
  CONSTRAINT leg_amount CHECK (amount_fen > 0)
)
 WITHOUT ROWID;

CREATE TRIGGER ledger_leg_no_delete BEFORE DELETE ON ledger_leg BEGIN SELECT RAISE(ABORT, 'ledger_leg is append-only: add an entry that corrects it'); END;

CREATE TRIGGER ledger_leg_no_replace BEFORE INSERT ON ledger_leg WHEN EXISTS (SELECT 1 FROM ledger_leg WHERE entry_id = NEW.entry_id AND leg_no = NEW.leg_no) BEGIN SELECT RAISE(ABORT, 'ledger_leg is append-only: add an entry that corrects it'); END;

CREATE TRIGGER ledger_leg_no_update BEFORE UPDATE ON ledger_leg BEGIN SELECT RAISE(ABORT, 'ledger_leg is append-only: add an entry that corrects it'); END;

CREATE TABLE ledger_limit (
  limit_id VARCHAR(64) NOT NULL,
  account VARCHAR(160) NOT NULL,
  drawn_by VARCHAR(160),
  floor_fen BIGINT NOT NULL,
  enforcement VARCHAR(8) NOT NULL,
  valid_from_us BIGINT NOT NULL,
  valid_until_us BIGINT,
  source VARCHAR NOT NULL,
  leaf_index INTEGER NOT NULL,
  salt BLOB NOT NULL,
  PRIMARY KEY (limit_id)
)
 WITHOUT ROWID;

CREATE UNIQUE INDEX ledger_limit_leaf ON ledger_limit (leaf_index);

CREATE TRIGGER ledger_limit_no_delete BEFORE DELETE ON ledger_limit BEGIN SELECT RAISE(ABORT, 'ledger_limit is append-only: add an entry that corrects it'); END;

CREATE TRIGGER ledger_limit_no_replace BEFORE INSERT ON ledger_limit WHEN EXISTS (SELECT 1 FROM ledger_limit WHERE limit_id = NEW.limit_id) OR EXISTS (SELECT 1 FROM ledger_limit WHERE leaf_index = NEW.leaf_index) BEGIN SELECT RAISE(ABORT, 'ledger_limit is append-only: add an entry that corrects it'); END;

CREATE TRIGGER ledger_limit_no_update BEFORE UPDATE ON ledger_limit BEGIN SELECT RAISE(ABORT, 'ledger_limit is append-only: add an entry that corrects it'); END;

CREATE TABLE ledger_log (
  leaf_index INTEGER NOT NULL,
  vkey VARCHAR NOT NULL,
  valid_from_s BIGINT,
  valid_until_s BIGINT,
  next_vkey VARCHAR NOT NULL,
  closed_us BIGINT NOT NULL,
  reason VARCHAR NOT NULL,
  seen_vkey VARCHAR,
  seen_size BIGINT,
  seen_note VARCHAR,
  salt BLOB NOT NULL,
  PRIMARY KEY (leaf_index)
);

CREATE TRIGGER ledger_log_no_delete BEFORE DELETE ON ledger_log BEGIN SELECT RAISE(ABORT, 'ledger_log is append-only: add an entry that corrects it'); END;

CREATE TRIGGER ledger_log_no_replace BEFORE INSERT ON ledger_log WHEN EXISTS (SELECT 1 FROM ledger_log WHERE leaf_index = NEW.leaf_index) BEGIN SELECT RAISE(ABORT, 'ledger_log is append-only: add an entry that corrects it'); END;

CREATE TRIGGER ledger_log_no_update BEFORE UPDATE ON ledger_log BEGIN SELECT RAISE(ABORT, 'ledger_log is append-only: add an entry that corrects it'); END;

CREATE TABLE ledger_tile (
  level INTEGER NOT NULL,
  tile_index INTEGER NOT NULL,
  hashes BLOB NOT NULL,
  root BLOB NOT NULL,
  PRIMARY KEY (level, tile_index)
)
 WITHOUT ROWID;

CREATE INDEX ledger_tile_root ON ledger_tile (level, tile_index, root);

CREATE TRIGGER ledger_tile_no_delete BEFORE DELETE ON ledger_tile BEGIN SELECT RAISE(ABORT, 'ledger_tile is append-only: add an entry that corrects it'); END;

CREATE TRIGGER ledger_tile_no_replace BEFORE INSERT ON ledger_tile WHEN EXISTS (SELECT 1 FROM ledger_tile WHERE level = NEW.level AND tile_index = NEW.tile_index) BEGIN SELECT RAISE(ABORT, 'ledger_tile is append-only: add an entry that corrects it'); END;

CREATE TRIGGER ledger_tile_no_update BEFORE UPDATE ON ledger_tile BEGIN SELECT RAISE(ABORT, 'ledger_tile is append-only: add an entry that corrects it'); END;

CREATE TABLE message (
  msgid VARCHAR(30) NOT NULL,
  claim_id VARCHAR(64) NOT NULL,
  transaction_code VARCHAR(16) NOT NULL,
  region VARCHAR(6) NOT NULL,
  PRIMARY KEY (msgid)
);

CREATE INDEX message_claim ON message (claim_id);

CREATE TRIGGER message_no_delete BEFORE DELETE ON message BEGIN SELECT RAISE(ABORT, 'message is append-only'); END;

CREATE TRIGGER message_no_replace BEFORE INSERT ON message WHEN EXISTS (SELECT 1 FROM message WHERE msgid = NEW.msgid) BEGIN SELECT RAISE(ABORT, 'message is append-only'); END;

CREATE TRIGGER message_no_update BEFORE UPDATE ON message BEGIN SELECT RAISE(ABORT, 'message is append-only'); END;

CREATE TABLE msgid_sequence (
  institution_code VARCHAR(12) NOT NULL,
  lane INTEGER NOT NULL,
  next_number BIGINT NOT NULL,
  second BIGINT NOT NULL,
  second_start BIGINT NOT NULL,
  PRIMARY KEY (institution_code, lane),
  CONSTRAINT msgid_lane CHECK (lane IN (0, 1))
);

CREATE TABLE opening (
  leaf_index INTEGER NOT NULL,
  subject_ref VARCHAR(64) NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (leaf_index)
);

CREATE INDEX opening_subject ON opening (subject_ref);

CREATE TRIGGER opening_no_replace BEFORE INSERT ON opening WHEN EXISTS (SELECT 1 FROM opening WHERE leaf_index = NEW.leaf_index) BEGIN SELECT RAISE(ABORT, 'opening is append-only'); END;

CREATE TRIGGER opening_no_update BEFORE UPDATE ON opening BEGIN SELECT RAISE(ABORT, 'opening is append-only'); END;

CREATE TABLE outbox (
  item_id VARCHAR(64) NOT NULL,
  kind VARCHAR(32) NOT NULL,
  claim_id VARCHAR(64) NOT NULL,
  region VARCHAR(6) NOT NULL,
  due_us BIGINT NOT NULL,
  attempts INTEGER NOT NULL,
  last_error VARCHAR(200) NOT NULL,
  done_us BIGINT,
  PRIMARY KEY (item_id)
);

CREATE INDEX outbox_due ON outbox (due_us) WHERE done_us IS NULL;

CREATE TABLE reversal_request (
  institution_code VARCHAR(12) NOT NULL,
  request_id VARCHAR(128) NOT NULL,
  claim_id VARCHAR(64) NOT NULL,
  request_hash VARCHAR(64) NOT NULL,
  PRIMARY KEY (institution_code, request_id)
);

CREATE TRIGGER reversal_request_no_delete BEFORE DELETE ON reversal_request BEGIN SELECT RAISE(ABORT, 'reversal_request is append-only'); END;

CREATE TRIGGER reversal_request_no_replace BEFORE INSERT ON reversal_request WHEN EXISTS (SELECT 1 FROM reversal_request WHERE institution_code = NEW.institution_code AND request_id = NEW.request_id) BEGIN SELECT RAISE(ABORT, 'reversal_request is append-only'); END;

CREATE TRIGGER reversal_request_no_update BEFORE UPDATE ON reversal_request BEGIN SELECT RAISE(ABORT, 'reversal_request is append-only'); END;

CREATE TABLE subject (
  subject_ref VARCHAR(64) NOT NULL,
  id_index BLOB,
  index_epoch INTEGER NOT NULL,
  wrapped_uid BLOB,
  wrapped_dek BLOB,
  kek_id VARCHAR(32) NOT NULL,
  created_us BIGINT NOT NULL,
  erased_us BIGINT,
  PRIMARY KEY (subject_ref),
  CONSTRAINT subject_id_index UNIQUE (index_epoch, id_index)
);

CREATE TABLE unknown_code (
  region VARCHAR(2) NOT NULL,
  field VARCHAR(40) NOT NULL,
  code VARCHAR(40) NOT NULL,
  kind VARCHAR(30) NOT NULL,
  first_us BIGINT NOT NULL,
  last_us BIGINT NOT NULL,
  count BIGINT NOT NULL,
  msgid VARCHAR(30) NOT NULL,
  PRIMARY KEY (region, field, code)
);
