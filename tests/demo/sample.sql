-- A sample tenant, as an administrator would type it: four communities in one enclave, three switches,
-- two hypervisor hosts, and a few VMs.  sqlite3 policy.db < sample.sql

INSERT INTO tenant (name) VALUES ('acme');

-- What a VM gets that nothing else says otherwise for.
INSERT INTO enclave (name, session_timeout_s, acct_interim_s, comment)
VALUES ('east', 3600, 600, 'first floor, behind gateway gw-east');

-- The switches; the address is where their RADIUS packets come from.
INSERT INTO nas (name, address, dialect, quarantine_vlan) VALUES
	('leaf1', '127.0.0.1',  'rfc', NULL),
	('leaf2', '127.0.0.12', 'hpe', NULL),
	('lab',   '127.0.0.13', 'rfc', 666);

-- The hypervisor hosts, and the switch ports they are cabled to.
INSERT INTO host (name) VALUES ('hv1'), ('hv2');
INSERT INTO host_uplink (host_id, nas_id, port)
SELECT host.id, nas.id, 'p1' FROM host, nas WHERE host.name = 'hv1' AND nas.name = 'leaf1';

-- The communities.  The lowest priority number decides a VM's network; others may add tagged VLANs.
INSERT INTO coi (name, tenant_id, priority, vlan, tagged_vlans, cos, ingress_kbps, egress_kbps, acl) VALUES
	('web',   2, 20, 100, NULL, 3, 100000, 200000, 'web-in'),
	('app',   2, 20, 200, NULL, 3, 100000, 100000, NULL),
	('db',    2, 20, 300, NULL, 5, NULL,   NULL,   'permit in tcp from any to any 5432
deny in ip from any to any'),
	('admin', 2, 50, 400, '40', 6, NULL,   NULL,   NULL);

-- The VMs.  A MAC may be written in any common form; what is left out is inherited.
INSERT INTO vm_record (mac, name, tenant, enclave, cois) VALUES
	('52:54:00:00:01:01', 'web1', 'acme', 'east', 'web'),
	('52-54-00-00-01-02', 'web2', 'acme', 'east', 'web,admin'),
	('5254.0000.0201',    'app1', 'acme', 'east', 'app'),
	('525400000301',      'db1',  'acme', 'east', 'db,admin');

INSERT INTO vm_record (mac, name, tenant, enclave, cois, enabled, comment) VALUES
	('52:54:00:00:01:03', 'web3', 'acme', 'east', 'web', 0, 'switched off until its audit');

-- This one may run on hv1 alone, and never by its MAC only.
INSERT INTO vm_record (mac, name, tenant, enclave, cois, hosts, mab) VALUES
	('52:54:00:00:04:01', 'bastion', 'acme', 'east', 'admin', 'hv1', 0);

-- app1 stands behind a switch that knows nothing better than EAP-MD5.
INSERT INTO eap_md5 (mac, password) SELECT 0x525400000201, 'lamp table river';

-- What VMs start from: a name for EST, their communities, the gateway and the licence product.  A host may start a web
-- server that nobody registered; the others have a record first.  Only app servers need a licence.
INSERT INTO template (name, tenant_id, enclave_id, auto_create, gateway, licence_product)
SELECT item.name, tenant.id, enclave.id, item.name = 'web', 'gw-east.example', CASE item.name WHEN 'app' THEN 'app-std' ELSE '' END
FROM tenant, enclave, (SELECT 'web' AS name UNION SELECT 'app' UNION SELECT 'db') AS item
WHERE tenant.name = 'acme' AND enclave.name = 'east';
INSERT INTO template_coi (template_id, coi_id)
SELECT template.id, coi.id FROM template, coi
WHERE template.name = coi.name OR (template.name = 'db' AND coi.name = 'admin');
