#include "network.h"
#include "suites.h"

START_TEST(what_is_no_guest_is_refused)
{
	static const uint64_t macs[] = { 0, UINT64_C(0x010000000001), UINT64_C(0x1000000000000) };
	struct vmp_report report = network_report(VMP_REPORT_AUTHORIZED, 1, 'A', 1, 100);
	struct vmp_report_effect effect;
	size_t i;

	for (i = 0; i < sizeof(macs) / sizeof(macs[0]); i++) {
		report.mac = macs[i];
		ck_assert_int_eq(vmp_session_report(network, &report, 60, &effect, &network_msg), VMP_EINVAL);
		ck_assert_str_eq(network_msg.text, "mac: expected a unicast MAC address");
	}
}
END_TEST

START_TEST(an_authorization)
{
	struct vmp_report report = network_report(VMP_REPORT_AUTHORIZED, 1, 'A', 7, 100);
	struct vmp_session s;

	report.method = VMP_METHOD_EAP_TLS;
	report.cert_name = "hv1.example.org";
	report.vlan = 4094;
	report.policy = UINT64_MAX - 1;
	report.timeout_s = 3600;
	report.token = UINT64_MAX;
	network_take(&report);
	ck_assert(!network_effect.moved && !network_effect.clone);
	ck_assert_int_eq(vmp_session_get(network, network_mac(1), &s, &network_msg), VMP_OK);
	ck_assert_int_eq(s.past_id, 0);
	ck_assert_uint_eq(s.mac, network_mac(1));
	ck_assert_uint_eq(s.token, UINT64_MAX);
	ck_assert_str_eq(s.state, "authorized");
	ck_assert_str_eq(s.cause, "");
	ck_assert_str_eq(s.place.nas, "192.0.2.1");
	ck_assert_int_eq(s.place.nas_port, 1);
	ck_assert_str_eq(s.place.nas_port_id, "Gi1/0/1");
	ck_assert_str_eq(s.place.nas_ip, "198.51.100.1");
	ck_assert_str_eq(s.place.nas_identifier, "leaf");
	ck_assert_str_eq(s.place.user_name, "52-54-00-00-00-01");
	ck_assert_int_eq(s.method, VMP_METHOD_EAP_TLS);
	ck_assert_str_eq(s.cert_name, "hv1.example.org");
	ck_assert_uint_eq(s.vlan, 4094);
	ck_assert_uint_eq(s.policy, UINT64_MAX - 1);
	ck_assert_int_eq(s.authorized_at, 100);
	ck_assert_int_eq(s.since, 100);
	ck_assert_int_eq(s.expires_at, 100 + 3600 + 360);
	ck_assert_int_eq(s.ended_at, 0);
	vmp_session_done(network);
}
END_TEST

START_TEST(again_in_the_same_place)
{
	struct vmp_report report = network_report(VMP_REPORT_AUTHORIZED, 1, 'A', 1, 100);
	struct vmp_session s;

	report.place.acct_session_id = "S1";
	network_take(&report);
	network_acct(VMP_REPORT_INTERIM, 1, 'A', 1, 110, "S1", 50);
	report = network_report(VMP_REPORT_AUTHORIZED, 1, 'A', 2, 200);
	report.place.nas_identifier = "";
	report.place.user_name = "525400000001";
	report.timeout_s = 100;
	network_take(&report);
	ck_assert_int_eq(vmp_session_get(network, network_mac(1), &s, &network_msg), VMP_OK);
	ck_assert_uint_eq(s.token, 2);
	ck_assert_str_eq(s.state, "interim");
	ck_assert_str_eq(s.place.nas_identifier, "leaf");
	ck_assert_str_eq(s.place.user_name, "525400000001");
	ck_assert_str_eq(s.place.acct_session_id, "S1");
	ck_assert_int_eq(s.since, 100);
	ck_assert_int_eq(s.authorized_at, 200);
	ck_assert_int_eq(s.expires_at, 360);
	ck_assert_uint_eq(s.input_octets, 50);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM past"), 0);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM notice"), 0);
	/* With another Acct-Session-Id counting begins anew. */
	report.token = 3;
	report.place.acct_session_id = "S2";
	network_take(&report);
	ck_assert_str_eq(network_sketch(1), "A interim 3 S2");
	ck_assert_int_eq(scratch_number("SELECT input_octets + output_octets FROM session"), 0);
}
END_TEST

START_TEST(a_move)
{
	struct vmp_session s;

	network_auth(1, 'A', 1, 100);
	network_acct(VMP_REPORT_START, 1, 'A', 1, 101, "S1", 0);
	network_auth(1, 'B', 2, 200);
	ck_assert(network_effect.moved && !network_effect.clone);
	ck_assert_str_eq(network_sketch(1), "B authorized 2 ");
	ck_assert_str_eq(scratch_text("SELECT group_concat(id || kind || past_id || nas || detail) FROM notice"),
			 "1moved1192.0.2.2from 192.0.2.1 port Gi1/0/1 to 192.0.2.2 port Gi1/0/1");
	ck_assert_int_eq(vmp_session_get_past(network, 1, &s, &network_msg), VMP_OK);
	ck_assert_int_eq(s.past_id, 1);
	ck_assert_str_eq(s.state, "moved");
	ck_assert_str_eq(s.place.acct_session_id, "S1");
	ck_assert_str_eq(s.place.nas, "192.0.2.1");
	ck_assert_int_eq(s.ended_at, 200);
	ck_assert_int_eq(s.closed_at, 0);
	vmp_session_done(network);
	/* Another port is another place. */
	network_auth(1, 'b', 3, 300);
	ck_assert(network_effect.moved);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM session"), 1);
}
END_TEST

START_TEST(what_a_repeated_authorization_does)
{
	struct vmp_report report = network_report(VMP_REPORT_AUTHORIZED, 1, 'A', 1, 100);

	report.place.acct_session_id = "S0";
	network_take(&report);
	network_acct(VMP_REPORT_START, 1, 'A', 1, 101, "S1", 0);
	network_take(&report);
	ck_assert_str_eq(network_sketch(1), "A started 1 S1");
	network_auth(1, 'B', 2, 200);
	network_auth(1, 'A', 1, 100);
	ck_assert(!network_effect.moved && !network_effect.clone);
	ck_assert_str_eq(network_sketch(1), "B authorized 2 ");
	network_acct(VMP_REPORT_STOP, 1, 'B', 2, 300, "S2", 0);
	network_auth(1, 'B', 2, 200);
	ck_assert_str_eq(network_sketch(1), "-");
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM notice"), 1);
}
END_TEST

/* A session with token 5, authorized in A at 100, whose Acct-Session-Id is known or not; and a Stop. */
static const struct {
	const char *has;
	uint64_t token;
	char place;
	const char *acct;
	int64_t at;
	bool ends;
} stops[] = {
	{ "", 5, 'A', "S1", 150, true },    { "S1", 5, 'A', "S1", 150, true },	{ "S1", 5, 'A', "S9", 150, true },
	{ "S1", 5, 'A', "S1", 50, true },  /* the NAS's clock is wrong */
	{ "S1", 5, 'C', "S1", 150, true }, /* so is its idea of a port */
	{ "S1", 4, 'A', "S1", 150, false }, { "S1", 4, 'A', "S0", 150, false }, { "", 4, 'A', "S0", 150, false },
	{ "S1", 0, 'A', "S1", 150, true },  { "S1", 0, 'a', "S1", 150, true },	{ "S1", 0, 'A', "S0", 150, false },
	{ "S1", 0, 'A', "", 150, false },   { "S1", 0, 'B', "S1", 150, false }, { "", 0, 'A', "S1", 150, true },
	{ "", 0, 'A', "", 150, true },	    { "", 0, 'A', "S1", 100, false },	{ "", 0, 'A', "S1", 99, false },
	{ "", 0, 'a', "S1", 150, false },   { "", 0, 'B', "S1", 150, false },
};

START_TEST(which_stop_ends_a_session)
{
	struct vmp_report report = network_report(VMP_REPORT_AUTHORIZED, 1, 'A', 5, 100);

	report.place.acct_session_id = stops[_i].has;
	network_take(&report);
	report = network_report(VMP_REPORT_STOP, 1, stops[_i].place, stops[_i].token, stops[_i].at);
	report.place.acct_session_id = stops[_i].acct;
	report.cause = "User-Request";
	report.input_octets = 77;
	network_take(&report);
	network_take(&report);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM session"), !stops[_i].ends);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM past WHERE token = 5"), stops[_i].ends);
	if (stops[_i].ends)
		ck_assert_str_eq(scratch_text("SELECT state || cause || input_octets || (ended_at = closed_at) "
					      "FROM past WHERE token = 5"),
				 "stoppedUser-Request771");
	else
		ck_assert_str_eq(scratch_text("SELECT state FROM session"), "authorized");
}
END_TEST

START_TEST(a_stop_closes_what_has_moved)
{
	network_auth(1, 'A', 1, 100);
	network_acct(VMP_REPORT_START, 1, 'A', 1, 101, "S1", 0);
	network_auth(1, 'B', 2, 200);
	network_acct(VMP_REPORT_STOP, 1, 'A', 1, 203, "S1", 99);
	ck_assert_str_eq(network_sketch(1), "B authorized 2 ");
	ck_assert_str_eq(scratch_text("SELECT state || closed_at || ',' || input_octets FROM past"), "moved203,99");
	/* Repeated, it has nothing to say. */
	network_acct(VMP_REPORT_STOP, 1, 'A', 1, 209, "S1", 99);
	ck_assert_int_eq(scratch_number("SELECT closed_at FROM past"), 203);
	/* Back in A, it is late: B still is open. */
	network_auth(1, 'A', 3, 300);
	network_acct(VMP_REPORT_STOP, 1, 'A', 1, 203, "S1", 99);
	network_acct(VMP_REPORT_STOP, 1, 'B', 2, 301, "S2", 1);
	ck_assert_str_eq(network_sketch(1), "A authorized 3 ");
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM past WHERE closed_at IS NULL"), 0);
}
END_TEST

/* Of a session in A whose Stop was lost, and which was before the one that has moved. */
START_TEST(a_stop_of_an_older_session_closes_nothing)
{
	uint64_t class = _i ? 9 : 0;

	network_auth(1, 'A', 1, 100);
	network_acct(VMP_REPORT_START, 1, 'A', class ? 1 : 0, 101, "S1", 0);
	network_auth(1, 'B', 2, 200);
	network_acct(VMP_REPORT_STOP, 1, 'A', class, 90, "S0", 99);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM past WHERE closed_at IS NULL"), 1);
	network_acct(VMP_REPORT_STOP, 1, 'A', class ? 1 : 0, 201, "S1", 99);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM past WHERE closed_at IS NULL"), 0);
}
END_TEST

/* Back where it was before the old session's end is known. */
START_TEST(a_stop_of_the_session_before_in_the_same_place)
{
	uint64_t class = _i ? 1 : 0;

	network_auth(1, 'A', 1, 100);
	network_acct(VMP_REPORT_START, 1, 'A', class, 101, "S1", 0);
	network_auth(1, 'B', 2, 200);
	network_auth(1, 'A', 3, 300);
	network_acct(VMP_REPORT_START, 1, 'A', class ? 3 : 0, 301, "S3", 0);
	network_acct(VMP_REPORT_INTERIM, 1, 'A', class, 199, "S1", 40);
	network_acct(VMP_REPORT_STOP, 1, 'A', class, 302, "S1", 50);
	ck_assert_str_eq(network_sketch(1), "A started 3 S3");
	ck_assert_int_eq(scratch_number("SELECT closed_at FROM past WHERE token = 1"), 302);
	ck_assert_int_eq(scratch_number("SELECT input_octets FROM past WHERE token = 1"), 50);
	ck_assert_int_eq(scratch_number("SELECT input_octets FROM session"), 0);
}
END_TEST

START_TEST(accounting_in_any_order)
{
	network_auth(1, 'A', 1, 100);
	network_acct(VMP_REPORT_INTERIM, 1, 'A', 1, 160, "S1", 1000);
	network_acct(VMP_REPORT_START, 1, 'A', 1, 101, "S1", 0);
	ck_assert_str_eq(network_sketch(1), "A interim 1 S1");
	network_acct(VMP_REPORT_INTERIM, 1, 'A', 1, 220, "S1", 3000);
	network_acct(VMP_REPORT_INTERIM, 1, 'A', 1, 190, "S1", 2000);
	ck_assert_int_eq(scratch_number("SELECT input_octets FROM session"), 3000);
	ck_assert_int_eq(scratch_number("SELECT updated_at FROM session"), 220);
	network_acct(VMP_REPORT_STOP, 1, 'A', 1, 300, "S1", 2500);
	ck_assert_int_eq(scratch_number("SELECT input_octets FROM past"), 3000);
	network_acct(VMP_REPORT_INTERIM, 1, 'A', 1, 290, "S1", 3500);
	ck_assert_int_eq(scratch_number("SELECT input_octets FROM past"), 3500);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM session"), 0);
}
END_TEST

START_TEST(another_accounting_session_in_the_same_place)
{
	network_auth(1, 'A', 1, 100);
	network_acct(VMP_REPORT_INTERIM, 1, 'A', 0, 150, "S1", 1000);
	network_acct(VMP_REPORT_START, 1, 'A', 0, 99, "S0", 0); /* from before the authorization */
	ck_assert_str_eq(network_sketch(1), "A interim 1 S1");
	network_acct(VMP_REPORT_START, 1, 'A', 0, 160, "S2", 0);
	ck_assert_str_eq(network_sketch(1), "A started 1 S2");
	ck_assert_int_eq(scratch_number("SELECT input_octets FROM session"), 0);
	network_acct(VMP_REPORT_STOP, 1, 'A', 0, 161, "S1", 1000);
	ck_assert_str_eq(network_sketch(1), "A started 1 S2");
	/* With another authorization's Class it is not this one's, whatever the time. */
	network_acct(VMP_REPORT_START, 1, 'A', 9, 170, "S3", 0);
	ck_assert_str_eq(network_sketch(1), "A started 1 S2");
	network_acct(VMP_REPORT_START, 1, 'A', 1, 170, "S3", 0);
	ck_assert_str_eq(network_sketch(1), "A started 1 S3");
}
END_TEST

START_TEST(accounting_tells_more_of_a_place)
{
	struct vmp_report report = network_report(VMP_REPORT_AUTHORIZED, 1, 'A', 1, 100);

	report.place.nas_port_id = report.place.nas_identifier = report.place.nas_ip = "";
	network_take(&report);
	report = network_report(VMP_REPORT_START, 1, 'A', 1, 101);
	report.place.user_name = "somebody";
	report.place.framed_ip = "10.0.0.1";
	network_take(&report);
	ck_assert_str_eq(scratch_text("SELECT nas_port_id || nas_identifier || nas_ip || user_name || framed_ip FROM "
				      "session"),
			 "Gi1/0/1leaf198.51.100.152-54-00-00-00-0110.0.0.1");
}
END_TEST

START_TEST(counters_that_are_too_large)
{
	network_auth(1, 'A', 1, 100);
	network_acct(VMP_REPORT_INTERIM, 1, 'A', 1, 150, "S1", UINT64_MAX);
	network_acct(VMP_REPORT_INTERIM, 1, 'A', 1, 160, "S1", 10);
	ck_assert_str_eq(scratch_text("SELECT input_octets FROM session"), "9223372036854775807");
}
END_TEST

START_TEST(accounting_begins_what_is_not_known)
{
	network_acct(VMP_REPORT_INTERIM, 1, 'A', 5, 100, "S1", 10);
	ck_assert_str_eq(network_sketch(1), "A interim 5 S1");
	ck_assert_int_eq(scratch_number("SELECT authorized_at + policy + expires_at FROM session"), 0);
	ck_assert_int_eq(scratch_number("SELECT since FROM session"), 100);
	network_acct(VMP_REPORT_START, 2, 'A', 0, 100, "S2", 0);
	ck_assert_str_eq(network_sketch(2), "A started 0 S2");
	/* Its Class, when it has one, is taken over. */
	network_acct(VMP_REPORT_INTERIM, 2, 'A', 6, 110, "S2", 0);
	ck_assert_str_eq(network_sketch(2), "A interim 6 S2");
	network_acct(VMP_REPORT_STOP, 1, 'A', 5, 200, "S1", 10);
	ck_assert_str_eq(network_sketch(1), "-");
	/* A session that lasts is not moved by accounting. */
	network_acct(VMP_REPORT_START, 2, 'B', 7, 120, "S3", 0);
	ck_assert_str_eq(network_sketch(2), "A interim 6 S2");
}
END_TEST

START_TEST(the_authorization_comes_after_its_accounting)
{
	network_acct(VMP_REPORT_START, 1, 'B', 2, 121, "S2", 0);
	network_auth(1, 'B', 2, 120);
	ck_assert_str_eq(network_sketch(1), "B started 2 S2");
	ck_assert_int_eq(scratch_number("SELECT authorized_at FROM session"), 120);
	/* Accounting may call a port otherwise. */
	network_acct(VMP_REPORT_START, 3, 'b', 5, 121, "S5", 0);
	network_auth(3, 'B', 5, 120);
	ck_assert(!network_effect.moved);
	ck_assert_str_eq(network_sketch(3), "B started 5 S5");
	/* It seems to have moved before it came. */
	network_acct(VMP_REPORT_START, 2, 'B', 4, 121, "S4", 0);
	network_auth(2, 'A', 3, 100);
	network_auth(2, 'B', 4, 120);
	ck_assert(!network_effect.clone);
	ck_assert_str_eq(network_sketch(2), "B authorized 4 ");
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM past WHERE closed_at IS NULL"), 1);
}
END_TEST

START_TEST(what_is_late_begins_nothing)
{
	network_auth(1, 'A', 1, 100);
	network_acct(VMP_REPORT_STOP, 1, 'A', 1, 200, "S1", 10);
	network_acct(VMP_REPORT_START, 1, 'A', 1, 101, "S1", 0);
	network_acct(VMP_REPORT_INTERIM, 1, 'A', 1, 200, "S1", 0);
	network_acct(VMP_REPORT_INTERIM, 1, 'A', 0, 199, "", 0);
	ck_assert_str_eq(network_sketch(1), "-");
	network_acct(VMP_REPORT_START, 1, 'A', 0, 199, "S0", 0);
	ck_assert_str_eq(network_sketch(1), "-");
	/* Another session is not late; nor is one of another NAS, which counts from 1 too. */
	network_acct(VMP_REPORT_START, 1, 'A', 0, 200, "S2", 0);
	ck_assert_str_eq(network_sketch(1), "A started 0 S2");
	network_auth(2, 'A', 2, 100);
	network_acct(VMP_REPORT_STOP, 2, 'A', 2, 200, "S1", 10);
	network_acct(VMP_REPORT_START, 2, 'B', 0, 150, "S1", 0);
	ck_assert_str_eq(network_sketch(2), "B started 0 S1");
}
END_TEST

START_TEST(what_is_late_of_a_place_that_was_left)
{
	network_auth(1, 'A', 1, 100);
	network_auth(1, 'B', 2, 200);
	network_acct(VMP_REPORT_STOP, 1, 'B', 2, 300, "S2", 0);
	/* Its NAS has not ended it: no session begins there. */
	network_acct(VMP_REPORT_INTERIM, 1, 'A', 1, 400, "S1", 0);
	ck_assert(network_effect.clone);
	ck_assert_str_eq(network_effect.newer_nas, "");
	ck_assert_str_eq(scratch_text("SELECT detail FROM notice WHERE kind = 'clone'"),
			 "authorized nowhere, still active at 192.0.2.1 port Gi1/0/1");
	ck_assert_str_eq(network_sketch(1), "-");
	ck_assert_int_eq(vmp_session_end(network, network_mac(1), 1, 1, 500, "moved", &network_msg), VMP_OK);
	network_acct(VMP_REPORT_INTERIM, 1, 'A', 1, 450, "S1", 0);
	ck_assert_str_eq(network_sketch(1), "-");
	network_acct(VMP_REPORT_INTERIM, 1, 'A', 1, 600, "S1", 0);
	ck_assert_str_eq(network_sketch(1), "A interim 1 S1");
}
END_TEST

/* Of a place that was left and of no session that is known: it is a new one. */
START_TEST(a_session_where_it_has_left)
{
	network_auth(1, 'A', 1, 100);
	network_acct(VMP_REPORT_START, 1, 'A', 1, 101, "S1", 0);
	network_auth(1, 'B', 2, 200);
	network_acct(VMP_REPORT_STOP, 1, 'B', 2, 300, "S2", 0);
	network_acct(VMP_REPORT_START, 1, 'A', 0, 199, "S0", 0);
	ck_assert_str_eq(network_sketch(1), "-");
	network_acct(VMP_REPORT_START, 1, 'A', 3, 400, "S3", 0);
	ck_assert_str_eq(network_sketch(1), "A started 3 S3");
}
END_TEST

START_TEST(a_stop_that_comes_first)
{
	network_acct(VMP_REPORT_STOP, 1, 'A', 1, 200, "S1", 10);
	network_acct(VMP_REPORT_STOP, 1, 'A', 1, 200, "S1", 10);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM past WHERE state = 'stopped'"), 1);
	network_acct(VMP_REPORT_START, 1, 'A', 1, 101, "S1", 0);
	network_auth(1, 'A', 1, 100);
	ck_assert_str_eq(network_sketch(1), "-");
	/* Without a Class nothing says that there was a session: some NASes count refusals. */
	network_acct(VMP_REPORT_STOP, 2, 'A', 0, 200, "S2", 0);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM past"), 1);
}
END_TEST

static int is_late(void *ctx, const struct vmp_notice *notice)
{
	++*(int *)ctx;
	ck_assert_str_eq(notice->kind, "late");
	ck_assert_uint_eq(notice->mac, network_mac(1));
	return VMP_OK;
}

START_TEST(a_session_that_was_not_over)
{
	struct vmp_report report = network_report(VMP_REPORT_AUTHORIZED, 1, 'A', 5, 100);
	struct vmp_session s;
	int n = 0;

	report.method = VMP_METHOD_EAP_TLS;
	report.cert_name = "hv1";
	report.vlan = 10;
	report.policy = 99;
	report.timeout_s = 600;
	network_take(&report);
	ck_assert_int_eq(vmp_session_end(network, network_mac(1), 5, 0, 150, "policy", &network_msg), VMP_OK);
	network_acct(VMP_REPORT_INTERIM, 1, 'A', 5, 155, "S1", 0);
	ck_assert_str_eq(network_sketch(1), "-");
	network_acct(VMP_REPORT_INTERIM, 1, 'A', 5, 156, "S1", 0);
	ck_assert_int_eq(vmp_session_get(network, network_mac(1), &s, &network_msg), VMP_OK);
	ck_assert_int_eq(s.method, VMP_METHOD_EAP_TLS);
	ck_assert_str_eq(s.cert_name, "hv1");
	ck_assert_uint_eq(s.policy, 99);
	ck_assert_int_eq(s.authorized_at, 100);
	ck_assert_int_eq(s.since, 156);
	ck_assert_int_eq(s.expires_at, 156 + 660);
	vmp_session_done(network);
	/* It may be there against the policy: policyd is to compare it. */
	ck_assert_int_eq(vmp_session_notice_each(network, 0, 9, is_late, &n, &network_msg), VMP_OK);
	ck_assert_int_eq(n, 1);
}
END_TEST

START_TEST(a_restart)
{
	network_auth(1, 'A', 1, 100);
	network_auth(2, 'a', 2, 200);
	network_auth(3, 'A', 3, 300);
	network_auth(4, 'B', 4, 100);
	network_auth(5, 'A', 5, 100);
	network_auth(5, 'B', 6, 110);
	network_restart('A', 300);
	ck_assert_str_eq(scratch_text("SELECT group_concat(mac & 15) FROM session"), "3,4,5");
	ck_assert_str_eq(scratch_text("SELECT group_concat((mac & 15) || state || cause || closed_at) FROM past"),
			 "5movednas-restart300,1stoppednas-restart300,2stoppednas-restart300");
	ck_assert_str_eq(scratch_text("SELECT kind || mac || nas FROM notice ORDER BY id DESC LIMIT 1"),
			 "nas-restart0192.0.2.1");
	network_restart('A', 300);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM notice WHERE kind = 'nas-restart'"), 1);
	/* What began since stays, by accounting alone too. */
	network_acct(VMP_REPORT_START, 1, 'A', 0, 350, "S1", 0);
	network_restart('A', 300);
	network_restart('A', 320);
	ck_assert_str_eq(scratch_text("SELECT group_concat(mac & 15) FROM session"), "1,4,5");
	network_acct(VMP_REPORT_INTERIM, 2, 'a', 2, 250, "S2", 0);
	ck_assert_str_eq(network_sketch(2), "-");
}
END_TEST

START_TEST(a_refusal_is_a_notice_alone)
{
	struct vmp_report report = network_report(VMP_REPORT_REFUSED, 1, 'A', 0, 100);

	report.detail = "wrong-host";
	network_take(&report);
	ck_assert_str_eq(scratch_text("SELECT kind || (mac & 15) || nas || detail || at FROM notice"),
			 "refused1192.0.2.1wrong-host100");
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM session"), 0);
}
END_TEST

Suite *check_store_session_report(void)
{
	Suite *s = suite_create("store_session_report");
	TCase *t = tcase_create("store_session_report");

	tcase_add_checked_fixture(t, network_setup, network_teardown);
	tcase_set_timeout(t, 60); /* [s] a disk that syncs slowly, and sanitizers */
	tcase_add_test(t, what_is_no_guest_is_refused);
	tcase_add_test(t, an_authorization);
	tcase_add_test(t, again_in_the_same_place);
	tcase_add_test(t, a_move);
	tcase_add_test(t, what_a_repeated_authorization_does);
	tcase_add_loop_test(t, which_stop_ends_a_session, 0, sizeof(stops) / sizeof(stops[0]));
	tcase_add_test(t, a_stop_closes_what_has_moved);
	tcase_add_loop_test(t, a_stop_of_an_older_session_closes_nothing, 0, 2);
	tcase_add_loop_test(t, a_stop_of_the_session_before_in_the_same_place, 0, 2);
	tcase_add_test(t, accounting_in_any_order);
	tcase_add_test(t, another_accounting_session_in_the_same_place);
	tcase_add_test(t, accounting_tells_more_of_a_place);
	tcase_add_test(t, counters_that_are_too_large);
	tcase_add_test(t, accounting_begins_what_is_not_known);
	tcase_add_test(t, the_authorization_comes_after_its_accounting);
	tcase_add_test(t, what_is_late_begins_nothing);
	tcase_add_test(t, what_is_late_of_a_place_that_was_left);
	tcase_add_test(t, a_session_where_it_has_left);
	tcase_add_test(t, a_stop_that_comes_first);
	tcase_add_test(t, a_session_that_was_not_over);
	tcase_add_test(t, a_restart);
	tcase_add_test(t, a_refusal_is_a_notice_alone);
	suite_add_tcase(s, t);
	return s;
}
