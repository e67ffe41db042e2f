-- gateway.db, version 1: what a gateway's licence broker has, and whom it has given it.
-- Written by gatewayd alone.  Times are milliseconds of CLOCK_BOOTTIME and count for the boot that stands beside them.

CREATE TABLE broker (
	id               INTEGER PRIMARY KEY CHECK (id = 1),
	seq              INTEGER NOT NULL DEFAULT 0,  -- the highest that a child's answer has had; never falls
	longest_ms       INTEGER NOT NULL DEFAULT 0,  -- the longest life and grace that a child was given
	recover_until_ms INTEGER NOT NULL DEFAULT 0,  -- until then no child is added; 0: not recovering
	recover_boot_id  TEXT NOT NULL DEFAULT '',
	home             TEXT NOT NULL DEFAULT ''     -- the server that child.reported speaks of
);
INSERT INTO broker (id) VALUES (1);
CREATE TRIGGER broker_kept BEFORE DELETE ON broker
BEGIN
	SELECT RAISE(ABORT, 'broker: this row is gatewayd''s, and stays');
END;
CREATE TRIGGER broker_seq BEFORE UPDATE OF seq ON broker WHEN NEW.seq < OLD.seq
BEGIN
	SELECT RAISE(ABORT, 'seq: it never falls: answers are told apart by it');
END;

-- The lease of one product that one licence server has given.
CREATE TABLE parent (
	server     TEXT NOT NULL,             -- its name in gatewayd.conf
	product    TEXT NOT NULL,
	seq        INTEGER NOT NULL,          -- of the server's last answer; 0: none yet
	held       INTEGER NOT NULL,
	end_ms     INTEGER NOT NULL,          -- of the life, as the gateway may count on it; the grace follows
	grace_ms   INTEGER NOT NULL,
	lapsing    INTEGER NOT NULL DEFAULT 0, -- held before, and not renewed: children may still run on it
	lapsed_ms  INTEGER NOT NULL DEFAULT 0, -- the end of that, grace included
	boot_id    TEXT NOT NULL,             -- in which end_ms and lapsed_ms count
	request_id TEXT NOT NULL DEFAULT '',  -- of a request without an answer yet; '': none
	body       TEXT NOT NULL DEFAULT '',  -- the request itself, to be sent again as it was
	PRIMARY KEY (server, product),
	CONSTRAINT "held: expected 0 or more" CHECK (typeof(held) = 'integer' AND held >= 0),
	CONSTRAINT "lapsing: expected 0 or more" CHECK (typeof(lapsing) = 'integer' AND lapsing >= 0),
	CONSTRAINT "body: expected one exactly when there is a request" CHECK ((request_id = '') = (body = ''))
) WITHOUT ROWID;

-- What one VM has of one product.  A row with over = 1 is no lease any more: the home server is still to hear of it.
CREATE TABLE child (
	uuid       TEXT NOT NULL,
	product    TEXT NOT NULL,
	seq        INTEGER NOT NULL,
	request_id TEXT NOT NULL,
	wants      INTEGER NOT NULL,
	in_use     INTEGER NOT NULL,
	held       INTEGER NOT NULL,           -- renewed by the last answer; occupied until over_ms
	over_ms    INTEGER NOT NULL,
	lapsing    INTEGER NOT NULL,           -- not renewed by it; occupied until lapsed_ms
	lapsed_ms  INTEGER NOT NULL,
	life_ms    INTEGER NOT NULL,
	grace_ms   INTEGER NOT NULL,
	end_ms     INTEGER NOT NULL,
	boot_id    TEXT NOT NULL,              -- in which all these count
	reason     INTEGER NOT NULL,
	refused    INTEGER NOT NULL,
	available  INTEGER NOT NULL,
	reported   INTEGER NOT NULL DEFAULT 0, -- 1: the home server has it on record
	over       INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (uuid, product),
	CONSTRAINT "held: expected 0 or 1" CHECK (held IN (0, 1)),
	CONSTRAINT "lapsing: expected 0 or 1, and not beside held" CHECK (lapsing IN (0, 1) AND held + lapsing < 2),
	CONSTRAINT "over: expected no more than what is to be reported" CHECK (over = 0 OR (held + lapsing = 0 AND reported = 1))
) WITHOUT ROWID;

-- Written to see whether the disk takes as much as work would need.
CREATE TABLE filler (
	id     INTEGER PRIMARY KEY CHECK (id = 1),
	octets BLOB NOT NULL
);
INSERT INTO filler (id, octets) VALUES (1, zeroblob(32768));
