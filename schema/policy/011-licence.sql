-- policy.db, version 11: licences: pools, leases of them, and which guests have one.

-- Relays are made from templates of gateways too: only those that are told so may hold licences for others.
ALTER TABLE template ADD COLUMN broker INTEGER NOT NULL DEFAULT 0
	CONSTRAINT "broker: expected 0 or 1, and 1 for the kind gateway alone"
		CHECK (typeof(broker) = 'integer' AND (broker = 0 OR (broker = 1 AND kind = 'gateway')));
DROP TRIGGER template_update_change;
CREATE TRIGGER template_update_change
AFTER UPDATE OF name, kind, tenant_id, enclave_id, auto_create, gateway, licence_product, cert_life_s, enabled, broker ON template
WHEN NEW.name COLLATE BINARY <> OLD.name OR NEW.kind <> OLD.kind OR NEW.tenant_id <> OLD.tenant_id
	OR NEW.enclave_id <> OLD.enclave_id OR NEW.auto_create <> OLD.auto_create OR NEW.gateway <> OLD.gateway
	OR NEW.licence_product <> OLD.licence_product OR NEW.cert_life_s IS NOT OLD.cert_life_s OR NEW.enabled <> OLD.enabled
	OR NEW.broker <> OLD.broker
BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('template', 'update', NEW.id, NEW.name);
END;

-- What is owned of a product, by one tenant or by all.
CREATE TABLE licence_pool (
	id         INTEGER PRIMARY KEY,
	name       TEXT NOT NULL COLLATE NOCASE UNIQUE,
	product    TEXT NOT NULL,
	tenant_id  INTEGER REFERENCES tenant (id),      -- whose VMs alone may draw on it; NULL: everybody's
	owned      INTEGER NOT NULL,
	overdraft  INTEGER NOT NULL DEFAULT 0,          -- granted beyond what is owned, each with an audit event
	lease_s    INTEGER NOT NULL DEFAULT 3600,       -- [s] of a lease
	grace_s    INTEGER NOT NULL DEFAULT 900,        -- [s] that it counts on after its end
	not_before INTEGER,                             -- [s] since 1970, UTC
	not_after  INTEGER,
	enabled    INTEGER NOT NULL DEFAULT 1,          -- 0: nothing is granted or renewed; what is held runs to its end
	comment    TEXT NOT NULL DEFAULT '',
	CONSTRAINT "name: expected 1 to 64 of A-Z a-z 0-9 . _ -"
		CHECK (typeof(name) = 'text' AND length(name) BETWEEN 1 AND 64 AND name NOT GLOB '*[^A-Za-z0-9._-]*'),
	CONSTRAINT "product: expected 1 to 64 printable characters"
		CHECK (typeof(product) = 'text' AND length(product) BETWEEN 1 AND 64 AND product NOT GLOB '*[^ -~]*'),
	CONSTRAINT "owned: expected 0 to 100000000" CHECK (typeof(owned) = 'integer' AND owned BETWEEN 0 AND 100000000),
	CONSTRAINT "overdraft: expected 0 (none) to 100000000"
		CHECK (typeof(overdraft) = 'integer' AND overdraft BETWEEN 0 AND 100000000),
	CONSTRAINT "lease_s: expected 1 to 2592000 seconds" CHECK (typeof(lease_s) = 'integer' AND lease_s BETWEEN 1 AND 2592000),
	CONSTRAINT "grace_s: expected 0 (none) to 2592000 seconds" CHECK (typeof(grace_s) = 'integer' AND grace_s BETWEEN 0 AND 2592000),
	CONSTRAINT "not_before: expected a UTC time such as 2026-12-01T08:00:00Z, unix seconds, or NULL"
		CHECK (not_before IS NULL OR (typeof(not_before) = 'integer' AND not_before BETWEEN 0 AND 253402300799)),
	CONSTRAINT "not_after: expected a UTC time such as 2026-12-01T08:00:00Z, unix seconds, or NULL"
		CHECK (not_after IS NULL OR (typeof(not_after) = 'integer' AND not_after BETWEEN 0 AND 253402300799)),
	CONSTRAINT "not_after: expected a time after not_before"
		CHECK (not_before IS NULL OR not_after IS NULL OR not_after > not_before),
	CONSTRAINT "enabled: expected 0 or 1" CHECK (enabled IN (0, 1)),
	CONSTRAINT "comment: expected at most 1000 characters" CHECK (typeof(comment) = 'text' AND length(comment) <= 1000)
);

-- What one holder has of one product, as policyd answered last.  policyd keeps them all in memory, and writes each
-- through.  A row may be deleted: that ends the lease at once, whether its holder still uses it or not.
CREATE TABLE lease (
	holder     TEXT NOT NULL,                       -- the guest's UUID
	product    TEXT NOT NULL,
	kind       TEXT NOT NULL,                       -- gateway: for the guests of its enclave; vm: for itself
	mac        INTEGER NOT NULL,
	tenant_id  INTEGER NOT NULL,
	seq        INTEGER NOT NULL,                    -- of the answer; drawn from licence_state.seq
	request_id TEXT NOT NULL,
	wants      INTEGER NOT NULL,                    -- as the request said: in all; what it had; and of that used
	has        INTEGER NOT NULL,
	in_use     INTEGER NOT NULL,
	granted_at INTEGER NOT NULL,                    -- [s] since 1970, UTC, for people: what counts is until_ms
	life_ms    INTEGER NOT NULL,
	grace_ms   INTEGER NOT NULL,
	until_ms   INTEGER NOT NULL,                    -- [ms] CLOCK_BOOTTIME of boot_id: the end of the life
	boot_id    TEXT NOT NULL,
	reason     INTEGER NOT NULL,                    -- why it was not all; 0: it was
	refused    INTEGER NOT NULL,                    -- 1: nothing of what was wanted beyond was given
	available  INTEGER NOT NULL,                    -- how many more there were
	parts      TEXT NOT NULL,                       -- in JSON, as lease_part shows it; [] when nothing is held
	PRIMARY KEY (holder, product),
	CONSTRAINT "holder: expected a UUID" CHECK (typeof(holder) = 'text' AND length(holder) = 36),
	CONSTRAINT "product: expected 1 to 64 characters" CHECK (typeof(product) = 'text' AND length(product) BETWEEN 1 AND 64),
	CONSTRAINT "kind: expected gateway or vm" CHECK (kind = 'gateway' OR kind = 'vm'),
	CONSTRAINT "seq: expected a number from 1 on" CHECK (typeof(seq) = 'integer' AND seq > 0),
	CONSTRAINT "request_id: expected a UUID" CHECK (typeof(request_id) = 'text' AND length(request_id) = 36),
	CONSTRAINT "wants, has, in_use, available: expected numbers from 0 on"
		CHECK (typeof(wants) = 'integer' AND wants >= 0 AND typeof(has) = 'integer' AND has >= 0
			AND typeof(in_use) = 'integer' AND in_use >= 0 AND typeof(available) = 'integer' AND available >= 0),
	CONSTRAINT "granted_at: expected unix seconds" CHECK (typeof(granted_at) = 'integer'),
	CONSTRAINT "life_ms, grace_ms: expected 0 to 2592000000 milliseconds"
		CHECK (typeof(life_ms) = 'integer' AND life_ms BETWEEN 0 AND 2592000000
			AND typeof(grace_ms) = 'integer' AND grace_ms BETWEEN 0 AND 2592000000),
	CONSTRAINT "until_ms: expected milliseconds" CHECK (typeof(until_ms) = 'integer'),
	CONSTRAINT "boot_id: expected a UUID" CHECK (typeof(boot_id) = 'text' AND length(boot_id) <= 36),
	CONSTRAINT "reason: expected a number from 0 on" CHECK (typeof(reason) = 'integer' AND reason >= 0),
	CONSTRAINT "refused: expected 0 or 1" CHECK (refused = 0 OR refused = 1),
	CONSTRAINT "parts: expected pools and counts in JSON" CHECK (typeof(parts) = 'text' AND json_valid(parts))
) WITHOUT ROWID;

-- How much each lease has of which pool: what was renewed last, and what is lapsing, since it could not be; and until
-- when each counts ([ms] CLOCK_BOOTTIME of lease.boot_id).
CREATE VIEW lease_part AS
SELECT holder, product, item.key AS place, json_extract(item.value, '$[0]') AS pool_id,
	json_extract(item.value, '$[1]') AS count, json_extract(item.value, '$[2]') AS over_ms,
	json_extract(item.value, '$[3]') AS lapsing, json_extract(item.value, '$[4]') AS lapsed_ms
FROM lease, json_each(lease.parts) AS item;

-- Guests with a licence, and whose lease it is of: a gateway's, or their own.
CREATE TABLE licensed (
	mac      INTEGER PRIMARY KEY,
	uuid     TEXT NOT NULL,
	product  TEXT NOT NULL,
	holder   TEXT NOT NULL,
	-- [ms] CLOCK_BOOTTIME: its gateway has to name it, or to be heard of, until then; -1: its gateway gives it back, and
	-- need not be told.
	doubt_ms INTEGER,
	CONSTRAINT "uuid: expected a UUID" CHECK (typeof(uuid) = 'text' AND length(uuid) = 36),
	CONSTRAINT "holder: expected a UUID" CHECK (typeof(holder) = 'text' AND length(holder) = 36),
	CONSTRAINT "product: expected 1 to 64 characters" CHECK (typeof(product) = 'text' AND length(product) BETWEEN 1 AND 64),
	CONSTRAINT "doubt_ms: expected milliseconds, -1 or NULL" CHECK (doubt_ms IS NULL OR typeof(doubt_ms) = 'integer')
);
CREATE INDEX licensed_holder ON licensed (holder, product, uuid);
CREATE INDEX licensed_doubt ON licensed (doubt_ms) WHERE doubt_ms IS NOT NULL;

-- Refusals; the same holder, product and reason within an hour are one row.
CREATE TABLE licence_denial (
	id        INTEGER PRIMARY KEY AUTOINCREMENT,
	holder    TEXT NOT NULL,
	mac       INTEGER NOT NULL,
	product   TEXT NOT NULL,
	tenant_id INTEGER NOT NULL,
	reason    TEXT NOT NULL,
	wants     INTEGER NOT NULL,                     -- the last time
	available INTEGER NOT NULL,
	first_at  INTEGER NOT NULL,                     -- [s] since 1970, UTC
	last_at   INTEGER NOT NULL,
	n         INTEGER NOT NULL DEFAULT 1,
	CONSTRAINT "first_at, last_at: expected unix seconds" CHECK (typeof(first_at) = 'integer' AND typeof(last_at) = 'integer'),
	CONSTRAINT "reason: expected 1 to 400 characters" CHECK (typeof(reason) = 'text' AND length(reason) BETWEEN 1 AND 400)
);
CREATE INDEX licence_denial_holder ON licence_denial (holder, product);

-- One row.  generation counts what others than policyd's own grants have changed: policyd then reads all anew.
-- incarnation is of this store: a copy of it that is older shows by its seq.
CREATE TABLE licence_state (
	id               INTEGER PRIMARY KEY,
	seq              INTEGER NOT NULL DEFAULT 0,
	generation       INTEGER NOT NULL DEFAULT 1,
	incarnation      TEXT NOT NULL,
	longest_ms       INTEGER NOT NULL DEFAULT 0,    -- the longest life and grace that were ever given
	recover_until_ms INTEGER NOT NULL DEFAULT 0,    -- [ms] CLOCK_BOOTTIME of recover_boot_id; 0: there is no recovery
	recover_boot_id  TEXT NOT NULL DEFAULT '',
	CONSTRAINT "licence_state: expected one row, with id 1" CHECK (id = 1),
	CONSTRAINT "seq: expected a number from 0 on" CHECK (typeof(seq) = 'integer' AND seq >= 0),
	CONSTRAINT "generation: expected a number" CHECK (typeof(generation) = 'integer'),
	CONSTRAINT "incarnation: expected 32 hexadecimal digits in lower case"
		CHECK (typeof(incarnation) = 'text' AND length(incarnation) = 32 AND incarnation NOT GLOB '*[^0-9a-f]*'),
	CONSTRAINT "longest_ms, recover_until_ms: expected milliseconds, or 0"
		CHECK (typeof(longest_ms) = 'integer' AND longest_ms >= 0 AND typeof(recover_until_ms) = 'integer' AND recover_until_ms >= 0),
	CONSTRAINT "recover_boot_id: expected a UUID, or nothing" CHECK (typeof(recover_boot_id) = 'text' AND length(recover_boot_id) <= 36)
);
INSERT INTO licence_state (id, incarnation) VALUES (1, lower(hex(randomblob(16))));
CREATE TRIGGER licence_state_insert BEFORE INSERT ON licence_state WHEN EXISTS (SELECT 1 FROM licence_state)
BEGIN SELECT RAISE(ABORT, 'licence_state: has its one row; use UPDATE to change it'); END;
CREATE TRIGGER licence_state_delete BEFORE DELETE ON licence_state
BEGIN SELECT RAISE(ABORT, 'licence_state: its one row stays'); END;
CREATE TRIGGER licence_state_seq BEFORE UPDATE OF seq ON licence_state WHEN NEW.seq < OLD.seq
BEGIN SELECT RAISE(ABORT, 'seq: expected a number that grows'); END;
CREATE TRIGGER licence_state_incarnation BEFORE UPDATE OF incarnation ON licence_state WHEN NEW.incarnation IS NOT OLD.incarnation
BEGIN SELECT RAISE(ABORT, 'incarnation: it stays as it is'); END;

CREATE TRIGGER licence_pool_insert_unique BEFORE INSERT ON licence_pool
WHEN EXISTS (SELECT 1 FROM licence_pool WHERE name = NEW.name OR id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'name: a pool of this name or id exists; use UPDATE to change it'); END;
CREATE TRIGGER licence_pool_update_unique BEFORE UPDATE OF id, name ON licence_pool
WHEN NEW.id <> OLD.id OR EXISTS (SELECT 1 FROM licence_pool WHERE name = NEW.name AND id <> OLD.id)
BEGIN SELECT RAISE(ABORT, 'name: expected one that no other pool has, and the id unchanged'); END;
CREATE TRIGGER licence_pool_insert_tenant_id BEFORE INSERT ON licence_pool
WHEN NEW.tenant_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM tenant WHERE id = NEW.tenant_id)
BEGIN SELECT RAISE(ABORT, 'tenant_id: expected a tenant that exists'); END;
CREATE TRIGGER licence_pool_update_tenant_id BEFORE UPDATE OF tenant_id ON licence_pool
WHEN NEW.tenant_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM tenant WHERE id = NEW.tenant_id)
BEGIN SELECT RAISE(ABORT, 'tenant_id: expected a tenant that exists'); END;
-- Only after the insert is it known which id the row was given.
CREATE TRIGGER licence_pool_insert_id AFTER INSERT ON licence_pool WHEN NEW.id < 1
BEGIN SELECT RAISE(ABORT, 'id: expected 1 or more'); END;
CREATE TRIGGER licence_pool_product BEFORE UPDATE OF product ON licence_pool
WHEN NEW.product IS NOT OLD.product AND EXISTS (SELECT 1 FROM lease_part WHERE pool_id = OLD.id)
BEGIN SELECT RAISE(ABORT, 'product: leases draw on this pool; make another for the other product'); END;
CREATE TRIGGER licence_pool_delete BEFORE DELETE ON licence_pool WHEN EXISTS (SELECT 1 FROM lease_part WHERE pool_id = OLD.id)
BEGIN SELECT RAISE(ABORT, 'name: leases draw on this pool; disable it, and remove it when they are over'); END;
CREATE TRIGGER tenant_delete_licence_pool BEFORE DELETE ON tenant WHEN EXISTS (SELECT 1 FROM licence_pool WHERE tenant_id = OLD.id)
BEGIN SELECT RAISE(ABORT, 'name: this tenant still has licence pools; remove or move them first'); END;

CREATE TRIGGER licence_pool_insert_change AFTER INSERT ON licence_pool BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('licence_pool', 'insert', NEW.id, NEW.name);
	UPDATE licence_state SET generation = generation + 1;
END;
CREATE TRIGGER licence_pool_update_change
AFTER UPDATE OF name, product, tenant_id, owned, overdraft, lease_s, grace_s, not_before, not_after, enabled ON licence_pool
WHEN NEW.name COLLATE BINARY <> OLD.name OR NEW.product <> OLD.product OR NEW.tenant_id IS NOT OLD.tenant_id
	OR NEW.owned <> OLD.owned OR NEW.overdraft <> OLD.overdraft OR NEW.lease_s <> OLD.lease_s OR NEW.grace_s <> OLD.grace_s
	OR NEW.not_before IS NOT OLD.not_before OR NEW.not_after IS NOT OLD.not_after OR NEW.enabled <> OLD.enabled
BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('licence_pool', 'update', NEW.id, NEW.name);
	UPDATE licence_state SET generation = generation + 1;
END;
CREATE TRIGGER licence_pool_delete_change AFTER DELETE ON licence_pool BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('licence_pool', 'delete', OLD.id, OLD.name);
	UPDATE licence_state SET generation = generation + 1;
END;

-- Grants are policyd's: each answer has a seq beyond all before it.  In another boot each lease begins anew.
CREATE TRIGGER lease_insert BEFORE INSERT ON lease
WHEN NEW.seq <= (SELECT seq FROM licence_state)
BEGIN SELECT RAISE(ABORT, 'lease: policyd grants; DELETE ends a lease'); END;
-- Between its answers a lease's parts may run out.
CREATE TRIGGER lease_update BEFORE UPDATE ON lease
WHEN NEW.holder IS NOT OLD.holder OR NEW.product IS NOT OLD.product OR NEW.seq < OLD.seq
	OR (NEW.seq = OLD.seq AND NEW.boot_id IS OLD.boot_id AND NEW.mac IS OLD.mac
		AND (SELECT coalesce(sum(json_extract(value, '$[1]') + json_extract(value, '$[3]')), 0) FROM json_each(NEW.parts))
			>= (SELECT coalesce(sum(json_extract(value, '$[1]') + json_extract(value, '$[3]')), 0) FROM json_each(OLD.parts)))
BEGIN SELECT RAISE(ABORT, 'lease: policyd grants; DELETE ends a lease'); END;
CREATE TRIGGER lease_delete AFTER DELETE ON lease BEGIN
	DELETE FROM licensed WHERE holder = OLD.holder AND product = OLD.product AND doubt_ms IS NULL;
	UPDATE licence_state SET generation = generation + 1;
END;

CREATE TRIGGER licensed_insert_mac BEFORE INSERT ON licensed
WHEN NOT EXISTS (SELECT 1 FROM guest WHERE mac = NEW.mac AND uuid = NEW.uuid)
BEGIN SELECT RAISE(ABORT, 'mac: expected a guest that exists, and its uuid'); END;
-- The gateway that it was licensed through is told.
CREATE TRIGGER licensed_delete_change AFTER DELETE ON licensed WHEN OLD.holder <> OLD.uuid AND OLD.doubt_ms IS NOT -1
BEGIN
	INSERT INTO change (kind, action, ref, name)
	VALUES ('licensed', 'delete', coalesce((SELECT mac FROM guest WHERE uuid = OLD.holder), 0), OLD.uuid);
END;
CREATE TRIGGER licensed_holder_change AFTER UPDATE OF holder, product ON licensed
WHEN OLD.holder <> OLD.uuid AND (NEW.holder <> OLD.holder OR NEW.product <> OLD.product)
BEGIN
	INSERT INTO change (kind, action, ref, name)
	VALUES ('licensed', 'delete', coalesce((SELECT mac FROM guest WHERE uuid = OLD.holder), 0), OLD.uuid);
END;
-- A guest that runs on without the licence that it needs has lapsed: it is in no directory, and must not read on.
CREATE TRIGGER licensed_delete_lapse AFTER DELETE ON licensed
WHEN EXISTS (SELECT 1 FROM guest JOIN template ON template.id = template_id
	WHERE mac = OLD.mac AND state = 'started' AND template.kind = 'vm' AND licence_product = OLD.product)
BEGIN
	UPDATE guest SET wg_key = NULL, endpoint = NULL WHERE mac = OLD.mac AND (wg_key IS NOT NULL OR endpoint IS NOT NULL);
	INSERT INTO coi_rotation (coi_id, reason) SELECT coi_id, 'licence lapsed' FROM member
	WHERE mac = OLD.mac AND EXISTS (SELECT 1 FROM coi_key WHERE coi_key.coi_id = member.coi_id)
		AND NOT EXISTS (SELECT 1 FROM coi_rotation AS r WHERE r.coi_id = member.coi_id);
END;

-- A guest that is gone frees its licence at once.  A gateway's lease stays to its end: its guests run on it.
CREATE TRIGGER guest_stop_licence AFTER UPDATE OF state ON guest WHEN NEW.state = 'stopped' AND OLD.state <> 'stopped'
BEGIN
	DELETE FROM licensed WHERE mac = NEW.mac;
	DELETE FROM lease WHERE holder = NEW.uuid AND kind = 'vm';
END;
CREATE TRIGGER guest_delete_licence AFTER DELETE ON guest
BEGIN
	DELETE FROM licensed WHERE mac = OLD.mac;
	DELETE FROM lease WHERE holder = OLD.uuid AND kind = 'vm';
END;
CREATE TRIGGER guest_uuid_licence AFTER UPDATE OF uuid ON guest WHEN NEW.uuid <> OLD.uuid
BEGIN
	DELETE FROM licensed WHERE mac = NEW.mac;
	DELETE FROM lease WHERE holder = OLD.uuid AND kind = 'vm';
END;
CREATE TRIGGER vm_update_mac_licence AFTER UPDATE OF mac ON vm WHEN NEW.mac <> OLD.mac
BEGIN
	UPDATE licensed SET mac = NEW.mac WHERE mac = OLD.mac;
	UPDATE lease SET mac = NEW.mac WHERE mac = OLD.mac;
END;

CREATE TRIGGER licence_denial_update BEFORE UPDATE OF id, holder, product, reason, first_at ON licence_denial
BEGIN SELECT RAISE(ABORT, 'licence_denial: a refusal stays as it was recorded'); END;
