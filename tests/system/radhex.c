/** radhex: ask a RADIUS server for one MAC (MAB) and show the reply's bytes.
 *
 *	radhex [-s SERVER] [-p PORT] [-k SECRET] [-b SOURCE] [-i NAS-PORT-ID] MAC
 *
 * Prints the reply's code, then a line for each attribute in packet order: its type, or 26.VENDOR.TYPE
 * for each one inside a Vendor-Specific attribute, and its value in hex; no dictionary is involved.
 * Message-Authenticator is verified, not shown.
 * Exit: 0 an authentic reply, whatever its code; 1 none within 2 s, or a false one; 2 usage.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	HEADER = 20,
	AUTH = 4,
	DIGEST = 16,
	PACKET_MAX = 4096,
	TIMEOUT_S = 2,
	ACCESS_REQUEST = 1,
	CALL_CHECK = 10,
	ETHERNET = 15
};
enum {
	USER_NAME = 1,
	USER_PASSWORD = 2,
	SERVICE_TYPE = 6,
	VENDOR_SPECIFIC = 26,
	CALLING_STATION_ID = 31,
	NAS_IDENTIFIER = 32,
	NAS_PORT_TYPE = 61,
	MESSAGE_AUTHENTICATOR = 80,
	NAS_PORT_ID = 87
};

struct packet {
	size_t len;
	uint8_t octet[PACKET_MAX];
};

struct options {
	const char *server, *secret, *source, *port_id, *mac;
	uint16_t port;
};

static _Noreturn void fatal(const char *what)
{
	fprintf(stderr, "radhex: %s\n", what);
	exit(1);
}

static uint8_t *add(struct packet *p, uint8_t type, const void *value, size_t len)
{
	uint8_t *at = p->octet + p->len;

	if (len > 253 || p->len + 2 + len > sizeof(p->octet))
		fatal("the request would be too long");
	at[0] = type;
	at[1] = (uint8_t)(2 + len);
	memcpy(at + 2, value, len);
	p->len += 2 + len;
	return at + 2;
}

static void md5(const void *a, size_t a_len, const void *b, size_t b_len, uint8_t out[DIGEST])
{
	uint8_t buf[PACKET_MAX + 256];

	memcpy(buf, a, a_len);
	memcpy(buf + a_len, b, b_len);
	if (!EVP_Digest(buf, a_len + b_len, out, NULL, EVP_md5(), NULL))
		fatal("no MD5");
}

/* RFC 2865 section 5.2.  The password is at most 16 octets long. */
static void add_password(struct packet *p, const char *password, const char *secret)
{
	uint8_t hidden[DIGEST] = { 0 }, pad[DIGEST];
	size_t i;

	md5(secret, strlen(secret), p->octet + AUTH, DIGEST, pad);
	memcpy(hidden, password, strlen(password));
	for (i = 0; i < DIGEST; i++)
		hidden[i] ^= pad[i];
	(void)add(p, USER_PASSWORD, hidden, sizeof(hidden));
}

/* RFC 3579 section 3.2; the attribute's value is zero while this runs. */
static void hmac(const struct packet *p, const char *secret, uint8_t out[DIGEST])
{
	if (!HMAC(EVP_md5(), secret, (int)strlen(secret), p->octet, p->len, out, NULL))
		fatal("no HMAC-MD5");
}

static void bare_mac(const char *mac, char out[13])
{
	size_t n = 0;

	for (; *mac; mac++) {
		if (!isxdigit((unsigned char)*mac))
			continue;
		if (n < 12)
			out[n] = (char)tolower((unsigned char)*mac);
		n++;
	}
	if (n != 12)
		fatal("expected a MAC address such as 52:54:00:aa:bb:cc");
	out[12] = '\0';
}

static void request_make(struct packet *p, const struct options *o)
{
	static const uint8_t zero[DIGEST];
	const uint32_t call_check = htonl(CALL_CHECK), ethernet = htonl(ETHERNET);
	uint8_t digest[DIGEST], *value;
	char mac[13];

	memset(p, 0, sizeof(*p));
	if (RAND_bytes(p->octet + 1, 1) != 1 || RAND_bytes(p->octet + AUTH, DIGEST) != 1)
		fatal("no random numbers");
	p->octet[0] = ACCESS_REQUEST;
	p->len = HEADER;
	bare_mac(o->mac, mac);
	value = add(p, MESSAGE_AUTHENTICATOR, zero, DIGEST);
	(void)add(p, USER_NAME, mac, strlen(mac));
	add_password(p, mac, o->secret);
	(void)add(p, SERVICE_TYPE, &call_check, 4);
	(void)add(p, CALLING_STATION_ID, o->mac, strlen(o->mac));
	(void)add(p, NAS_IDENTIFIER, "radhex", 6);
	(void)add(p, NAS_PORT_TYPE, &ethernet, 4);
	if (o->port_id)
		(void)add(p, NAS_PORT_ID, o->port_id, strlen(o->port_id));
	p->octet[2] = (uint8_t)(p->len >> 8);
	p->octet[3] = (uint8_t)(p->len & 255);
	hmac(p, o->secret, digest);
	memcpy(value, digest, DIGEST);
}

static void exchange(const struct packet *request, struct packet *reply, const struct options *o)
{
	struct sockaddr_in server = { .sin_family = AF_INET, .sin_port = htons(o->port) };
	struct sockaddr_in source = { .sin_family = AF_INET };
	struct timeval timeout = { .tv_sec = TIMEOUT_S };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ssize_t got;

	if (inet_pton(AF_INET, o->server, &server.sin_addr) != 1 ||
	    inet_pton(AF_INET, o->source, &source.sin_addr) != 1)
		fatal("expected an IPv4 address");
	if (fd < 0 || bind(fd, (struct sockaddr *)&source, sizeof(source)) < 0 ||
	    connect(fd, (struct sockaddr *)&server, sizeof(server)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0 ||
	    send(fd, request->octet, request->len, 0) < 0)
		fatal(strerror(errno));
	got = recv(fd, reply->octet, sizeof(reply->octet), 0);
	if (got < 0)
		fatal(errno == EAGAIN ? "no reply" : strerror(errno));
	close(fd);
	reply->len = (size_t)got;
}

static void check_shape(struct packet *reply, uint8_t id)
{
	size_t len, at;

	if (reply->len < HEADER)
		fatal("the reply is too short");
	len = (size_t)reply->octet[2] << 8 | reply->octet[3];
	if (len < HEADER || len > reply->len)
		fatal("the reply's length is wrong");
	if (reply->octet[1] != id)
		fatal("the reply has another request's identifier");
	reply->len = len;
	for (at = HEADER; at < len; at += reply->octet[at + 1]) {
		if (at + 2 > len || reply->octet[at + 1] < 2 || at + reply->octet[at + 1] > len)
			fatal("an attribute's length is wrong");
	}
}

static void check_digests(const struct packet *reply, const struct packet *request, const char *secret)
{
	uint8_t want[DIGEST];
	struct packet copy = *reply;
	size_t at;

	memcpy(copy.octet + AUTH, request->octet + AUTH, DIGEST);
	md5(copy.octet, copy.len, secret, strlen(secret), want);
	if (CRYPTO_memcmp(want, reply->octet + AUTH, DIGEST) != 0)
		fatal("the Response Authenticator is false");
	for (at = HEADER; at < copy.len; at += copy.octet[at + 1]) {
		if (copy.octet[at] != MESSAGE_AUTHENTICATOR)
			continue;
		if (copy.octet[at + 1] != 2 + DIGEST)
			fatal("Message-Authenticator has a wrong length");
		memset(copy.octet + at + 2, 0, DIGEST);
		hmac(&copy, secret, want);
		if (CRYPTO_memcmp(want, reply->octet + at + 2, DIGEST) != 0)
			fatal("Message-Authenticator is false");
		return;
	}
}

static void show_value(unsigned type, const uint8_t *value, size_t len)
{
	printf("%u ", type);
	while (len--)
		printf("%02x", *value++);
	putchar('\n');
}

/* One that is no list of (type, length, value) is shown whole at the end. */
static void show_vendor(const uint8_t *value, size_t len)
{
	uint32_t vendor = 0;
	size_t at;

	for (at = 0; at < 4 && at < len; at++)
		vendor = vendor << 8 | value[at];
	while (at + 2 <= len && value[at + 1] >= 2 && at + value[at + 1] <= len) {
		printf("26.%u.", vendor);
		show_value(value[at], value + at + 2, value[at + 1] - 2U);
		at += value[at + 1];
	}
	if (at < len || len <= 4)
		show_value(VENDOR_SPECIFIC, value, len);
}

static void show(const struct packet *reply)
{
	size_t at;

	printf("code %u\n", reply->octet[0]);
	for (at = HEADER; at < reply->len; at += reply->octet[at + 1]) {
		const uint8_t *value = reply->octet + at + 2;
		size_t len = reply->octet[at + 1] - 2U;

		if (reply->octet[at] == VENDOR_SPECIFIC)
			show_vendor(value, len);
		else if (reply->octet[at] != MESSAGE_AUTHENTICATOR)
			show_value(reply->octet[at], value, len);
	}
}

static bool options_read(struct options *o, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "s:p:k:b:i:")) != -1) {
		switch (c) {
		case 's':
			o->server = optarg;
			break;
		case 'p':
			o->port = (uint16_t)strtoul(optarg, NULL, 10);
			break;
		case 'k':
			o->secret = optarg;
			break;
		case 'b':
			o->source = optarg;
			break;
		case 'i':
			o->port_id = optarg;
			break;
		default:
			return false;
		}
	}
	o->mac = argv[optind];
	return argc == optind + 1 && o->port && strlen(o->secret) <= 255 && strlen(o->mac) <= 253;
}

int main(int argc, char **argv)
{
	struct options o = { .server = "127.0.0.1", .secret = "testing123", .source = "0.0.0.0", .port = 1812 };
	struct packet request, reply = { 0 };

	if (!options_read(&o, argc, argv)) {
		fputs("usage: radhex [-s SERVER] [-p PORT] [-k SECRET] [-b SOURCE] [-i NAS-PORT-ID] MAC\n", stderr);
		return 2;
	}
	request_make(&request, &o);
	exchange(&request, &reply, &o);
	check_shape(&reply, request.octet[1]);
	check_digests(&reply, &request, o.secret);
	show(&reply);
	return 0;
}
