#include "coa/dialect.h"
#include "suites.h"

#include <stdlib.h>
#include <string.h>

#ifndef COA_DIALECTS
#define COA_DIALECTS "policyd/coa-dialects.conf"
#endif

static struct dialects *dialects;
static struct vmp_msg msg;

static void open_dictionary(void)
{
	ck_assert_int_eq(packet_open("/usr/share/freeradius", &msg), VMP_OK);
}

static void teardown(void)
{
	dialects_free(dialects);
	dialects = NULL;
}

static int take(const char *text)
{
	return dialects_text("d.conf", text, strlen(text), &dialects, &msg);
}

START_TEST(options_are_taken)
{
	const struct dialect *d;

	ck_assert_int_eq(take("[x]\nport = 1700\nidentify = Calling-Station-Id, NAS-Port\nchange = coa\n"
			      "coa = Cisco-AVPair = \"a; b\" ; Service-Type=Call-Check;\n"),
			 VMP_EINVAL);
	ck_assert_int_eq(take("[x]\nport = 1700\nidentify = Calling-Station-Id, NAS-Port\nchange = coa\n"
			      "coa = Cisco-AVPair = \"a;b=\"; Service-Type=Call-Check;\n"
			      "disconnect = Acct-Terminate-Cause = Admin-Reset\n"),
			 VMP_OK);
	d = dialects_find(dialects, "x");
	ck_assert_ptr_nonnull(d);
	ck_assert_uint_eq(d->port, 1700);
	ck_assert_uint_eq(d->identify, 1u << JOB_CALLING_STATION_ID | 1u << JOB_NAS_PORT);
	ck_assert_int_eq(d->change, DIALECT_COA);
	ck_assert_uint_eq(d->n_coa, 2);
	ck_assert_str_eq(d->coa[0].name, "Cisco-AVPair");
	ck_assert_str_eq(d->coa[0].value, "a;b=");
	ck_assert_str_eq(d->coa[1].name, "Service-Type");
	ck_assert_str_eq(d->coa[1].value, "Call-Check");
	ck_assert_uint_eq(d->n_disconnect, 1);
	ck_assert_str_eq(d->disconnect[0].value, "Admin-Reset");
}
END_TEST

START_TEST(what_is_left_out_has_a_preset)
{
	const struct dialect *d;

	ck_assert_int_eq(take("[rfc]\nidentify = User-Name\n"), VMP_OK);
	d = dialects_find(dialects, "");
	ck_assert_ptr_nonnull(d);
	ck_assert_ptr_eq(d, dialects_find(dialects, "rfc"));
	ck_assert_uint_eq(d->port, 3799);
	ck_assert_int_eq(d->change, DIALECT_DISCONNECT);
	ck_assert_ptr_null(dialects_find(dialects, "cisco"));
}
END_TEST

START_TEST(what_is_wrong_is_refused_with_its_line)
{
	static const struct {
		const char *text, *says;
	} wrong[] = {
		{ "[x]\nport = 0\n", "d.conf:2: [x] port: expected a UDP port" },
		{ "[x]\nport = 65536\n", "d.conf:2: [x] port: expected a UDP port" },
		{ "[x]\nport = 1x\n", "d.conf:2: [x] port: expected a UDP port" },
		{ "[x]\nchange = maybe\n", "d.conf:2: [x] change: expected coa, disconnect or none" },
		{ "[x]\nidentify = Class\n", "d.conf:2: [x] identify: Class: no attribute" },
		{ "[x]\nidentify = NAS-Port NAS-Port-Id NAS-IP-Address\n",
		  "d.conf:2: [x] identify: expected one at least" },
		{ "[x]\nidentify =\n", "d.conf:2: [x] identify: expected one at least" },
		{ "[x]\nidentify = User-Name\nidentify = User-Name\n", "d.conf:3: [x] identify: given twice" },
		{ "[x]\ncoa = No-Such = 1\n", "d.conf:2: [x] coa: No-Such: the dictionaries have no such attribute" },
		{ "[x]\ncoa = NAS-Port = a\n", "d.conf:2: [x] coa: NAS-Port: " },
		{ "[x]\ncoa = Cisco-AVPair\n", "d.conf:2: [x] coa: expected NAME = VALUE" },
		{ "[x]\ncoa = Cisco-AVPair =\n", "d.conf:2: [x] coa: expected NAME = VALUE" },
		{ "[x]\ncoa = Cisco-AVPair = \"a\n", "d.conf:2: [x] coa: expected NAME = VALUE" },
		{ "[x]\ncoa = Cisco-AVPair = \"a\" b\n", "d.conf:2: [x] coa: expected NAME = VALUE" },
		{ "[x]\ndisconnect = = a\n", "d.conf:2: [x] disconnect: expected NAME = VALUE" },
		{ "[x]\ncoa = NAS-Port=1;NAS-Port=1;NAS-Port=1;NAS-Port=1;NAS-Port=1;NAS-Port=1;NAS-Port=1;NAS-Port=1;"
		  "NAS-Port=1\n",
		  "d.conf:2: [x] coa: expected at most 8" },
		{ "[x]\nwindow = 3\n", "d.conf:2: [x] window: there is no such option" },
		{ "[X]\nport = 1\n", "d.conf:2: [X] port: expected a dialect's name" },
		{ "port = 1\n", "d.conf:1: [] port: expected a dialect's name" },
		{ "[x]\nport = 1\n", "d.conf: [x] identify: not given" },
		{ "[x]\nidentify = User-Name\nchange = coa\n", "d.conf: [x] change: coa needs attributes" },
	};

	ck_assert_int_eq(take(wrong[_i].text), VMP_EINVAL);
	ck_assert_msg(strncmp(msg.text, wrong[_i].says, strlen(wrong[_i].says)) == 0, "%s", msg.text);
}
END_TEST

/* Each of the twelve makes, and no port bounce in any. */
START_TEST(the_file_that_ships_is_good)
{
	static const char *const names[] = { "rfc",	"hpe",	  "aruba-cx", "cisco",	"juniper",  "arista",
					     "extreme", "huawei", "mikrotik", "ruckus", "edgecore", "ovs" };
	size_t i;

	ck_assert_msg(dialects_read(COA_DIALECTS, &dialects, &msg) == VMP_OK, "%s", msg.text);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct dialect *d = dialects_find(dialects, names[i]);
		size_t k;

		ck_assert_msg(d != NULL, "%s", names[i]);
		for (k = 0; k < d->n_coa; k++) {
			ck_assert_ptr_null(strcasestr(d->coa[k].name, "bounce"));
			ck_assert_ptr_null(strcasestr(d->coa[k].name, "flap"));
			ck_assert_ptr_null(strcasestr(d->coa[k].value, "bounce"));
		}
	}
	ck_assert_uint_eq(dialects_find(dialects, "cisco")->port, 1700);
	ck_assert_uint_eq(dialects_find(dialects, "extreme")->identify, 1u << JOB_CALLING_STATION_ID);
}
END_TEST

START_TEST(no_file_is_told_apart)
{
	ck_assert_int_eq(dialects_read("/nonexistent/d.conf", &dialects, &msg), VMP_ENOENT);
}
END_TEST

Suite *check_coa_dialect(void)
{
	Suite *s = suite_create("coa_dialect");
	TCase *t = tcase_create("coa_dialect");

	tcase_add_unchecked_fixture(t, open_dictionary, NULL);
	tcase_add_checked_fixture(t, NULL, teardown);
	tcase_add_test(t, options_are_taken);
	tcase_add_test(t, what_is_left_out_has_a_preset);
	tcase_add_loop_test(t, what_is_wrong_is_refused_with_its_line, 0, 21);
	tcase_add_test(t, the_file_that_ships_is_good);
	tcase_add_test(t, no_file_is_told_apart);
	suite_add_tcase(s, t);
	return s;
}
