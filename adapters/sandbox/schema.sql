-- State of one stand-in platform. Amounts are integer fen; times are local text (Asia/Shanghai) as
-- the platform answers them. Rows of settlements are added, never edited, except for reversed_by.

CREATE TABLE IF NOT EXISTS persons (
  psn_no TEXT PRIMARY KEY,
  certno TEXT NOT NULL UNIQUE,
  token TEXT NOT NULL,          -- 电子凭证 (mdtrt_cert_type 01)
  card_no TEXT NOT NULL,        -- 社会保障卡 (03)
  name TEXT NOT NULL,
  gend TEXT NOT NULL,
  brdy TEXT NOT NULL,
  filed TEXT NOT NULL           -- pooling regions with a filing (备案), space separated
);
CREATE TABLE IF NOT EXISTS insured (
  psn_no TEXT NOT NULL REFERENCES persons,
  insutype TEXT NOT NULL,
  area TEXT NOT NULL,           -- insuplc_admdvs
  kind TEXT NOT NULL,           -- active, retired, adult_19_59, senior_60_plus, student
  status TEXT NOT NULL,         -- 1 active, 4 paused
  employer TEXT NOT NULL,
  balance_fen INTEGER NOT NULL CHECK (balance_fen >= 0),
  PRIMARY KEY (psn_no, insutype, area)
);
-- What a person had used before this state began; it counts in every insurance year.
CREATE TABLE IF NOT EXISTS baselines (
  psn_no TEXT NOT NULL, insutype TEXT NOT NULL, code TEXT NOT NULL, value INTEGER NOT NULL,
  PRIMARY KEY (psn_no, insutype, code)
);
CREATE TABLE IF NOT EXISTS accumulators (
  psn_no TEXT NOT NULL, insutype TEXT NOT NULL, year TEXT NOT NULL, code TEXT NOT NULL,
  value INTEGER NOT NULL,       -- fen, except STAY: a number of stays
  PRIMARY KEY (psn_no, insutype, year, code)
);
CREATE TABLE IF NOT EXISTS visits (
  mdtrt_id TEXT PRIMARY KEY,
  inpatient INTEGER NOT NULL,
  psn_no TEXT NOT NULL,
  insutype TEXT NOT NULL,
  area TEXT NOT NULL,
  visited_area TEXT NOT NULL,
  institution TEXT NOT NULL,
  number TEXT NOT NULL,         -- ipt_otp_no or ipt_no
  med_type TEXT NOT NULL,       -- '' until 2203
  began TEXT NOT NULL,
  ended TEXT NOT NULL,
  msgid TEXT NOT NULL,
  cancelled INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS lines (
  mdtrt_id TEXT NOT NULL REFERENCES visits,
  feedetl_sn TEXT NOT NULL,
  batch TEXT NOT NULL,
  item TEXT NOT NULL,
  day TEXT NOT NULL,            -- of the catalogue; a refund's is its original's
  approval TEXT NOT NULL,       -- hosp_appr_flag, likewise
  quantity TEXT NOT NULL,
  price TEXT NOT NULL,
  refund_of TEXT NOT NULL,
  total_fen INTEGER NOT NULL,
  own_fen INTEGER NOT NULL,
  over_fen INTEGER NOT NULL,
  preself_fen INTEGER NOT NULL,
  inscp_fen INTEGER NOT NULL,
  setl_id TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (mdtrt_id, feedetl_sn)
);
CREATE TABLE IF NOT EXISTS settlements (
  setl_id TEXT PRIMARY KEY,
  msgid TEXT NOT NULL,
  infno TEXT NOT NULL,
  mdtrt_id TEXT NOT NULL REFERENCES visits,
  batch TEXT NOT NULL,
  psn_no TEXT NOT NULL,
  insutype TEXT NOT NULL,
  area TEXT NOT NULL,
  year TEXT NOT NULL,
  setl_time TEXT NOT NULL,
  amounts TEXT NOT NULL,        -- JSON of fen by part
  moves TEXT NOT NULL,          -- JSON of accumulator code → change
  cancels TEXT NOT NULL DEFAULT '',      -- setl_id that this row takes back
  reversed_by TEXT NOT NULL DEFAULT ''   -- setl_id of the row that takes this one back
);
CREATE INDEX IF NOT EXISTS settlements_by_msgid ON settlements (msgid);
CREATE INDEX IF NOT EXISTS settlements_by_time ON settlements (setl_time);
CREATE TABLE IF NOT EXISTS messages (
  msgid TEXT PRIMARY KEY,
  infno TEXT NOT NULL,
  digest TEXT NOT NULL,         -- of the input, so that a reused msgid with another body shows
  times INTEGER NOT NULL,
  refmsgid TEXT NOT NULL,
  infcode INTEGER NOT NULL,
  err_msg TEXT NOT NULL,
  output TEXT NOT NULL          -- '' for reads: they are answered anew
);
CREATE TABLE IF NOT EXISTS barred (msgid TEXT PRIMARY KEY);  -- reversed by 2601 before it arrived
CREATE TABLE IF NOT EXISTS visited_settlements (
  setl_sn TEXT NOT NULL, negative INTEGER NOT NULL, row TEXT NOT NULL, times INTEGER NOT NULL,
  PRIMARY KEY (setl_sn, negative)
);
CREATE TABLE IF NOT EXISTS files (
  query_no TEXT PRIMARY KEY,
  institution TEXT NOT NULL,
  filename TEXT NOT NULL,
  until TEXT NOT NULL,          -- dld_endtime; dropped some time after it
  data BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
