# SPDX-License-Identifier: GPL-2.0-or-later
# coa-rounds.tsv -> a table for people on stdout, medians in the file named by -v tsv=.  -v vms= rate=
# Columns in: edit number ms; one or ten, round, first half last [ms], VMs, again, done [ms], CPU of store and coa [us each].

function sorted(list, v,    n, i, j, t) {
	n = split(list, v, " ")
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && v[j - 1] + 0 > v[j] + 0; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
	return n
}

function median(list,    n, v) {
	n = sorted(list, v)
	return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}

function get(label, field) { return median(values[label, field]) }

BEGIN { FS = "\t"; split("first half last vms again done store coa", name, " ") }

$1 == "edit" { edits = edits " " $3; next }

{
	if (!($1 in seen)) { seen[$1]; order[++rows] = $1 }
	for (i = 1; i <= 8; i++) values[$1, name[i]] = values[$1, name[i]] " " $(i + 2)
}

END {
	n = sorted(edits, v)
	print "what\tmedian_ms\tp90_ms\tlast_ms\tdone_ms\tagain\tstore_us\tcoa_us" >tsv
	if (n) {
		printf "From an edit to the NAS (at most 1000 ms): median %.0f ms, nine of ten within %.0f ms, the slowest %.0f ms; %d edits\n",
		       median(edits), v[int(n * 0.9 + 0.5)], v[n], n
		printf "edit\t%.0f\t%.0f\t%.0f\t\t\t\t\n", median(edits), v[int(n * 0.9 + 0.5)], v[n] >tsv
	}
	printf "\nOne COI edit, %d sessions, %d requests/s for each NAS (at most: last 30 s)\n%-10s %9s %9s %9s %9s %9s %10s %10s\n", vms, rate,
	       "NASes", "first s", "half s", "last s", "done s", "again", "store us", "coa us"
	for (i = 1; i <= rows; i++) {
		k = order[i]
		printf "%-10s %9.2f %9.2f %9.2f %9.2f %9d %10.0f %10.0f\n", k, get(k, "first") / 1000, get(k, "half") / 1000,
		       get(k, "last") / 1000, get(k, "done") / 1000, get(k, "again"), get(k, "store"), get(k, "coa")
		printf "%s\t%.0f\t\t%.0f\t%.0f\t%d\t%.0f\t%.0f\n", k, get(k, "half"), get(k, "last"), get(k, "done"), get(k, "again"),
		       get(k, "store"), get(k, "coa") >tsv
	}
}
