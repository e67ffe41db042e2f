-- policy.db, version 1: who may be where, with which network policy.
--
-- People type into this file with plain `sqlite3`, where foreign keys are off by
-- default: so triggers, not foreign keys, keep it whole.  A constraint's name is the
-- message that the administrator reads: column, then what it expects.
--
-- Rules for every nullable policy column: NULL inherits (VM, then its primary COI, then
-- its enclave); an empty text or a zero rate or timeout says "explicitly none".

-- Bumped by every change of a small table; a reader that finds it unchanged may keep
-- what it holds of them.  One row.
CREATE TABLE generation (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	n  INTEGER NOT NULL
);
INSERT INTO generation VALUES (1, 1);

-- One row per effective change, in commit order: what policyd and other followers read.
-- ref is the MAC as an integer for kinds vm, member, vm_host, vm_nas and eap_md5, else the row's id.
CREATE TABLE change (
	id     INTEGER PRIMARY KEY AUTOINCREMENT,
	at     INTEGER NOT NULL DEFAULT (CAST(strftime('%s', 'now') AS INTEGER)), -- [s] since 1970, UTC
	kind   TEXT NOT NULL,   -- table: tenant enclave coi nas host host_uplink vm member vm_host vm_nas eap_md5
	action TEXT NOT NULL,
	ref    INTEGER NOT NULL,
	name   TEXT NOT NULL,   -- as it was at the time: the row's name; for members the COI's, host's or NAS's
	-- Spelt out: IN would build a table for every row.
	CHECK (action = 'insert' OR action = 'update' OR action = 'delete')
);

-- Tenants own VMs, and may own COIs and hosts.
CREATE TABLE tenant (
	id      INTEGER PRIMARY KEY,
	name    TEXT NOT NULL COLLATE NOCASE UNIQUE,
	enabled INTEGER NOT NULL DEFAULT 1,
	comment TEXT NOT NULL DEFAULT '',
	CONSTRAINT "name: expected 1 to 64 of A-Z a-z 0-9 . _ -"
		CHECK (length(name) BETWEEN 1 AND 64 AND name NOT GLOB '*[^A-Za-z0-9._-]*'),
	CONSTRAINT "enabled: expected 0 or 1" CHECK (enabled IN (0, 1)),
	CONSTRAINT "comment: expected at most 1000 characters" CHECK (typeof(comment) = 'text' AND length(comment) <= 1000)
);

-- Enclaves: part of the network behind one gateway; the last place where a policy is looked up.
CREATE TABLE enclave (
	id                INTEGER PRIMARY KEY,
	name              TEXT NOT NULL COLLATE NOCASE UNIQUE,
	vlan              INTEGER,
	tagged_vlans      TEXT,            -- "10,20"
	cos               INTEGER,         -- 802.1p priority
	ingress_kbps      INTEGER,         -- [kbit/s] from the guest into the switch
	egress_kbps       INTEGER,         -- [kbit/s] from the switch to the guest
	acl               TEXT,            -- an ACL's name on the switch, or rules, one a line
	session_timeout_s INTEGER,         -- [s] until re-authentication
	acct_interim_s    INTEGER NOT NULL DEFAULT 0,   -- [s] between interim accounting packets; 0: none
	mab               INTEGER NOT NULL DEFAULT 1,
	enabled           INTEGER NOT NULL DEFAULT 1,
	comment           TEXT NOT NULL DEFAULT '',
	CONSTRAINT "name: expected 1 to 64 of A-Z a-z 0-9 . _ -"
		CHECK (length(name) BETWEEN 1 AND 64 AND name NOT GLOB '*[^A-Za-z0-9._-]*'),
	CONSTRAINT "vlan: expected a VLAN id 1 to 4094, or NULL to inherit"
		CHECK (vlan IS NULL OR (typeof(vlan) = 'integer' AND vlan BETWEEN 1 AND 4094)),
	CONSTRAINT "cos: expected a priority 0 to 7, or NULL to inherit"
		CHECK (cos IS NULL OR (typeof(cos) = 'integer' AND cos BETWEEN 0 AND 7)),
	CONSTRAINT "ingress_kbps: expected 0 (no limit) to 400000000 kbit/s, or NULL to inherit"
		CHECK (ingress_kbps IS NULL OR (typeof(ingress_kbps) = 'integer' AND ingress_kbps BETWEEN 0 AND 400000000)),
	CONSTRAINT "egress_kbps: expected 0 (no limit) to 400000000 kbit/s, or NULL to inherit"
		CHECK (egress_kbps IS NULL OR (typeof(egress_kbps) = 'integer' AND egress_kbps BETWEEN 0 AND 400000000)),
	CONSTRAINT "acl: expected an ACL name, or at most 64 filter rules, one a line, in 2000 printable characters, or NULL to inherit"
		CHECK (acl IS NULL OR (typeof(acl) = 'text' AND length(acl) <= 2000
			AND length(acl) - length(replace(acl, char(10), '')) < 64 AND acl NOT GLOB '*[^ -~' || char(10) || ']*')),
	CONSTRAINT "session_timeout_s: expected 0 (none) or 30 to 31536000 seconds, or NULL to inherit"
		CHECK (session_timeout_s IS NULL OR (typeof(session_timeout_s) = 'integer'
			AND (session_timeout_s = 0 OR session_timeout_s BETWEEN 30 AND 31536000))),
	CONSTRAINT "acct_interim_s: expected 0 (none) or 60 to 86400 seconds"
		CHECK (typeof(acct_interim_s) = 'integer' AND (acct_interim_s = 0 OR acct_interim_s BETWEEN 60 AND 86400)),
	CONSTRAINT "mab: expected 0 or 1" CHECK (mab IN (0, 1)),
	CONSTRAINT "enabled: expected 0 or 1" CHECK (enabled IN (0, 1)),
	CONSTRAINT "comment: expected at most 1000 characters" CHECK (typeof(comment) = 'text' AND length(comment) <= 1000)
);

-- Communities of interest.  tenant_id NULL: open to the VMs of every tenant.
CREATE TABLE coi (
	id                INTEGER PRIMARY KEY,
	name              TEXT NOT NULL COLLATE NOCASE UNIQUE,
	tenant_id         INTEGER REFERENCES tenant (id),
	priority          INTEGER NOT NULL DEFAULT 100, -- lowest is a VM's primary COI
	vlan              INTEGER,
	tagged_vlans      TEXT,            -- "10,20"
	cos               INTEGER,         -- 802.1p priority
	ingress_kbps      INTEGER,         -- [kbit/s] from the guest into the switch
	egress_kbps       INTEGER,         -- [kbit/s] from the switch to the guest
	acl               TEXT,            -- an ACL's name on the switch, or rules, one a line
	session_timeout_s INTEGER,         -- [s] until re-authentication
	mab               INTEGER,
	enabled           INTEGER NOT NULL DEFAULT 1,
	member_count      INTEGER NOT NULL DEFAULT 0,   -- kept by triggers on member
	comment           TEXT NOT NULL DEFAULT '',
	CONSTRAINT "name: expected 1 to 64 of A-Z a-z 0-9 . _ -"
		CHECK (length(name) BETWEEN 1 AND 64 AND name NOT GLOB '*[^A-Za-z0-9._-]*'),
	CONSTRAINT "priority: expected 0 to 65535"
		CHECK (typeof(priority) = 'integer' AND priority BETWEEN 0 AND 65535),
	CONSTRAINT "vlan: expected a VLAN id 1 to 4094, or NULL to inherit"
		CHECK (vlan IS NULL OR (typeof(vlan) = 'integer' AND vlan BETWEEN 1 AND 4094)),
	CONSTRAINT "cos: expected a priority 0 to 7, or NULL to inherit"
		CHECK (cos IS NULL OR (typeof(cos) = 'integer' AND cos BETWEEN 0 AND 7)),
	CONSTRAINT "ingress_kbps: expected 0 (no limit) to 400000000 kbit/s, or NULL to inherit"
		CHECK (ingress_kbps IS NULL OR (typeof(ingress_kbps) = 'integer' AND ingress_kbps BETWEEN 0 AND 400000000)),
	CONSTRAINT "egress_kbps: expected 0 (no limit) to 400000000 kbit/s, or NULL to inherit"
		CHECK (egress_kbps IS NULL OR (typeof(egress_kbps) = 'integer' AND egress_kbps BETWEEN 0 AND 400000000)),
	CONSTRAINT "acl: expected an ACL name, or at most 64 filter rules, one a line, in 2000 printable characters, or NULL to inherit"
		CHECK (acl IS NULL OR (typeof(acl) = 'text' AND length(acl) <= 2000
			AND length(acl) - length(replace(acl, char(10), '')) < 64 AND acl NOT GLOB '*[^ -~' || char(10) || ']*')),
	CONSTRAINT "session_timeout_s: expected 0 (none) or 30 to 31536000 seconds, or NULL to inherit"
		CHECK (session_timeout_s IS NULL OR (typeof(session_timeout_s) = 'integer'
			AND (session_timeout_s = 0 OR session_timeout_s BETWEEN 30 AND 31536000))),
	CONSTRAINT "mab: expected 0 or 1, or NULL to inherit" CHECK (mab IS NULL OR mab IN (0, 1)),
	CONSTRAINT "enabled: expected 0 or 1" CHECK (enabled IN (0, 1)),
	CONSTRAINT "comment: expected at most 1000 characters" CHECK (typeof(comment) = 'text' AND length(comment) <= 1000)
);

-- Switches.  address is where their RADIUS packets come from.
CREATE TABLE nas (
	id              INTEGER PRIMARY KEY,
	name            TEXT NOT NULL COLLATE NOCASE UNIQUE,
	address         TEXT NOT NULL UNIQUE,
	dialect         TEXT NOT NULL DEFAULT 'rfc',  -- one of raddb's dialects
	quarantine_vlan INTEGER,                      -- for unknown MACs; NULL: the module's own setting
	comment         TEXT NOT NULL DEFAULT '',
	CONSTRAINT "name: expected 1 to 64 of A-Z a-z 0-9 . _ -"
		CHECK (length(name) BETWEEN 1 AND 64 AND name NOT GLOB '*[^A-Za-z0-9._-]*'),
	CONSTRAINT "dialect: expected the name of a dialect, such as rfc"
		CHECK (length(dialect) BETWEEN 1 AND 32 AND dialect NOT GLOB '*[^a-z0-9-]*'),
	CONSTRAINT "quarantine_vlan: expected a VLAN id 1 to 4094, or NULL"
		CHECK (quarantine_vlan IS NULL OR (typeof(quarantine_vlan) = 'integer' AND quarantine_vlan BETWEEN 1 AND 4094)),
	CONSTRAINT "comment: expected at most 1000 characters" CHECK (typeof(comment) = 'text' AND length(comment) <= 1000)
);

-- Hypervisor hosts.  tenant_id and enclave_id, where set, bound the VMs that a host may speak for.
CREATE TABLE host (
	id         INTEGER PRIMARY KEY,
	name       TEXT NOT NULL COLLATE NOCASE UNIQUE,
	cert_name  TEXT COLLATE NOCASE UNIQUE,  -- its certificate's DNS name; NULL: the same as name
	tenant_id  INTEGER REFERENCES tenant (id),
	enclave_id INTEGER REFERENCES enclave (id),
	enabled    INTEGER NOT NULL DEFAULT 1,
	comment    TEXT NOT NULL DEFAULT '',
	CONSTRAINT "name: expected 1 to 64 of A-Z a-z 0-9 . _ -"
		CHECK (length(name) BETWEEN 1 AND 64 AND name NOT GLOB '*[^A-Za-z0-9._-]*'),
	CONSTRAINT "cert_name: expected a DNS name of at most 253 characters, or NULL"
		CHECK (cert_name IS NULL OR (length(cert_name) BETWEEN 1 AND 253 AND cert_name NOT GLOB '*[^A-Za-z0-9.-]*')),
	CONSTRAINT "enabled: expected 0 or 1" CHECK (enabled IN (0, 1)),
	CONSTRAINT "comment: expected at most 1000 characters" CHECK (typeof(comment) = 'text' AND length(comment) <= 1000)
);

-- Which NAS ports a host is cabled to.  port '' is any port of that NAS.
CREATE TABLE host_uplink (
	host_id INTEGER NOT NULL REFERENCES host (id),
	nas_id  INTEGER NOT NULL REFERENCES nas (id),
	port    TEXT NOT NULL DEFAULT '',       -- NAS-Port-Id, or NAS-Port in decimal
	PRIMARY KEY (host_id, nas_id, port),
	CONSTRAINT "port: expected a NAS-Port-Id or NAS-Port of at most 128 printable characters"
		CHECK (length(port) <= 128 AND port NOT GLOB '*[^ -~]*')
) WITHOUT ROWID;

-- One row per guest MAC.  Administrators use the view vm_record.  The MAC is the key as a
-- 48-bit number, so that radiusd finds a VM with one descent of one tree, and coi_ids and
-- links say in the same row whether anything else need be read.
CREATE TABLE vm (
	mac               INTEGER PRIMARY KEY,
	enabled           INTEGER NOT NULL DEFAULT 1,
	not_before        INTEGER,                    -- [s] since 1970, UTC
	not_after         INTEGER,
	tenant_id         INTEGER NOT NULL DEFAULT 1 REFERENCES tenant (id),
	enclave_id        INTEGER NOT NULL DEFAULT 1 REFERENCES enclave (id),
	coi_ids           TEXT NOT NULL DEFAULT '',   -- "1,7": kept by triggers on member
	links             INTEGER NOT NULL DEFAULT 0, -- 1 vm_host, 2 vm_nas, 4 eap_md5 rows exist: kept by triggers
	vlan              INTEGER,
	tagged_vlans      TEXT,            -- "10,20"
	cos               INTEGER,         -- 802.1p priority
	ingress_kbps      INTEGER,         -- [kbit/s] from the guest into the switch
	egress_kbps       INTEGER,         -- [kbit/s] from the switch to the guest
	acl               TEXT,            -- an ACL's name on the switch, or rules, one a line
	session_timeout_s INTEGER,         -- [s] until re-authentication
	mab               INTEGER,
	name              TEXT NOT NULL UNIQUE,
	comment           TEXT NOT NULL DEFAULT '',
	CONSTRAINT "mac: expected a unicast MAC address such as 52:54:00:aa:bb:cc"
		CHECK (typeof(mac) = 'integer' AND mac BETWEEN 1 AND 0xfeffffffffff AND (mac >> 40) & 1 = 0),
	CONSTRAINT "enabled: expected 0 or 1" CHECK (enabled IN (0, 1)),
	CONSTRAINT "not_before: expected a UTC time such as 2026-12-01T08:00:00Z, unix seconds, or NULL"
		CHECK (not_before IS NULL OR (typeof(not_before) = 'integer' AND not_before BETWEEN 0 AND 253402300799)),
	CONSTRAINT "not_after: expected a UTC time such as 2026-12-01T08:00:00Z, unix seconds, or NULL"
		CHECK (not_after IS NULL OR (typeof(not_after) = 'integer' AND not_after BETWEEN 0 AND 253402300799)),
	CONSTRAINT "not_after: expected a time after not_before"
		CHECK (not_before IS NULL OR not_after IS NULL OR not_after > not_before),
	CONSTRAINT "vlan: expected a VLAN id 1 to 4094, or NULL to inherit"
		CHECK (vlan IS NULL OR (typeof(vlan) = 'integer' AND vlan BETWEEN 1 AND 4094)),
	CONSTRAINT "cos: expected a priority 0 to 7, or NULL to inherit"
		CHECK (cos IS NULL OR (typeof(cos) = 'integer' AND cos BETWEEN 0 AND 7)),
	CONSTRAINT "ingress_kbps: expected 0 (no limit) to 400000000 kbit/s, or NULL to inherit"
		CHECK (ingress_kbps IS NULL OR (typeof(ingress_kbps) = 'integer' AND ingress_kbps BETWEEN 0 AND 400000000)),
	CONSTRAINT "egress_kbps: expected 0 (no limit) to 400000000 kbit/s, or NULL to inherit"
		CHECK (egress_kbps IS NULL OR (typeof(egress_kbps) = 'integer' AND egress_kbps BETWEEN 0 AND 400000000)),
	CONSTRAINT "acl: expected an ACL name, or at most 64 filter rules, one a line, in 2000 printable characters, or NULL to inherit"
		CHECK (acl IS NULL OR (typeof(acl) = 'text' AND length(acl) <= 2000
			AND length(acl) - length(replace(acl, char(10), '')) < 64 AND acl NOT GLOB '*[^ -~' || char(10) || ']*')),
	CONSTRAINT "session_timeout_s: expected 0 (none) or 30 to 31536000 seconds, or NULL to inherit"
		CHECK (session_timeout_s IS NULL OR (typeof(session_timeout_s) = 'integer'
			AND (session_timeout_s = 0 OR session_timeout_s BETWEEN 30 AND 31536000))),
	CONSTRAINT "mab: expected 0 or 1, or NULL to inherit" CHECK (mab IS NULL OR mab IN (0, 1)),
	CONSTRAINT "name: expected 1 to 128 characters without control characters"
		CHECK (length(name) BETWEEN 1 AND 128 AND name NOT GLOB '*[' || char(1) || '-' || char(31) || char(127) || ']*'),
	CONSTRAINT "comment: expected at most 1000 characters" CHECK (typeof(comment) = 'text' AND length(comment) <= 1000)
);

-- vm_record shows MACs as text; this finds a VM by that text.
CREATE INDEX vm_mac_text ON vm (printf('%02x:%02x:%02x:%02x:%02x:%02x',
	mac >> 40, mac >> 32 & 255, mac >> 24 & 255, mac >> 16 & 255, mac >> 8 & 255, mac & 255));

-- Who belongs to which COI.
CREATE TABLE member (
	mac    INTEGER NOT NULL REFERENCES vm (mac),
	coi_id INTEGER NOT NULL REFERENCES coi (id),
	PRIMARY KEY (mac, coi_id)
) WITHOUT ROWID;
CREATE INDEX member_coi ON member (coi_id);

-- Where a VM may come from; no rows: anywhere.
CREATE TABLE vm_host (
	mac     INTEGER NOT NULL REFERENCES vm (mac),
	host_id INTEGER NOT NULL REFERENCES host (id),
	PRIMARY KEY (mac, host_id)
) WITHOUT ROWID;
CREATE INDEX vm_host_host ON vm_host (host_id);

CREATE TABLE vm_nas (
	mac    INTEGER NOT NULL REFERENCES vm (mac),
	nas_id INTEGER NOT NULL REFERENCES nas (id),
	PRIMARY KEY (mac, nas_id)
) WITHOUT ROWID;
CREATE INDEX vm_nas_nas ON vm_nas (nas_id);

-- VMs that may use EAP-MD5, with the password their host proves.  Prefer EAP-TLS.
CREATE TABLE eap_md5 (
	mac      INTEGER PRIMARY KEY REFERENCES vm (mac),
	password TEXT NOT NULL,
	CONSTRAINT "password: expected 8 to 128 printable characters"
		CHECK (length(password) BETWEEN 8 AND 128 AND password NOT GLOB '*[^ -~]*')
);

INSERT INTO tenant (id, name, comment) VALUES (1, 'default', 'VMs without a tenant of their own');
INSERT INTO enclave (id, name, comment) VALUES (1, 'default', 'VMs without an enclave of their own');
