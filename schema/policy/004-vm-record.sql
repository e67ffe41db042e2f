-- policy.db, version 4: vm_record, one flat row per VM, to select, insert, update and delete.
-- A MAC may be typed in any common form and is shown as 52:54:00:aa:bb:cc; NULL inherits;
-- cois, tagged_vlans and hosts are lists separated by commas; times are UTC.

CREATE VIEW vm_record AS SELECT
	printf('%02x:%02x:%02x:%02x:%02x:%02x',
		mac >> 40, mac >> 32 & 255, mac >> 24 & 255, mac >> 16 & 255, mac >> 8 & 255, mac & 255) AS mac,
	name,
	(SELECT tenant.name FROM tenant WHERE id = tenant_id) AS tenant,
	(SELECT enclave.name FROM enclave WHERE id = enclave_id) AS enclave,
	(SELECT group_concat(coi.name) FROM member JOIN coi ON coi.id = coi_id WHERE member.mac = vm.mac) AS cois,
	vlan, tagged_vlans, cos, ingress_kbps, egress_kbps, acl, session_timeout_s, mab, enabled,
	strftime('%Y-%m-%dT%H:%M:%SZ', not_before, 'unixepoch') AS not_before,
	strftime('%Y-%m-%dT%H:%M:%SZ', not_after, 'unixepoch') AS not_after,
	(SELECT group_concat(host.name) FROM vm_host JOIN host ON host.id = host_id WHERE vm_host.mac = vm.mac) AS hosts,
	comment
FROM vm;

CREATE TRIGGER vm_record_insert INSTEAD OF INSERT ON vm_record BEGIN
	SELECT RAISE(ABORT, 'tagged_vlans: expected at most 64 different VLAN ids 1 to 4094 separated by commas, such as 10,20, or NULL to inherit')
	WHERE NEW.tagged_vlans IS NOT NULL AND NOT json_valid('[' || NEW.tagged_vlans || ']');
	SELECT RAISE(ABORT, 'mac: expected a MAC address such as 52:54:00:aa:bb:cc, 52-54-00-AA-BB-CC, 5254.00aa.bbcc or 525400aabbcc')
	WHERE NEW.mac IS NULL OR typeof(NEW.mac) NOT IN ('text', 'integer') OR NOT (
		NEW.mac GLOB '[0-9a-fA-F][0-9a-fA-F]:[0-9a-fA-F][0-9a-fA-F]:[0-9a-fA-F][0-9a-fA-F]:[0-9a-fA-F][0-9a-fA-F]:[0-9a-fA-F][0-9a-fA-F]:[0-9a-fA-F][0-9a-fA-F]'
		OR NEW.mac GLOB '[0-9a-fA-F][0-9a-fA-F]-[0-9a-fA-F][0-9a-fA-F]-[0-9a-fA-F][0-9a-fA-F]-[0-9a-fA-F][0-9a-fA-F]-[0-9a-fA-F][0-9a-fA-F]-[0-9a-fA-F][0-9a-fA-F]'
		OR NEW.mac GLOB '[0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F].[0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F].[0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F]'
		OR NEW.mac GLOB '[0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F]-[0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F]-[0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F]'
		OR NEW.mac GLOB '[0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F]-[0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F]'
		OR NEW.mac GLOB '[0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F]');
	SELECT RAISE(ABORT, 'tenant: expected the name of a tenant that exists')
	WHERE NEW.tenant IS NOT NULL AND NOT EXISTS (SELECT 1 FROM tenant WHERE name = NEW.tenant);
	SELECT RAISE(ABORT, 'enclave: expected the name of an enclave that exists')
	WHERE NEW.enclave IS NOT NULL AND NOT EXISTS (SELECT 1 FROM enclave WHERE name = NEW.enclave);
	SELECT RAISE(ABORT, 'cois: expected COI names separated by commas')
	WHERE coalesce(NEW.cois, '') <> '' AND NEW.cois GLOB '*[^A-Za-z0-9._, -]*';
	SELECT RAISE(ABORT, 'cois: expected names of COIs that exist, each once')
	FROM (SELECT count(*) AS n, count(DISTINCT coi.id) AS known FROM json_each('["' || replace(NEW.cois, ',', '","') || '"]') AS item LEFT JOIN coi ON coi.name = trim(item.value))
	WHERE coalesce(NEW.cois, '') <> '' AND known <> n;
	SELECT RAISE(ABORT, 'hosts: expected host names separated by commas')
	WHERE coalesce(NEW.hosts, '') <> '' AND NEW.hosts GLOB '*[^A-Za-z0-9._, -]*';
	SELECT RAISE(ABORT, 'hosts: expected names of hosts that exist, each once')
	FROM (SELECT count(*) AS n, count(DISTINCT host.id) AS known FROM json_each('["' || replace(NEW.hosts, ',', '","') || '"]') AS item LEFT JOIN host ON host.name = trim(item.value))
	WHERE coalesce(NEW.hosts, '') <> '' AND known <> n;
	INSERT INTO vm (mac, name, tenant_id, enclave_id, vlan, tagged_vlans, cos, ingress_kbps, egress_kbps, acl, session_timeout_s, mab, enabled, not_before, not_after, comment)
	SELECT digits.mac,
		coalesce(NEW.name, printf('%02x:%02x:%02x:%02x:%02x:%02x', digits.mac >> 40, digits.mac >> 32 & 255,
			digits.mac >> 24 & 255, digits.mac >> 16 & 255, digits.mac >> 8 & 255, digits.mac & 255)),
		coalesce((SELECT id FROM tenant WHERE name = NEW.tenant), 1), coalesce((SELECT id FROM enclave WHERE name = NEW.enclave), 1),
		NEW.vlan, replace(NEW.tagged_vlans, ' ', ''), NEW.cos, NEW.ingress_kbps, NEW.egress_kbps, NEW.acl, NEW.session_timeout_s, NEW.mab, coalesce(NEW.enabled, 1),
		CASE WHEN NEW.not_before IS NULL OR typeof(NEW.not_before) = 'integer' THEN NEW.not_before
			WHEN NEW.not_before NOT GLOB '*[^0-9]*' THEN iif(length(NEW.not_before) >= 9, CAST(NEW.not_before AS INTEGER), 'too few digits')
			WHEN NEW.not_before NOT GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*' THEN 'no date'
			ELSE coalesce(CAST(strftime('%s', NEW.not_before) AS INTEGER), NEW.not_before) END,
		CASE WHEN NEW.not_after IS NULL OR typeof(NEW.not_after) = 'integer' THEN NEW.not_after
			WHEN NEW.not_after NOT GLOB '*[^0-9]*' THEN iif(length(NEW.not_after) >= 9, CAST(NEW.not_after AS INTEGER), 'too few digits')
			WHEN NEW.not_after NOT GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*' THEN 'no date'
			ELSE coalesce(CAST(strftime('%s', NEW.not_after) AS INTEGER), NEW.not_after) END,
		coalesce(NEW.comment, '')
	FROM (SELECT (SELECT sum((instr('0123456789abcdef', substr(lower(replace(replace(replace(NEW.mac, ':', ''), '-', ''), '.', '')), d.column1, 1)) - 1) << (48 - 4 * d.column1))
		FROM (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12)) AS d) AS mac) AS digits;
	-- last_insert_rowid() is the VM's MAC here: what follows inserts into tables without rowid.
	INSERT INTO member (mac, coi_id) SELECT last_insert_rowid(), coi.id
	FROM json_each('["' || replace(NEW.cois, ',', '","') || '"]') AS item JOIN coi ON coi.name = trim(item.value)
	WHERE coalesce(NEW.cois, '') <> '';
	INSERT INTO vm_host (mac, host_id) SELECT last_insert_rowid(), host.id
	FROM json_each('["' || replace(NEW.hosts, ',', '","') || '"]') AS item JOIN host ON host.name = trim(item.value)
	WHERE coalesce(NEW.hosts, '') <> '';
END;

CREATE TRIGGER vm_record_update INSTEAD OF UPDATE ON vm_record BEGIN
	SELECT RAISE(ABORT, 'tagged_vlans: expected at most 64 different VLAN ids 1 to 4094 separated by commas, such as 10,20, or NULL to inherit')
	WHERE NEW.tagged_vlans IS NOT NULL AND NOT json_valid('[' || NEW.tagged_vlans || ']');
	SELECT RAISE(ABORT, 'mac: expected a MAC address such as 52:54:00:aa:bb:cc, 52-54-00-AA-BB-CC, 5254.00aa.bbcc or 525400aabbcc')
	WHERE NEW.mac IS NULL OR typeof(NEW.mac) NOT IN ('text', 'integer') OR NOT (
		NEW.mac GLOB '[0-9a-fA-F][0-9a-fA-F]:[0-9a-fA-F][0-9a-fA-F]:[0-9a-fA-F][0-9a-fA-F]:[0-9a-fA-F][0-9a-fA-F]:[0-9a-fA-F][0-9a-fA-F]:[0-9a-fA-F][0-9a-fA-F]'
		OR NEW.mac GLOB '[0-9a-fA-F][0-9a-fA-F]-[0-9a-fA-F][0-9a-fA-F]-[0-9a-fA-F][0-9a-fA-F]-[0-9a-fA-F][0-9a-fA-F]-[0-9a-fA-F][0-9a-fA-F]-[0-9a-fA-F][0-9a-fA-F]'
		OR NEW.mac GLOB '[0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F].[0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F].[0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F]'
		OR NEW.mac GLOB '[0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F]-[0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F]-[0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F]'
		OR NEW.mac GLOB '[0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F]-[0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F]'
		OR NEW.mac GLOB '[0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F][0-9a-fA-F]');
	SELECT RAISE(ABORT, 'tenant: expected the name of a tenant that exists')
	WHERE NEW.tenant IS NOT NULL AND NOT EXISTS (SELECT 1 FROM tenant WHERE name = NEW.tenant);
	SELECT RAISE(ABORT, 'enclave: expected the name of an enclave that exists')
	WHERE NEW.enclave IS NOT NULL AND NOT EXISTS (SELECT 1 FROM enclave WHERE name = NEW.enclave);
	SELECT RAISE(ABORT, 'cois: expected COI names separated by commas')
	WHERE coalesce(NEW.cois, '') <> '' AND NEW.cois GLOB '*[^A-Za-z0-9._, -]*';
	SELECT RAISE(ABORT, 'cois: expected names of COIs that exist, each once')
	FROM (SELECT count(*) AS n, count(DISTINCT coi.id) AS known FROM json_each('["' || replace(NEW.cois, ',', '","') || '"]') AS item LEFT JOIN coi ON coi.name = trim(item.value))
	WHERE coalesce(NEW.cois, '') <> '' AND known <> n;
	SELECT RAISE(ABORT, 'hosts: expected host names separated by commas')
	WHERE coalesce(NEW.hosts, '') <> '' AND NEW.hosts GLOB '*[^A-Za-z0-9._, -]*';
	SELECT RAISE(ABORT, 'hosts: expected names of hosts that exist, each once')
	FROM (SELECT count(*) AS n, count(DISTINCT host.id) AS known FROM json_each('["' || replace(NEW.hosts, ',', '","') || '"]') AS item LEFT JOIN host ON host.name = trim(item.value))
	WHERE coalesce(NEW.hosts, '') <> '' AND known <> n;
	SELECT RAISE(ABORT, 'name: expected 1 to 128 characters without control characters') WHERE NEW.name IS NULL;
	SELECT RAISE(ABORT, 'enabled: expected 0 or 1') WHERE NEW.enabled IS NULL;
	-- Out of the COIs that it leaves before the tenant changes, into new ones after.
	DELETE FROM member WHERE NEW.cois IS NOT OLD.cois AND mac = (SELECT mac FROM vm WHERE name = OLD.name)
		AND coi_id NOT IN (SELECT coi.id FROM json_each('["' || replace(NEW.cois, ',', '","') || '"]') AS item JOIN coi ON coi.name = trim(item.value)
			WHERE coalesce(NEW.cois, '') <> '');
	DELETE FROM vm_host WHERE NEW.hosts IS NOT OLD.hosts AND mac = (SELECT mac FROM vm WHERE name = OLD.name)
		AND host_id NOT IN (SELECT host.id FROM json_each('["' || replace(NEW.hosts, ',', '","') || '"]') AS item JOIN host ON host.name = trim(item.value)
			WHERE coalesce(NEW.hosts, '') <> '');
	UPDATE vm SET
		mac = (SELECT sum((instr('0123456789abcdef', substr(lower(replace(replace(replace(NEW.mac, ':', ''), '-', ''), '.', '')), d.column1, 1)) - 1) << (48 - 4 * d.column1))
		FROM (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12)) AS d),
		name = NEW.name, tenant_id = coalesce((SELECT id FROM tenant WHERE name = NEW.tenant), 1), enclave_id = coalesce((SELECT id FROM enclave WHERE name = NEW.enclave), 1),
		vlan = NEW.vlan,
		tagged_vlans = replace(NEW.tagged_vlans, ' ', ''),
		cos = NEW.cos,
		ingress_kbps = NEW.ingress_kbps,
		egress_kbps = NEW.egress_kbps,
		acl = NEW.acl,
		session_timeout_s = NEW.session_timeout_s,
		mab = NEW.mab,
		enabled = NEW.enabled,
		not_before = CASE WHEN NEW.not_before IS NULL OR typeof(NEW.not_before) = 'integer' THEN NEW.not_before
			WHEN NEW.not_before NOT GLOB '*[^0-9]*' THEN iif(length(NEW.not_before) >= 9, CAST(NEW.not_before AS INTEGER), 'too few digits')
			WHEN NEW.not_before NOT GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*' THEN 'no date'
			ELSE coalesce(CAST(strftime('%s', NEW.not_before) AS INTEGER), NEW.not_before) END,
		not_after = CASE WHEN NEW.not_after IS NULL OR typeof(NEW.not_after) = 'integer' THEN NEW.not_after
			WHEN NEW.not_after NOT GLOB '*[^0-9]*' THEN iif(length(NEW.not_after) >= 9, CAST(NEW.not_after AS INTEGER), 'too few digits')
			WHEN NEW.not_after NOT GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*' THEN 'no date'
			ELSE coalesce(CAST(strftime('%s', NEW.not_after) AS INTEGER), NEW.not_after) END,
		comment = coalesce(NEW.comment, '')
	WHERE name = OLD.name;
	INSERT INTO member (mac, coi_id) SELECT vm.mac, coi.id
	FROM vm, json_each('["' || replace(NEW.cois, ',', '","') || '"]') AS item JOIN coi ON coi.name = trim(item.value)
	WHERE vm.name = NEW.name AND NEW.cois IS NOT OLD.cois AND coalesce(NEW.cois, '') <> ''
		AND NOT EXISTS (SELECT 1 FROM member WHERE member.mac = vm.mac AND coi_id = coi.id);
	INSERT INTO vm_host (mac, host_id) SELECT vm.mac, host.id
	FROM vm, json_each('["' || replace(NEW.hosts, ',', '","') || '"]') AS item JOIN host ON host.name = trim(item.value)
	WHERE vm.name = NEW.name AND NEW.hosts IS NOT OLD.hosts AND coalesce(NEW.hosts, '') <> ''
		AND NOT EXISTS (SELECT 1 FROM vm_host WHERE vm_host.mac = vm.mac AND host_id = host.id);
END;

CREATE TRIGGER vm_record_delete INSTEAD OF DELETE ON vm_record BEGIN
	DELETE FROM vm WHERE name = OLD.name;
END;
