-- policy.db, version 7: guests, VMs that a host has started from a template, and their join tokens.

CREATE TABLE guest (
	mac         INTEGER PRIMARY KEY REFERENCES vm (mac),
	uuid        TEXT NOT NULL UNIQUE,
	template_id INTEGER NOT NULL REFERENCES template (id),
	host_id     INTEGER REFERENCES host (id),       -- where it runs, or ran last; NULL: nobody said
	state       TEXT NOT NULL DEFAULT 'started',
	started_at  INTEGER NOT NULL DEFAULT (CAST(strftime('%s', 'now') AS INTEGER)), -- [s] since 1970, UTC
	stopped_at  INTEGER,
	wg_key      TEXT UNIQUE,                        -- its WireGuard public key in base64; NULL: not in the directory
	endpoint    TEXT,                               -- where its WireGuard listens: address:port
	CONSTRAINT "uuid: expected a UUID in lower case such as 6ba7b810-9dad-11d1-80b4-00c04fd430c8"
		CHECK (typeof(uuid) = 'text' AND length(uuid) = 36 AND uuid NOT GLOB '*[^0-9a-f-]*'
			AND uuid GLOB '????????-????-????-????-????????????' AND length(replace(uuid, '-', '')) = 32),
	CONSTRAINT "state: expected started or stopped" CHECK (state IN ('started', 'stopped')),
	CONSTRAINT "started_at: expected unix seconds" CHECK (typeof(started_at) = 'integer'),
	CONSTRAINT "stopped_at: expected unix seconds, or NULL" CHECK (stopped_at IS NULL OR typeof(stopped_at) = 'integer'),
	CONSTRAINT "wg_key: expected 32 octets in base64, or NULL"
		CHECK (wg_key IS NULL OR (typeof(wg_key) = 'text' AND length(wg_key) = 44 AND wg_key GLOB '*[AEIMQUYcgkosw048]='
			AND substr(wg_key, 1, 43) NOT GLOB '*[^A-Za-z0-9+/]*')),
	CONSTRAINT "endpoint: expected an address and a port such as 192.0.2.1:51820 or [2001:db8::1]:51820, or NULL"
		CHECK (endpoint IS NULL OR (typeof(endpoint) = 'text' AND length(endpoint) BETWEEN 3 AND 63
			AND endpoint GLOB '*[0-9.]*:[0-9]*' AND endpoint NOT GLOB '*[^][0-9a-fA-F.:]*'))
);
CREATE INDEX guest_template ON guest (template_id);
CREATE INDEX guest_host ON guest (host_id) WHERE host_id IS NOT NULL;

CREATE TRIGGER guest_insert_unique BEFORE INSERT ON guest
WHEN EXISTS (SELECT 1 FROM guest WHERE mac = NEW.mac OR uuid = NEW.uuid OR wg_key = NEW.wg_key)
BEGIN SELECT RAISE(ABORT, 'mac, uuid, wg_key: a guest with one of these exists; use UPDATE to change it'); END;
CREATE TRIGGER guest_update_unique BEFORE UPDATE OF mac, uuid, wg_key ON guest
WHEN EXISTS (SELECT 1 FROM guest WHERE (mac = NEW.mac OR uuid = NEW.uuid OR wg_key = NEW.wg_key) AND mac <> OLD.mac)
BEGIN SELECT RAISE(ABORT, 'mac, uuid, wg_key: expected ones that no other guest has'); END;
CREATE TRIGGER guest_insert_mac BEFORE INSERT ON guest
WHEN NOT EXISTS (SELECT 1 FROM vm WHERE mac = NEW.mac)
BEGIN SELECT RAISE(ABORT, 'mac: expected a VM that exists'); END;
CREATE TRIGGER guest_update_mac BEFORE UPDATE OF mac ON guest
WHEN NEW.mac <> OLD.mac AND EXISTS (SELECT 1 FROM vm WHERE mac = OLD.mac)
BEGIN SELECT RAISE(ABORT, 'mac: change the MAC of its VM, and it follows'); END;
CREATE TRIGGER guest_insert_template_id BEFORE INSERT ON guest
WHEN NOT EXISTS (SELECT 1 FROM template WHERE id = NEW.template_id)
BEGIN SELECT RAISE(ABORT, 'template_id: expected a template that exists'); END;
CREATE TRIGGER guest_update_template_id BEFORE UPDATE OF template_id ON guest
WHEN NOT EXISTS (SELECT 1 FROM template WHERE id = NEW.template_id)
BEGIN SELECT RAISE(ABORT, 'template_id: expected a template that exists'); END;
CREATE TRIGGER guest_insert_host_id BEFORE INSERT ON guest
WHEN NEW.host_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM host WHERE id = NEW.host_id)
BEGIN SELECT RAISE(ABORT, 'host_id: expected a host that exists'); END;
CREATE TRIGGER guest_update_host_id BEFORE UPDATE OF host_id ON guest
WHEN NEW.host_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM host WHERE id = NEW.host_id)
BEGIN SELECT RAISE(ABORT, 'host_id: expected a host that exists'); END;
CREATE TRIGGER template_delete_guest BEFORE DELETE ON template WHEN EXISTS (SELECT 1 FROM guest WHERE template_id = OLD.id)
BEGIN SELECT RAISE(ABORT, 'name: this template still has guests; remove them first'); END;

-- One-time secrets to enrol with, as their SHA-256: for one VM, or for one host.
CREATE TABLE token (
	hash            BLOB PRIMARY KEY,
	mac             INTEGER,
	host_id         INTEGER,
	template_id     INTEGER,
	by_host         INTEGER,            -- the host that asked for it; NULL: an administrator
	issued_at       INTEGER NOT NULL,   -- [s] since 1970, UTC
	expires_at      INTEGER NOT NULL,
	boot_id         TEXT NOT NULL,      -- which boot of policyd's machine expires_boot_ms counts from
	expires_boot_ms INTEGER NOT NULL,   -- [ms] CLOCK_BOOTTIME
	used_at         INTEGER,
	key_digest      BLOB,               -- once used: of the key that was enrolled
	serial          TEXT,               -- once used: the certificate's
	CONSTRAINT "hash: expected the SHA-256 of a token" CHECK (typeof(hash) = 'blob' AND length(hash) = 32),
	CONSTRAINT "mac, host_id: expected one of the two" CHECK ((mac IS NULL) <> (host_id IS NULL)),
	CONSTRAINT "expires_at: expected at most 600 seconds after issued_at"
		CHECK (typeof(issued_at) = 'integer' AND typeof(expires_at) = 'integer' AND expires_at BETWEEN issued_at AND issued_at + 600),
	CONSTRAINT "expires_boot_ms: expected milliseconds" CHECK (typeof(expires_boot_ms) = 'integer'),
	CONSTRAINT "boot_id: expected a UUID" CHECK (typeof(boot_id) = 'text' AND length(boot_id) <= 36),
	CONSTRAINT "used_at, key_digest, serial: expected all, or none"
		CHECK ((used_at IS NULL) = (key_digest IS NULL) AND (used_at IS NULL) = (serial IS NULL)),
	CONSTRAINT "key_digest: expected a SHA-256" CHECK (key_digest IS NULL OR (typeof(key_digest) = 'blob' AND length(key_digest) = 32))
) WITHOUT ROWID;
CREATE INDEX token_mac ON token (mac) WHERE mac IS NOT NULL;
CREATE INDEX token_host ON token (host_id) WHERE host_id IS NOT NULL;
CREATE INDEX token_expires ON token (expires_at);

CREATE TRIGGER token_insert_unique BEFORE INSERT ON token WHEN EXISTS (SELECT 1 FROM token WHERE hash = NEW.hash)
BEGIN SELECT RAISE(ABORT, 'hash: a token is made once'); END;
CREATE TRIGGER token_insert_mac BEFORE INSERT ON token
WHEN NEW.mac IS NOT NULL AND NOT EXISTS (SELECT 1 FROM guest WHERE mac = NEW.mac)
BEGIN SELECT RAISE(ABORT, 'mac: expected a guest that exists'); END;
CREATE TRIGGER token_insert_host_id BEFORE INSERT ON token
WHEN NEW.host_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM host WHERE id = NEW.host_id)
BEGIN SELECT RAISE(ABORT, 'host_id: expected a host that exists'); END;
CREATE TRIGGER token_update BEFORE UPDATE OF hash, host_id, template_id, issued_at, expires_at, boot_id, expires_boot_ms ON token
BEGIN SELECT RAISE(ABORT, 'token: a token stays as it was made'); END;
CREATE TRIGGER token_update_mac BEFORE UPDATE OF mac ON token
WHEN NEW.mac IS NOT OLD.mac AND EXISTS (SELECT 1 FROM vm WHERE mac = OLD.mac)
BEGIN SELECT RAISE(ABORT, 'token: a token stays as it was made'); END;
CREATE TRIGGER token_used BEFORE UPDATE OF used_at, key_digest, serial ON token WHEN OLD.used_at IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'used_at: a token is used once'); END;

-- A guest follows its VM's MAC, and goes with it; its tokens and, in version 8, its certificates go with it.
CREATE TRIGGER vm_update_mac_guest AFTER UPDATE OF mac ON vm WHEN NEW.mac <> OLD.mac
BEGIN
	UPDATE guest SET mac = NEW.mac WHERE mac = OLD.mac;
	UPDATE token SET mac = NEW.mac WHERE mac = OLD.mac;
END;
CREATE TRIGGER vm_delete_guest BEFORE DELETE ON vm
BEGIN DELETE FROM guest WHERE mac = OLD.mac; END;
CREATE TRIGGER guest_delete_token AFTER DELETE ON guest
BEGIN DELETE FROM token WHERE mac = OLD.mac; END;
CREATE TRIGGER host_delete_guest BEFORE DELETE ON host
BEGIN
	UPDATE guest SET host_id = NULL WHERE host_id = OLD.id;
	DELETE FROM token WHERE host_id = OLD.id;
END;
-- A guest that is stopped, by policyd or by hand, is in no directory.
CREATE TRIGGER guest_stop AFTER UPDATE OF state ON guest WHEN NEW.state = 'stopped' AND OLD.state <> 'stopped'
BEGIN
	DELETE FROM token WHERE mac = NEW.mac;
	UPDATE guest SET wg_key = NULL, endpoint = NULL,
		stopped_at = coalesce(NEW.stopped_at, CAST(strftime('%s', 'now') AS INTEGER))
	WHERE mac = NEW.mac AND (wg_key IS NOT NULL OR endpoint IS NOT NULL OR stopped_at IS NULL);
END;
CREATE TRIGGER guest_stopped BEFORE UPDATE OF wg_key, endpoint ON guest
WHEN NEW.state = 'stopped' AND (NEW.wg_key IS NOT OLD.wg_key OR NEW.endpoint IS NOT OLD.endpoint)
	AND (NEW.wg_key IS NOT NULL OR NEW.endpoint IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'wg_key, endpoint: expected NULL while the guest is stopped'); END;

-- For guests, a change's name is the UUID: what their peers know them by.
CREATE TRIGGER guest_insert_change AFTER INSERT ON guest BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('guest', 'insert', NEW.mac, NEW.uuid);
END;
CREATE TRIGGER guest_update_change AFTER UPDATE OF template_id, wg_key, endpoint, state, host_id ON guest
WHEN NEW.template_id IS NOT OLD.template_id OR NEW.wg_key IS NOT OLD.wg_key OR NEW.endpoint IS NOT OLD.endpoint
	OR NEW.state IS NOT OLD.state OR NEW.host_id IS NOT OLD.host_id
BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('guest', 'update', NEW.mac, NEW.uuid);
END;
-- A guest under a new UUID is, to its peers, one gone and one come.
CREATE TRIGGER guest_uuid_change AFTER UPDATE OF uuid ON guest WHEN NEW.uuid <> OLD.uuid BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('guest', 'delete', NEW.mac, OLD.uuid);
	INSERT INTO change (kind, action, ref, name) VALUES ('guest', 'insert', NEW.mac, NEW.uuid);
END;
CREATE TRIGGER guest_delete_change AFTER DELETE ON guest BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('guest', 'delete', OLD.mac, OLD.uuid);
END;

-- VMs whose time comes or ends are found without reading the others.
CREATE INDEX vm_not_before ON vm (not_before) WHERE not_before IS NOT NULL;
CREATE INDEX vm_not_after ON vm (not_after) WHERE not_after IS NOT NULL;
