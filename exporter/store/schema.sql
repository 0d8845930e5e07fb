-- One state file: what was counted, and the totals, of all targets. Plain SQL with few types, so that another
-- database can carry it. Lists and values are JSON text.

CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);

CREATE TABLE target (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  identity TEXT NOT NULL,           -- platform, origin, org or project or team: which upstream the ledger is about
  used_at BIGINT NOT NULL,          -- when it was last configured
  baseline_at BIGINT, floor BIGINT, born_at BIGINT, data_at BIGINT, roster_at BIGINT, pruned_to BIGINT,
  doubted_at BIGINT
);

CREATE TABLE listing (
  target INTEGER NOT NULL, key TEXT NOT NULL,
  horizon BIGINT, link TEXT, top BIGINT, kind TEXT, walk_started BIGINT, depth BIGINT, last_whole BIGINT,
  last_sweep BIGINT, last_deep BIGINT, newest BIGINT, newest_id TEXT, unsorted INTEGER NOT NULL, failed TEXT,
  failed_at BIGINT, gone INTEGER NOT NULL,
  PRIMARY KEY (target, key)
) WITHOUT ROWID;

CREATE TABLE open_run (
  target INTEGER NOT NULL, run_id TEXT NOT NULL,
  listing TEXT NOT NULL, workload TEXT NOT NULL, birth BIGINT NOT NULL, state TEXT NOT NULL, seen_at BIGINT NOT NULL,
  aged_from BIGINT NOT NULL, days TEXT NOT NULL, missed INTEGER NOT NULL,
  PRIMARY KEY (target, run_id)
) WITHOUT ROWID;

-- A run that ended or was skipped, under the days of its times: 16 bytes of a hash, in a key that leads with
-- target and day so that one page of a listing touches few pages of the file.
CREATE TABLE ended_run (
  target INTEGER NOT NULL, day INTEGER NOT NULL, id BLOB NOT NULL,
  PRIMARY KEY (target, day, id)
) WITHOUT ROWID;

-- The same of the batches of a poll under way, a batch's ids of one day in one row, until they move there: one after the
-- other, without anything between them.
CREATE TABLE ended_page (target INTEGER NOT NULL, day INTEGER NOT NULL, ids BLOB NOT NULL);

CREATE TABLE timeless_run (
  target INTEGER NOT NULL, run_id TEXT NOT NULL, seen_at BIGINT NOT NULL,
  PRIMARY KEY (target, run_id)
) WITHOUT ROWID;

CREATE TABLE workload (
  target INTEGER NOT NULL, identity TEXT NOT NULL,
  label TEXT NOT NULL, slot TEXT NOT NULL, first_seen BIGINT NOT NULL, info TEXT NOT NULL, enabled INTEGER,
  edited_at BIGINT, schedules TEXT NOT NULL, triggers TEXT NOT NULL, former TEXT NOT NULL, absent_at BIGINT,
  absent_span BIGINT NOT NULL,
  PRIMARY KEY (target, identity)
) WITHOUT ROWID;

CREATE TABLE source (
  target INTEGER NOT NULL, name TEXT NOT NULL, anchor BIGINT NOT NULL, moved_try BIGINT,
  PRIMARY KEY (target, name)
) WITHOUT ROWID;

CREATE TABLE figure (
  target INTEGER NOT NULL, item TEXT NOT NULL, family TEXT NOT NULL, labels TEXT NOT NULL,
  source TEXT NOT NULL, anchor BIGINT NOT NULL, value BIGINT NOT NULL,
  PRIMARY KEY (target, item, family, labels)
) WITHOUT ROWID;

CREATE TABLE series (
  target INTEGER NOT NULL, family TEXT NOT NULL, labels TEXT NOT NULL,
  shown TEXT NOT NULL, pending TEXT NOT NULL, created BIGINT NOT NULL, debt BIGINT NOT NULL, debt_since BIGINT,
  written_off BIGINT NOT NULL,
  PRIMARY KEY (target, family, labels)
) WITHOUT ROWID;

CREATE TABLE mark (
  target INTEGER NOT NULL, family TEXT NOT NULL, labels TEXT NOT NULL, at BIGINT NOT NULL,
  PRIMARY KEY (target, family, labels)
) WITHOUT ROWID;

-- Bounds a histogram was filled with: other bounds begin it anew.
CREATE TABLE bounds (family TEXT PRIMARY KEY, bounds TEXT NOT NULL) WITHOUT ROWID;
