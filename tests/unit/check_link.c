#include "link_linux.h"
#include "suites.h"

#include <libmnl/libmnl.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM 4096

static uint8_t data[ROOM] __attribute__((aligned(NLMSG_ALIGNTO)));
static size_t len;
static char said[2048];

static void VMP_PRINTF(1, 2) say(const char *fmt, ...)
{
	size_t at = strlen(said);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(said + at, sizeof(said) - at, fmt, ap);
	va_end(ap);
}

static void on_changed(const struct link *link)
{
	say("%s %d %s kind=%s alias=%s master=%d up=%d mac=%012llx\n", link->gone ? "gone" : "link", link->index,
	    link->name, link->kind, link->alias, link->master, link->up, (unsigned long long)link->mac);
}

static void on_learned(const struct link_learned *what)
{
	say("%s %012llx port=%d bridge=%d\n", what->forgotten ? "forgotten" : "learned", (unsigned long long)what->mac,
	    what->port, what->bridge);
}

static void on_synced(void)
{
	say("synced\n");
}

static const struct link_events events = { on_changed, on_learned, on_synced };

static void start(void)
{
	len = 0;
	said[0] = '\0';
	memset(data, 0, sizeof(data));
}

/* -- messages as the kernel writes them */
static struct nlmsghdr *message(uint16_t type, uint16_t flags, const void *head, size_t head_len)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(data + len);

	m->nlmsg_type = type;
	m->nlmsg_flags = flags;
	memcpy(mnl_nlmsg_put_extra_header(m, head_len), head, head_len);
	return m;
}

static void end(const struct nlmsghdr *m)
{
	len += (m->nlmsg_len + NLMSG_ALIGNTO - 1) / NLMSG_ALIGNTO * NLMSG_ALIGNTO;
}

static struct nlmsghdr *link_message(uint16_t type, int index, unsigned flags)
{
	struct ifinfomsg head = { .ifi_type = ARPHRD_ETHER, .ifi_index = index, .ifi_flags = flags };

	return message(type, 0, &head, sizeof(head));
}

static void kinds(struct nlmsghdr *m, const char *kind, const char *slave_kind)
{
	struct nlattr *nest = mnl_attr_nest_start(m, IFLA_LINKINFO);

	mnl_attr_put_strz(m, IFLA_INFO_KIND, kind);
	if (slave_kind)
		mnl_attr_put_strz(m, IFLA_INFO_SLAVE_KIND, slave_kind);
	mnl_attr_nest_end(m, nest);
}

static void whole_link(const char *slave_kind)
{
	struct nlmsghdr *m = link_message(RTM_NEWLINK, 7, IFF_UP | IFF_LOWER_UP);

	mnl_attr_put_strz(m, IFLA_IFNAME, "tap0");
	mnl_attr_put(m, IFLA_ADDRESS, 6, "\x52\x54\x00\xaa\xbb\xcc");
	mnl_attr_put_u32(m, IFLA_MASTER, 3);
	mnl_attr_put_strz(m, IFLA_IFALIAS, "vmprov");
	kinds(m, "tun", slave_kind);
	end(m);
}

static void neighbour(uint16_t type, uint8_t family, uint16_t state, uint8_t flags)
{
	struct ndmsg head = { .ndm_family = family, .ndm_ifindex = 7, .ndm_state = state, .ndm_flags = flags };
	struct nlmsghdr *m = message(type, 0, &head, sizeof(head));

	mnl_attr_put(m, NDA_LLADDR, 6, "\x52\x54\x00\xaa\xbb\xcc");
	mnl_attr_put_u32(m, NDA_MASTER, 3);
	end(m);
}

static int decode(void)
{
	uint8_t *copy = malloc(len ? len : 1); /* of its exact size */
	int err;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, data, len);
	err = link_decode(copy, len, &events);
	free(copy);
	return err;
}

START_TEST(a_port_of_a_bridge)
{
	whole_link("bridge");
	ck_assert_int_eq(decode(), VMP_OK);
	ck_assert_str_eq(said, "link 7 tap0 kind=tun alias=vmprov master=3 up=1 mac=525400aabbcc\n");
}
END_TEST

START_TEST(the_port_of_a_bond_is_no_bridges)
{
	whole_link("bond");
	whole_link(NULL);
	ck_assert_int_eq(decode(), VMP_OK);
	ck_assert_str_eq(said, "link 7 tap0 kind=tun alias=vmprov master=0 up=1 mac=525400aabbcc\n"
			       "link 7 tap0 kind=tun alias=vmprov master=0 up=1 mac=525400aabbcc\n");
}
END_TEST

START_TEST(without_a_carrier_it_is_not_up)
{
	end(link_message(RTM_NEWLINK, 7, IFF_UP));
	end(link_message(RTM_NEWLINK, 8, IFF_LOWER_UP));
	end(link_message(RTM_DELLINK, 9, 0));
	ck_assert_int_eq(decode(), VMP_OK);
	ck_assert_str_eq(said, "link 7  kind= alias= master=0 up=0 mac=000000000000\n"
			       "link 8  kind= alias= master=0 up=0 mac=000000000000\n"
			       "gone 9  kind= alias= master=0 up=0 mac=000000000000\n");
}
END_TEST

START_TEST(a_bridge_that_tells_of_its_port)
{
	struct ifinfomsg head = { .ifi_family = AF_BRIDGE, .ifi_index = 7 };

	end(message(RTM_DELLINK, 0, &head, sizeof(head)));
	ck_assert_int_eq(decode(), VMP_OK);
	ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(what_is_no_ethernet_has_no_address)
{
	struct ifinfomsg head = { .ifi_type = ARPHRD_LOOPBACK, .ifi_index = 1 };
	struct nlmsghdr *m = message(RTM_NEWLINK, 0, &head, sizeof(head));

	mnl_attr_put(m, IFLA_ADDRESS, 6, "\x52\x54\x00\xaa\xbb\xcc");
	end(m);
	ck_assert_int_eq(decode(), VMP_OK);
	ck_assert_ptr_nonnull(strstr(said, "mac=000000000000"));
}
END_TEST

START_TEST(an_address_of_another_length)
{
	struct nlmsghdr *m = link_message(RTM_NEWLINK, 7, 0);

	mnl_attr_put(m, IFLA_ADDRESS, 8, "\x52\x54\x00\xaa\xbb\xcc\xdd\xee");
	end(m);
	ck_assert_int_eq(decode(), VMP_OK);
	ck_assert_ptr_nonnull(strstr(said, "mac=000000000000"));
}
END_TEST

START_TEST(texts_that_are_too_long_or_unended)
{
	struct nlmsghdr *m = link_message(RTM_NEWLINK, 7, 0);
	char alias[300];

	memset(alias, 'a', sizeof(alias));
	mnl_attr_put(m, IFLA_IFNAME, 20, "a-name-of-sixteen-or");
	mnl_attr_put(m, IFLA_IFALIAS, sizeof(alias), alias);
	end(m);
	ck_assert_int_eq(decode(), VMP_OK);
	ck_assert_ptr_nonnull(strstr(said, "link 7 a-name-of-sixte kind= alias=aaaa"));
	ck_assert_uint_eq(strspn(strstr(said, "alias=") + 6, "a"), LINK_ALIAS - 1);
}
END_TEST

START_TEST(a_master_that_is_no_number)
{
	struct nlmsghdr *m = link_message(RTM_NEWLINK, 7, 0);

	mnl_attr_put(m, IFLA_MASTER, 2, "ab");
	end(m);
	ck_assert_int_eq(decode(), VMP_EINVAL);
	ck_assert_str_eq(said, "");
}
END_TEST

static const struct {
	uint16_t type;
	uint8_t family;
	uint16_t state;
	uint8_t flags;
	const char *said;
} neighbours[] = {
	{ RTM_NEWNEIGH, AF_BRIDGE, NUD_REACHABLE, 0, "learned 525400aabbcc port=7 bridge=3\n" },
	{ RTM_NEWNEIGH, AF_BRIDGE, NUD_STALE, NTF_MASTER, "learned 525400aabbcc port=7 bridge=3\n" },
	{ RTM_DELNEIGH, AF_BRIDGE, NUD_REACHABLE, 0, "forgotten 525400aabbcc port=7 bridge=3\n" },
	{ RTM_NEWNEIGH, AF_BRIDGE, NUD_PERMANENT, 0, "" },
	{ RTM_NEWNEIGH, AF_BRIDGE, NUD_NOARP, 0, "" },
	{ RTM_NEWNEIGH, AF_BRIDGE, NUD_REACHABLE, NTF_SELF, "" },
	{ RTM_NEWNEIGH, AF_BRIDGE, NUD_REACHABLE, NTF_EXT_LEARNED, "" },
	{ RTM_NEWNEIGH, AF_INET, NUD_REACHABLE, 0, "" },
};

START_TEST(what_a_bridge_has_learned)
{
	neighbour(neighbours[_i].type, neighbours[_i].family, neighbours[_i].state, neighbours[_i].flags);
	ck_assert_int_eq(decode(), VMP_OK);
	ck_assert_str_eq(said, neighbours[_i].said);
}
END_TEST

START_TEST(the_end_of_a_dump)
{
	int result = 0;

	whole_link("bridge");
	end(message(NLMSG_DONE, NLM_F_MULTI, &result, sizeof(result)));
	ck_assert_int_eq(decode(), VMP_OK);
	ck_assert_ptr_nonnull(strstr(said, "\nsynced\n"));
}
END_TEST

START_TEST(a_dump_that_fails)
{
	struct nlmsgerr error = { .error = -16 };
	int result = -16;

	end(message(NLMSG_DONE, NLM_F_MULTI, &result, sizeof(result)));
	ck_assert_int_eq(decode(), VMP_EBUSY);
	start();
	end(message(NLMSG_DONE, NLM_F_MULTI | NLM_F_DUMP_INTR, &result, sizeof(result)));
	ck_assert_int_eq(decode(), VMP_EBUSY);
	start();
	end(message(NLMSG_ERROR, 0, &error, sizeof(error)));
	ck_assert_int_eq(decode(), VMP_EBUSY);
	ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(every_prefix_is_refused_or_says_nothing)
{
	size_t whole, cut;

	whole_link("bridge");
	whole = len;
	for (cut = 1; cut < whole; cut++) {
		len = cut;
		ck_assert_int_eq(decode(), VMP_EINVAL);
		ck_assert_str_eq(said, "");
	}
}
END_TEST

START_TEST(a_message_shorter_than_its_head)
{
	end(message(RTM_NEWLINK, 0, "abc", 4));
	ck_assert_int_eq(decode(), VMP_EINVAL);
	start();
	end(message(RTM_NEWNEIGH, 0, "abc", 4));
	ck_assert_int_eq(decode(), VMP_EINVAL);
	start();
	ck_assert_int_eq(decode(), VMP_OK); /* nothing says nothing */
}
END_TEST

START_TEST(a_message_longer_than_any)
{
	whole_link("bridge");
	((struct nlmsghdr *)(void *)data)->nlmsg_len = 0xfffffff0;
	ck_assert_int_eq(decode(), VMP_EINVAL);
	ck_assert_str_eq(said, "");
}
END_TEST

Suite *check_link(void)
{
	Suite *s = suite_create("link");
	TCase *t = tcase_create("link");

	tcase_add_checked_fixture(t, start, NULL);
	tcase_add_test(t, a_port_of_a_bridge);
	tcase_add_test(t, the_port_of_a_bond_is_no_bridges);
	tcase_add_test(t, without_a_carrier_it_is_not_up);
	tcase_add_test(t, a_bridge_that_tells_of_its_port);
	tcase_add_test(t, what_is_no_ethernet_has_no_address);
	tcase_add_test(t, an_address_of_another_length);
	tcase_add_test(t, texts_that_are_too_long_or_unended);
	tcase_add_test(t, a_master_that_is_no_number);
	tcase_add_test(t, the_end_of_a_dump);
	tcase_add_test(t, a_dump_that_fails);
	tcase_add_test(t, every_prefix_is_refused_or_says_nothing);
	tcase_add_test(t, a_message_shorter_than_its_head);
	tcase_add_test(t, a_message_longer_than_any);
	tcase_add_loop_test(t, what_a_bridge_has_learned, 0, sizeof(neighbours) / sizeof(neighbours[0]));
	suite_add_tcase(s, t);
	return s;
}
