# SPDX-License-Identifier: GPL-2.0-or-later
# licences-rounds.tsv -> a table for people on stdout, medians in the file named by -v tsv=.
# Columns in: side label clients round, then estload's: ok failed seconds rate first p50 p99 last [us], CPU of the server, of net,
# store, signer and client [us each], octets, items [each], net's peak memory [KiB], connections.  trips: requests, starts.

function median(list,    n, v, i, j, t) {
	n = split(list, v, " ")
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && v[j - 1] + 0 > v[j] + 0; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
	return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}

function has(side, label, clients) { return (side, label, clients) in seen }
function get(side, label, clients, field) { return has(side, label, clients) ? median(values[side, label, clients, field]) : 0 }

# Of a rate to another, round by round.
function ratio(side, label, clients, other, others,    r, list) {
	for (r = 1; r <= rounds; r++)
		if (rate[side, label, clients, r] > 0 && rate[side, other, others, r] > 0)
			list = list " " rate[side, label, clients, r] / rate[side, other, others, r]
	return list == "" ? "-" : sprintf("%.2f", median(list))
}

BEGIN { FS = "\t"; split("ok failed seconds rate first p50 p99 last cpu net store signer client", name, " ") }

$4 == 0 { next } # to learn how long it takes
$2 == "trips" { trips = $5; starts = $6; next }

{
	if (!has($1, $2, $3)) { seen[$1, $2, $3]; order[++rows] = $1 FS $2 FS $3 }
	for (i = 1; i <= 13; i++) values[$1, $2, $3, name[i]] = values[$1, $2, $3, name[i]] " " $(i + 4)
	rate[$1, $2, $3, $4] = $8
	if ($4 > rounds) rounds = $4
}

function line(side, label, clients, title, r, each) {
	if (has(side, label, clients))
		printf "%-30s %9.0f %8s %8s %8.1f %8.1f %8.1f %8.1f %8.2f %8.2f\n", title, get(side, label, clients, "rate"), r, each,
		       get(side, label, clients, "cpu"), get(side, label, clients, "net"), get(side, label, clients, "store"),
		       get(side, label, clients, "client"), get(side, label, clients, "p50") / 1000, get(side, label, clients, "p99") / 1000
}

function compare(side, title,    k, n, c) {
	if (!has(side, "toggle", 64)) return
	printf "\n%s\n%-30s %9s %8s %8s %8s %8s %8s %8s %8s %8s\n", title, "", "1/s", "ratio", "to 1 tx", "CPU us", "net", "store", "client", "p50 ms", "p99 ms"
	n = split("1 8 64", c, " ")
	for (k = 1; k <= n; k++) {
		line(side, "toggle", c[k], "grants, clients: " c[k], ratio(side, "toggle", c[k], "get", c[k]), ratio(side, "toggle", c[k], "sqlite-1", 0))
		line(side, "get", c[k], "  /healthz", "")
	}
	line(side, "plain", 64, "  /healthz without TLS, 64", "")
	line(side, "fresh", 64, "grants, new connections, 64", ratio(side, "fresh", 64, "handshake", 64))
	line(side, "handshake", 64, "  bare mutual handshake", "")
	if (has(side, "sqlite-1", 0))
		printf "SQLite alone, durable: %.0f transactions/s of one row, %.0f rows/s in groups of 64\n",
		       get(side, "sqlite-1", 0, "rate"), get(side, "sqlite-64", 0, "rate")
}

END {
	compare("server", "Licence server: durable grants and returns (at least: 64 clients 0.60 of /healthz over TLS; new connections 0.60 of handshakes)")
	compare("broker", "Broker: the same, given by itself")
	if (has("broker", "starts", 64))
		printf "\nStorm: %d starts through a broker in %.1f s, %.0f/s, p99 %.0f ms; %d trips to the server (at most: 1 for 100 starts)\n",
		       starts, get("broker", "starts", 64, "seconds"), get("broker", "starts", 64, "rate"), get("broker", "starts", 64, "p99") / 1000, trips
	printf "side\tlabel\tclients\tratio" >tsv
	for (i = 1; i <= 13; i++) printf "\t%s", name[i] >tsv
	print "" >tsv
	for (i = 1; i <= rows; i++) {
		split(order[i], f, FS)
		r = f[2] == "toggle" ? ratio(f[1], f[2], f[3], "get", f[3]) : f[2] == "fresh" ? ratio(f[1], f[2], f[3], "handshake", 64) : "-"
		printf "%s\t%s\t%s\t%s", f[1], f[2], f[3], r >tsv
		for (k = 1; k <= 13; k++) printf "\t%s", get(f[1], f[2], f[3], name[k]) >tsv
		print "" >tsv
	}
	if (starts) printf "broker\ttrips\t64\t%.4f\t%d\n", trips / starts, trips >tsv
}
