#include "endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* -- as text ------------------------------------------------------------------------------------------------------ */

void endpoint_write(const union wg_endpoint *endpoint, char out[ENDPOINT_TEXT])
{
	char text[INET6_ADDRSTRLEN];

	*out = '\0';
	if (endpoint->sa.sa_family == AF_INET && inet_ntop(AF_INET, &endpoint->in.sin_addr, text, sizeof(text)))
		snprintf(out, ENDPOINT_TEXT, "%s:%u", text, ntohs(endpoint->in.sin_port));
	else if (endpoint->sa.sa_family == AF_INET6 &&
		 inet_ntop(AF_INET6, &endpoint->in6.sin6_addr, text, sizeof(text)))
		snprintf(out, ENDPOINT_TEXT, "[%s]:%u", text, ntohs(endpoint->in6.sin6_port));
}

static bool address_read(const char *text, uint16_t port, union wg_endpoint *out)
{
	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, text, &out->in.sin_addr) == 1) {
		out->in.sin_family = AF_INET;
		out->in.sin_port = htons(port);
		return true;
	}
	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET6, text, &out->in6.sin6_addr) != 1)
		return false;
	out->in6.sin6_family = AF_INET6;
	out->in6.sin6_port = htons(port);
	return true;
}

static bool port_read(const char *text, uint16_t *port)
{
	char *end;
	unsigned long value;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtoul(text, &end, 10);
	*port = (uint16_t)value;
	/* The members' messages go to the port after it. */
	return !errno && !*end && value >= 1 && value <= 65534;
}

int endpoint_read(const char *text, uint16_t port, union wg_endpoint *out, struct vmp_msg *msg)
{
	char address[ENDPOINT_TEXT];
	const char *start = text + (*text == '['), *end = *text == '[' ? strchr(text, ']') : strrchr(text, ':');
	const char *after = end ? end + (*end == ']') : NULL;

	if (address_read(text, port, out))
		return VMP_OK;
	/* Only in brackets may an address with colons have a port. */
	if (!end || (size_t)(end - start) >= sizeof(address) ||
	    (*text != '[' && memchr(text, ':', (size_t)(end - text))))
		goto bad;
	snprintf(address, sizeof(address), "%.*s", (int)(end - start), start);
	if (*after && (*after != ':' || !port_read(after + 1, &port)))
		goto bad;
	if (address_read(address, port, out) && (*text == '[') == (out->sa.sa_family == AF_INET6))
		return VMP_OK;
bad:
	return vmp_fail(msg, VMP_EINVAL, "endpoint %s: an address was expected, perhaps with a port of 1 to 65534",
			text);
}

union wg_endpoint endpoint_next_port(const union wg_endpoint *endpoint)
{
	union wg_endpoint next = *endpoint;

	if (next.sa.sa_family == AF_INET6)
		next.in6.sin6_port = htons((uint16_t)(ntohs(next.in6.sin6_port) + 1));
	else
		next.in.sin_port = htons((uint16_t)(ntohs(next.in.sin_port) + 1));
	return next;
}

bool endpoint_equal(const union wg_endpoint *a, const union wg_endpoint *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	if (a->sa.sa_family == AF_INET6)
		return a->in6.sin6_port == b->in6.sin6_port && IN6_ARE_ADDR_EQUAL(&a->in6.sin6_addr, &b->in6.sin6_addr);
	return a->sa.sa_family != AF_INET ||
	       (a->in.sin_port == b->in.sin_port && a->in.sin_addr.s_addr == b->in.sin_addr.s_addr);
}

/* -- this machine's ----------------------------------------------------------------------------------------------- */

/* One question, kept until it is answered: libc's thread writes into it. */
static struct {
	char host[ENDPOINT_HOST];
	struct gaicb *asked;	 /* NULL: nothing is under way */
	union wg_endpoint known; /* sa_family 0: not resolved */
} server;

bool endpoint_host(const char *url, char out[ENDPOINT_HOST])
{
	const char *at = strstr(url, "://"), *end;

	at = at ? at + 3 : url;
	if (*at == '[') {
		at++;
		end = strchr(at, ']');
		if (!end)
			return false;
	} else {
		end = at + strcspn(at, ":/");
	}
	if (end == at || end - at >= ENDPOINT_HOST)
		return false;
	snprintf(out, ENDPOINT_HOST, "%.*s", (int)(end - at), at);
	return true;
}

static void take_answer(void)
{
	struct addrinfo *a = server.asked->ar_result;

	for (; a; a = a->ai_next) {
		if (a->ai_addrlen <= sizeof(server.known) && (a->ai_family == AF_INET || a->ai_family == AF_INET6)) {
			memcpy(&server.known, a->ai_addr, a->ai_addrlen);
			break;
		}
	}
	if (server.asked->ar_result)
		freeaddrinfo(server.asked->ar_result);
	free(server.asked);
	server.asked = NULL;
}

/* Waits for nothing: the answer is there when it is asked for the next time, or the one after. */
static void resolve(void)
{
	struct gaicb *list[1];

	if (server.known.sa.sa_family || address_read(server.host, 443, &server.known))
		return;
	memset(&server.known, 0, sizeof(server.known));
	if (server.asked) {
		if (gai_error(server.asked) != EAI_INPROGRESS)
			take_answer();
		return;
	}
	server.asked = calloc(1, sizeof(*server.asked));
	if (!server.asked)
		return;
	server.asked->ar_name = server.host;
	list[0] = server.asked;
	if (getaddrinfo_a(GAI_NOWAIT, list, 1, NULL) != 0) {
		free(server.asked);
		server.asked = NULL;
	}
}

/* Nothing is sent: the kernel looks for the way and the address that belongs to it. */
static bool way_to(const union wg_endpoint *to, uint32_t mark, union wg_endpoint *out)
{
	socklen_t len = to->sa.sa_family == AF_INET6 ? sizeof(to->in6) : sizeof(to->in);
	int fd = socket(to->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool found;

	memset(out, 0, sizeof(*out));
	if (fd < 0)
		return false;
	found = (!mark || setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == 0) &&
		connect(fd, &to->sa, len) == 0;
	len = sizeof(*out);
	found = found && getsockname(fd, &out->sa, &len) == 0;
	close(fd);
	return found;
}

/* Addresses of documentation, which no interface has: only a default route leads there. */
static bool way_anywhere(uint32_t mark, union wg_endpoint *out)
{
	static const char *const anywhere[] = { "192.0.2.1", "2001:db8::1" };
	union wg_endpoint to;
	size_t i;

	for (i = 0; i < 2; i++) {
		if (address_read(anywhere[i], 9, &to) && way_to(&to, mark, out))
			return true;
	}
	return false;
}

int endpoint_find(const char *url, uint32_t mark, uint16_t port, union wg_endpoint *out, struct vmp_msg *msg)
{
	bool found;

	if (!*server.host && !endpoint_host(url, server.host))
		return vmp_fail(msg, VMP_ENOENT, "%s: names no host", url);
	resolve();
	found = server.known.sa.sa_family ? way_to(&server.known, mark, out) : way_anywhere(mark, out);
	if (!found)
		return vmp_fail(msg, VMP_ENOENT, "there is no way to %s", server.host);
	if (out->sa.sa_family == AF_INET6) {
		out->in6.sin6_port = htons(port);
		out->in6.sin6_scope_id = 0;
	} else {
		out->in.sin_port = htons(port);
	}
	return VMP_OK;
}

bool endpoint_is_asked(void)
{
	return server.asked != NULL;
}

void endpoint_close(void)
{
	/* What cannot be cancelled is being written to. */
	if (server.asked && gai_cancel(server.asked) != EAI_NOTCANCELED)
		take_answer();
	memset(&server, 0, sizeof(server));
}
