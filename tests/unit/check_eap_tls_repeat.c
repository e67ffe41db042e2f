/* Requests that come again, late or twice, at a supplicant whose own messages take several fragments. */
#include "authenticator.h"
#include "suites.h"
#include "tls_world.h"

#include <stdlib.h>
#include <string.h>

static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

static struct port *p;
static struct authenticator *a;

static void setup(void)
{
	struct vmp_tls_files files;

	tls_world_setup();
	tls_world_heavy_host(6000);
	files = tls_world_files();
	p = malloc(sizeof(*p));
	a = malloc(sizeof(*a));
	ck_assert(p && a);
	port_init(p);
	p->tls = tls_world_identity(&files);
	authenticator_init(a, VMP_EAP_TLS);
	a->tls.fragment = 300;
}

static void teardown(void)
{
	port_clear(p);
	vmp_tls_identity_free(p->tls);
	authenticator_clear(a);
	SSL_CTX_free(a->tls.ctx);
	free(p);
	free(a);
	tls_world_teardown();
}

/* The authenticator's last packets, the newest first. */
struct past {
	uint8_t packet[3][VMP_EAP_MAX];
	size_t len[3];
};

static void remember(struct past *past)
{
	memmove(past->packet[1], past->packet[0], sizeof(past->packet) - sizeof(past->packet[0]));
	memmove(past->len + 1, past->len, sizeof(past->len) - sizeof(past->len[0]));
	memcpy(past->packet[0], a->packet, a->len);
	past->len[0] = a->len;
}

static void give(const struct past *past, int age)
{
	if (past->len[age])
		(void)port_give(p, past->packet[age], past->len[age]);
}

/* Answer all that was sent.  After each request, while it waits, those of these ages come again. */
static void run(int version, const int *ages, int n)
{
	struct past past = { .len = { 0 } };
	const struct port_sent *sent;
	int i;

	a->tls.ctx = tls_world_server(&tls_world.server, NULL, version);
	vmp_supplicant_start(p->s, p->now);
	while ((sent = port_next(p))) {
		if (authenticator_take(a, sent) == 0)
			continue;
		remember(&past);
		(void)port_give(p, a->packet, a->len);
		for (i = 0; a->waiting && i < n; i++)
			give(&past, ages[i]);
	}
}

static void good(void)
{
	port_state(p, VMP_PAE_AUTHENTICATED, true);
	ck_assert(a->authorized);
	ck_assert_uint_eq(port_status(p).method, VMP_EAP_TLS);
}

START_TEST(each_request_twice)
{
	run(versions[_i], (const int[]){ 0 }, 1);
	good();
	/* The second answers were the same, and the authenticator did not need them. */
	ck_assert_uint_ge(a->ignored, a->responses - 1);
}
END_TEST

START_TEST(each_request_five_times)
{
	run(versions[_i], (const int[]){ 0, 0, 0, 0 }, 4);
	good();
}
END_TEST

START_TEST(the_one_before_comes_again)
{
	run(versions[_i], (const int[]){ 1 }, 1);
	good();
}
END_TEST

START_TEST(old_and_new_come_again_in_disorder)
{
	run(versions[_i], (const int[]){ 1, 0, 1, 0 }, 4);
	good();
}
END_TEST

START_TEST(identifiers_that_begin_anew)
{
	unsigned id;

	for (id = 240; id < 256; id += 3) {
		a->first_id = (uint8_t)id;
		SSL_CTX_free(a->tls.ctx);
		run(versions[_i], (const int[]){ 0 }, 1);
		good();
		p->n_sent = p->n_read = 0;
	}
}
END_TEST

/* What is forged must fit an identifier and a place: what fits neither changes nothing. */
START_TEST(forged_requests_between_fragments)
{
	static const uint8_t forged[][6] = { { 0x20 }, { 0x40 }, { 0x00, 1, 2 }, { 0x80, 0, 0, 0, 9, 1 }, { 0x80, 1 } };
	static const size_t sizes[] = { 1, 1, 3, 6, 2 };
	const struct port_sent *sent;

	a->tls.ctx = tls_world_server(&tls_world.server, NULL, versions[_i % 2]);
	vmp_supplicant_start(p->s, p->now);
	while ((sent = port_next(p))) {
		/* More fragments of ours follow: only an empty request can come. */
		if (sent->type == VMP_EAPOL_EAP && sent->body[4] == VMP_EAP_TLS && (sent->body[5] & 0x40))
			ck_assert(!port_request(p, (uint8_t)(a->id + 1), VMP_EAP_TLS, forged[_i / 2], sizes[_i / 2]));
		if (authenticator_take(a, sent) > 0)
			(void)port_give(p, a->packet, a->len);
	}
	good();
}
END_TEST

Suite *check_eap_tls_repeat(void)
{
	Suite *s = suite_create("eap_tls_repeat");
	TCase *t = tcase_create("eap_tls_repeat");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, each_request_twice, 0, 2);
	tcase_add_loop_test(t, each_request_five_times, 0, 2);
	tcase_add_loop_test(t, the_one_before_comes_again, 0, 2);
	tcase_add_loop_test(t, old_and_new_come_again_in_disorder, 0, 2);
	tcase_add_loop_test(t, identifiers_that_begin_anew, 0, 2);
	tcase_add_loop_test(t, forged_requests_between_fragments, 0, 10);
	suite_add_tcase(s, t);
	return s;
}
