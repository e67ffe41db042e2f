# SPDX-License-Identifier: GPL-2.0-or-later
# coi-rounds.tsv -> a table for people on stdout, medians in the file named by -v tsv=.
# Columns in: stream WHO round [Mbit/s] CPU [us each MiB]; latency WHO round p50 p99 [us]; change coid round out in [ms]; rotate WHO round lost packets;
# fleet coid machines half all [ms]; peers coid peers coid wireguard-go [KiB]; memory coid machines [KiB].

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

# The median of the ratios of the rounds that both have.
function ratio(what, column,    i, list) {
	for (i = 1; i <= rounds[what]; i++)
		if (at[what, "hand", i, column] > 0) list = list " " at[what, "coid", i, column] / at[what, "hand", i, column]
	return median(list)
}

function say(what, value, unit) { printf "%s\t%s\t%s\n", what, value, unit >tsv }

BEGIN { FS = "\t" }

$1 == "stream" || $1 == "latency" {
	at[$1, $2, $3, 1] += $4; at[$1, $2, $3, 2] += $5 # twice a round
	all[$1, $2, 1] = all[$1, $2, 1] " " $4; all[$1, $2, 2] = all[$1, $2, 2] " " $5
	if ($3 > rounds[$1]) rounds[$1] = $3
}
$1 == "change" { out = out " " $4; back = back " " $5 }
$1 == "rotate" { lost[$2] = $4; packets[$2] = $5 }
$1 == "fleet" { fleet = $3; half = $4; last = $5 }
$1 == "peers" { peers = $3; peers_coid = $4; peers_wg = $5 }
$1 == "memory" { known[++n_known] = $3; rss[n_known] = $4 }

END {
	print "what\tvalue\tunit" >tsv
	if (rounds["stream"]) {
		r = ratio("stream", 1)
		printf "stream     coid %.0f Mbit/s, by hand %.0f: ratio %.3f (at least 0.98)\n", median(all["stream", "coid", 1]), median(all["stream", "hand", 1]), r
		say("stream_ratio", sprintf("%.3f", r), "1"); say("stream", median(all["stream", "coid", 1]), "Mbit/s"); say("stream_by_hand", median(all["stream", "hand", 1]), "Mbit/s")
		r = ratio("stream", 2)
		printf "           coid %.0f us of CPU each MiB, by hand %.0f: ratio %.3f\n", median(all["stream", "coid", 2]), median(all["stream", "hand", 2]), r
		say("stream_cpu_ratio", sprintf("%.3f", r), "1"); say("stream_cpu", median(all["stream", "coid", 2]), "us/MiB"); say("stream_cpu_by_hand", median(all["stream", "hand", 2]), "us/MiB")
	}
	if (rounds["latency"]) {
		r = ratio("latency", 1)
		printf "latency    coid %.0f us, by hand %.0f: ratio %.3f; p99 %.0f, by hand %.0f\n", median(all["latency", "coid", 1]), median(all["latency", "hand", 1]), r,
		       median(all["latency", "coid", 2]), median(all["latency", "hand", 2])
		say("latency_ratio", sprintf("%.3f", r), "1"); say("latency_p50", median(all["latency", "coid", 1]), "us"); say("latency_p50_by_hand", median(all["latency", "hand", 1]), "us")
	}
	if (out != "") {
		printf "change     out: the last packet after %.0f ms, at most %.0f; in: the first after %.0f ms, at most %.0f\n", median(out), most(out), median(back), most(back)
		say("out", median(out), "ms"); say("out_most", most(out), "ms"); say("in", median(back), "ms"); say("in_most", most(back), "ms")
	}
	if ("coid" in lost) {
		printf "rotate     coid %d of %d packets lost, by hand %d of %d\n", lost["coid"], packets["coid"], lost["hand"], packets["hand"]
		say("rotate_lost", lost["coid"], "packets"); say("rotate_lost_by_hand", lost["hand"], "packets")
	}
	if (fleet) {
		printf "fleet      %d machines, %d pairs: a new epoch is agreed on by half of the ends after %d ms, by all after %d ms\n", fleet, 2 * fleet, half, last
		say("fleet_machines", fleet, "1"); say("fleet_half", half, "ms"); say("fleet_all", last, "ms")
	}
	if (peers) {
		printf "peers      %.1f KiB of coid and %.1f KiB of wireguard-go for each of %d\n", peers_coid / peers, peers_wg / peers, peers
		say("peer_coid", sprintf("%.1f", peers_coid / peers), "KiB"); say("peer_wireguard_go", sprintf("%.1f", peers_wg / peers), "KiB")
	}
	for (i = 1; i <= n_known; i++) {
		printf "memory     coid that knows %d machines: %.1f MiB%s\n", known[i], rss[i] / 1024,
		       (i == 1 ? "" : sprintf(", %.0f octets for each more", (rss[i] - rss[1]) * 1024 / (known[i] - known[1])))
		say("memory_" known[i], sprintf("%.1f", rss[i] / 1024), "MiB")
	}
}
