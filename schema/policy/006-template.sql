-- policy.db, version 6: templates, which guests are made from.

-- A template's name is also the EST label under which its guests enrol.
CREATE TABLE template (
	id              INTEGER PRIMARY KEY,
	name            TEXT NOT NULL COLLATE NOCASE UNIQUE,
	kind            TEXT NOT NULL DEFAULT 'vm',
	tenant_id       INTEGER NOT NULL DEFAULT 1 REFERENCES tenant (id),   -- of the VMs that it makes
	enclave_id      INTEGER NOT NULL DEFAULT 1 REFERENCES enclave (id),
	auto_create     INTEGER NOT NULL DEFAULT 0,   -- 1: a host may start a VM that nobody registered
	gateway         TEXT NOT NULL DEFAULT '',     -- the virtual gateway's address or DNS name; empty: none
	licence_product TEXT NOT NULL DEFAULT '',     -- empty: needs none
	cert_life_s     INTEGER,                      -- [s] of a certificate; NULL: policyd's setting
	enabled         INTEGER NOT NULL DEFAULT 1,
	comment         TEXT NOT NULL DEFAULT '',
	CONSTRAINT "name: expected 1 to 64 of A-Z a-z 0-9 . _ -, and not host"
		CHECK (typeof(name) = 'text' AND length(name) BETWEEN 1 AND 64 AND name NOT GLOB '*[^A-Za-z0-9._-]*' AND name <> 'host'),
	CONSTRAINT "kind: expected vm or gateway" CHECK (kind IN ('vm', 'gateway')),
	CONSTRAINT "auto_create: expected 0 or 1" CHECK (auto_create IN (0, 1)),
	CONSTRAINT "gateway: expected an address or a DNS name of at most 253 characters, or nothing"
		CHECK (typeof(gateway) = 'text' AND length(gateway) <= 253 AND gateway NOT GLOB '*[^A-Za-z0-9.:-]*'),
	CONSTRAINT "licence_product: expected at most 64 printable characters, or nothing"
		CHECK (typeof(licence_product) = 'text' AND length(licence_product) <= 64 AND licence_product NOT GLOB '*[^ -~]*'),
	CONSTRAINT "cert_life_s: expected 300 to 31536000 seconds, or NULL for policyd's setting"
		CHECK (cert_life_s IS NULL OR (typeof(cert_life_s) = 'integer' AND cert_life_s BETWEEN 300 AND 31536000)),
	CONSTRAINT "enabled: expected 0 or 1" CHECK (enabled IN (0, 1)),
	CONSTRAINT "comment: expected at most 1000 characters" CHECK (typeof(comment) = 'text' AND length(comment) <= 1000)
);
CREATE INDEX template_tenant ON template (tenant_id);
CREATE INDEX template_enclave ON template (enclave_id);

-- Which COIs a guest joins when it first starts.
CREATE TABLE template_coi (
	template_id INTEGER NOT NULL REFERENCES template (id),
	coi_id      INTEGER NOT NULL REFERENCES coi (id),
	PRIMARY KEY (template_id, coi_id)
) WITHOUT ROWID;
CREATE INDEX template_coi_coi ON template_coi (coi_id);

CREATE TRIGGER template_insert_unique BEFORE INSERT ON template
WHEN EXISTS (SELECT 1 FROM template WHERE name = NEW.name OR id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'name: a template of this name or id exists; use UPDATE to change it'); END;
CREATE TRIGGER template_update_unique BEFORE UPDATE OF id, name ON template
WHEN NEW.id <> OLD.id OR EXISTS (SELECT 1 FROM template WHERE name = NEW.name AND id <> OLD.id)
BEGIN SELECT RAISE(ABORT, 'name: expected one that no other template has, and the id unchanged'); END;
CREATE TRIGGER template_insert_tenant_id BEFORE INSERT ON template
WHEN NOT EXISTS (SELECT 1 FROM tenant WHERE id = NEW.tenant_id)
BEGIN SELECT RAISE(ABORT, 'tenant_id: expected a tenant that exists'); END;
CREATE TRIGGER template_update_tenant_id BEFORE UPDATE OF tenant_id ON template
WHEN NOT EXISTS (SELECT 1 FROM tenant WHERE id = NEW.tenant_id)
BEGIN SELECT RAISE(ABORT, 'tenant_id: expected a tenant that exists'); END;
CREATE TRIGGER template_insert_enclave_id BEFORE INSERT ON template
WHEN NOT EXISTS (SELECT 1 FROM enclave WHERE id = NEW.enclave_id)
BEGIN SELECT RAISE(ABORT, 'enclave_id: expected an enclave that exists'); END;
CREATE TRIGGER template_update_enclave_id BEFORE UPDATE OF enclave_id ON template
WHEN NOT EXISTS (SELECT 1 FROM enclave WHERE id = NEW.enclave_id)
BEGIN SELECT RAISE(ABORT, 'enclave_id: expected an enclave that exists'); END;
CREATE TRIGGER template_coi_insert_template_id BEFORE INSERT ON template_coi
WHEN NOT EXISTS (SELECT 1 FROM template WHERE id = NEW.template_id)
BEGIN SELECT RAISE(ABORT, 'template_id: expected a template that exists'); END;
CREATE TRIGGER template_coi_insert_coi_id BEFORE INSERT ON template_coi
WHEN NOT EXISTS (SELECT 1 FROM coi WHERE id = NEW.coi_id)
BEGIN SELECT RAISE(ABORT, 'coi_id: expected a COI that exists'); END;
CREATE TRIGGER template_coi_limit BEFORE INSERT ON template_coi
WHEN (SELECT count(*) FROM template_coi WHERE template_id = NEW.template_id) >= 64
BEGIN SELECT RAISE(ABORT, 'cois: expected at most 64 COIs for one template'); END;
CREATE TRIGGER template_coi_update BEFORE UPDATE ON template_coi
WHEN NEW.template_id IS NOT OLD.template_id OR NEW.coi_id IS NOT OLD.coi_id
BEGIN SELECT RAISE(ABORT, 'template_coi: delete this row and insert another instead'); END;

-- A COI of one tenant is in no template of another.
CREATE TRIGGER template_coi_tenant BEFORE INSERT ON template_coi
WHEN EXISTS (SELECT 1 FROM coi, template WHERE coi.id = NEW.coi_id AND template.id = NEW.template_id
	AND coi.tenant_id <> template.tenant_id)
BEGIN SELECT RAISE(ABORT, 'cois: expected COIs of the template''s own tenant, or of none'); END;
CREATE TRIGGER template_tenant BEFORE UPDATE OF tenant_id ON template
WHEN EXISTS (SELECT 1 FROM template_coi JOIN coi ON coi.id = coi_id WHERE template_id = OLD.id AND coi.tenant_id <> NEW.tenant_id)
BEGIN SELECT RAISE(ABORT, 'tenant: this template has COIs of its present tenant; remove them from it first'); END;
CREATE TRIGGER coi_template_tenant BEFORE UPDATE OF tenant_id ON coi
WHEN EXISTS (SELECT 1 FROM template_coi JOIN template ON template.id = template_id
	WHERE coi_id = OLD.id AND template.tenant_id <> NEW.tenant_id)
BEGIN SELECT RAISE(ABORT, 'tenant: this COI is in a template of another tenant'); END;

-- Nothing that is in use is deleted.
CREATE TRIGGER tenant_delete_template BEFORE DELETE ON tenant WHEN EXISTS (SELECT 1 FROM template WHERE tenant_id = OLD.id)
BEGIN SELECT RAISE(ABORT, 'name: this tenant still has templates; remove or move them first'); END;
CREATE TRIGGER enclave_delete_template BEFORE DELETE ON enclave WHEN EXISTS (SELECT 1 FROM template WHERE enclave_id = OLD.id)
BEGIN SELECT RAISE(ABORT, 'name: this enclave still has templates; remove or move them first'); END;
CREATE TRIGGER coi_delete_template BEFORE DELETE ON coi WHEN EXISTS (SELECT 1 FROM template_coi WHERE coi_id = OLD.id)
BEGIN SELECT RAISE(ABORT, 'name: this coi is still in templates; remove it from them first'); END;
CREATE TRIGGER template_delete_coi AFTER DELETE ON template
BEGIN DELETE FROM template_coi WHERE template_id = OLD.id; END;

CREATE TRIGGER template_insert_change AFTER INSERT ON template BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('template', 'insert', NEW.id, NEW.name);
END;
CREATE TRIGGER template_update_change
AFTER UPDATE OF name, kind, tenant_id, enclave_id, auto_create, gateway, licence_product, cert_life_s, enabled ON template
WHEN NEW.name COLLATE BINARY <> OLD.name OR NEW.kind <> OLD.kind OR NEW.tenant_id <> OLD.tenant_id
	OR NEW.enclave_id <> OLD.enclave_id OR NEW.auto_create <> OLD.auto_create OR NEW.gateway <> OLD.gateway
	OR NEW.licence_product <> OLD.licence_product OR NEW.cert_life_s IS NOT OLD.cert_life_s OR NEW.enabled <> OLD.enabled
BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('template', 'update', NEW.id, NEW.name);
END;
CREATE TRIGGER template_delete_change AFTER DELETE ON template BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('template', 'delete', OLD.id, OLD.name);
END;
-- A template that goes takes its rows along: it is not there any more, and that is no update.
CREATE TRIGGER template_coi_insert_change AFTER INSERT ON template_coi BEGIN
	INSERT INTO change (kind, action, ref, name) SELECT 'template', 'update', id, name FROM template WHERE id = NEW.template_id;
END;
CREATE TRIGGER template_coi_delete_change AFTER DELETE ON template_coi BEGIN
	INSERT INTO change (kind, action, ref, name) SELECT 'template', 'update', id, name FROM template WHERE id = OLD.template_id;
END;
