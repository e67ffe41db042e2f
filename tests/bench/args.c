#include "args.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(ARGS_DIED);
}

double args_number(const char *name, const char *text, double min, double max)
{
	char *end;
	double v;

	errno = 0;
	v = strtod(text, &end);
	if (errno || end == text || *end || !(v >= min && v <= max))
		die("--%s: expected a number from %.10g to %.10g, not \"%s\"", name, min, max, text);
	return v;
}

void args_server(const char *text, struct sockaddr_in *out)
{
	char addr[INET_ADDRSTRLEN];
	const char *colon = strchr(text, ':');

	if (!colon || (size_t)(colon - text) >= sizeof(addr))
		die("--server: expected ADDR:PORT, not \"%s\"", text);
	memcpy(addr, text, (size_t)(colon - text));
	addr[colon - text] = '\0';
	out->sin_family = AF_INET;
	out->sin_port = htons((uint16_t)args_number("server", colon + 1, 1, 65535));
	if (inet_pton(AF_INET, addr, &out->sin_addr) != 1)
		die("--server: \"%s\" is no IPv4 address", addr);
}
