-- policy.db, version 5: what the site has once, and the audit trail.

-- One row.  inner_prefix begins every machine's address inside the communities (RFC 4193: forty random bits).
CREATE TABLE site (
	id                  INTEGER PRIMARY KEY,
	inner_prefix        TEXT NOT NULL,
	crl_number          INTEGER NOT NULL DEFAULT 0, -- of the last CRL
	validity_checked_at INTEGER NOT NULL,           -- [s] since 1970: until when VMs' times have been looked at
	CONSTRAINT "site: expected one row, with id 1" CHECK (id = 1),
	CONSTRAINT "inner_prefix: expected an IPv6 /64 such as fd12:3456:789a:1::"
		CHECK (typeof(inner_prefix) = 'text' AND length(inner_prefix) <= 21 AND inner_prefix GLOB '[0-9a-f]*[0-9a-f]::'
			AND inner_prefix NOT GLOB '*[^0-9a-f:]*' AND inner_prefix NOT GLOB '*::?*' AND inner_prefix NOT GLOB '*:*:*:*:*:*:*'),
	CONSTRAINT "crl_number: expected a number that grows" CHECK (typeof(crl_number) = 'integer' AND crl_number >= 0),
	CONSTRAINT "validity_checked_at: expected unix seconds" CHECK (typeof(validity_checked_at) = 'integer')
);
INSERT INTO site (id, inner_prefix, validity_checked_at)
VALUES (1, printf('fd%02x:%x:%x:1::', random() & 255, random() & 65535, random() & 65535), CAST(strftime('%s', 'now') AS INTEGER));

CREATE TRIGGER site_insert BEFORE INSERT ON site WHEN EXISTS (SELECT 1 FROM site)
BEGIN SELECT RAISE(ABORT, 'site: has its one row; use UPDATE to change it'); END;
CREATE TRIGGER site_delete BEFORE DELETE ON site
BEGIN SELECT RAISE(ABORT, 'site: its one row stays'); END;
CREATE TRIGGER site_crl_number BEFORE UPDATE OF crl_number ON site WHEN NEW.crl_number < OLD.crl_number
BEGIN SELECT RAISE(ABORT, 'crl_number: expected a number that grows'); END;

-- Who did what to whom; rows are only ever added, and forgotten when they are old.
CREATE TABLE audit (
	id      INTEGER PRIMARY KEY AUTOINCREMENT,
	at      INTEGER NOT NULL DEFAULT (CAST(strftime('%s', 'now') AS INTEGER)), -- [s] since 1970, UTC
	event   TEXT NOT NULL,
	actor   TEXT NOT NULL,
	subject TEXT NOT NULL DEFAULT '',
	detail  TEXT NOT NULL DEFAULT '',
	CONSTRAINT "at: expected unix seconds" CHECK (typeof(at) = 'integer'),
	CONSTRAINT "event: expected 1 to 64 characters" CHECK (typeof(event) = 'text' AND length(event) BETWEEN 1 AND 64),
	CONSTRAINT "actor: expected 1 to 160 characters" CHECK (typeof(actor) = 'text' AND length(actor) BETWEEN 1 AND 160),
	CONSTRAINT "subject: expected at most 160 characters" CHECK (typeof(subject) = 'text' AND length(subject) <= 160),
	CONSTRAINT "detail: expected at most 400 characters" CHECK (typeof(detail) = 'text' AND length(detail) <= 400)
);
CREATE TRIGGER audit_insert BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'audit: an event stays as it was recorded'); END;
CREATE TRIGGER audit_update BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'audit: an event stays as it was recorded'); END;
CREATE TRIGGER audit_delete BEFORE DELETE ON audit WHEN OLD.at > CAST(strftime('%s', 'now') AS INTEGER) - 7776000
BEGIN SELECT RAISE(ABORT, 'audit: an event is kept for 90 days'); END;
