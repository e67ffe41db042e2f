# SPDX-License-Identifier: GPL-2.0-or-later
# sessions-rounds.tsv -> a table for people on stdout, medians in the file named by -v tsv=.
# Columns in: section server MACs settings round, radload's ten, server CPU [us], RSS [KiB], start [ms]; of a section lost-...
# after the round: MACs answered, sessions, difference.

function median(list,    n, v, i, j, t) {
	n = split(list, v, " ")
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && v[j - 1] + 0 > v[j] + 0; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
	return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}

function add(field, value) { values[key, field] = values[key, field] " " value }
function get(k, field) { return median(values[k, field]) }
function ratio(k, field) { return (k, field) in values ? sprintf("%.3f", get(k, field)) : "-" }

BEGIN { FS = "\t" }

$1 ~ /^lost-/ {
	losses[++n_losses] = sprintf("%9d MACs %-11s %9d answered, %9d in session.db, %d lost", $3, substr($1, 6) ":", $6, $7, $8)
	lost_tsv[n_losses] = $1 FS $2 FS $3 FS $8
	next
}

{
	key = $1 FS $2 FS $3
	if (!(key in seen)) { seen[key]; order[++keys] = key }
	cpu = $7 ? $16 / $7 : 0
	add("rate", $11); add("cpu", cpu); add("lost", $8); add("p50", $12); add("p99", $13); add("rss", $17 / 1024)
	if ($1 == "authorize") { rate[$2, $3, $5] = $11; cpu_of[$2, $3, $5] = cpu }
	# Against the static authorization, and against rlm_vmprov without session.db, of the same round.
	if ($1 != "first" && rate["static", $3, $5] > 0) add("static", $11 / rate["static", $3, $5])
	if ($1 == "authorize" && $2 == "session") {
		add("off", $11 / rate["nosession", $3, $5])
		add("off_cpu", cpu_of["nosession", $3, $5] > 0 ? cpu / cpu_of["nosession", $3, $5] : 0)
	}
}

END {
	printf "%9s %-14s %-10s %10s %8s %8s %10s %8s %8s %8s %6s %9s\n", "MACs", "what", "server", "requests/s", "/static",
	       "/nosess.", "CPU us/req", "/nosess.", "p50 us", "p99 us", "lost", "RSS MiB"
	print "what\tserver\tmacs\trequests_per_s\tto_static\tto_nosession\tcpu_us\tcpu_to_nosession\tp50_us\tp99_us\tlost\trss_mib" >tsv
	for (i = 1; i <= keys; i++) {
		k = order[i]
		split(k, f, FS)
		if (last && f[3] != last) print ""
		last = f[3]
		printf "%9d %-14s %-10s %10.0f %8s %8s %10.1f %8s %8.0f %8.0f %6d %9.1f\n", f[3], f[1], f[2], get(k, "rate"),
		       ratio(k, "static"), ratio(k, "off"), get(k, "cpu"), ratio(k, "off_cpu"), get(k, "p50"), get(k, "p99"),
		       get(k, "lost"), get(k, "rss")
		printf "%s\t%.0f\t%s\t%s\t%.1f\t%s\t%.0f\t%.0f\t%d\t%.1f\n", k, get(k, "rate"), ratio(k, "static"), ratio(k, "off"),
		       get(k, "cpu"), ratio(k, "off_cpu"), get(k, "p50"), get(k, "p99"), get(k, "lost"), get(k, "rss") >tsv
	}
	print "at least: authorize session 0.80 /nosess.; accounting session 0.50 /static; nothing lost"
	for (i = 1; i <= n_losses; i++) {
		print losses[i]
		print lost_tsv[i] >tsv
	}
}
