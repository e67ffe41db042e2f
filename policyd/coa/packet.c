#include "packet.h"

/* The library's headers want these first. */
#include <freeradius/autoconf.h>

#include <freeradius/build.h>
#include <freeradius/features.h>
#include <freeradius/libradius.h>
#include <freeradius/radpaths.h>

/* Attributes by number (RFC 2869, RFC 5176). */
#define EVENT_TIMESTAMP	      55
#define MESSAGE_AUTHENTICATOR 80
#define ERROR_CAUSE	      101

#define TEXT_MAX 253 /* [octets] of one attribute */

static int failed(struct vmp_msg *msg, const char *what)
{
	const char *why = fr_strerror();

	return vmp_fail(msg, VMP_EINVAL, "%s: %s", what, why && *why ? why : "out of memory");
}

/* Whatever the library opens at its first use, it opens here: random numbers, and what MD5 needs. */
static int warm_up(struct vmp_msg *msg)
{
	static const struct packet_attr attr = { "User-Name", "-" };
	struct packet packet;
	uint32_t cause;
	enum packet_code code;
	int err = packet_encode(PACKET_DISCONNECT, 0, "-", &attr, 1, 0, &packet, msg);

	if (err == VMP_OK) {
		struct packet answer = packet;

		answer.octet[0] = PACKET_DISCONNECT_NAK;
		if (packet_verify(&packet, "-", answer.octet, answer.len, &code, &cause, NULL) == VMP_OK)
			err = vmp_fail(msg, VMP_EINVAL, "MD5 does not work");
	}
	fr_rand();
	return err;
}

/* Once: the library cannot read them a second time without a use of memory that it has freed. */
int packet_open(const char *dictionary, struct vmp_msg *msg)
{
	static bool is_open;

	if (is_open)
		return VMP_OK;
	fr_hostname_lookups = false;
	if (dict_init(dictionary, "dictionary") != 0)
		return failed(msg, dictionary);
	if (!dict_attrbyname("Error-Cause"))
		return vmp_fail(msg, VMP_EINVAL, "%s: the dictionaries do not have Error-Cause", dictionary);
	is_open = true;
	return warm_up(msg);
}

/* Texts go out as they came in: the library would expand backslashes in them. */
static int set_value(VALUE_PAIR *vp, const char *value)
{
	size_t len = strlen(value);

	if (vp->da->type != PW_TYPE_STRING)
		return fr_pair_value_from_str(vp, value, len);
	if (len < 1 || len > TEXT_MAX) {
		fr_strerror_printf("expected 1 to %d octets", TEXT_MAX);
		return -1;
	}
	fr_pair_value_bstrncpy(vp, value, len);
	return 0;
}

static VALUE_PAIR *make(TALLOC_CTX *ctx, const struct packet_attr *attr)
{
	const DICT_ATTR *da = dict_attrbyname(attr->name);
	VALUE_PAIR *vp;

	if (!da || (!da->vendor && da->attr > 255)) {
		fr_strerror_printf("the dictionaries have no such attribute");
		return NULL;
	}
	vp = fr_pair_afrom_da(ctx, da);
	if (vp && attr->value && set_value(vp, attr->value) != 0)
		talloc_free(vp);
	else
		return vp;
	return NULL;
}

int packet_attr_check(const struct packet_attr *attr, struct vmp_msg *msg)
{
	VALUE_PAIR *vp;

	fr_strerror(); /* clears it */
	vp = make(NULL, attr);
	if (!vp)
		return failed(msg, attr->name);
	talloc_free(vp);
	return VMP_OK;
}

static int add(RADIUS_PACKET *packet, const struct packet_attr *attr, struct vmp_msg *msg)
{
	VALUE_PAIR *vp = make(packet, attr);

	if (!vp)
		return failed(msg, attr->name);
	fr_pair_add(&packet->vps, vp);
	return VMP_OK;
}

static int add_frame(RADIUS_PACKET *packet, int64_t now, struct vmp_msg *msg)
{
	VALUE_PAIR *when = fr_pair_afrom_num(packet, EVENT_TIMESTAMP, 0);
	VALUE_PAIR *sign = fr_pair_afrom_num(packet, MESSAGE_AUTHENTICATOR, 0);
	static const uint8_t zero[AUTH_VECTOR_LEN];

	if (!when || !sign)
		return failed(msg, "Message-Authenticator");
	when->vp_date = (uint32_t)now;
	when->vp_length = 4;
	fr_pair_value_memcpy(sign, zero, sizeof(zero));
	fr_pair_add(&packet->vps, when);
	fr_pair_add(&packet->vps, sign);
	return VMP_OK;
}

/* The library leaves out what does not fit, the Message-Authenticator among it. */
static int finish(RADIUS_PACKET *packet, const char *secret, struct packet *out, struct vmp_msg *msg)
{
	if (rad_encode(packet, NULL, secret) != 0)
		return failed(msg, "cannot encode");
	if (packet->offset <= 0 || packet->data_len > sizeof(out->octet))
		return vmp_fail(msg, VMP_EINVAL, "the attributes do not fit into a packet");
	if (rad_sign(packet, NULL, secret) != 0)
		return failed(msg, "cannot sign");
	memcpy(out->octet, packet->data, packet->data_len);
	out->len = packet->data_len;
	return VMP_OK;
}

int packet_encode(enum packet_code code, uint8_t id, const char *secret, const struct packet_attr *attr, size_t n,
		  int64_t now, struct packet *out, struct vmp_msg *msg)
{
	RADIUS_PACKET *packet = rad_alloc(NULL, false);
	int err = VMP_OK;
	size_t i;

	if (!packet)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	packet->code = code;
	packet->id = id;
	for (i = 0; i < n && err == VMP_OK; i++)
		err = add(packet, &attr[i], msg);
	if (err == VMP_OK)
		err = add_frame(packet, now, msg);
	if (err == VMP_OK)
		err = finish(packet, secret, out, msg);
	rad_free(&packet);
	return err;
}

/* What it is before any arithmetic: one whole answer to the request. */
static int check_form(const struct packet *request, const uint8_t *octet, size_t len, struct vmp_msg *msg)
{
	uint8_t asked = request->octet[0];

	if (len < PACKET_HEADER || len > PACKET_MAX)
		return vmp_fail(msg, VMP_EINVAL, "no RADIUS packet");
	if (octet[1] != request->octet[1])
		return vmp_fail(msg, VMP_EINVAL, "another identifier");
	if (octet[0] != asked + 1 && octet[0] != asked + 2)
		return vmp_fail(msg, VMP_EINVAL, "code %u does not answer code %u", octet[0], asked);
	return VMP_OK;
}

/* Of an answer whose form has been checked.  Nothing else of it is decoded: nothing else is wanted, and the library's
 * decoder of encrypted attributes does not give all its memory back. */
static uint32_t error_cause(const uint8_t *octet, size_t len)
{
	const uint8_t *at = octet + PACKET_HEADER, *end = octet + len;

	for (; at + 2 <= end && at[1] >= 2; at += at[1]) {
		if (at[0] == ERROR_CAUSE && at[1] == 6 && at + 6 <= end)
			return (uint32_t)at[2] << 24 | (uint32_t)at[3] << 16 | (uint32_t)at[4] << 8 | at[5];
	}
	return 0;
}

static RADIUS_PACKET *take(const uint8_t *octet, size_t len)
{
	RADIUS_PACKET *packet = rad_alloc(NULL, false);

	if (!packet)
		return NULL;
	packet->src_ipaddr.af = packet->dst_ipaddr.af = AF_INET; /* its messages write an address */
	packet->data = talloc_memdup(packet, octet, len);
	packet->data_len = len;
	if (!packet->data)
		rad_free(&packet);
	return packet;
}

static int verify(RADIUS_PACKET *answer, RADIUS_PACKET *original, const char *secret, struct vmp_msg *msg)
{
	if (!rad_packet_ok(answer, 0, NULL))
		return vmp_fail(msg, VMP_EINVAL, "malformed");
	if (rad_verify(answer, original, secret) != 0)
		return vmp_fail(msg, VMP_EACCES, "does not verify");
	return VMP_OK;
}

int packet_verify(const struct packet *request, const char *secret, const uint8_t *octet, size_t len,
		  enum packet_code *code, uint32_t *cause, struct vmp_msg *msg)
{
	RADIUS_PACKET *answer, *original;
	int err = check_form(request, octet, len, msg);

	if (err != VMP_OK)
		return err;
	answer = take(octet, len);
	original = take(request->octet, request->len);
	if (!answer || !original) {
		err = vmp_fail(msg, VMP_ENOMEM, "out of memory");
		goto out;
	}
	original->code = request->octet[0];
	original->id = request->octet[1];
	memcpy(original->vector, request->octet + 4, AUTH_VECTOR_LEN);
	err = verify(answer, original, secret, msg);
	if (err == VMP_OK) {
		*code = (enum packet_code)octet[0];
		*cause = error_cause(answer->data, answer->data_len);
	}
out:
	rad_free(&answer);
	rad_free(&original);
	return err;
}
