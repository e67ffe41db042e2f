-- The rule of authorization once more, in SQL over the plain tables: an independent model that the
-- server's answers are compared with.  It uses neither vm.coi_ids, vm.links nor coi.member_count.
--
-- ask(mac, nas_id, port) are the requests, all MAB; expected(mac, nas_id, lines) is the result, lines
-- being a radclient filter.

CREATE TEMP VIEW members AS SELECT coi_id, count(*) AS n FROM member GROUP BY coi_id;

CREATE TEMP VIEW primary_coi AS
SELECT mac, coi_id FROM (
	SELECT member.mac, member.coi_id, row_number() OVER (
		PARTITION BY member.mac ORDER BY coi.priority, members.n, coi.id) AS rank
	FROM member JOIN coi ON coi.id = member.coi_id JOIN members ON members.coi_id = member.coi_id)
WHERE rank = 1;

CREATE TEMP TABLE effective AS
SELECT ask.mac, ask.nas_id, ask.port, vm.tenant_id, vm.enclave_id, vm.enabled, vm.not_before, vm.not_after,
	p.coi_id AS primary_id, coi.name AS primary_name, coi.enabled AS primary_enabled,
	coalesce(vm.vlan, coi.vlan, e.vlan) AS vlan,
	coalesce(vm.tagged_vlans, coi.tagged_vlans, e.tagged_vlans, '') AS tagged,
	vm.tagged_vlans IS NOT NULL AS tagged_own,
	coalesce(vm.cos, coi.cos, e.cos) AS cos,
	coalesce(vm.ingress_kbps, coi.ingress_kbps, e.ingress_kbps, 0) AS ingress,
	coalesce(vm.egress_kbps, coi.egress_kbps, e.egress_kbps, 0) AS egress,
	coalesce(vm.acl, coi.acl, e.acl, '') AS acl,
	coalesce(vm.session_timeout_s, coi.session_timeout_s, e.session_timeout_s, 0) AS timeout,
	coalesce(vm.mab, coi.mab, e.mab) AS mab,
	e.acct_interim_s AS interim, t.enabled AS tenant_enabled, e.enabled AS enclave_enabled
FROM ask JOIN vm USING (mac) JOIN tenant t ON t.id = vm.tenant_id JOIN enclave e ON e.id = vm.enclave_id
LEFT JOIN primary_coi p ON p.mac = vm.mac LEFT JOIN coi ON coi.id = p.coi_id;

-- The effective list's VLANs in its order, then those that other enabled COIs add, by COI id.
CREATE TEMP TABLE tagged AS
SELECT mac, vid, min(place) AS place FROM (
	SELECT mac, j.value AS vid, j.key AS place FROM effective, json_each('[' || tagged || ']') j
	UNION ALL
	SELECT f.mac, j.value, 1000 * coi.id + j.key
	FROM effective f JOIN member ON member.mac = f.mac AND member.coi_id <> f.primary_id
	JOIN coi ON coi.id = member.coi_id AND coi.enabled AND coi.tagged_vlans IS NOT NULL,
	json_each('[' || coi.tagged_vlans || ']') j
	WHERE NOT f.tagged_own)
GROUP BY mac, vid;

CREATE TEMP TABLE refusal AS
SELECT mac, CASE
	WHEN NOT enabled THEN 'This VM is disabled.'
	WHEN not_before > strftime('%s', 'now') + 0 THEN 'This VM is not valid yet.'
	WHEN not_after <= strftime('%s', 'now') + 0 THEN 'This VM has expired.'
	WHEN NOT tenant_enabled THEN 'This VM''s tenant is disabled.'
	WHEN NOT enclave_enabled THEN 'This VM''s enclave is disabled.'
	WHEN primary_id IS NOT NULL AND NOT primary_enabled THEN 'This VM''s primary community is disabled.'
	WHEN EXISTS (SELECT 1 FROM vm_nas n WHERE n.mac = f.mac) AND NOT EXISTS (
		SELECT 1 FROM vm_nas n WHERE n.mac = f.mac AND n.nas_id = f.nas_id) THEN 'This VM may not be on this switch.'
	WHEN NOT mab THEN 'MAC authentication is not allowed for this VM.'
	WHEN EXISTS (SELECT 1 FROM vm_host h WHERE h.mac = f.mac) AND NOT EXISTS (
		SELECT 1 FROM vm_host h JOIN host_uplink u USING (host_id)
		WHERE h.mac = f.mac AND u.nas_id = f.nas_id AND u.port IN ('', f.port)) THEN 'This VM may not be on this host.'
	END AS text
FROM effective f;

CREATE TABLE expected AS
SELECT f.mac, f.nas_id, CASE WHEN r.text IS NOT NULL
	THEN 'Response-Packet-Type == Access-Reject' || char(10) || 'Reply-Message == "' || r.text || '"' || char(10)
	ELSE 'Response-Packet-Type == Access-Accept' || char(10)
	|| iif(vlan IS NULL, '', 'Tunnel-Private-Group-Id == "' || vlan || '"' || char(10))
	|| coalesce((SELECT group_concat('Egress-VLANID == ' || (0x31000000 + vid) || char(10), '')
		FROM (SELECT vid FROM tagged WHERE tagged.mac = f.mac ORDER BY place)), '')
	|| iif(cos IS NULL, '', 'User-Priority-Table == 0x' || replace(hex(zeroblob(8)), '00', '3' || cos) || char(10))
	|| iif(ingress = 0, '', 'WISPr-Bandwidth-Max-Up == ' || ingress || char(10))
	|| iif(egress = 0, '', 'WISPr-Bandwidth-Max-Down == ' || egress || char(10))
	|| iif(acl = '', '', 'Filter-Id == "' || acl || '"' || char(10))
	|| iif(timeout = 0, '', 'Session-Timeout == ' || timeout || char(10))
	|| iif(interim = 0, '', 'Acct-Interim-Interval == ' || interim || char(10))
	|| iif(primary_name IS NULL, '', 'Connect-Info == "' || primary_name || '"' || char(10))
	END AS lines
FROM effective f JOIN refusal r USING (mac);
