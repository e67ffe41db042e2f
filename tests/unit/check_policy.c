#include "policy.h"
#include "suites.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One tenant, two enclaves, three COIs, two NASes, two hosts; hv1 is cabled to sw1 port p1. */
static struct vmp_tenant tenant[] = { { 1, "acme", true }, { 2, "other", true } };
static struct vmp_enclave enclave[] = { { .id = 1, .name = "east", .enabled = true, .acct_interim_s = 600 } };
static struct vmp_coi coi[3];
static struct vmp_nas nas[] = { { .id = 7, .name = "sw1", .dialect = "rfc" },
				{ .id = 8, .name = "sw2", .dialect = "hpe" } };
static struct vmp_host host[] = { { 1, "hv1", "hv1.example", 0, 0, true }, { 2, "hv2", "hv2.example", 2, 0, true } };
static struct vmp_uplink uplink[] = { { 1, 7, "p1" } };
static struct vmp_catalog cat;
static struct vmp_vm vm;
static struct vmp_request req;
static struct vmp_decision d;

static void set_num(struct vmp_policy *p, enum vmp_field f, uint32_t num)
{
	p->set |= 1u << f;
	p->value[f].num = num;
}

static void set_text(struct vmp_policy *p, enum vmp_field f, const char *text)
{
	p->set |= 1u << f;
	p->value[f].text = text;
}

static void setup(void)
{
	int i;

	memset(coi, 0, sizeof(coi));
	for (i = 0; i < 3; i++) {
		coi[i] = (struct vmp_coi){ .id = i + 1, .enabled = true, .priority = 100, .member_count = 10 };
		coi[i].name = (const char *const[]){ "web", "app", "admin" }[i];
		set_num(&coi[i].policy, VMP_F_VLAN, 100 * (uint32_t)(i + 1));
	}
	tenant[0].enabled = enclave[0].enabled = host[0].enabled = true;
	memset(&enclave[0].policy, 0, sizeof(enclave[0].policy));
	set_num(&enclave[0].policy, VMP_F_MAB, 1);
	set_num(&enclave[0].policy, VMP_F_COS, 1);
	uplink[0].port = "p1";
	ck_assert_int_eq(vmp_addr_parse("127.0.0.1", &nas[0].address), VMP_OK);
	ck_assert_int_eq(vmp_addr_parse("127.0.0.2", &nas[1].address), VMP_OK);
	cat = (struct vmp_catalog){ 1, 2, 1, 3, 2, 2, 1, tenant, enclave, coi, nas, host, uplink };
	vm = (struct vmp_vm){
		.mac = 1, .name = "vm", .enabled = true, .not_after = INT64_MAX, .tenant_id = 1, .enclave_id = 1
	};
	req = (struct vmp_request){ .method = VMP_METHOD_MAB, .nas = nas[0].address, .port = -1, .now = 1000 };
}

static enum vmp_verdict decide(void)
{
	vmp_policy_decide(&cat, &vm, &req, &d);
	return d.verdict;
}

static void join(size_t n)
{
	size_t i;

	vm.n_coi = n;
	for (i = 0; i < n; i++)
		vm.coi_id[i] = (int64_t)i + 1;
}

START_TEST(an_unknown_mac_still_finds_its_nas)
{
	vmp_policy_decide(&cat, NULL, &req, &d);
	ck_assert_int_eq(d.verdict, VMP_UNKNOWN);
	ck_assert_ptr_eq(d.nas, &nas[0]);
	ck_assert_ptr_null(d.vm);
}
END_TEST

START_TEST(own_value_before_coi_before_enclave)
{
	join(1);
	ck_assert_int_eq(decide(), VMP_ALLOW);
	ck_assert_uint_eq(d.effective.value[VMP_F_VLAN].num, 100);
	ck_assert_int_eq(d.source[VMP_F_VLAN], VMP_FROM_COI);
	ck_assert_int_eq(d.source[VMP_F_COS], VMP_FROM_ENCLAVE);
	ck_assert_int_eq(d.source[VMP_F_ACL], VMP_FROM_NOBODY);
	set_num(&vm.policy, VMP_F_VLAN, 7);
	ck_assert_int_eq(decide(), VMP_ALLOW);
	ck_assert_uint_eq(d.effective.value[VMP_F_VLAN].num, 7);
	ck_assert_int_eq(d.source[VMP_F_VLAN], VMP_FROM_VM);
}
END_TEST

START_TEST(primary_by_priority_then_members_then_id)
{
	join(3);
	decide();
	ck_assert_ptr_eq(d.primary, &coi[0]);
	coi[2].member_count = 9;
	decide();
	ck_assert_ptr_eq(d.primary, &coi[2]);
	coi[1].priority = 50;
	decide();
	ck_assert_ptr_eq(d.primary, &coi[1]);
}
END_TEST

START_TEST(other_cois_add_tagged_vlans)
{
	join(3);
	coi[0].priority = 1;
	set_text(&coi[0].policy, VMP_F_TAGGED_VLANS, "10,20");
	set_text(&coi[1].policy, VMP_F_TAGGED_VLANS, "20,30");
	set_text(&coi[2].policy, VMP_F_TAGGED_VLANS, "40");
	coi[2].enabled = false;
	decide();
	ck_assert_uint_eq(d.n_tagged, 3);
	ck_assert_uint_eq(d.tagged[2], 30);
	set_text(&vm.policy, VMP_F_TAGGED_VLANS, "");
	decide();
	ck_assert_uint_eq(d.n_tagged, 0);
}
END_TEST

START_TEST(what_is_switched_off_is_refused)
{
	join(1);
	coi[0].enabled = false;
	ck_assert_int_eq(decide(), VMP_COI_DISABLED);
	enclave[0].enabled = false;
	ck_assert_int_eq(decide(), VMP_ENCLAVE_DISABLED);
	tenant[0].enabled = false;
	ck_assert_int_eq(decide(), VMP_TENANT_DISABLED);
	vm.enabled = false;
	ck_assert_int_eq(decide(), VMP_VM_DISABLED);
}
END_TEST

START_TEST(validity_is_from_before_to_after)
{
	vm.not_before = 1000;
	vm.not_after = 1001;
	ck_assert_int_eq(decide(), VMP_ALLOW);
	req.now = 999;
	ck_assert_int_eq(decide(), VMP_NOT_YET);
	req.now = 1001;
	ck_assert_int_eq(decide(), VMP_EXPIRED);
}
END_TEST

START_TEST(bound_to_nases)
{
	vm.n_nas = 1;
	vm.nas_id[0] = 7;
	ck_assert_int_eq(decide(), VMP_ALLOW);
	req.nas = nas[1].address;
	ck_assert_int_eq(decide(), VMP_WRONG_NAS);
	memset(&req.nas, 0, sizeof(req.nas));
	ck_assert_int_eq(decide(), VMP_WRONG_NAS);
}
END_TEST

START_TEST(mab_of_a_bound_vm_needs_the_hosts_port)
{
	vm.n_host = 1;
	vm.host_id[0] = 1;
	uplink[0].port = "p1";
	ck_assert_int_eq(decide(), VMP_WRONG_HOST);
	req.port_id = "p1";
	ck_assert_int_eq(decide(), VMP_ALLOW);
	req.port_id = "p2";
	ck_assert_int_eq(decide(), VMP_WRONG_HOST);
	uplink[0].port = "17";
	req.port = 1;
	ck_assert_int_eq(decide(), VMP_WRONG_HOST);
	req.port = 17;
	ck_assert_int_eq(decide(), VMP_ALLOW);
	req.nas = nas[1].address;
	ck_assert_int_eq(decide(), VMP_WRONG_HOST);
	vm.host_id[0] = 2; /* cabled nowhere that is recorded */
	ck_assert_int_eq(decide(), VMP_WRONG_HOST);
	set_num(&vm.policy, VMP_F_MAB, 0);
	ck_assert_int_eq(decide(), VMP_NO_MAB);
}
END_TEST

START_TEST(certificates)
{
	const char *hv1[] = { "nobody", "HV1.example", NULL }, *hv2[] = { "hv2.example", NULL }, *none[] = { NULL };

	req.method = VMP_METHOD_EAP_TLS;
	req.port_id = "p1";
	req.cert_name = none;
	ck_assert_int_eq(decide(), VMP_HOST_UNKNOWN);
	req.cert_name = NULL;
	ck_assert_int_eq(decide(), VMP_HOST_UNKNOWN);
	req.cert_name = hv1;
	ck_assert_int_eq(decide(), VMP_ALLOW);
	ck_assert_ptr_eq(d.host, &host[0]);
	req.port_id = "p2"; /* not where it is cabled */
	ck_assert_int_eq(decide(), VMP_WRONG_HOST);
	req.port_id = "p1";
	req.cert_name = hv2; /* serves tenant 2 alone */
	ck_assert_int_eq(decide(), VMP_HOST_SCOPE);
	vm.tenant_id = 2;
	ck_assert_int_eq(decide(), VMP_ALLOW);
	vm.n_host = 1;
	vm.host_id[0] = 1;
	ck_assert_int_eq(decide(), VMP_WRONG_HOST);
	req.cert_name = hv1;
	ck_assert_int_eq(decide(), VMP_ALLOW);
	host[0].enabled = false;
	ck_assert_int_eq(decide(), VMP_HOST_DISABLED);
}
END_TEST

START_TEST(eap_types)
{
	req.method = VMP_METHOD_EAP;
	ck_assert_int_eq(decide(), VMP_ALLOW);
	req.method = VMP_METHOD_EAP_MD5;
	ck_assert_int_eq(decide(), VMP_NO_EAP_MD5);
	vm.has_eap_md5 = true;
	ck_assert_int_eq(decide(), VMP_ALLOW);
	req.method = VMP_METHOD_EAP_OTHER;
	ck_assert_int_eq(decide(), VMP_NO_EAP_TYPE);
}
END_TEST

START_TEST(every_verdict_and_field_has_words)
{
	int i;

	for (i = 0; i < VMP_VERDICTS; i++) {
		ck_assert_ptr_nonnull(vmp_verdict_name((enum vmp_verdict)i));
		ck_assert_ptr_nonnull(vmp_verdict_text((enum vmp_verdict)i));
	}
	for (i = 0; i < VMP_FIELDS; i++)
		ck_assert_ptr_nonnull(vmp_field_name((enum vmp_field)i));
	ck_assert(vmp_verdict_is_alarm(VMP_WRONG_HOST));
	ck_assert(!vmp_verdict_is_alarm(VMP_UNKNOWN));
}
END_TEST

static const struct {
	const char *text;
	int n; /* -1: refused */
} vlan_lists[] = {
	{ "", 0 },
	{ "1", 1 },
	{ "1,2,3", 3 },
	{ " 1 , 2 ", 2 },
	{ "4094", 1 },
	{ "1,1,1", 1 },
	{ "0", -1 },
	{ "4095", -1 },
	{ "1,", -1 },
	{ ",1", -1 },
	{ "1,,2", -1 },
	{ "1;2", -1 },
	{ "-1", -1 },
	{ "01", -1 },
	{ "1 2", -1 },
	{ "10x", -1 },
	{ "99999999999999999999", -1 },
	{ "1,2,x", -1 },
};

START_TEST(vlan_list)
{
	uint16_t list[VMP_VLAN_MAX];
	size_t n = 0;
	int err = vmp_vlans_add(vlan_lists[_i].text, list, &n);

	ck_assert_int_eq(err, vlan_lists[_i].n < 0 ? VMP_EINVAL : VMP_OK);
	ck_assert_uint_eq(n, vlan_lists[_i].n < 0 ? 0 : (size_t)vlan_lists[_i].n);
}
END_TEST

START_TEST(vlan_list_is_limited)
{
	uint16_t list[VMP_VLAN_MAX];
	char text[512] = "";
	size_t n = 0, i;

	for (i = 1; i <= VMP_VLAN_MAX; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%zu", i > 1 ? "," : "", i);
	ck_assert_int_eq(vmp_vlans_add(text, list, &n), VMP_OK);
	ck_assert_uint_eq(n, VMP_VLAN_MAX);
	ck_assert_int_eq(vmp_vlans_add("64", list, &n), VMP_OK); /* there already */
	ck_assert_int_eq(vmp_vlans_add("65", list, &n), VMP_EINVAL);
	ck_assert_uint_eq(n, VMP_VLAN_MAX);
}
END_TEST

START_TEST(addresses)
{
	struct vmp_addr v4, mapped, v6;

	ck_assert_int_eq(vmp_addr_parse("192.0.2.1", &v4), VMP_OK);
	ck_assert_int_eq(vmp_addr_parse("::ffff:192.0.2.1", &mapped), VMP_OK);
	ck_assert_mem_eq(&v4, &mapped, sizeof(v4));
	ck_assert_int_eq(vmp_addr_parse("2001:db8::1", &v6), VMP_OK);
	ck_assert_int_eq(vmp_addr_parse("192.0.2", &v4), VMP_EINVAL);
	ck_assert_int_eq(vmp_addr_parse("2001:db8::1::2", &v6), VMP_EINVAL);
	ck_assert_int_eq(vmp_addr_parse("", &v6), VMP_EINVAL);
}
END_TEST

static const struct {
	const char *text;
	const char *as; /* NULL: the same */
} written[] = {
	{ "192.0.2.1", NULL },
	{ "255.255.255.255", NULL },
	{ "0.0.0.0", NULL },
	{ "2001:db8::1", NULL },
	{ "::", NULL },
	{ "::1", NULL },
	{ "::ffff:192.0.2.1", "192.0.2.1" },
	{ "2001:DB8:0:0:0:0:0:1", "2001:db8::1" },
};

START_TEST(addresses_written)
{
	struct vmp_addr addr;
	char text[VMP_ADDR_TEXT];

	ck_assert_int_eq(vmp_addr_parse(written[_i].text, &addr), VMP_OK);
	vmp_addr_format(&addr, text);
	ck_assert_str_eq(text, written[_i].as ? written[_i].as : written[_i].text);
}
END_TEST

static uint64_t digest(void)
{
	uint64_t sum;

	decide();
	sum = vmp_policy_digest(&d);
	ck_assert_uint_ne(sum, 0);
	ck_assert_uint_eq(sum, vmp_policy_digest(&d));
	return sum;
}

static void forget(enum vmp_field f)
{
	vm.policy.set &= ~(1u << f);
}

/* Each is told to the NAS, or not at all when it is explicitly none. */
START_TEST(the_digest_of_numbers)
{
	static const enum vmp_field fields[] = { VMP_F_VLAN, VMP_F_INGRESS, VMP_F_EGRESS, VMP_F_TIMEOUT };
	const enum vmp_field f = fields[_i];
	uint64_t none = digest(), one, other;

	set_num(&vm.policy, f, 7);
	one = digest();
	set_num(&vm.policy, f, 8);
	other = digest();
	ck_assert(none != one && one != other && other != none);
	set_num(&vm.policy, f, 0);
	ck_assert_uint_eq(digest(), none);
	set_num(&vm.policy, f, 7);
	ck_assert_uint_eq(digest(), one);
	forget(f);
	ck_assert_uint_eq(digest(), none);
}
END_TEST

/* The same number in another field is another policy. */
START_TEST(the_digest_tells_fields_apart)
{
	uint64_t ingress, egress;

	set_num(&vm.policy, VMP_F_INGRESS, 1000);
	ingress = digest();
	forget(VMP_F_INGRESS);
	set_num(&vm.policy, VMP_F_EGRESS, 1000);
	egress = digest();
	ck_assert_uint_ne(ingress, egress);
	set_num(&vm.policy, VMP_F_INGRESS, 1000);
	ck_assert(digest() != ingress && digest() != egress);
}
END_TEST

START_TEST(the_digest_of_a_cos)
{
	uint64_t none, zero;

	enclave[0].policy.set &= ~(1u << VMP_F_COS);
	none = digest();
	set_num(&vm.policy, VMP_F_COS, 0);
	zero = digest();
	ck_assert_uint_ne(none, zero);
	set_num(&vm.policy, VMP_F_COS, 1);
	ck_assert(digest() != zero && digest() != none);
}
END_TEST

START_TEST(the_digest_of_lists)
{
	uint64_t none = digest(), one, two;

	set_text(&vm.policy, VMP_F_TAGGED_VLANS, "10");
	one = digest();
	set_text(&vm.policy, VMP_F_TAGGED_VLANS, "10,20");
	two = digest();
	ck_assert(none != one && one != two && two != none);
	set_text(&vm.policy, VMP_F_TAGGED_VLANS, "20, 10");
	ck_assert_uint_eq(digest(), two);
	set_text(&vm.policy, VMP_F_TAGGED_VLANS, "");
	ck_assert_uint_eq(digest(), none);
	set_text(&vm.policy, VMP_F_ACL, "guests");
	one = digest();
	ck_assert_uint_ne(one, none);
	set_text(&vm.policy, VMP_F_ACL, "");
	ck_assert_uint_eq(digest(), none);
}
END_TEST

/* Where a value comes from, and what no NAS is told, makes no difference; the dialect does. */
START_TEST(the_digest_of_the_rest)
{
	uint64_t here, there;

	join(1);
	here = digest();
	set_num(&vm.policy, VMP_F_VLAN, 100);
	ck_assert_uint_eq(digest(), here);
	vm.policy.set = 0;
	vm.name = "renamed";
	coi[0].name = "renamed";
	vm.not_after = 5000;
	set_num(&vm.policy, VMP_F_MAB, 1);
	ck_assert_uint_eq(digest(), here);
	enclave[0].acct_interim_s = 60;
	ck_assert_uint_ne(digest(), here);
	enclave[0].acct_interim_s = 600;
	req.nas = nas[1].address;
	there = digest();
	ck_assert_uint_ne(there, here);
	nas[1].dialect = "rfc";
	ck_assert_uint_eq(digest(), here);
	nas[1].dialect = "hpe";
	ck_assert_int_eq(vmp_addr_parse("127.0.0.3", &req.nas), VMP_OK);
	ck_assert(digest() != here && digest() != there);
}
END_TEST

START_TEST(the_digest_of_a_guest_that_nobody_knows)
{
	uint64_t known = digest(), plain, vlan;

	vmp_policy_decide(&cat, NULL, &req, &d);
	plain = vmp_policy_digest(&d);
	nas[0].quarantine_vlan = 666;
	vlan = vmp_policy_digest(&d);
	nas[0].quarantine_vlan = 0;
	ck_assert(plain && vlan && plain != vlan && plain != known);
	ck_assert_uint_eq(digest(), known);
}
END_TEST

Suite *check_policy(void)
{
	Suite *s = suite_create("policy");
	TCase *t = tcase_create("policy");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, an_unknown_mac_still_finds_its_nas);
	tcase_add_test(t, own_value_before_coi_before_enclave);
	tcase_add_test(t, primary_by_priority_then_members_then_id);
	tcase_add_test(t, other_cois_add_tagged_vlans);
	tcase_add_test(t, what_is_switched_off_is_refused);
	tcase_add_test(t, validity_is_from_before_to_after);
	tcase_add_test(t, bound_to_nases);
	tcase_add_test(t, mab_of_a_bound_vm_needs_the_hosts_port);
	tcase_add_test(t, certificates);
	tcase_add_test(t, eap_types);
	tcase_add_test(t, every_verdict_and_field_has_words);
	tcase_add_loop_test(t, vlan_list, 0, sizeof(vlan_lists) / sizeof(vlan_lists[0]));
	tcase_add_test(t, vlan_list_is_limited);
	tcase_add_test(t, addresses);
	tcase_add_loop_test(t, addresses_written, 0, sizeof(written) / sizeof(written[0]));
	tcase_add_loop_test(t, the_digest_of_numbers, 0, 4);
	tcase_add_test(t, the_digest_tells_fields_apart);
	tcase_add_test(t, the_digest_of_a_cos);
	tcase_add_test(t, the_digest_of_lists);
	tcase_add_test(t, the_digest_of_the_rest);
	tcase_add_test(t, the_digest_of_a_guest_that_nobody_knows);
	suite_add_tcase(s, t);
	return s;
}
