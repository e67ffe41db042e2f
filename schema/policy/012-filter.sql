-- policy.db, version 12: out of the communities and back: filters, gateways' routes, machines outside, IPv4 inside.

-- [IPv4 prefix] of the machines' addresses inside, beside inner_prefix; empty: they have IPv6 alone.
ALTER TABLE site ADD COLUMN inner_prefix4 TEXT NOT NULL DEFAULT ''
	CONSTRAINT "inner_prefix4: expected an IPv4 prefix of /8 to /30 such as 10.64.0.0/10, or nothing"
		CHECK (typeof(inner_prefix4) = 'text' AND length(inner_prefix4) <= 18);

-- Each machine's number within inner_prefix4, given when it first registers, and kept as long as its VM is there.
CREATE TABLE inner4 (
	mac     INTEGER PRIMARY KEY REFERENCES vm (mac),
	address INTEGER NOT NULL UNIQUE,
	CONSTRAINT "address: expected a number within site.inner_prefix4, 1 to 16777214"
		CHECK (typeof(address) = 'integer' AND address BETWEEN 1 AND 16777214)
);
-- The same as an address; those that do not fit into the prefix are left out.
CREATE VIEW inner4_address AS
SELECT mac, printf('%d.%d.%d.%d', whole >> 24, whole >> 16 & 255, whole >> 8 & 255, whole & 255) AS address
FROM (SELECT mac, inner4.address + p.base AS whole FROM inner4 CROSS JOIN
	(SELECT (SELECT sum(value << 24 - 8 * key) FROM json_each('[' || replace(replace(inner_prefix4, '.', ','), '/', ',') || ']')
			WHERE key < 4) AS base,
		(1 << 32 - substr(inner_prefix4, instr(inner_prefix4, '/') + 1)) - 2 AS room
	FROM site WHERE inner_prefix4 <> '') AS p
	WHERE inner4.address <= p.room);

-- guest.endpoint NULL beside a wg_key: others cannot reach this machine, and it has to come to them.

-- Machines outside of the enclave, such as people's own: others reach them through a gateway.
ALTER TABLE template ADD COLUMN remote INTEGER NOT NULL DEFAULT 0
	CONSTRAINT "remote: expected 0 or 1, and 1 for the kind vm alone"
		CHECK (typeof(remote) = 'integer' AND (remote = 0 OR (remote = 1 AND kind = 'vm')));

-- What a gateway leads to.
CREATE TABLE gateway_route (
	mac    INTEGER NOT NULL REFERENCES vm (mac),
	prefix TEXT NOT NULL,
	PRIMARY KEY (mac, prefix),
	CONSTRAINT "prefix: expected a prefix such as 0.0.0.0/0 or 2001:db8::/32"
		CHECK (typeof(prefix) = 'text' AND length(prefix) <= 43 AND prefix NOT GLOB '*,*' AND prefix GLOB '*/*')
) WITHOUT ROWID;

-- What may pass a gateway, COI by COI: the first rule that fits decides; without one it is dropped.
CREATE TABLE filter (
	id           INTEGER PRIMARY KEY,
	coi_id       INTEGER NOT NULL REFERENCES coi (id),
	position     INTEGER NOT NULL DEFAULT 0,        -- in ascending order; 0 becomes the last and 10
	direction    TEXT NOT NULL,                     -- in: from the clear network to a machine; out: from it
	source       TEXT NOT NULL DEFAULT '',          -- addresses and prefixes, separated by commas; empty: any
	destination  TEXT NOT NULL DEFAULT '',
	protocol     TEXT NOT NULL DEFAULT 'any',       -- icmp: ICMPv6 as well
	source_ports TEXT NOT NULL DEFAULT '',          -- "443,8000-8100"; empty: any
	ports        TEXT NOT NULL DEFAULT '',          -- of the destination
	action       TEXT NOT NULL DEFAULT 'accept',
	log          INTEGER NOT NULL DEFAULT 0,
	enabled      INTEGER NOT NULL DEFAULT 1,
	comment      TEXT NOT NULL DEFAULT '',
	CONSTRAINT "position: expected 1 to 1000000, or 0 for behind the last"
		CHECK (typeof(position) = 'integer' AND position BETWEEN 0 AND 1000000),
	CONSTRAINT "direction: expected in or out" CHECK (direction = 'in' OR direction = 'out'),
	CONSTRAINT "source: expected at most 1000 octets" CHECK (typeof(source) = 'text' AND length(source) <= 1000),
	CONSTRAINT "destination: expected at most 1000 octets" CHECK (typeof(destination) = 'text' AND length(destination) <= 1000),
	CONSTRAINT "protocol: expected tcp, udp, icmp or any" CHECK (protocol IN ('tcp', 'udp', 'icmp', 'any')),
	CONSTRAINT "source_ports: expected at most 1000 octets" CHECK (typeof(source_ports) = 'text' AND length(source_ports) <= 1000),
	CONSTRAINT "ports: expected at most 1000 octets" CHECK (typeof(ports) = 'text' AND length(ports) <= 1000),
	CONSTRAINT "ports, source_ports: expected the protocol tcp or udp with them"
		CHECK ((source_ports = '' AND ports = '') OR protocol = 'tcp' OR protocol = 'udp'),
	CONSTRAINT "action: expected accept, drop or reject" CHECK (action IN ('accept', 'drop', 'reject')),
	CONSTRAINT "log: expected 0 or 1" CHECK (log IN (0, 1)),
	CONSTRAINT "enabled: expected 0 or 1" CHECK (enabled IN (0, 1)),
	CONSTRAINT "comment: expected at most 1000 characters" CHECK (typeof(comment) = 'text' AND length(comment) <= 1000)
);
CREATE INDEX filter_coi ON filter (coi_id, position);

-- Lists are inserted here to be looked at: nothing is kept, and what is wrong is refused.  Bits beyond a prefix are
-- looked at in IPv4 alone; programs look once more.
CREATE VIEW prefix_list AS SELECT '' AS named, '' AS list WHERE 0;
CREATE TRIGGER prefix_list_insert INSTEAD OF INSERT ON prefix_list
WHEN EXISTS (SELECT 1 FROM (SELECT substr(value, 1, instr(value || '/', '/') - 1) AS address, substr(value, instr(value || '/', '/') + 1) AS bits,
		instr(value, '/') AS cut
	FROM json_each(iif(length(NEW.list) <= 1000 AND NEW.list NOT GLOB '*[^0-9a-fA-F:./,]*',
		'["' || replace(NEW.list, ',', '","') || '"]', '[""]')))
	WHERE NOT CASE
		WHEN cut AND (length(bits) NOT BETWEEN 1 AND 3 OR bits GLOB '*[^0-9]*' OR bits GLOB '0?*') THEN 0
		WHEN address GLOB '*:*' THEN (NOT cut OR bits + 0 <= 128) AND length(address) <= 39 AND address NOT GLOB '*.*'
			AND address NOT GLOB '*:::*' AND address NOT GLOB '*::*::*'
			AND (address NOT GLOB ':*' OR address GLOB '::*') AND (address NOT GLOB '*:' OR address GLOB '*::')
			AND (SELECT max(length(value)) <= 4 AND iif(address GLOB '*::*', total(value <> '') <= 7, count(*) = 8)
				FROM json_each('["' || replace(address, ':', '","') || '"]'))
		WHEN address NOT GLOB '*[^0-9.]*' AND json_valid('[' || replace(address, '.', ',') || ']') THEN
			(NOT cut OR bits + 0 <= 32)
			AND (SELECT count(*) = 4 AND total(type <> 'integer' OR value NOT BETWEEN 0 AND 255) = 0
					AND sum(value << 24 - 8 * key) & (1 << iif(cut, 32 - bits, 0)) - 1 = 0
				FROM json_each('[' || replace(address, '.', ',') || ']'))
		ELSE 0 END)
BEGIN
	SELECT RAISE(ABORT, 'prefix: expected a prefix such as 0.0.0.0/0 or 2001:db8::/32') WHERE NEW.named = 'prefix';
	SELECT RAISE(ABORT, 'inner_prefix4: expected an IPv4 prefix of /8 to /30 such as 10.64.0.0/10, or nothing')
	WHERE NEW.named = 'inner_prefix4';
	SELECT RAISE(ABORT, 'source: expected addresses and prefixes separated by commas, such as 192.0.2.0/24,2001:db8::1, at most 1000 octets')
	WHERE NEW.named = 'source';
	SELECT RAISE(ABORT, 'destination: expected addresses and prefixes separated by commas, such as 192.0.2.0/24,2001:db8::1, at most 1000 octets');
END;
CREATE VIEW port_list AS SELECT '' AS named, '' AS list WHERE 0;
CREATE TRIGGER port_list_insert INSTEAD OF INSERT ON port_list
WHEN EXISTS (SELECT 1 FROM (SELECT '[' || replace(value, '-', ',') || ']' AS range
	FROM json_each(iif(length(NEW.list) <= 1000 AND NEW.list NOT GLOB '*[^0-9,-]*',
		'["' || replace(NEW.list, ',', '","') || '"]', '["-"]')))
	WHERE NOT CASE WHEN json_valid(range)
		THEN (SELECT count(*) IN (1, 2) AND total(type <> 'integer' OR value NOT BETWEEN 1 AND 65535) = 0
				AND max(value) = json_extract(range, '$[#-1]')
			FROM json_each(range))
		ELSE 0 END)
BEGIN
	SELECT RAISE(ABORT, 'ports: expected ports and ranges, 1 to 65535, separated by commas, such as 443,8000-8100, at most 1000 octets')
	WHERE NEW.named = 'ports';
	SELECT RAISE(ABORT, 'source_ports: expected ports and ranges, 1 to 65535, separated by commas, such as 443,8000-8100, at most 1000 octets');
END;

-- -- the site's prefixes

CREATE TRIGGER site_inner_prefix4 BEFORE UPDATE OF inner_prefix4 ON site WHEN NEW.inner_prefix4 <> ''
BEGIN
	INSERT INTO prefix_list (named, list) VALUES ('inner_prefix4', NEW.inner_prefix4);
	SELECT RAISE(ABORT, 'inner_prefix4: expected an IPv4 prefix of /8 to /30 such as 10.64.0.0/10, or nothing')
	WHERE NEW.inner_prefix4 NOT GLOB '*.*.*.*/*' OR NEW.inner_prefix4 GLOB '*,*'
		OR substr(NEW.inner_prefix4, instr(NEW.inner_prefix4, '/') + 1) + 0 NOT BETWEEN 8 AND 30
		OR NEW.inner_prefix4 + 0 < 1 OR NEW.inner_prefix4 + 0 >= 224 OR NEW.inner_prefix4 GLOB '127.*';
END;
-- Every machine's address is another one.
CREATE TRIGGER site_update_directory AFTER UPDATE OF inner_prefix, inner_prefix4 ON site
WHEN NEW.inner_prefix <> OLD.inner_prefix OR NEW.inner_prefix4 <> OLD.inner_prefix4
BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('directory', 'update', NEW.id, 'site');
END;

-- -- IPv4 inside

CREATE TRIGGER inner4_insert BEFORE INSERT ON inner4
WHEN EXISTS (SELECT 1 FROM inner4 WHERE mac = NEW.mac OR address = NEW.address)
BEGIN SELECT RAISE(ABORT, 'mac, address: expected ones that no other row has; use UPDATE to change it'); END;
CREATE TRIGGER inner4_insert_mac BEFORE INSERT ON inner4 WHEN NOT EXISTS (SELECT 1 FROM vm WHERE mac = NEW.mac)
BEGIN SELECT RAISE(ABORT, 'mac: expected a VM that exists'); END;
CREATE TRIGGER inner4_update_mac BEFORE UPDATE OF mac ON inner4
WHEN NEW.mac <> OLD.mac AND EXISTS (SELECT 1 FROM vm WHERE mac = OLD.mac)
BEGIN SELECT RAISE(ABORT, 'mac: change the MAC of its VM, and it follows'); END;
-- UPDATE OR REPLACE would take it from another.
CREATE TRIGGER inner4_update_address BEFORE UPDATE OF address ON inner4
WHEN EXISTS (SELECT 1 FROM inner4 WHERE address = NEW.address AND mac <> OLD.mac)
BEGIN SELECT RAISE(ABORT, 'address: another machine has this number'); END;
CREATE TRIGGER inner4_insert_change AFTER INSERT ON inner4 BEGIN
	INSERT INTO change (kind, action, ref, name) SELECT 'directory', 'update', mac, 'vm ' || name FROM vm WHERE mac = NEW.mac;
END;
CREATE TRIGGER inner4_update_change AFTER UPDATE OF address ON inner4 WHEN NEW.address <> OLD.address BEGIN
	INSERT INTO change (kind, action, ref, name) SELECT 'directory', 'update', mac, 'vm ' || name FROM vm WHERE mac = NEW.mac;
END;
CREATE TRIGGER inner4_delete_change AFTER DELETE ON inner4 BEGIN
	INSERT INTO change (kind, action, ref, name) SELECT 'directory', 'update', mac, 'vm ' || name FROM vm WHERE mac = OLD.mac;
END;

-- -- gateways' routes

CREATE TRIGGER gateway_route_insert_mac BEFORE INSERT ON gateway_route WHEN NOT EXISTS (SELECT 1 FROM vm WHERE mac = NEW.mac)
BEGIN SELECT RAISE(ABORT, 'mac: expected a VM that exists'); END;
-- A VM that never started may become a gateway yet.
CREATE TRIGGER gateway_route_insert_kind BEFORE INSERT ON gateway_route
WHEN EXISTS (SELECT 1 FROM guest JOIN template ON template.id = template_id WHERE mac = NEW.mac AND kind <> 'gateway')
BEGIN SELECT RAISE(ABORT, 'mac: expected a gateway: a VM whose template is of this kind'); END;
CREATE TRIGGER gateway_route_insert_prefix BEFORE INSERT ON gateway_route
BEGIN INSERT INTO prefix_list (named, list) VALUES ('prefix', NEW.prefix); END;
CREATE TRIGGER gateway_route_insert_again BEFORE INSERT ON gateway_route
WHEN EXISTS (SELECT 1 FROM gateway_route WHERE mac = NEW.mac AND prefix = NEW.prefix)
BEGIN SELECT RAISE(ABORT, 'prefix: the gateway has this route already'); END;
CREATE TRIGGER gateway_route_limit BEFORE INSERT ON gateway_route
WHEN (SELECT count(*) FROM gateway_route WHERE mac = NEW.mac) >= 64
BEGIN SELECT RAISE(ABORT, 'routes: expected at most 64 for one gateway'); END;
CREATE TRIGGER gateway_route_update BEFORE UPDATE ON gateway_route
WHEN NEW.prefix IS NOT OLD.prefix OR (NEW.mac IS NOT OLD.mac AND EXISTS (SELECT 1 FROM vm WHERE mac = OLD.mac))
BEGIN SELECT RAISE(ABORT, 'gateway_route: delete this row and insert another instead'); END;
CREATE TRIGGER gateway_route_insert_change AFTER INSERT ON gateway_route BEGIN
	INSERT INTO change (kind, action, ref, name) SELECT 'directory', 'update', mac, 'vm ' || name FROM vm WHERE mac = NEW.mac;
END;
CREATE TRIGGER gateway_route_delete_change AFTER DELETE ON gateway_route BEGIN
	INSERT INTO change (kind, action, ref, name) SELECT 'directory', 'update', mac, 'vm ' || name FROM vm WHERE mac = OLD.mac;
END;

-- Both follow a VM's MAC, and go with it.
CREATE TRIGGER vm_update_mac_inner AFTER UPDATE OF mac ON vm WHEN NEW.mac <> OLD.mac
BEGIN
	UPDATE inner4 SET mac = NEW.mac WHERE mac = OLD.mac;
	UPDATE gateway_route SET mac = NEW.mac WHERE mac = OLD.mac;
END;
CREATE TRIGGER vm_delete_inner AFTER DELETE ON vm
BEGIN
	DELETE FROM inner4 WHERE mac = OLD.mac;
	DELETE FROM gateway_route WHERE mac = OLD.mac;
END;

-- -- templates: remote is a column of theirs, and a directory shows it

DROP TRIGGER template_update_change;
CREATE TRIGGER template_update_change
AFTER UPDATE OF name, kind, tenant_id, enclave_id, auto_create, gateway, licence_product, cert_life_s, enabled, broker, remote ON template
WHEN NEW.name COLLATE BINARY <> OLD.name OR NEW.kind <> OLD.kind OR NEW.tenant_id <> OLD.tenant_id
	OR NEW.enclave_id <> OLD.enclave_id OR NEW.auto_create <> OLD.auto_create OR NEW.gateway <> OLD.gateway
	OR NEW.licence_product <> OLD.licence_product OR NEW.cert_life_s IS NOT OLD.cert_life_s OR NEW.enabled <> OLD.enabled
	OR NEW.broker <> OLD.broker OR NEW.remote <> OLD.remote
BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('template', 'update', NEW.id, NEW.name);
END;
DROP TRIGGER template_update_directory;
CREATE TRIGGER template_update_directory AFTER UPDATE OF kind, remote ON template
WHEN NEW.kind <> OLD.kind OR NEW.remote <> OLD.remote
BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('directory', 'update', NEW.id, 'template ' || NEW.name);
END;

-- -- filters

CREATE TRIGGER filter_insert_unique BEFORE INSERT ON filter WHEN EXISTS (SELECT 1 FROM filter WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'id: a filter of this id exists; use UPDATE to change it'); END;
CREATE TRIGGER filter_update_id BEFORE UPDATE OF id ON filter WHEN NEW.id <> OLD.id
BEGIN SELECT RAISE(ABORT, 'id: expected the one that it has'); END;
-- Only after the insert is it known which id the row was given.
-- Behind the highest one SQLite would draw lots, and JSON has no room for it.
CREATE TRIGGER filter_insert_id AFTER INSERT ON filter WHEN NEW.id NOT BETWEEN 1 AND 9007199254740992
BEGIN SELECT RAISE(ABORT, 'id: expected 1 or more, at most 9007199254740992'); END;
CREATE TRIGGER filter_insert_coi_id BEFORE INSERT ON filter WHEN NOT EXISTS (SELECT 1 FROM coi WHERE id = NEW.coi_id)
BEGIN SELECT RAISE(ABORT, 'coi_id: expected a COI that exists'); END;
CREATE TRIGGER filter_update_coi_id BEFORE UPDATE OF coi_id ON filter WHEN NOT EXISTS (SELECT 1 FROM coi WHERE id = NEW.coi_id)
BEGIN SELECT RAISE(ABORT, 'coi_id: expected a COI that exists'); END;
CREATE TRIGGER filter_limit BEFORE INSERT ON filter WHEN (SELECT count(*) FROM filter WHERE coi_id = NEW.coi_id) >= 1000
BEGIN SELECT RAISE(ABORT, 'coi_id: expected at most 1000 filters for one COI'); END;
CREATE TRIGGER filter_update_limit BEFORE UPDATE OF coi_id ON filter
WHEN NEW.coi_id <> OLD.coi_id AND (SELECT count(*) FROM filter WHERE coi_id = NEW.coi_id) >= 1000
BEGIN SELECT RAISE(ABORT, 'coi_id: expected at most 1000 filters for one COI'); END;
CREATE TRIGGER filter_insert_source BEFORE INSERT ON filter WHEN NEW.source <> ''
BEGIN INSERT INTO prefix_list (named, list) VALUES ('source', NEW.source); END;
CREATE TRIGGER filter_update_source BEFORE UPDATE OF source ON filter WHEN NEW.source <> ''
BEGIN INSERT INTO prefix_list (named, list) VALUES ('source', NEW.source); END;
CREATE TRIGGER filter_insert_destination BEFORE INSERT ON filter WHEN NEW.destination <> ''
BEGIN INSERT INTO prefix_list (named, list) VALUES ('destination', NEW.destination); END;
CREATE TRIGGER filter_update_destination BEFORE UPDATE OF destination ON filter WHEN NEW.destination <> ''
BEGIN INSERT INTO prefix_list (named, list) VALUES ('destination', NEW.destination); END;
CREATE TRIGGER filter_insert_ports BEFORE INSERT ON filter WHEN NEW.ports <> ''
BEGIN INSERT INTO port_list (named, list) VALUES ('ports', NEW.ports); END;
CREATE TRIGGER filter_update_ports BEFORE UPDATE OF ports ON filter WHEN NEW.ports <> ''
BEGIN INSERT INTO port_list (named, list) VALUES ('ports', NEW.ports); END;
CREATE TRIGGER filter_insert_source_ports BEFORE INSERT ON filter WHEN NEW.source_ports <> ''
BEGIN INSERT INTO port_list (named, list) VALUES ('source_ports', NEW.source_ports); END;
CREATE TRIGGER filter_update_source_ports BEFORE UPDATE OF source_ports ON filter WHEN NEW.source_ports <> ''
BEGIN INSERT INTO port_list (named, list) VALUES ('source_ports', NEW.source_ports); END;

-- Behind the last of its COI.
CREATE TRIGGER filter_insert_position AFTER INSERT ON filter WHEN NEW.position = 0 BEGIN
	UPDATE filter SET position = (SELECT max(position) + 10 FROM filter WHERE coi_id = NEW.coi_id) WHERE id = NEW.id;
END;
CREATE TRIGGER filter_update_position AFTER UPDATE OF position ON filter WHEN NEW.position = 0 BEGIN
	UPDATE filter SET position = (SELECT max(position) + 10 FROM filter WHERE coi_id = NEW.coi_id) WHERE id = NEW.id;
END;

-- A change's ref is the COI's id, its name the COI's name: gateways that are in it are told.
CREATE TRIGGER filter_insert_change AFTER INSERT ON filter BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('filter', 'insert', NEW.coi_id, (SELECT name FROM coi WHERE id = NEW.coi_id));
END;
CREATE TRIGGER filter_update_change
AFTER UPDATE OF coi_id, position, direction, source, destination, protocol, source_ports, ports, action, log, enabled ON filter
WHEN NEW.coi_id <> OLD.coi_id OR NEW.position <> OLD.position OR NEW.direction <> OLD.direction OR NEW.source <> OLD.source
	OR NEW.destination <> OLD.destination OR NEW.protocol <> OLD.protocol OR NEW.source_ports <> OLD.source_ports
	OR NEW.ports <> OLD.ports OR NEW.action <> OLD.action OR NEW.log <> OLD.log OR NEW.enabled <> OLD.enabled
BEGIN
	INSERT INTO change (kind, action, ref, name) VALUES ('filter', 'update', NEW.coi_id, (SELECT name FROM coi WHERE id = NEW.coi_id));
	INSERT INTO change (kind, action, ref, name) SELECT 'filter', 'update', id, name FROM coi WHERE id = OLD.coi_id AND OLD.coi_id <> NEW.coi_id;
END;
CREATE TRIGGER filter_delete_change AFTER DELETE ON filter BEGIN
	INSERT INTO change (kind, action, ref, name)
	VALUES ('filter', 'delete', OLD.coi_id, coalesce((SELECT name FROM coi WHERE id = OLD.coi_id), ''));
END;
-- A COI takes its filters along when it goes.
CREATE TRIGGER coi_delete_filter AFTER DELETE ON coi
BEGIN DELETE FROM filter WHERE coi_id = OLD.id; END;
