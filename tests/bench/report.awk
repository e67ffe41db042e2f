# SPDX-License-Identifier: GPL-2.0-or-later
# rounds.tsv -> a table for people on stdout, medians in the file named by -v tsv=.
# Columns in: section kind vms settings round, radload's ten, server CPU [us], RSS [KiB], start [ms].

function median(list,    n, v, i, j, t) {
	n = split(list, v, " ")
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && v[j - 1] + 0 > v[j] + 0; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
	return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}

function add(field, value) { values[key, field] = values[key, field] " " value }
function get(k, field) { return median(values[k, field]) }

BEGIN { FS = "\t" }

{
	key = $1 FS $2 FS $3 FS $4
	if (!(key in seen)) { seen[key]; order[++keys] = key }
	cpu = $7 ? $16 / $7 : 0
	add("requests", $6); add("replies", $7); add("lost", $8); add("rate", $11)
	add("p50", $12); add("p99", $13); add("p999", $14)
	add("cpu", cpu); add("rss", $17 / 1024); add("start", $18)
	if ($2 == "static") { ceiling[$1, $3, $4, $5] = $11; floor_cpu[$1, $3, $4, $5] = cpu }
	base = ceiling[$1, $3, $4, $5]
	if (base > 0) { add("ratio", $11 / base); add("cpu_ratio", cpu / floor_cpu[$1, $3, $4, $5]) }
}

function ratio(k, field) { return (k, field) in values ? sprintf("%.3f", get(k, field)) : "-" }

function look_up(k, f) {
	if (!heading++)
		printf "%9s %-7s %10s %6s %12s %6s %10s %8s %8s %8s %6s %9s %9s\n", "VMs", "server", "requests/s", "ratio",
		       "CPU us/req", "ratio", "CPU s/100k", "p50 us", "p99 us", "p99.9", "lost", "RSS MiB", "start ms"
	if (f[3] != last_vms && last_vms) print ""
	last_vms = f[3]
	printf "%9d %-7s %10.0f %6s %12.1f %6s %10.2f %8.0f %8.0f %8.0f %6d %9.1f %9.0f\n", f[3], f[2], get(k, "rate"),
	       ratio(k, "ratio"), get(k, "cpu"), ratio(k, "cpu_ratio"), get(k, "cpu") / 10, get(k, "p50"), get(k, "p99"),
	       get(k, "p999"), get(k, "lost"), get(k, "rss"), get(k, "start")
}

function cliff(k, f) {
	if (!cliff_heading++)
		printf "\n%9s %-7s %-8s %10s %8s %8s %8s %9s %10s\n", "rate", "server", "settings", "requests", "lost", "lost %",
		       "p99 us", "RSS MiB", "CPU us/req"
	printf "%9s %-7s %-8s %10d %8d %8.2f %8.0f %9.1f %10.1f\n", substr(f[1], 7), f[2], f[4], get(k, "requests"),
	       get(k, "lost"), 100 * get(k, "lost") / get(k, "requests"), get(k, "p99"), get(k, "rss"), get(k, "cpu")
}

END {
	print "section\tserver\tvms\tsettings\trequests_per_s\tratio\tcpu_us\tcpu_ratio\tcpu_s_per_100k\tp50_us\tp99_us" \
	      "\tp999_us\trequests\tlost\trss_mib\tstart_ms" >tsv
	for (i = 1; i <= keys; i++) {
		k = order[i]
		split(k, f, FS)
		if (f[1] == "look-up") look_up(k, f); else cliff(k, f)
		printf "%s\t%.0f\t%s\t%.1f\t%s\t%.2f\t%.0f\t%.0f\t%.0f\t%d\t%d\t%.1f\t%.0f\n", k, get(k, "rate"), ratio(k, "ratio"),
		       get(k, "cpu"), ratio(k, "cpu_ratio"), get(k, "cpu") / 10, get(k, "p50"), get(k, "p99"), get(k, "p999"),
		       get(k, "requests"), get(k, "lost"), get(k, "rss"), get(k, "start") >tsv
	}
}
