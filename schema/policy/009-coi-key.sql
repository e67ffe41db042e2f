-- policy.db, version 9: the keys of communities of interest, epoch by epoch, and what machines are told of each other.

-- sealed is the key under policyd's master key; NULL once the epoch is retired.  The epoch without retire_at is current.
CREATE TABLE coi_key (
	coi_id     INTEGER NOT NULL REFERENCES coi (id),
	epoch      INTEGER NOT NULL,
	sealed     BLOB,
	created_at INTEGER NOT NULL,    -- [s] since 1970, UTC
	retire_at  INTEGER,             -- end of its grace
	retired_at INTEGER,
	PRIMARY KEY (coi_id, epoch),
	CONSTRAINT "epoch: expected a number from 1 on" CHECK (typeof(epoch) = 'integer' AND epoch BETWEEN 1 AND 0xffffffff),
	CONSTRAINT "sealed: expected a sealed key, and NULL once the epoch is retired"
		CHECK ((sealed IS NULL) = (retired_at IS NOT NULL) AND (sealed IS NULL OR (typeof(sealed) = 'blob' AND length(sealed) BETWEEN 32 AND 255))),
	CONSTRAINT "created_at: expected unix seconds, 0 to 253402300799"
		CHECK (typeof(created_at) = 'integer' AND created_at BETWEEN 0 AND 253402300799),
	CONSTRAINT "retire_at: expected unix seconds, 0 to 253402300799, or NULL"
		CHECK (retire_at IS NULL OR (typeof(retire_at) = 'integer' AND retire_at BETWEEN 0 AND 253402300799)),
	CONSTRAINT "retired_at: expected unix seconds, 0 to 253402300799, or NULL"
		CHECK (retired_at IS NULL OR (typeof(retired_at) = 'integer' AND retired_at BETWEEN 0 AND 253402300799))
) WITHOUT ROWID;
CREATE INDEX coi_key_current ON coi_key (created_at) WHERE retire_at IS NULL;
CREATE INDEX coi_key_grace ON coi_key (retire_at) WHERE retire_at IS NOT NULL AND retired_at IS NULL;

-- COIs that need a new epoch; policyd strikes them when it has made one.
CREATE TABLE coi_rotation (
	coi_id INTEGER PRIMARY KEY REFERENCES coi (id),
	reason TEXT NOT NULL DEFAULT 'administrator',
	at     INTEGER NOT NULL DEFAULT (CAST(strftime('%s', 'now') AS INTEGER)), -- [s] since 1970, UTC
	CONSTRAINT "reason: expected 1 to 64 printable characters"
		CHECK (typeof(reason) = 'text' AND length(reason) BETWEEN 1 AND 64 AND reason NOT GLOB '*[^ -~]*'),
	CONSTRAINT "at: expected unix seconds" CHECK (typeof(at) = 'integer')
);

-- Which epoch each member has got.
CREATE TABLE coi_ack (
	coi_id INTEGER NOT NULL,
	mac    INTEGER NOT NULL,
	epoch  INTEGER NOT NULL,
	PRIMARY KEY (coi_id, mac)
) WITHOUT ROWID;

CREATE TRIGGER coi_key_insert_coi_id BEFORE INSERT ON coi_key WHEN NOT EXISTS (SELECT 1 FROM coi WHERE id = NEW.coi_id)
BEGIN SELECT RAISE(ABORT, 'coi_id: expected a COI that exists'); END;
CREATE TRIGGER coi_key_insert_epoch BEFORE INSERT ON coi_key
WHEN NEW.epoch IS NOT (SELECT coalesce(max(epoch), 0) + 1 FROM coi_key WHERE coi_id = NEW.coi_id)
	OR NEW.retire_at IS NOT NULL OR NEW.retired_at IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'epoch: expected the one after the COI''s last, and current; INSERT INTO coi_rotation has policyd make it'); END;
CREATE TRIGGER coi_key_update BEFORE UPDATE ON coi_key
WHEN NEW.coi_id IS NOT OLD.coi_id OR NEW.epoch IS NOT OLD.epoch OR NEW.created_at IS NOT OLD.created_at
	OR (NEW.sealed IS NOT OLD.sealed AND NEW.sealed IS NOT NULL)
	OR (OLD.retired_at IS NOT NULL AND NEW.retired_at IS NOT OLD.retired_at)
BEGIN SELECT RAISE(ABORT, 'coi_key: an epoch stays as it was made, until it is retired'); END;
CREATE TRIGGER coi_key_retire_at BEFORE UPDATE OF retire_at ON coi_key
WHEN (NEW.retire_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM coi_key WHERE coi_id = OLD.coi_id AND epoch > OLD.epoch))
	OR (NEW.retire_at IS NULL AND OLD.retire_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'retire_at: expected NULL for the last epoch, and a time once there is a next; INSERT INTO coi_rotation has policyd make it'); END;
CREATE TRIGGER coi_key_keep_current BEFORE UPDATE OF retired_at ON coi_key
WHEN OLD.retired_at IS NULL AND NEW.retired_at IS NOT NULL
	AND NOT EXISTS (SELECT 1 FROM coi_key WHERE coi_id = OLD.coi_id AND epoch > OLD.epoch)
BEGIN SELECT RAISE(ABORT, 'retired_at: the last epoch stays until there is a next; INSERT INTO coi_rotation has policyd make it'); END;
CREATE TRIGGER coi_key_delete BEFORE DELETE ON coi_key
WHEN EXISTS (SELECT 1 FROM coi WHERE id = OLD.coi_id) AND (OLD.retired_at IS NULL
	OR NOT EXISTS (SELECT 1 FROM coi_key WHERE coi_id = OLD.coi_id AND epoch > OLD.epoch))
BEGIN SELECT RAISE(ABORT, 'coi_key: retire an epoch before it is deleted, and keep the last'); END;
CREATE TRIGGER coi_key_insert_change AFTER INSERT ON coi_key BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('coi_key', 'insert', NEW.coi_id, (SELECT name FROM coi WHERE id = NEW.coi_id));
END;
CREATE TRIGGER coi_key_update_change AFTER UPDATE OF retired_at ON coi_key WHEN NEW.retired_at IS NOT OLD.retired_at BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('coi_key', 'update', NEW.coi_id, (SELECT name FROM coi WHERE id = NEW.coi_id));
END;

CREATE TRIGGER coi_rotation_insert_coi_id BEFORE INSERT ON coi_rotation WHEN NOT EXISTS (SELECT 1 FROM coi WHERE id = NEW.coi_id)
BEGIN SELECT RAISE(ABORT, 'coi_id: expected a COI that exists'); END;
-- To ask twice is harmless: the first asking stands.
CREATE TRIGGER coi_rotation_insert_again BEFORE INSERT ON coi_rotation WHEN EXISTS (SELECT 1 FROM coi_rotation WHERE coi_id = NEW.coi_id)
BEGIN SELECT RAISE(IGNORE); END;
CREATE TRIGGER coi_rotation_update BEFORE UPDATE OF coi_id ON coi_rotation WHEN NEW.coi_id IS NOT OLD.coi_id
BEGIN SELECT RAISE(ABORT, 'coi_rotation: delete this row and insert another instead'); END;
CREATE TRIGGER coi_rotation_delete BEFORE DELETE ON coi_rotation
WHEN EXISTS (SELECT 1 FROM coi WHERE id = OLD.coi_id) AND NOT EXISTS (SELECT 1 FROM coi_key WHERE coi_id = OLD.coi_id)
BEGIN SELECT RAISE(ABORT, 'coi_rotation: this COI has no key yet; policyd makes one'); END;

CREATE TRIGGER coi_ack_insert BEFORE INSERT ON coi_ack
WHEN NOT EXISTS (SELECT 1 FROM member WHERE mac = NEW.mac AND coi_id = NEW.coi_id)
	OR NOT EXISTS (SELECT 1 FROM coi_key WHERE coi_id = NEW.coi_id AND epoch = NEW.epoch)
BEGIN SELECT RAISE(ABORT, 'coi_ack: expected a member, and an epoch that the COI has'); END;
CREATE TRIGGER coi_ack_update BEFORE UPDATE OF epoch ON coi_ack
WHEN NEW.epoch < OLD.epoch OR NOT EXISTS (SELECT 1 FROM coi_key WHERE coi_id = NEW.coi_id AND epoch = NEW.epoch)
BEGIN SELECT RAISE(ABORT, 'epoch: expected a later one that the COI has'); END;

-- 0 is none where COIs are spoken of by their id.  Only after the insert is it known which id the row was given.
CREATE TRIGGER coi_insert_id AFTER INSERT ON coi WHEN NEW.id < 1
BEGIN SELECT RAISE(ABORT, 'id: expected 1 or more'); END;

-- A COI has a key from the start, and takes all of it along when it goes.
INSERT INTO coi_rotation (coi_id, reason) SELECT id, 'first' FROM coi;
CREATE TRIGGER coi_insert_key AFTER INSERT ON coi
BEGIN INSERT INTO coi_rotation (coi_id, reason) VALUES (NEW.id, 'first'); END;
CREATE TRIGGER coi_delete_key AFTER DELETE ON coi
BEGIN
	DELETE FROM coi_key WHERE coi_id = OLD.id;
	DELETE FROM coi_ack WHERE coi_id = OLD.id;
	DELETE FROM coi_rotation WHERE coi_id = OLD.id;
END;

-- Who has left must not read on.  A COI without a key yet has nothing to change.
CREATE TRIGGER member_delete_key AFTER DELETE ON member WHEN EXISTS (SELECT 1 FROM coi_key WHERE coi_id = OLD.coi_id)
BEGIN
	DELETE FROM coi_ack WHERE coi_id = OLD.coi_id AND mac = OLD.mac;
	INSERT INTO coi_rotation (coi_id, reason) SELECT OLD.coi_id, 'member left'
	WHERE NOT EXISTS (SELECT 1 FROM coi_rotation WHERE coi_id = OLD.coi_id);
END;
CREATE TRIGGER member_update_mac_key AFTER UPDATE OF mac ON member WHEN NEW.mac <> OLD.mac
BEGIN UPDATE coi_ack SET mac = NEW.mac WHERE coi_id = OLD.coi_id AND mac = OLD.mac; END;
CREATE TRIGGER vm_disable_key AFTER UPDATE OF enabled ON vm WHEN OLD.enabled AND NOT NEW.enabled
BEGIN
	INSERT INTO coi_rotation (coi_id, reason) SELECT coi_id, 'VM disabled' FROM member
	WHERE mac = NEW.mac AND EXISTS (SELECT 1 FROM coi_key WHERE coi_key.coi_id = member.coi_id)
		AND NOT EXISTS (SELECT 1 FROM coi_rotation AS r WHERE r.coi_id = member.coi_id);
END;
-- An end that is typed as past; policyd sees to those that come by themselves.
CREATE TRIGGER vm_expire_key AFTER UPDATE OF not_after ON vm
WHEN NEW.not_after <= CAST(strftime('%s', 'now') AS INTEGER) AND NEW.not_after IS NOT OLD.not_after
BEGIN
	INSERT INTO coi_rotation (coi_id, reason) SELECT coi_id, 'VM expired' FROM member
	WHERE mac = NEW.mac AND EXISTS (SELECT 1 FROM coi_key WHERE coi_key.coi_id = member.coi_id)
		AND NOT EXISTS (SELECT 1 FROM coi_rotation AS r WHERE r.coi_id = member.coi_id);
END;

-- With their tenant or enclave, VMs lose what they had by it.
CREATE TRIGGER tenant_disable_key AFTER UPDATE OF enabled ON tenant WHEN OLD.enabled AND NOT NEW.enabled
BEGIN
	INSERT INTO coi_rotation (coi_id, reason) SELECT DISTINCT coi_id, 'tenant disabled' FROM vm JOIN member USING (mac)
	WHERE vm.tenant_id = NEW.id AND EXISTS (SELECT 1 FROM coi_key WHERE coi_key.coi_id = member.coi_id)
		AND NOT EXISTS (SELECT 1 FROM coi_rotation AS r WHERE r.coi_id = member.coi_id);
END;
CREATE TRIGGER enclave_disable_key AFTER UPDATE OF enabled ON enclave WHEN OLD.enabled AND NOT NEW.enabled
BEGIN
	INSERT INTO coi_rotation (coi_id, reason) SELECT DISTINCT coi_id, 'enclave disabled' FROM vm JOIN member USING (mac)
	WHERE vm.enclave_id = NEW.id AND EXISTS (SELECT 1 FROM coi_key WHERE coi_key.coi_id = member.coi_id)
		AND NOT EXISTS (SELECT 1 FROM coi_rotation AS r WHERE r.coi_id = member.coi_id);
END;

-- Changes that a directory shows, of what stands behind machines: all their peers are told anew.  Those of kind coi,
-- tenant, enclave and template are of every column, and most of them concern no directory.
CREATE TRIGGER coi_update_directory AFTER UPDATE OF name, priority, enabled, tenant_id ON coi
WHEN NEW.name COLLATE BINARY <> OLD.name OR NEW.priority <> OLD.priority OR NEW.enabled <> OLD.enabled
	OR NEW.tenant_id IS NOT OLD.tenant_id
BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('directory', 'update', NEW.id, 'coi ' || NEW.name);
END;
CREATE TRIGGER tenant_update_directory AFTER UPDATE OF enabled ON tenant WHEN NEW.enabled <> OLD.enabled
BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('directory', 'update', NEW.id, 'tenant ' || NEW.name);
END;
CREATE TRIGGER enclave_update_directory AFTER UPDATE OF enabled ON enclave WHEN NEW.enabled <> OLD.enabled
BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('directory', 'update', NEW.id, 'enclave ' || NEW.name);
END;
CREATE TRIGGER template_update_directory AFTER UPDATE OF kind ON template WHEN NEW.kind <> OLD.kind
BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('directory', 'update', NEW.id, 'template ' || NEW.name);
END;
