-- policy.db, version 8: the certificates that were issued here, and their revocation.

CREATE TABLE certificate (
	serial      TEXT NOT NULL PRIMARY KEY,
	kind        TEXT NOT NULL,
	mac         INTEGER,            -- kinds vm and gateway
	host_id     INTEGER,            -- kind host
	template_id INTEGER,            -- what the VM was made from at the time
	subject     TEXT NOT NULL,
	not_before  INTEGER NOT NULL,   -- [s] since 1970, UTC
	not_after   INTEGER NOT NULL,
	issued_at   INTEGER NOT NULL,
	used_at     INTEGER,            -- first use; NULL: not yet
	revoked_at  INTEGER,
	reason      INTEGER,            -- CRLReason, RFC 5280 5.3.1; left NULL at a revocation: 0
	revoked_by  TEXT,               -- who; NULL: an administrator
	key_digest  BLOB NOT NULL,      -- SHA-256 of the SubjectPublicKeyInfo
	der         BLOB NOT NULL,
	CONSTRAINT "serial: expected 32 hexadecimal digits in lower case, the first 0 to 7"
		CHECK (typeof(serial) = 'text' AND length(serial) = 32 AND serial NOT GLOB '*[^0-9a-f]*' AND serial GLOB '[0-7]*'),
	CONSTRAINT "kind: expected vm, gateway, host, server or signer" CHECK (kind IN ('vm', 'gateway', 'host', 'server', 'signer')),
	CONSTRAINT "mac, host_id: expected a MAC for a vm or gateway, a host for a host, nothing for others"
		CHECK ((mac IS NOT NULL) = (kind IN ('vm', 'gateway')) AND (host_id IS NOT NULL) = (kind = 'host')),
	CONSTRAINT "subject: expected at most 128 characters" CHECK (typeof(subject) = 'text' AND length(subject) <= 128),
	CONSTRAINT "not_after: expected unix seconds after not_before"
		CHECK (typeof(not_before) = 'integer' AND typeof(not_after) = 'integer' AND not_after > not_before),
	CONSTRAINT "issued_at: expected unix seconds" CHECK (typeof(issued_at) = 'integer'),
	CONSTRAINT "used_at: expected unix seconds, or NULL" CHECK (used_at IS NULL OR typeof(used_at) = 'integer'),
	CONSTRAINT "revoked_at: expected unix seconds, 0 to 253402300799, or NULL"
		CHECK (revoked_at IS NULL OR (typeof(revoked_at) = 'integer' AND revoked_at BETWEEN 0 AND 253402300799)),
	CONSTRAINT "reason: expected 0 to 5, 9 or 10, such as 1 (keyCompromise), 4 (superseded) or 5 (cessationOfOperation)"
		CHECK (reason IS NULL OR (typeof(reason) = 'integer' AND reason BETWEEN 0 AND 10 AND reason NOT IN (6, 7, 8))),
	CONSTRAINT "reason, revoked_by: expected revoked_at with them" CHECK (revoked_at IS NOT NULL OR (reason IS NULL AND revoked_by IS NULL)),
	CONSTRAINT "revoked_by: expected 1 to 160 characters, or NULL"
		CHECK (revoked_by IS NULL OR (typeof(revoked_by) = 'text' AND length(revoked_by) BETWEEN 1 AND 160)),
	CONSTRAINT "key_digest: expected a SHA-256" CHECK (typeof(key_digest) = 'blob' AND length(key_digest) = 32),
	CONSTRAINT "der: expected a certificate of at most 4096 octets" CHECK (typeof(der) = 'blob' AND length(der) BETWEEN 1 AND 4096)
);
CREATE INDEX certificate_mac ON certificate (mac) WHERE mac IS NOT NULL;
CREATE INDEX certificate_host ON certificate (host_id) WHERE host_id IS NOT NULL;
CREATE INDEX certificate_not_after ON certificate (not_after);
-- All that a CRL says.
CREATE INDEX certificate_revoked ON certificate (not_after, serial, revoked_at, reason) WHERE revoked_at IS NOT NULL;

CREATE TRIGGER certificate_insert BEFORE INSERT ON certificate WHEN EXISTS (SELECT 1 FROM certificate WHERE serial = NEW.serial)
BEGIN SELECT RAISE(ABORT, 'serial: a certificate with this serial number exists; use UPDATE to revoke it'); END;
CREATE TRIGGER certificate_update
BEFORE UPDATE OF serial, kind, host_id, template_id, subject, not_before, not_after, issued_at, key_digest, der ON certificate
BEGIN SELECT RAISE(ABORT, 'certificate: it stays as it was issued; revoke it with revoked_at and reason'); END;
CREATE TRIGGER certificate_update_mac BEFORE UPDATE OF mac ON certificate
WHEN NEW.mac IS NOT OLD.mac AND EXISTS (SELECT 1 FROM vm WHERE mac = OLD.mac)
BEGIN SELECT RAISE(ABORT, 'mac: change the MAC of its VM, and it follows'); END;
CREATE TRIGGER certificate_used BEFORE UPDATE OF used_at ON certificate
WHEN OLD.used_at IS NOT NULL AND NEW.used_at IS NOT OLD.used_at
BEGIN SELECT RAISE(ABORT, 'used_at: a first use stays as it was recorded'); END;
CREATE TRIGGER certificate_final BEFORE UPDATE OF revoked_at, reason, revoked_by ON certificate
WHEN OLD.revoked_at IS NOT NULL AND (NEW.revoked_at IS NOT OLD.revoked_at OR NEW.revoked_by IS NOT OLD.revoked_by
	OR (OLD.reason IS NOT NULL AND NEW.reason IS NOT OLD.reason))
BEGIN SELECT RAISE(ABORT, 'revoked_at: a revocation is final'); END;
CREATE TRIGGER certificate_delete BEFORE DELETE ON certificate WHEN OLD.not_after >= CAST(strftime('%s', 'now') AS INTEGER)
BEGIN SELECT RAISE(ABORT, 'certificate: it is kept until it ends; revoke it with revoked_at and reason'); END;

-- What follows from a revocation, whoever types it.  Superseded (4) is a renewal's everyday end: no event.  After
-- cessationOfOperation (5) nobody else has the key: the machine's COIs keep theirs.
CREATE TRIGGER certificate_revoke AFTER UPDATE OF revoked_at ON certificate
WHEN OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL
BEGIN
	UPDATE certificate SET reason = 0 WHERE serial = NEW.serial AND reason IS NULL;
	INSERT INTO audit (event, actor, subject, detail) SELECT 'revoked', coalesce(NEW.revoked_by, 'administrator'),
		CASE WHEN NEW.mac IS NOT NULL THEN printf('vm %02x:%02x:%02x:%02x:%02x:%02x', NEW.mac >> 40, NEW.mac >> 32 & 255,
				NEW.mac >> 24 & 255, NEW.mac >> 16 & 255, NEW.mac >> 8 & 255, NEW.mac & 255)
			WHEN NEW.host_id IS NOT NULL THEN 'host ' || coalesce((SELECT name FROM host WHERE id = NEW.host_id), NEW.subject)
			ELSE 'policyd' END,
		'serial ' || NEW.serial || ', reason ' || CASE coalesce(NEW.reason, 0)
			WHEN 0 THEN 'unspecified' WHEN 1 THEN 'keyCompromise' WHEN 2 THEN 'cACompromise'
			WHEN 3 THEN 'affiliationChanged' WHEN 5 THEN 'cessationOfOperation'
			WHEN 9 THEN 'privilegeWithdrawn' ELSE 'aACompromise' END
	WHERE coalesce(NEW.reason, 0) <> 4;
	INSERT INTO change (kind, action, ref, name) VALUES ('certificate', 'update', coalesce(NEW.mac, 0), NEW.serial);
	UPDATE guest SET wg_key = NULL, endpoint = NULL
	WHERE mac = NEW.mac AND coalesce(NEW.reason, 0) <> 4 AND (wg_key IS NOT NULL OR endpoint IS NOT NULL);
	INSERT INTO coi_rotation (coi_id, reason) SELECT coi_id, 'certificate revoked' FROM member
	WHERE mac = NEW.mac AND coalesce(NEW.reason, 0) NOT IN (4, 5)
		AND EXISTS (SELECT 1 FROM coi_key WHERE coi_key.coi_id = member.coi_id)
		AND NOT EXISTS (SELECT 1 FROM coi_rotation AS r WHERE r.coi_id = member.coi_id);
END;

-- Those of a machine that is gone are revoked: cessationOfOperation.
CREATE TRIGGER guest_delete_certificate AFTER DELETE ON guest
BEGIN
	UPDATE certificate SET revoked_at = CAST(strftime('%s', 'now') AS INTEGER), reason = 5
	WHERE mac = OLD.mac AND revoked_at IS NULL AND not_after >= CAST(strftime('%s', 'now') AS INTEGER);
END;
CREATE TRIGGER guest_stop_certificate AFTER UPDATE OF state ON guest WHEN NEW.state = 'stopped' AND OLD.state <> 'stopped'
BEGIN
	UPDATE certificate SET revoked_at = CAST(strftime('%s', 'now') AS INTEGER), reason = 5
	WHERE mac = NEW.mac AND revoked_at IS NULL AND not_after >= CAST(strftime('%s', 'now') AS INTEGER);
END;
CREATE TRIGGER host_delete_certificate BEFORE DELETE ON host
BEGIN
	UPDATE certificate SET revoked_at = CAST(strftime('%s', 'now') AS INTEGER), reason = 5
	WHERE host_id = OLD.id AND revoked_at IS NULL AND not_after >= CAST(strftime('%s', 'now') AS INTEGER);
END;
CREATE TRIGGER vm_update_mac_certificate AFTER UPDATE OF mac ON vm WHEN NEW.mac <> OLD.mac
BEGIN UPDATE certificate SET mac = NEW.mac WHERE mac = OLD.mac; END;
