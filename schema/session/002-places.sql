-- session.db, version 2: one place for each guest, where it has been, and what policyd should know of it.
--
-- Written by rlm_vmprov; policyd ends sessions that their NAS has taken down.  Soft state: when it is lost, accounting
-- and re-authentication fill it again.

DROP TABLE session;

-- One row.  Numbers of notices begin anew with a new file: who follows them goes by this.
CREATE TABLE site (
	id       INTEGER PRIMARY KEY CHECK (id = 1),
	store_id TEXT NOT NULL
);
INSERT INTO site VALUES (1, lower(hex(randomblob(16))));

-- Sessions that last.  The MAC is the key: a guest is authorized in one place.
CREATE TABLE session (
	mac                INTEGER PRIMARY KEY,
	state              TEXT NOT NULL,               -- authorized; started, interim: as accounting said last
	token              INTEGER NOT NULL,            -- of the latest authorization, in Class; 0: known from accounting alone
	nas                TEXT NOT NULL,               -- address that its RADIUS packets come from
	nas_port           INTEGER NOT NULL DEFAULT -1, -- NAS-Port; -1: none
	nas_port_id        TEXT NOT NULL DEFAULT '',
	nas_ip             TEXT NOT NULL DEFAULT '',    -- NAS-IP-Address or NAS-IPv6-Address, as in the packet
	nas_identifier     TEXT NOT NULL DEFAULT '',
	user_name          TEXT NOT NULL DEFAULT '',    -- as the NAS sent it: CoA needs it so
	calling_station_id TEXT NOT NULL DEFAULT '',    -- as the NAS sent it
	acct_session_id    TEXT NOT NULL DEFAULT '',
	framed_ip          TEXT NOT NULL DEFAULT '',
	method             INTEGER NOT NULL DEFAULT 0,  -- 0 MAB, 2 EAP-MD5, 3 EAP-TLS: enum vmp_method
	cert_name          TEXT NOT NULL DEFAULT '',    -- EAP-TLS: the host's certificate name
	quarantined        INTEGER NOT NULL DEFAULT 0,  -- 1: no VM had this MAC
	vlan               INTEGER NOT NULL DEFAULT 0,  -- as answered; 0: none
	policy             INTEGER NOT NULL DEFAULT 0,  -- digest of the policy as answered; 0: not known
	authorized_at      INTEGER NOT NULL,            -- [s] since 1970, UTC: the latest authorization; 0: not known
	since              INTEGER NOT NULL,            -- of this place
	updated_at         INTEGER NOT NULL,
	expires_at         INTEGER NOT NULL DEFAULT 0,  -- Session-Timeout and some more; 0: never
	input_octets       INTEGER NOT NULL DEFAULT 0,
	output_octets      INTEGER NOT NULL DEFAULT 0,
	CONSTRAINT "mac: expected a unicast MAC address"
		CHECK (mac BETWEEN 1 AND 0xfeffffffffff AND (mac >> 40) & 1 = 0),
	CONSTRAINT "state: expected authorized, started or interim"
		CHECK (state = 'started' OR state = 'authorized' OR state = 'interim')
);
CREATE INDEX session_nas ON session (nas);

-- Those that are over, for some days.
CREATE TABLE past (
	id                 INTEGER PRIMARY KEY AUTOINCREMENT,
	mac                INTEGER NOT NULL,
	state              TEXT NOT NULL,               -- how it ended: stopped, moved or expired
	cause              TEXT NOT NULL DEFAULT '',    -- Acct-Terminate-Cause, or who ended it
	token              INTEGER NOT NULL,
	nas                TEXT NOT NULL,
	nas_port           INTEGER NOT NULL DEFAULT -1,
	nas_port_id        TEXT NOT NULL DEFAULT '',
	nas_ip             TEXT NOT NULL DEFAULT '',
	nas_identifier     TEXT NOT NULL DEFAULT '',
	user_name          TEXT NOT NULL DEFAULT '',
	calling_station_id TEXT NOT NULL DEFAULT '',
	acct_session_id    TEXT NOT NULL DEFAULT '',
	framed_ip          TEXT NOT NULL DEFAULT '',
	method             INTEGER NOT NULL DEFAULT 0,
	cert_name          TEXT NOT NULL DEFAULT '',
	quarantined        INTEGER NOT NULL DEFAULT 0,
	vlan               INTEGER NOT NULL DEFAULT 0,
	policy             INTEGER NOT NULL DEFAULT 0,
	authorized_at      INTEGER NOT NULL,
	since              INTEGER NOT NULL,
	updated_at         INTEGER NOT NULL,
	expires_at         INTEGER NOT NULL DEFAULT 0,
	input_octets       INTEGER NOT NULL DEFAULT 0,
	output_octets      INTEGER NOT NULL DEFAULT 0,
	ended_at           INTEGER NOT NULL,
	closed_at          INTEGER,                     -- moved: when its NAS ended it too; NULL: not that we know
	alarmed_at         INTEGER,                     -- moved: the last clone alarm
	CONSTRAINT "state: expected stopped, moved or expired" CHECK (state IN ('stopped', 'moved', 'expired'))
);
CREATE INDEX past_mac ON past (mac);
-- Of those that their NAS has not ended, which a restart closes.
CREATE INDEX past_open ON past (nas) WHERE closed_at IS NULL;

-- What policyd should know; it deletes nothing, they are forgotten when they are old.
CREATE TABLE notice (
	id      INTEGER PRIMARY KEY AUTOINCREMENT,
	at      INTEGER NOT NULL,
	kind    TEXT NOT NULL,                          -- moved, clone, evict, nas-restart, refused, late
	mac     INTEGER NOT NULL,                       -- 0: nas-restart
	past_id INTEGER NOT NULL DEFAULT 0,             -- moved, clone: the place that was left
	nas     TEXT NOT NULL,                          -- where it happened
	detail  TEXT NOT NULL DEFAULT '',
	CONSTRAINT "kind: expected moved, clone, evict, nas-restart, refused or late"
		CHECK (kind IN ('moved', 'clone', 'evict', 'nas-restart', 'refused', 'late'))
);
