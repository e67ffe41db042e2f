# Print SQL that fills a store with random tenants, enclaves, COIs, NASes, hosts and -v vms=N VMs.
# Same -v seed, same store.
function chance(p) { return rand() < p }
function upto(n) { return int(rand() * n) }
function maybe(p, value) { return chance(p) ? value : "NULL" }
function vlan() { return 1 + upto(4094) }
function tags(    i, n, s, seen, v) {
	if (chance(0.15)) return "''"
	n = 1 + upto(4)
	for (i = 0; i < n; i++) {
		v = 1 + upto(30)
		if (v in seen) continue
		seen[v] = 1
		s = s (s == "" ? "" : ",") v
	}
	return "'" s "'"
}
function rate() { return chance(0.15) ? 0 : 1 + upto(10000000) }
function acl() { return chance(0.15) ? "''" : "'acl-" upto(20) "'" }
function timeout() { return chance(0.15) ? 0 : 30 + upto(86400) }
# p: how often a level says something
function policy(p) {
	return maybe(p, vlan()) "," maybe(p, tags()) "," maybe(p, upto(8)) "," maybe(p, rate()) "," maybe(p, rate()) \
		"," maybe(p, acl()) "," maybe(p, timeout())
}
BEGIN {
	srand(seed)
	print "BEGIN;"
	for (i = 2; i <= 4; i++) print "INSERT INTO tenant (id, name, enabled) VALUES (" i ", 't" i "', " (chance(0.9) || i == 2) ");"
	for (i = 1; i <= 5; i++) {
		if (i > 1) print "INSERT INTO enclave (id, name) VALUES (" i ", 'e" i "');"
		print "UPDATE enclave SET (vlan, tagged_vlans, cos, ingress_kbps, egress_kbps, acl, session_timeout_s) = (SELECT " \
			policy(0.7) "), acct_interim_s = " (chance(0.5) ? 0 : 60 + upto(3600)) ", mab = " chance(0.8) ", enabled = " \
			(chance(0.9) || i < 3) " WHERE id = " i ";"
	}
	for (i = 1; i <= 60; i++)
		print "INSERT INTO coi VALUES (" i ", 'c" i "', " maybe(0.5, 1 + upto(4)) ", " 10 * (1 + upto(3)) ", " policy(0.5) ", " \
			maybe(0.3, chance(0.7) + 0) ", " (chance(0.9) + 0) ", 0, '');"
	for (i = 1; i <= 3; i++) print "INSERT INTO nas (id, name, address, dialect) VALUES (" i ", 'n" i "', '127.0.0." 20 + i "', 'model');"
	for (i = 1; i <= 8; i++) {
		print "INSERT INTO host (id, name) VALUES (" i ", 'h" i "');"
		if (chance(0.8)) print "INSERT INTO host_uplink VALUES (" i ", " 1 + upto(3) ", " (chance(0.4) ? "''" : "'p" upto(3) "'") ");"
		if (chance(0.3)) print "INSERT OR IGNORE INTO host_uplink VALUES (" i ", " 1 + upto(3) ", 'p" upto(3) "');"
	}
	for (i = 1; i <= vms; i++) {
		mac = 90520730730496 + i * 7 # 52:54:00:00:00:00 on; mawk reads no hexadecimal
		from = chance(0.95) ? "NULL" : (chance(0.5) ? 1000 : 4000000000)
		to = chance(0.95) ? "NULL" : (chance(0.5) && from != 4000000000 ? 2000 : 4100000000)
		print "INSERT INTO vm (mac, name, tenant_id, enclave_id, enabled, not_before, not_after, " \
			"vlan, tagged_vlans, cos, ingress_kbps, egress_kbps, acl, session_timeout_s, mab) VALUES (" \
			sprintf("%.0f", mac) ", 'v" i "', " 1 + upto(4) ", " 1 + upto(5) ", " (chance(0.95) + 0) ", " \
			from ", " to ", " policy(0.2) ", " maybe(0.1, chance(0.7) + 0) ");"
		n = chance(0.1) ? 0 : 1 + upto(5)
		for (k = 0; k < n; k++)
			print "INSERT INTO member SELECT mac, coi.id FROM vm, coi WHERE mac = " sprintf("%.0f", mac) " AND coi.id = " 1 + upto(60) \
				" AND ifnull(coi.tenant_id, vm.tenant_id) = vm.tenant_id AND NOT EXISTS (SELECT 1 FROM member WHERE member.mac = vm.mac AND coi_id = coi.id);"
		if (chance(0.2)) for (k = 0; k <= upto(3); k++) print "INSERT OR IGNORE INTO vm_host VALUES (" sprintf("%.0f", mac) ", " 1 + upto(8) ");"
		if (chance(0.15)) for (k = 0; k <= upto(2); k++) print "INSERT OR IGNORE INTO vm_nas VALUES (" sprintf("%.0f", mac) ", " 1 + upto(3) ");"
		print "INSERT INTO ask VALUES (" sprintf("%.0f", mac) ", " 1 + upto(3) ", 'p" upto(3) "');"
	}
	print "COMMIT;"
}
