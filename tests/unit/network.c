#include "network.h"
#include "suites.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct vmp_store *network;
struct vmp_msg network_msg;
struct vmp_report_effect network_effect;
int64_t network_window_s;
static char policy_path[128];

static void open_network(void)
{
	ck_assert_msg(vmp_store_open(&network, scratch_path, VMP_STORE_SESSION, VMP_STORE_CREATE, 1000, &network_msg) ==
			      VMP_OK,
		      "%s", network_msg.text);
	ck_assert_msg(vmp_store_migrate(network, NULL, NULL, &network_msg) == VMP_OK, "%s", network_msg.text);
}

void network_remove(void)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	char path[160];
	size_t i;

	vmp_store_close(network);
	network = NULL;
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", scratch_path, ends[i]);
		unlink(path);
	}
}

void network_setup(void)
{
	scratch_setup();
	memcpy(policy_path, scratch_path, sizeof(policy_path));
	memcpy(strstr(scratch_path, "policy.db"), "session.db", sizeof("session.db"));
	network_window_s = 60;
	open_network();
}

void network_teardown(void)
{
	network_remove();
	memcpy(scratch_path, policy_path, sizeof(policy_path));
	scratch_teardown();
}

void network_lose(void)
{
	network_remove();
	open_network();
}

uint64_t network_mac(int n)
{
	return UINT64_C(0x525400000000) + (uint64_t)n;
}

struct vmp_report network_report(enum vmp_report_type type, int n, char place, uint64_t token, int64_t at)
{
	static char nas[16], nas_ip[16], mac[18];
	int number = toupper(place) - 'A' + 1, port = isupper(place) ? 1 : 2;

	snprintf(nas, sizeof(nas), "192.0.2.%d", number % 10);
	snprintf(nas_ip, sizeof(nas_ip), "198.51.100.%d", number % 10);
	snprintf(mac, sizeof(mac), "52-54-00-00-00-%02x", (unsigned)n & 0xff);
	return (struct vmp_report){ .type = type,
				    .mac = network_mac(n),
				    .token = token,
				    .at = at,
				    .place = { .nas = nas,
					       .nas_port = port,
					       .nas_port_id = port == 1 ? "Gi1/0/1" : "Gi1/0/2",
					       .nas_ip = nas_ip,
					       .nas_identifier = "leaf",
					       .user_name = mac,
					       .calling_station_id = mac,
					       .acct_session_id = "",
					       .framed_ip = "" },
				    .cert_name = "",
				    .cause = "" };
}

void network_take(const struct vmp_report *report)
{
	int err = vmp_session_report(network, report, network_window_s, &network_effect, &network_msg);

	ck_assert_msg(err == VMP_OK, "%s: %s", vmp_strerror(err), network_msg.text);
}

void network_auth(int n, char place, uint64_t token, int64_t at)
{
	struct vmp_report report = network_report(VMP_REPORT_AUTHORIZED, n, place, token, at);

	network_take(&report);
}

void network_acct(enum vmp_report_type type, int n, char place, uint64_t token, int64_t at, const char *acct,
		  uint64_t octets)
{
	struct vmp_report report = network_report(type, n, place, token, at);

	report.place.acct_session_id = acct;
	report.input_octets = octets;
	report.output_octets = octets > UINT64_MAX / 2 ? octets : 2 * octets;
	network_take(&report);
}

void network_restart(char place, int64_t at)
{
	struct vmp_report report = network_report(VMP_REPORT_RESTART, 0, place, 0, at);

	report.mac = 0;
	network_take(&report);
}

const char *network_sketch(int n)
{
	static char out[512];
	struct vmp_session s;
	int err = vmp_session_get(network, network_mac(n), &s, &network_msg);

	if (err == VMP_ENOENT)
		return "-";
	ck_assert_int_eq(err, VMP_OK);
	snprintf(out, sizeof(out), "%c %s %llu %s",
		 (s.place.nas_port == 2 ? 'a' : 'A') + s.place.nas[strlen(s.place.nas) - 1] - '1', s.state,
		 (unsigned long long)s.token, s.place.acct_session_id);
	vmp_session_done(network);
	return out;
}
