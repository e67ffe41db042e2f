# SPDX-License-Identifier: GPL-2.0-or-later
# hostd-rounds.tsv -> a table for people on stdout, medians in the file named by -v tsv=.
# Columns in: exchange WHO round wire port start took [ms]; storm hostd round half done [ms] CPU [us each] guests;
# memory hostd round empty full [octets] guests.

function sorted(list, v,    n, i, j, t) {
	n = split(list, v, " ")
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && v[j - 1] + 0 > v[j] + 0; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
	return n
}

function median(list,    n, v) {
	n = sorted(list, v)
	return n == 0 ? 0 : n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}

function most(list,    n, v) { n = sorted(list, v); return v[n] }
function nine(list,    n, v) { n = sorted(list, v); return v[int(n * 0.9 + 0.5)] }
function ratio(a, b) { return b > 0 ? a / b : 0 }

BEGIN { FS = "\t" }

$1 == "exchange" { wire[$2] = wire[$2] " " $4; port[$2] = port[$2] " " $5; start = start " " $6; took = took " " $7; n[$2]++ }
$1 == "storm" { half = half " " $4; done = done " " $5; cpu = cpu " " $6; guests = $7 }
$1 == "memory" { empty = $4; full = $5; rest = $6 }

END {
	h = "hostd"; w = "wpa_supplicant"
	print "what\tvalue\tunit" >tsv
	printf "One guest, EAP-TLS, medians of %d [ms]; nine of ten within\n%-16s %22s %22s\n", n[h], "", "Start to Success", "Start to open port"
	for (i = 1; i <= 2; i++) {
		who = i == 1 ? w : h
		printf "%-16s %13.1f (%6.1f) %13.1f (%6.1f)\n", who, median(wire[who]), nine(wire[who]), median(port[who]), nine(port[who])
		printf "%s wire\t%.3f\tms\n%s port\t%.3f\tms\n", who, median(wire[who]), who, median(port[who]) >tsv
	}
	wr = ratio(median(wire[h]), median(wire[w])); pr = ratio(median(port[h]), median(port[w]))
	printf "%-16s %13.2f %8s %13.2f\n", "ratio (1.2)", wr, "", pr
	printf "hostd: %.1f ms from the guest's start to its open port; Start to Success as it says itself: %.1f ms\n", median(start), median(took)
	printf "ratio wire\t%.3f\t\nratio port\t%.3f\t\nhostd start\t%.3f\tms\n", wr, pr, median(start) >tsv
	printf "\n%d guests at once (all within 10 s): half %.2f s, all %.2f s, the slowest storm %.2f s; CPU of hostd's guests process: %.0f us each\n",
	       guests, median(half) / 1000, median(done) / 1000, most(done) / 1000, median(cpu)
	printf "storm half\t%.3f\ts\nstorm all\t%.3f\ts\nstorm cpu\t%.0f\tus\n", median(half) / 1000, median(done) / 1000, median(cpu) >tsv
	printf "\nMemory of the guests process: %.1f MiB with one guest, %.1f MiB with %d that are authorized: %.0f octets each\n", empty / 1048576,
	       full / 1048576, rest, (full - empty) / (rest - 1)
	printf "memory each\t%.0f\toctets\n", (full - empty) / (rest - 1) >tsv
}
