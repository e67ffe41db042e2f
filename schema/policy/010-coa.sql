-- policy.db, version 10: what NASes are to be told of sessions that last: CoA and Disconnect (RFC 5176).

-- How a NAS takes it.  NULL: as its dialect says (coa-dialects.conf), or policyd's configuration.
ALTER TABLE nas ADD COLUMN coa TEXT
	CONSTRAINT "coa: expected coa, disconnect or none, or NULL for what the dialect says"
		CHECK (coa IS NULL OR (typeof(coa) = 'text' AND coa IN ('coa', 'disconnect', 'none')));
ALTER TABLE nas ADD COLUMN coa_port INTEGER
	CONSTRAINT "coa_port: expected a UDP port 1 to 65535, or NULL for the dialect's"
		CHECK (coa_port IS NULL OR (typeof(coa_port) = 'integer' AND coa_port BETWEEN 1 AND 65535));
ALTER TABLE nas ADD COLUMN coa_rate INTEGER
	CONSTRAINT "coa_rate: expected 1 to 100000 requests a second, or NULL for policyd's"
		CHECK (coa_rate IS NULL OR (typeof(coa_rate) = 'integer' AND coa_rate BETWEEN 1 AND 100000));
-- What is in force at a port stays the same: no change row.
CREATE TRIGGER nas_update_coa AFTER UPDATE OF coa, coa_port, coa_rate ON nas
WHEN NEW.coa IS NOT OLD.coa OR NEW.coa_port IS NOT OLD.coa_port OR NEW.coa_rate IS NOT OLD.coa_rate
BEGIN UPDATE generation SET n = n + 1; END;

-- How far policyd has followed the changes here and the notices of session.db.  One row.
CREATE TABLE coa_follow (
	id            INTEGER PRIMARY KEY,
	change_id     INTEGER NOT NULL DEFAULT -1,      -- -1: not yet at all
	session_store TEXT NOT NULL DEFAULT '',         -- which session.db notice_id is of
	notice_id     INTEGER NOT NULL DEFAULT 0,
	CONSTRAINT "coa_follow: expected one row, with id 1" CHECK (id = 1),
	CONSTRAINT "change_id: expected a change's id, 0 for before the first, or -1"
		CHECK (typeof(change_id) = 'integer' AND change_id >= -1),
	CONSTRAINT "session_store: expected 32 hexadecimal digits in lower case, or none"
		CHECK (typeof(session_store) = 'text' AND length(session_store) IN (0, 32) AND session_store NOT GLOB '*[^0-9a-f]*'),
	CONSTRAINT "notice_id: expected a notice's id, or 0" CHECK (typeof(notice_id) = 'integer' AND notice_id >= 0)
);
INSERT INTO coa_follow (id) VALUES (1);
CREATE TRIGGER coa_follow_insert BEFORE INSERT ON coa_follow WHEN EXISTS (SELECT 1 FROM coa_follow)
BEGIN SELECT RAISE(ABORT, 'coa_follow: has its one row; use UPDATE to change it'); END;
CREATE TRIGGER coa_follow_delete BEFORE DELETE ON coa_follow
BEGIN SELECT RAISE(ABORT, 'coa_follow: its one row stays'); END;

-- Sessions still to be compared with what the policy says now, after a change that concerns many.
CREATE TABLE coa_scan (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	kind       TEXT NOT NULL,                       -- all; coi: its members; ties: those of its members who have other COIs
	ref        INTEGER NOT NULL DEFAULT 0,          -- the COI's id; all: 1 when no change is known, so that sessions without a digest stay
	after_mac  INTEGER NOT NULL DEFAULT 0,          -- done up to this MAC
	not_before INTEGER NOT NULL DEFAULT 0,          -- [s] since 1970, UTC
	CONSTRAINT "kind: expected all, coi or ties" CHECK (kind IN ('all', 'coi', 'ties')),
	CONSTRAINT "ref: expected a COI's id, and for all 0, or 1 when no change is known"
		CHECK (typeof(ref) = 'integer' AND CASE kind WHEN 'all' THEN ref IN (0, 1) ELSE ref > 0 END),
	CONSTRAINT "after_mac: expected a MAC address as a number, or 0"
		CHECK (typeof(after_mac) = 'integer' AND after_mac BETWEEN 0 AND 0xffffffffffff),
	CONSTRAINT "not_before: expected unix seconds, 0 to 253402300799"
		CHECK (typeof(not_before) = 'integer' AND not_before BETWEEN 0 AND 253402300799)
);
CREATE INDEX coa_scan_what ON coa_scan (kind, ref);
CREATE TRIGGER coa_scan_insert BEFORE INSERT ON coa_scan WHEN EXISTS (SELECT 1 FROM coa_scan WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'id: a comparison with this id exists; use UPDATE to change it'); END;

-- What one NAS is to be told of one session, and what became of it.  The session is written down as the NAS knows it:
-- session.db may be lost meanwhile.
CREATE TABLE coa_job (
	id                 INTEGER PRIMARY KEY AUTOINCREMENT,
	action             TEXT NOT NULL,               -- coa: authenticate again; disconnect; test: a session that is not there
	reason             TEXT NOT NULL,               -- policy, a verdict such as vm-disabled, moved, clone, certificate-revoked, administrator
	actor              TEXT NOT NULL DEFAULT 'policyd',
	mac                INTEGER NOT NULL,            -- 0: test
	nas                TEXT NOT NULL,               -- its address
	token              INTEGER NOT NULL DEFAULT 0,  -- of the session, as session.db has it
	past_id            INTEGER NOT NULL DEFAULT 0,  -- in session.db; 0: the session that lasted then
	nas_port           INTEGER NOT NULL DEFAULT -1,
	nas_port_id        TEXT NOT NULL DEFAULT '',
	nas_ip             TEXT NOT NULL DEFAULT '',
	nas_identifier     TEXT NOT NULL DEFAULT '',
	user_name          TEXT NOT NULL DEFAULT '',
	calling_station_id TEXT NOT NULL DEFAULT '',
	acct_session_id    TEXT NOT NULL DEFAULT '',
	framed_ip          TEXT NOT NULL DEFAULT '',
	created_at         INTEGER NOT NULL DEFAULT (CAST(strftime('%s', 'now') AS INTEGER)), -- [s] since 1970, UTC
	state              TEXT NOT NULL DEFAULT 'pending', -- pending; verify: a CoA was acknowledged, what follows is watched; done, failed
	attempts           INTEGER NOT NULL DEFAULT 0,  -- how often the NAS asked for patience
	not_before         INTEGER NOT NULL DEFAULT 0,  -- [s] since 1970, UTC
	finished_at        INTEGER,
	error_cause        INTEGER NOT NULL DEFAULT 0,  -- the NAS's last, RFC 5176 section 3.5; 0: none
	outcome            TEXT NOT NULL DEFAULT '',    -- in words; of one that is pending, what keeps it
	-- Spelt out: IN would build a table for every row.
	CONSTRAINT "action: expected coa, disconnect or test" CHECK (action = 'coa' OR action = 'disconnect' OR action = 'test'),
	CONSTRAINT "reason: expected 1 to 64 printable characters, such as policy"
		CHECK (typeof(reason) = 'text' AND length(reason) BETWEEN 1 AND 64 AND reason NOT GLOB '*[^ -~]*'),
	CONSTRAINT "actor: expected 1 to 160 characters" CHECK (typeof(actor) = 'text' AND length(actor) BETWEEN 1 AND 160),
	CONSTRAINT "mac: expected a unicast MAC address as a number, such as 0x525400aabbcc, and 0 for a test"
		CHECK (typeof(mac) = 'integer' AND (mac = 0) = (action = 'test') AND mac BETWEEN 0 AND 0xfeffffffffff AND (mac >> 40) & 1 = 0),
	CONSTRAINT "nas: expected the NAS's IPv4 or IPv6 address in lower case, such as 192.0.2.10"
		CHECK (typeof(nas) = 'text' AND length(nas) BETWEEN 2 AND 45 AND nas NOT GLOB '*[^0-9a-f:.]*' AND nas GLOB '*[:.]*'),
	CONSTRAINT "token: expected an integer" CHECK (typeof(token) = 'integer'),
	CONSTRAINT "past_id: expected the id of a past session, or 0" CHECK (typeof(past_id) = 'integer' AND past_id >= 0),
	CONSTRAINT "nas_port: expected 0 to 4294967295, or -1 for none"
		CHECK (typeof(nas_port) = 'integer' AND nas_port BETWEEN -1 AND 4294967295),
	CONSTRAINT "nas_port_id: expected at most 253 characters" CHECK (typeof(nas_port_id) = 'text' AND length(nas_port_id) <= 253),
	CONSTRAINT "nas_ip: expected an address of at most 45 characters" CHECK (typeof(nas_ip) = 'text' AND length(nas_ip) <= 45),
	CONSTRAINT "nas_identifier: expected at most 253 characters"
		CHECK (typeof(nas_identifier) = 'text' AND length(nas_identifier) <= 253),
	CONSTRAINT "user_name: expected at most 253 characters" CHECK (typeof(user_name) = 'text' AND length(user_name) <= 253),
	CONSTRAINT "calling_station_id: expected at most 253 characters"
		CHECK (typeof(calling_station_id) = 'text' AND length(calling_station_id) <= 253),
	CONSTRAINT "acct_session_id: expected at most 253 characters"
		CHECK (typeof(acct_session_id) = 'text' AND length(acct_session_id) <= 253),
	CONSTRAINT "framed_ip: expected an address of at most 45 characters"
		CHECK (typeof(framed_ip) = 'text' AND length(framed_ip) <= 45),
	CONSTRAINT "created_at: expected unix seconds, 0 to 253402300799"
		CHECK (typeof(created_at) = 'integer' AND created_at BETWEEN 0 AND 253402300799),
	CONSTRAINT "state: expected pending, verify, done or failed"
		CHECK (state = 'pending' OR state = 'verify' OR state = 'done' OR state = 'failed'),
	CONSTRAINT "state: expected verify for a coa alone" CHECK (state <> 'verify' OR action = 'coa'),
	CONSTRAINT "attempts: expected a number from 0 on" CHECK (typeof(attempts) = 'integer' AND attempts >= 0),
	CONSTRAINT "not_before: expected unix seconds, 0 to 253402300799"
		CHECK (typeof(not_before) = 'integer' AND not_before BETWEEN 0 AND 253402300799),
	CONSTRAINT "finished_at: expected unix seconds when it is done or failed, else NULL"
		CHECK ((finished_at IS NOT NULL) = (state = 'done' OR state = 'failed')
			AND (finished_at IS NULL OR (typeof(finished_at) = 'integer' AND finished_at BETWEEN 0 AND 253402300799))),
	CONSTRAINT "error_cause: expected an Error-Cause such as 503, or 0"
		CHECK (typeof(error_cause) = 'integer' AND error_cause BETWEEN 0 AND 4294967295),
	CONSTRAINT "outcome: expected at most 400 characters" CHECK (typeof(outcome) = 'text' AND length(outcome) <= 400)
);
-- One at a time for one session.
CREATE UNIQUE INDEX coa_job_open ON coa_job (mac, nas, past_id) WHERE finished_at IS NULL AND action <> 'test';
CREATE INDEX coa_job_due ON coa_job (nas, id) WHERE finished_at IS NULL;
CREATE INDEX coa_job_over ON coa_job (finished_at) WHERE finished_at IS NOT NULL;

-- REPLACE would strike an open job out.
CREATE TRIGGER coa_job_insert_id BEFORE INSERT ON coa_job WHEN EXISTS (SELECT 1 FROM coa_job WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'id: a job with this id exists; use UPDATE to change it'); END;
CREATE TRIGGER coa_job_insert BEFORE INSERT ON coa_job
WHEN NEW.finished_at IS NULL AND NEW.action <> 'test' AND EXISTS (SELECT 1 FROM coa_job
	WHERE mac = NEW.mac AND nas = NEW.nas AND past_id = NEW.past_id AND finished_at IS NULL AND action <> 'test')
BEGIN SELECT RAISE(ABORT, 'mac, nas, past_id: this session has an open job; use UPDATE to change it'); END;
CREATE TRIGGER coa_job_reopen BEFORE UPDATE OF finished_at ON coa_job
WHEN OLD.finished_at IS NOT NULL AND NEW.finished_at IS NULL AND NEW.action <> 'test' AND EXISTS (SELECT 1 FROM coa_job
	WHERE mac = NEW.mac AND nas = NEW.nas AND past_id = NEW.past_id AND finished_at IS NULL AND action <> 'test')
BEGIN SELECT RAISE(ABORT, 'finished_at: this session has another open job by now'); END;
CREATE TRIGGER coa_job_update BEFORE UPDATE OF id, mac, nas, past_id ON coa_job
WHEN NEW.id IS NOT OLD.id OR NEW.mac IS NOT OLD.mac OR NEW.nas IS NOT OLD.nas OR NEW.past_id IS NOT OLD.past_id
BEGIN SELECT RAISE(ABORT, 'coa_job: it stays with its NAS and session; finish it and insert another'); END;
