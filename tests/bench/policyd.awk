# SPDX-License-Identifier: GPL-2.0-or-later
# policyd-rounds.tsv -> a table for people on stdout, medians in the file named by -v tsv=.
# Columns in: label side round, then estload's: ok failed seconds rate first p50 p99 last [us], CPU of the server, of net,
# store, signer and client [us each], octets, items [each], net's peak memory [KiB], connections.

function median(list,    n, v, i, j, t) {
	n = split(list, v, " ")
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && v[j - 1] + 0 > v[j] + 0; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
	return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}

function get(label, side, field) { return median(values[label, side, field]) }
function has(label, side) { return (label, side) in seen }

BEGIN {
	FS = "\t"
	split("ok failed seconds rate first p50 p99 last cpu net store signer client octets items rss conns", name, " ")
}

{
	# Idle connections: one row for each number of them.
	label = $1 ~ /^idle/ ? $1 "-" $4 : $1
	if (!((label, $2) in seen)) { seen[label, $2]; order[++rows] = label FS $2 }
	for (i = 1; i <= 17; i++) values[label, $2, name[i]] = values[label, $2, name[i]] " " $(i + 3)
	cpu[label, $2, $3] = $12
	items[label, $2, $3] = $18
	if ($3 > rounds) rounds = $3
}

# Bare CPU over policyd's, round by round.  @param each  compare for each item.
function ratio(label, bare, each,    r, list, mine) {
	for (r = 1; r <= rounds; r++) {
		mine = cpu[label, "policyd", r]
		if (mine > 0 && (label, bare, r) in cpu)
			list = list " " cpu[label, bare, r] * (each ? items[label, "policyd", r] : 1) / mine
	}
	return list == "" ? "-" : sprintf("%.2f", median(list))
}

function head(text) {
	printf "\n%s\n%-12s %9s %10s %6s %8s %8s %8s %8s %9s %9s %9s\n", text, "", "done/s", "CPU us", "ratio", "net", "store",
	       "signer", "client", "p50 ms", "p99 ms", "last ms"
}

function line(label, side, title, r) {
	if (!has(label, side)) return
	printf "%-12s %9.0f %10.1f %6s %8.1f %8.1f %8.1f %8.1f %9.2f %9.2f %9.2f\n", title, get(label, side, "rate"),
	       get(label, side, "cpu"), r, get(label, side, "net"), get(label, side, "store"), get(label, side, "signer"),
	       get(label, side, "client"), get(label, side, "p50") / 1000, get(label, side, "p99") / 1000, get(label, side, "last") / 1000
}

function compare(label, text) {
	if (!has(label, "policyd")) return
	head(text)
	line(label, "policyd", "policyd", "")
	line(label, "bare", "bare", ratio(label, "bare"))
	line(label, "bare-each", "bare-each", ratio(label, "bare-each"))
	line(label, "bare-group", "bare-group", ratio(label, "bare-group"))
	line(label, "bare-fan", "bare", ratio(label, "bare-fan"))
}

function keys() {
	if (!has("coi-keys", "policyd")) return
	head("COI keys, kept connections; bare: CMS wraps alone")
	line("coi-keys", "policyd", "policyd", "")
	line("coi-keys", "bare", "bare", ratio("coi-keys", "bare", 1))
	printf "%-12s %9.0f envelopes/s, %.1f in an answer; the ratio is for each\n", "",
	       get("coi-keys", "policyd", "rate") * get("coi-keys", "policyd", "items"), get("coi-keys", "policyd", "items")
}

function directory() {
	compare("directory", "Directory: one change, told to all who wait (CPU for each of them)")
	if (has("directory", "policyd"))
		printf "%-12s %.0f VMs; the first heard after %.1f ms; %.0f octets each; all together %.1f ms of server CPU\n", "",
		       get("directory", "policyd", "ok"), get("directory", "policyd", "first") / 1000, get("directory", "policyd", "octets"),
		       get("directory", "policyd", "cpu") * get("directory", "policyd", "ok") / 1000
}

# A step's latencies: what it took of the CPU cannot be told from the others'.
function step(label, title) {
	printf "%-12s %9s %10s %6s %8s %8s %8s %8s %9.2f %9.2f %9.2f\n", title, "", "", "", "", "", "", "", get(label, "policyd", "p50") / 1000,
	       get(label, "policyd", "p99") / 1000, get(label, "policyd", "last") / 1000
}

function storm(    rss, bound) {
	if (!has("storm", "policyd")) return
	head("Storm: started, enrolled and given keys (at most: the whole way's p99 2000 ms)")
	step("storm-start", "starting")
	step("storm-enrol", "enrol")
	step("storm-keys", "coi-keys")
	line("storm", "policyd", "whole", "")
	rss = get("storm", "policyd", "rss") / 1024
	bound = 64 + 40 * get("storm", "policyd", "conns") / 1024
	printf "%-12s %d served, %d not, in %.1f s; net process at most %.1f MiB with %d connections (bound: %.1f MiB)\n", "",
	       get("storm", "policyd", "ok"), get("storm", "policyd", "failed"), get("storm", "policyd", "seconds"), rss,
	       get("storm", "policyd", "conns"), bound
}

function idle(    i, f) {
	for (i = 1; i <= rows; i++) {
		split(order[i], f, FS)
		if (f[1] !~ /^idle/) continue
		if (!idle_heading++)
			printf "\nIdle connections: memory of the process that has them\n%-28s %12s %10s %10s\n", "", "KiB for each", "MiB", "bound MiB"
		printf "%-28s %12.1f %10.1f %10.1f\n", f[2] ", " get(f[1], f[2], "ok") (f[1] ~ /certs/ ? " with certificates" : ""),
		       get(f[1], f[2], "items"), get(f[1], f[2], "rss") / 1024, 64 + 40 * get(f[1], f[2], "ok") / 1024
	}
}

function sqlite() {
	if (!has("sqlite-1", "bare")) return
	printf "\nSQLite alone, durable: %.0f commits/s of one row; %.0f rows/s in groups of 64\n", get("sqlite-1", "bare", "rate"),
	       get("sqlite-64", "bare", "rate")
}

END {
	compare("enrol", "First enrolments: handshake, token, request, certificate, close (at least: ratio 0.60 to bare, 500/s)")
	compare("renew", "Renewals, each on a new connection with a client certificate")
	compare("renew-kept", "Renewals over kept connections")
	keys()
	directory()
	storm()
	idle()
	sqlite()
	printf "label\tside\tratio" >tsv
	for (i = 1; i <= 17; i++) printf "\t%s", name[i] >tsv
	print "" >tsv
	for (i = 1; i <= rows; i++) {
		split(order[i], f, FS)
		printf "%s\t%s\t%s", f[1], f[2], f[2] == "policyd" ? "-" : ratio(f[1], f[2], f[1] == "coi-keys") >tsv
		for (j = 1; j <= 17; j++) printf "\t%s", get(f[1], f[2], name[j]) >tsv
		print "" >tsv
	}
}
