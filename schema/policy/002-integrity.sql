-- policy.db, version 2: triggers that keep the tables whole in a shell without foreign keys.

-- REPLACE would delete a row without its triggers: refuse it, plain INSERT and UPDATE are enough.
CREATE TRIGGER tenant_insert_unique BEFORE INSERT ON tenant
WHEN EXISTS (SELECT 1 FROM tenant WHERE name = NEW.name OR id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'name: a tenant of this name or id exists; use UPDATE to change it'); END;
CREATE TRIGGER tenant_update_unique BEFORE UPDATE OF id, name ON tenant
WHEN NEW.id <> OLD.id OR EXISTS (SELECT 1 FROM tenant WHERE name = NEW.name AND id <> OLD.id)
BEGIN SELECT RAISE(ABORT, 'name: expected one that no other tenant has, and the id unchanged'); END;
CREATE TRIGGER enclave_insert_unique BEFORE INSERT ON enclave
WHEN EXISTS (SELECT 1 FROM enclave WHERE name = NEW.name OR id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'name: a enclave of this name or id exists; use UPDATE to change it'); END;
CREATE TRIGGER enclave_update_unique BEFORE UPDATE OF id, name ON enclave
WHEN NEW.id <> OLD.id OR EXISTS (SELECT 1 FROM enclave WHERE name = NEW.name AND id <> OLD.id)
BEGIN SELECT RAISE(ABORT, 'name: expected one that no other enclave has, and the id unchanged'); END;
CREATE TRIGGER coi_insert_unique BEFORE INSERT ON coi
WHEN EXISTS (SELECT 1 FROM coi WHERE name = NEW.name OR id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'name: a coi of this name or id exists; use UPDATE to change it'); END;
CREATE TRIGGER coi_update_unique BEFORE UPDATE OF id, name ON coi
WHEN NEW.id <> OLD.id OR EXISTS (SELECT 1 FROM coi WHERE name = NEW.name AND id <> OLD.id)
BEGIN SELECT RAISE(ABORT, 'name: expected one that no other coi has, and the id unchanged'); END;
CREATE TRIGGER nas_insert_unique BEFORE INSERT ON nas
WHEN EXISTS (SELECT 1 FROM nas WHERE name = NEW.name OR id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'name: a nas of this name or id exists; use UPDATE to change it'); END;
CREATE TRIGGER nas_update_unique BEFORE UPDATE OF id, name ON nas
WHEN NEW.id <> OLD.id OR EXISTS (SELECT 1 FROM nas WHERE name = NEW.name AND id <> OLD.id)
BEGIN SELECT RAISE(ABORT, 'name: expected one that no other nas has, and the id unchanged'); END;
CREATE TRIGGER host_insert_unique BEFORE INSERT ON host
WHEN EXISTS (SELECT 1 FROM host WHERE name = NEW.name OR id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'name: a host of this name or id exists; use UPDATE to change it'); END;
CREATE TRIGGER host_update_unique BEFORE UPDATE OF id, name ON host
WHEN NEW.id <> OLD.id OR EXISTS (SELECT 1 FROM host WHERE name = NEW.name AND id <> OLD.id)
BEGIN SELECT RAISE(ABORT, 'name: expected one that no other host has, and the id unchanged'); END;

-- The rows that others fall back to.
CREATE TRIGGER tenant_keep_default BEFORE DELETE ON tenant WHEN OLD.id = 1
BEGIN SELECT RAISE(ABORT, 'name: the first tenant is the default of every VM and stays'); END;
CREATE TRIGGER enclave_keep_default BEFORE DELETE ON enclave WHEN OLD.id = 1
BEGIN SELECT RAISE(ABORT, 'name: the first enclave is the default of every VM and stays'); END;

-- Nothing that is in use is deleted.
CREATE TRIGGER tenant_delete_vm BEFORE DELETE ON tenant WHEN EXISTS (SELECT 1 FROM vm WHERE tenant_id = OLD.id)
BEGIN SELECT RAISE(ABORT, 'name: this tenant still has VMs; remove or move them first'); END;
CREATE TRIGGER tenant_delete_coi BEFORE DELETE ON tenant WHEN EXISTS (SELECT 1 FROM coi WHERE tenant_id = OLD.id)
BEGIN SELECT RAISE(ABORT, 'name: this tenant still has COIs; remove or move them first'); END;
CREATE TRIGGER tenant_delete_host BEFORE DELETE ON tenant WHEN EXISTS (SELECT 1 FROM host WHERE tenant_id = OLD.id)
BEGIN SELECT RAISE(ABORT, 'name: this tenant still has hosts; remove or move them first'); END;
CREATE TRIGGER enclave_delete_vm BEFORE DELETE ON enclave WHEN EXISTS (SELECT 1 FROM vm WHERE enclave_id = OLD.id)
BEGIN SELECT RAISE(ABORT, 'name: this enclave still has VMs; remove or move them first'); END;
CREATE TRIGGER enclave_delete_host BEFORE DELETE ON enclave WHEN EXISTS (SELECT 1 FROM host WHERE enclave_id = OLD.id)
BEGIN SELECT RAISE(ABORT, 'name: this enclave still has hosts; remove or move them first'); END;
CREATE TRIGGER coi_delete_member BEFORE DELETE ON coi WHEN EXISTS (SELECT 1 FROM member WHERE coi_id = OLD.id)
BEGIN SELECT RAISE(ABORT, 'name: this coi still has members; remove or move them first'); END;
CREATE TRIGGER nas_delete_host_uplink BEFORE DELETE ON nas WHEN EXISTS (SELECT 1 FROM host_uplink WHERE nas_id = OLD.id)
BEGIN SELECT RAISE(ABORT, 'name: this nas still has host uplinks; remove or move them first'); END;
CREATE TRIGGER nas_delete_vm_nas BEFORE DELETE ON nas WHEN EXISTS (SELECT 1 FROM vm_nas WHERE nas_id = OLD.id)
BEGIN SELECT RAISE(ABORT, 'name: this nas still has VMs bound to it; remove or move them first'); END;
CREATE TRIGGER host_delete_vm_host BEFORE DELETE ON host WHEN EXISTS (SELECT 1 FROM vm_host WHERE host_id = OLD.id)
BEGIN SELECT RAISE(ABORT, 'name: this host still has VMs bound to it; remove or move them first'); END;
CREATE TRIGGER host_delete_uplinks AFTER DELETE ON host
BEGIN DELETE FROM host_uplink WHERE host_id = OLD.id; END;

-- References point at something.
CREATE TRIGGER coi_insert_tenant_id BEFORE INSERT ON coi
WHEN NEW.tenant_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM tenant WHERE id = NEW.tenant_id)
BEGIN SELECT RAISE(ABORT, 'tenant_id: expected a tenant that exists'); END;
CREATE TRIGGER coi_update_tenant_id BEFORE UPDATE OF tenant_id ON coi
WHEN NEW.tenant_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM tenant WHERE id = NEW.tenant_id)
BEGIN SELECT RAISE(ABORT, 'tenant_id: expected a tenant that exists'); END;
CREATE TRIGGER host_insert_tenant_id BEFORE INSERT ON host
WHEN NEW.tenant_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM tenant WHERE id = NEW.tenant_id)
BEGIN SELECT RAISE(ABORT, 'tenant_id: expected a tenant that exists'); END;
CREATE TRIGGER host_update_tenant_id BEFORE UPDATE OF tenant_id ON host
WHEN NEW.tenant_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM tenant WHERE id = NEW.tenant_id)
BEGIN SELECT RAISE(ABORT, 'tenant_id: expected a tenant that exists'); END;
CREATE TRIGGER host_insert_enclave_id BEFORE INSERT ON host
WHEN NEW.enclave_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM enclave WHERE id = NEW.enclave_id)
BEGIN SELECT RAISE(ABORT, 'enclave_id: expected an enclave that exists'); END;
CREATE TRIGGER host_update_enclave_id BEFORE UPDATE OF enclave_id ON host
WHEN NEW.enclave_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM enclave WHERE id = NEW.enclave_id)
BEGIN SELECT RAISE(ABORT, 'enclave_id: expected an enclave that exists'); END;
CREATE TRIGGER vm_insert_tenant_id BEFORE INSERT ON vm
WHEN NOT EXISTS (SELECT 1 FROM tenant WHERE id = NEW.tenant_id)
BEGIN SELECT RAISE(ABORT, 'tenant_id: expected a tenant that exists'); END;
CREATE TRIGGER vm_update_tenant_id BEFORE UPDATE OF tenant_id ON vm
WHEN NOT EXISTS (SELECT 1 FROM tenant WHERE id = NEW.tenant_id)
BEGIN SELECT RAISE(ABORT, 'tenant_id: expected a tenant that exists'); END;
CREATE TRIGGER vm_insert_enclave_id BEFORE INSERT ON vm
WHEN NOT EXISTS (SELECT 1 FROM enclave WHERE id = NEW.enclave_id)
BEGIN SELECT RAISE(ABORT, 'enclave_id: expected an enclave that exists'); END;
CREATE TRIGGER vm_update_enclave_id BEFORE UPDATE OF enclave_id ON vm
WHEN NOT EXISTS (SELECT 1 FROM enclave WHERE id = NEW.enclave_id)
BEGIN SELECT RAISE(ABORT, 'enclave_id: expected an enclave that exists'); END;
CREATE TRIGGER host_uplink_insert_host_id BEFORE INSERT ON host_uplink
WHEN NOT EXISTS (SELECT 1 FROM host WHERE id = NEW.host_id)
BEGIN SELECT RAISE(ABORT, 'host_id: expected a host that exists'); END;
CREATE TRIGGER host_uplink_insert_nas_id BEFORE INSERT ON host_uplink
WHEN NOT EXISTS (SELECT 1 FROM nas WHERE id = NEW.nas_id)
BEGIN SELECT RAISE(ABORT, 'nas_id: expected a NAS that exists'); END;
CREATE TRIGGER member_insert_coi_id BEFORE INSERT ON member
WHEN NOT EXISTS (SELECT 1 FROM coi WHERE id = NEW.coi_id)
BEGIN SELECT RAISE(ABORT, 'coi_id: expected a COI that exists'); END;
CREATE TRIGGER member_insert_mac BEFORE INSERT ON member
WHEN NOT EXISTS (SELECT 1 FROM vm WHERE mac = NEW.mac)
BEGIN SELECT RAISE(ABORT, 'mac: expected a VM that exists'); END;
CREATE TRIGGER vm_host_insert_host_id BEFORE INSERT ON vm_host
WHEN NOT EXISTS (SELECT 1 FROM host WHERE id = NEW.host_id)
BEGIN SELECT RAISE(ABORT, 'host_id: expected a host that exists'); END;
CREATE TRIGGER vm_host_insert_mac BEFORE INSERT ON vm_host
WHEN NOT EXISTS (SELECT 1 FROM vm WHERE mac = NEW.mac)
BEGIN SELECT RAISE(ABORT, 'mac: expected a VM that exists'); END;
CREATE TRIGGER vm_nas_insert_nas_id BEFORE INSERT ON vm_nas
WHEN NOT EXISTS (SELECT 1 FROM nas WHERE id = NEW.nas_id)
BEGIN SELECT RAISE(ABORT, 'nas_id: expected a NAS that exists'); END;
CREATE TRIGGER vm_nas_insert_mac BEFORE INSERT ON vm_nas
WHEN NOT EXISTS (SELECT 1 FROM vm WHERE mac = NEW.mac)
BEGIN SELECT RAISE(ABORT, 'mac: expected a VM that exists'); END;
CREATE TRIGGER eap_md5_insert_mac BEFORE INSERT ON eap_md5
WHEN NOT EXISTS (SELECT 1 FROM vm WHERE mac = NEW.mac)
BEGIN SELECT RAISE(ABORT, 'mac: expected a VM that exists'); END;

-- Links are inserted and deleted, never edited, so that counts and changes follow.
CREATE TRIGGER member_update BEFORE UPDATE ON member
WHEN NEW.coi_id IS NOT OLD.coi_id
BEGIN SELECT RAISE(ABORT, 'member: delete this row and insert another instead'); END;
CREATE TRIGGER vm_host_update BEFORE UPDATE ON vm_host
WHEN NEW.host_id IS NOT OLD.host_id
BEGIN SELECT RAISE(ABORT, 'vm_host: delete this row and insert another instead'); END;
CREATE TRIGGER vm_nas_update BEFORE UPDATE ON vm_nas
WHEN NEW.nas_id IS NOT OLD.nas_id
BEGIN SELECT RAISE(ABORT, 'vm_nas: delete this row and insert another instead'); END;
CREATE TRIGGER host_uplink_update BEFORE UPDATE ON host_uplink
WHEN NEW.host_id IS NOT OLD.host_id OR NEW.nas_id IS NOT OLD.nas_id OR NEW.port IS NOT OLD.port
BEGIN SELECT RAISE(ABORT, 'host_uplink: delete this row and insert another instead'); END;

-- A COI of one tenant takes no VM of another.
CREATE TRIGGER member_tenant BEFORE INSERT ON member
WHEN EXISTS (SELECT 1 FROM coi, vm WHERE coi.id = NEW.coi_id AND vm.mac = NEW.mac AND coi.tenant_id <> vm.tenant_id)
BEGIN SELECT RAISE(ABORT, 'cois: expected COIs of the VM''s own tenant, or of none'); END;
CREATE TRIGGER vm_tenant BEFORE UPDATE OF tenant_id ON vm
WHEN EXISTS (SELECT 1 FROM member JOIN coi ON coi.id = coi_id WHERE mac = OLD.mac AND coi.tenant_id <> NEW.tenant_id)
BEGIN SELECT RAISE(ABORT, 'tenant: this VM is a member of COIs of its present tenant; remove it from them first'); END;
CREATE TRIGGER coi_tenant BEFORE UPDATE OF tenant_id ON coi
WHEN EXISTS (SELECT 1 FROM member JOIN vm USING (mac) WHERE coi_id = OLD.id AND vm.tenant_id <> NEW.tenant_id)
BEGIN SELECT RAISE(ABORT, 'tenant: this COI has members of another tenant'); END;

-- What one look-up reads of a VM has a limit.
CREATE TRIGGER member_limit BEFORE INSERT ON member WHEN (SELECT count(*) FROM member WHERE mac = NEW.mac) >= 64
BEGIN SELECT RAISE(ABORT, 'cois: expected at most 64 COIs for one VM'); END;
CREATE TRIGGER vm_host_limit BEFORE INSERT ON vm_host WHEN (SELECT count(*) FROM vm_host WHERE mac = NEW.mac) >= 64
BEGIN SELECT RAISE(ABORT, 'hosts: expected at most 64 hosts for one VM'); END;
CREATE TRIGGER vm_nas_limit BEFORE INSERT ON vm_nas WHEN (SELECT count(*) FROM vm_nas WHERE mac = NEW.mac) >= 64
BEGIN SELECT RAISE(ABORT, 'nas: expected at most 64 NASes for one VM'); END;

-- tagged_vlans is a list, which a CHECK cannot take apart.
CREATE TRIGGER enclave_insert_tagged_vlans BEFORE INSERT ON enclave
WHEN NEW.tagged_vlans IS NOT NULL AND CASE WHEN length(NEW.tagged_vlans) <= 320 AND json_valid('[' || NEW.tagged_vlans || ']')
	THEN (SELECT count(*) > 64 OR count(DISTINCT value) <> count(*) OR total(type <> 'integer' OR value NOT BETWEEN 1 AND 4094) > 0
		FROM json_each('[' || NEW.tagged_vlans || ']'))
	ELSE 1 END
BEGIN SELECT RAISE(ABORT, 'tagged_vlans: expected at most 64 different VLAN ids 1 to 4094 separated by commas, such as 10,20, or NULL to inherit'); END;
CREATE TRIGGER enclave_update_tagged_vlans BEFORE UPDATE OF tagged_vlans ON enclave
WHEN NEW.tagged_vlans IS NOT NULL AND CASE WHEN length(NEW.tagged_vlans) <= 320 AND json_valid('[' || NEW.tagged_vlans || ']')
	THEN (SELECT count(*) > 64 OR count(DISTINCT value) <> count(*) OR total(type <> 'integer' OR value NOT BETWEEN 1 AND 4094) > 0
		FROM json_each('[' || NEW.tagged_vlans || ']'))
	ELSE 1 END
BEGIN SELECT RAISE(ABORT, 'tagged_vlans: expected at most 64 different VLAN ids 1 to 4094 separated by commas, such as 10,20, or NULL to inherit'); END;
CREATE TRIGGER coi_insert_tagged_vlans BEFORE INSERT ON coi
WHEN NEW.tagged_vlans IS NOT NULL AND CASE WHEN length(NEW.tagged_vlans) <= 320 AND json_valid('[' || NEW.tagged_vlans || ']')
	THEN (SELECT count(*) > 64 OR count(DISTINCT value) <> count(*) OR total(type <> 'integer' OR value NOT BETWEEN 1 AND 4094) > 0
		FROM json_each('[' || NEW.tagged_vlans || ']'))
	ELSE 1 END
BEGIN SELECT RAISE(ABORT, 'tagged_vlans: expected at most 64 different VLAN ids 1 to 4094 separated by commas, such as 10,20, or NULL to inherit'); END;
CREATE TRIGGER coi_update_tagged_vlans BEFORE UPDATE OF tagged_vlans ON coi
WHEN NEW.tagged_vlans IS NOT NULL AND CASE WHEN length(NEW.tagged_vlans) <= 320 AND json_valid('[' || NEW.tagged_vlans || ']')
	THEN (SELECT count(*) > 64 OR count(DISTINCT value) <> count(*) OR total(type <> 'integer' OR value NOT BETWEEN 1 AND 4094) > 0
		FROM json_each('[' || NEW.tagged_vlans || ']'))
	ELSE 1 END
BEGIN SELECT RAISE(ABORT, 'tagged_vlans: expected at most 64 different VLAN ids 1 to 4094 separated by commas, such as 10,20, or NULL to inherit'); END;
CREATE TRIGGER vm_insert_tagged_vlans BEFORE INSERT ON vm
WHEN NEW.tagged_vlans IS NOT NULL AND CASE WHEN length(NEW.tagged_vlans) <= 320 AND json_valid('[' || NEW.tagged_vlans || ']')
	THEN (SELECT count(*) > 64 OR count(DISTINCT value) <> count(*) OR total(type <> 'integer' OR value NOT BETWEEN 1 AND 4094) > 0
		FROM json_each('[' || NEW.tagged_vlans || ']'))
	ELSE 1 END
BEGIN SELECT RAISE(ABORT, 'tagged_vlans: expected at most 64 different VLAN ids 1 to 4094 separated by commas, such as 10,20, or NULL to inherit'); END;
CREATE TRIGGER vm_update_tagged_vlans BEFORE UPDATE OF tagged_vlans ON vm
WHEN NEW.tagged_vlans IS NOT NULL AND CASE WHEN length(NEW.tagged_vlans) <= 320 AND json_valid('[' || NEW.tagged_vlans || ']')
	THEN (SELECT count(*) > 64 OR count(DISTINCT value) <> count(*) OR total(type <> 'integer' OR value NOT BETWEEN 1 AND 4094) > 0
		FROM json_each('[' || NEW.tagged_vlans || ']'))
	ELSE 1 END
BEGIN SELECT RAISE(ABORT, 'tagged_vlans: expected at most 64 different VLAN ids 1 to 4094 separated by commas, such as 10,20, or NULL to inherit'); END;

-- Addresses: dotted IPv4, or the characters of IPv6 (the program that reads it parses it whole).
CREATE TRIGGER nas_insert_address BEFORE INSERT ON nas
WHEN NOT CASE
	WHEN NEW.address GLOB '*:*:*' THEN length(NEW.address) <= 39 AND NEW.address NOT GLOB '*[^0-9a-fA-F:.]*'
	WHEN json_valid('[' || replace(NEW.address, '.', ',') || ']') THEN
		(SELECT count(*) = 4 AND total(type <> 'integer' OR value NOT BETWEEN 0 AND 255) = 0
		FROM json_each('[' || replace(NEW.address, '.', ',') || ']'))
	ELSE 0 END
BEGIN SELECT RAISE(ABORT, 'address: expected an IPv4 or IPv6 address such as 192.0.2.10'); END;
CREATE TRIGGER nas_update_address BEFORE UPDATE OF address ON nas
WHEN NOT CASE
	WHEN NEW.address GLOB '*:*:*' THEN length(NEW.address) <= 39 AND NEW.address NOT GLOB '*[^0-9a-fA-F:.]*'
	WHEN json_valid('[' || replace(NEW.address, '.', ',') || ']') THEN
		(SELECT count(*) = 4 AND total(type <> 'integer' OR value NOT BETWEEN 0 AND 255) = 0
		FROM json_each('[' || replace(NEW.address, '.', ',') || ']'))
	ELSE 0 END
BEGIN SELECT RAISE(ABORT, 'address: expected an IPv4 or IPv6 address such as 192.0.2.10'); END;

-- A VM's links follow its MAC, and go with it.
CREATE TRIGGER vm_insert_unique BEFORE INSERT ON vm
WHEN EXISTS (SELECT 1 FROM vm WHERE mac = NEW.mac OR name = NEW.name)
BEGIN SELECT RAISE(ABORT, 'mac, name: a VM with this MAC or name exists; use UPDATE to change it'); END;
CREATE TRIGGER vm_update_unique BEFORE UPDATE OF mac, name ON vm
WHEN EXISTS (SELECT 1 FROM vm WHERE (mac = NEW.mac OR name = NEW.name) AND mac <> OLD.mac)
BEGIN SELECT RAISE(ABORT, 'mac, name: another VM has this MAC or name'); END;
CREATE TRIGGER vm_delete BEFORE DELETE ON vm
BEGIN
	DELETE FROM member WHERE mac = OLD.mac;
	DELETE FROM vm_host WHERE mac = OLD.mac;
	DELETE FROM vm_nas WHERE mac = OLD.mac;
	DELETE FROM eap_md5 WHERE mac = OLD.mac;
END;
CREATE TRIGGER vm_update_mac AFTER UPDATE OF mac ON vm WHEN NEW.mac <> OLD.mac
BEGIN
	UPDATE member SET mac = NEW.mac WHERE mac = OLD.mac;
	UPDATE vm_host SET mac = NEW.mac WHERE mac = OLD.mac;
	UPDATE vm_nas SET mac = NEW.mac WHERE mac = OLD.mac;
	UPDATE eap_md5 SET mac = NEW.mac WHERE mac = OLD.mac;
END;

-- What the VM's own row and the COI's say about their links.
CREATE TRIGGER member_insert AFTER INSERT ON member
BEGIN
	UPDATE coi SET member_count = member_count + 1 WHERE id = NEW.coi_id;
	UPDATE vm SET coi_ids = (SELECT group_concat(coi_id) FROM member WHERE mac = NEW.mac) WHERE mac = NEW.mac;
END;
CREATE TRIGGER member_delete AFTER DELETE ON member
BEGIN
	UPDATE coi SET member_count = member_count - 1 WHERE id = OLD.coi_id;
	UPDATE vm SET coi_ids = (SELECT coalesce(group_concat(coi_id), '') FROM member WHERE mac = OLD.mac) WHERE mac = OLD.mac;
END;
CREATE TRIGGER vm_host_insert AFTER INSERT ON vm_host
BEGIN UPDATE vm SET links = links | 1 WHERE mac = NEW.mac; END;
CREATE TRIGGER vm_host_delete AFTER DELETE ON vm_host
WHEN NOT EXISTS (SELECT 1 FROM vm_host WHERE mac = OLD.mac)
BEGIN UPDATE vm SET links = links & ~1 WHERE mac = OLD.mac; END;
CREATE TRIGGER vm_nas_insert AFTER INSERT ON vm_nas
BEGIN UPDATE vm SET links = links | 2 WHERE mac = NEW.mac; END;
CREATE TRIGGER vm_nas_delete AFTER DELETE ON vm_nas
WHEN NOT EXISTS (SELECT 1 FROM vm_nas WHERE mac = OLD.mac)
BEGIN UPDATE vm SET links = links & ~2 WHERE mac = OLD.mac; END;
CREATE TRIGGER eap_md5_insert AFTER INSERT ON eap_md5
BEGIN UPDATE vm SET links = links | 4 WHERE mac = NEW.mac; END;
CREATE TRIGGER eap_md5_delete AFTER DELETE ON eap_md5
WHEN NOT EXISTS (SELECT 1 FROM eap_md5 WHERE mac = OLD.mac)
BEGIN UPDATE vm SET links = links & ~4 WHERE mac = OLD.mac; END;
