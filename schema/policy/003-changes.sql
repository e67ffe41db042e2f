-- policy.db, version 3: one change row per effective change, and the generation of the small tables.
-- Comments, counts and links' echoes in other rows are no effective changes.

CREATE TRIGGER tenant_insert_change AFTER INSERT ON tenant BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('tenant', 'insert', NEW.id, NEW.name);
	UPDATE generation SET n = n + 1;
END;
CREATE TRIGGER tenant_update_change AFTER UPDATE OF name, enabled ON tenant
WHEN NEW.name COLLATE BINARY <> OLD.name OR NEW.enabled IS NOT OLD.enabled
BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('tenant', 'update', NEW.id, NEW.name);
	UPDATE generation SET n = n + 1;
END;
CREATE TRIGGER tenant_delete_change AFTER DELETE ON tenant BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('tenant', 'delete', OLD.id, OLD.name);
	UPDATE generation SET n = n + 1;
END;

CREATE TRIGGER enclave_insert_change AFTER INSERT ON enclave BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('enclave', 'insert', NEW.id, NEW.name);
	UPDATE generation SET n = n + 1;
END;
CREATE TRIGGER enclave_update_change AFTER UPDATE OF name, vlan, tagged_vlans, cos, ingress_kbps, egress_kbps, acl, session_timeout_s, mab, enabled, acct_interim_s ON enclave
WHEN NEW.name COLLATE BINARY <> OLD.name OR NEW.vlan IS NOT OLD.vlan OR NEW.tagged_vlans IS NOT OLD.tagged_vlans OR NEW.cos IS NOT OLD.cos OR NEW.ingress_kbps IS NOT OLD.ingress_kbps OR NEW.egress_kbps IS NOT OLD.egress_kbps OR NEW.acl IS NOT OLD.acl OR NEW.session_timeout_s IS NOT OLD.session_timeout_s OR NEW.mab IS NOT OLD.mab OR NEW.enabled IS NOT OLD.enabled OR NEW.acct_interim_s IS NOT OLD.acct_interim_s
BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('enclave', 'update', NEW.id, NEW.name);
	UPDATE generation SET n = n + 1;
END;
CREATE TRIGGER enclave_delete_change AFTER DELETE ON enclave BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('enclave', 'delete', OLD.id, OLD.name);
	UPDATE generation SET n = n + 1;
END;

CREATE TRIGGER coi_insert_change AFTER INSERT ON coi BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('coi', 'insert', NEW.id, NEW.name);
	UPDATE generation SET n = n + 1;
END;
CREATE TRIGGER coi_update_change AFTER UPDATE OF name, tenant_id, priority, vlan, tagged_vlans, cos, ingress_kbps, egress_kbps, acl, session_timeout_s, mab, enabled ON coi
WHEN NEW.name COLLATE BINARY <> OLD.name OR NEW.tenant_id IS NOT OLD.tenant_id OR NEW.priority IS NOT OLD.priority OR NEW.vlan IS NOT OLD.vlan OR NEW.tagged_vlans IS NOT OLD.tagged_vlans OR NEW.cos IS NOT OLD.cos OR NEW.ingress_kbps IS NOT OLD.ingress_kbps OR NEW.egress_kbps IS NOT OLD.egress_kbps OR NEW.acl IS NOT OLD.acl OR NEW.session_timeout_s IS NOT OLD.session_timeout_s OR NEW.mab IS NOT OLD.mab OR NEW.enabled IS NOT OLD.enabled
BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('coi', 'update', NEW.id, NEW.name);
	UPDATE generation SET n = n + 1;
END;
CREATE TRIGGER coi_delete_change AFTER DELETE ON coi BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('coi', 'delete', OLD.id, OLD.name);
	UPDATE generation SET n = n + 1;
END;

CREATE TRIGGER nas_insert_change AFTER INSERT ON nas BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('nas', 'insert', NEW.id, NEW.name);
	UPDATE generation SET n = n + 1;
END;
CREATE TRIGGER nas_update_change AFTER UPDATE OF name, address, dialect, quarantine_vlan ON nas
WHEN NEW.name COLLATE BINARY <> OLD.name OR NEW.address IS NOT OLD.address OR NEW.dialect IS NOT OLD.dialect OR NEW.quarantine_vlan IS NOT OLD.quarantine_vlan
BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('nas', 'update', NEW.id, NEW.name);
	UPDATE generation SET n = n + 1;
END;
CREATE TRIGGER nas_delete_change AFTER DELETE ON nas BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('nas', 'delete', OLD.id, OLD.name);
	UPDATE generation SET n = n + 1;
END;

CREATE TRIGGER host_insert_change AFTER INSERT ON host BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('host', 'insert', NEW.id, NEW.name);
	UPDATE generation SET n = n + 1;
END;
CREATE TRIGGER host_update_change AFTER UPDATE OF name, cert_name, tenant_id, enclave_id, enabled ON host
WHEN NEW.name COLLATE BINARY <> OLD.name OR NEW.cert_name IS NOT OLD.cert_name OR NEW.tenant_id IS NOT OLD.tenant_id OR NEW.enclave_id IS NOT OLD.enclave_id OR NEW.enabled IS NOT OLD.enabled
BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('host', 'update', NEW.id, NEW.name);
	UPDATE generation SET n = n + 1;
END;
CREATE TRIGGER host_delete_change AFTER DELETE ON host BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('host', 'delete', OLD.id, OLD.name);
	UPDATE generation SET n = n + 1;
END;

CREATE TRIGGER host_uplink_insert_change AFTER INSERT ON host_uplink BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('host_uplink', 'insert', NEW.host_id, coalesce((SELECT name FROM nas WHERE id = NEW.nas_id), '') || ':' || NEW.port);
	UPDATE generation SET n = n + 1;
END;
CREATE TRIGGER host_uplink_delete_change AFTER DELETE ON host_uplink BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('host_uplink', 'delete', OLD.host_id, coalesce((SELECT name FROM nas WHERE id = OLD.nas_id), '') || ':' || OLD.port);
	UPDATE generation SET n = n + 1;
END;

CREATE TRIGGER vm_insert_change AFTER INSERT ON vm BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('vm', 'insert', NEW.mac, NEW.name);
END;
CREATE TRIGGER vm_update_change AFTER UPDATE OF mac, enabled, not_before, not_after, tenant_id, enclave_id, vlan, tagged_vlans, cos, ingress_kbps, egress_kbps, acl, session_timeout_s, mab, name ON vm
WHEN NEW.enabled IS NOT OLD.enabled OR NEW.not_before IS NOT OLD.not_before OR NEW.not_after IS NOT OLD.not_after OR NEW.tenant_id IS NOT OLD.tenant_id OR NEW.enclave_id IS NOT OLD.enclave_id OR NEW.vlan IS NOT OLD.vlan OR NEW.tagged_vlans IS NOT OLD.tagged_vlans OR NEW.cos IS NOT OLD.cos OR NEW.ingress_kbps IS NOT OLD.ingress_kbps OR NEW.egress_kbps IS NOT OLD.egress_kbps OR NEW.acl IS NOT OLD.acl OR NEW.session_timeout_s IS NOT OLD.session_timeout_s OR NEW.mab IS NOT OLD.mab OR NEW.name IS NOT OLD.name
BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('vm', 'update', NEW.mac, NEW.name);
END;
-- A VM under a new MAC is, to the network, one gone and one come.
CREATE TRIGGER vm_mac_change AFTER UPDATE OF mac ON vm WHEN NEW.mac <> OLD.mac BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('vm', 'delete', OLD.mac, OLD.name);
	INSERT INTO change (kind, action, ref, name) VALUES ('vm', 'insert', NEW.mac, NEW.name);
END;
CREATE TRIGGER vm_delete_change AFTER DELETE ON vm BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('vm', 'delete', OLD.mac, OLD.name);
END;

CREATE TRIGGER member_insert_change AFTER INSERT ON member BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('member', 'insert', NEW.mac, (SELECT name FROM coi WHERE id = NEW.coi_id));
END;
CREATE TRIGGER member_delete_change AFTER DELETE ON member BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('member', 'delete', OLD.mac, (SELECT name FROM coi WHERE id = OLD.coi_id));
END;
CREATE TRIGGER vm_host_insert_change AFTER INSERT ON vm_host BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('vm_host', 'insert', NEW.mac, (SELECT name FROM host WHERE id = NEW.host_id));
END;
CREATE TRIGGER vm_host_delete_change AFTER DELETE ON vm_host BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('vm_host', 'delete', OLD.mac, (SELECT name FROM host WHERE id = OLD.host_id));
END;
CREATE TRIGGER vm_nas_insert_change AFTER INSERT ON vm_nas BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('vm_nas', 'insert', NEW.mac, (SELECT name FROM nas WHERE id = NEW.nas_id));
END;
CREATE TRIGGER vm_nas_delete_change AFTER DELETE ON vm_nas BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('vm_nas', 'delete', OLD.mac, (SELECT name FROM nas WHERE id = OLD.nas_id));
END;
CREATE TRIGGER eap_md5_insert_change AFTER INSERT ON eap_md5 BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('eap_md5', 'insert', NEW.mac, coalesce((SELECT name FROM vm WHERE mac = NEW.mac), ''));
END;
CREATE TRIGGER eap_md5_update_change AFTER UPDATE OF password ON eap_md5
WHEN NEW.password <> OLD.password BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('eap_md5', 'update', NEW.mac, coalesce((SELECT name FROM vm WHERE mac = NEW.mac), ''));
END;
CREATE TRIGGER eap_md5_delete_change AFTER DELETE ON eap_md5 BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('eap_md5', 'delete', OLD.mac, coalesce((SELECT name FROM vm WHERE mac = OLD.mac), ''));
END;
