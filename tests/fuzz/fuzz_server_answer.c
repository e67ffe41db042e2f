/* What a licence server answers a gateway; the first octet says to what: a lease request, a watch, or with an error. */
#include "../../gatewayd/server_answer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_answer(const char *text, size_t len)
{
	struct server_answer answer;
	struct vmp_msg msg = { "" };
	int err = server_answer_read(text, len, &answer, &msg);

	if (err != VMP_OK && !*msg.text)
		abort();
	if (err == VMP_OK &&
	    (answer.seq < 0 || answer.granted < 0 || answer.granted > VMP_LEASE_MAX || answer.life_ms < 0 ||
	     answer.life_ms > VMP_LEASE_LIFE_MS || answer.grace_ms > VMP_LEASE_LIFE_MS || answer.available < 0 ||
	     answer.licensed < -1 || !product_name_is_good(answer.product) || strlen(answer.reason) >= SERVER_REASON))
		abort();
	server_answer_clear(&answer);
}

static void read_watch(const char *text, size_t len)
{
	struct server_watch watch;
	struct vmp_msg msg = { "" };
	int err = server_watch_read(text, len, &watch, &msg);

	if (err != VMP_OK && !*msg.text)
		abort();
	if (err == VMP_OK && (watch.version < 0 || watch.full != (watch.licensed != NULL)))
		abort();
	server_watch_clear(&watch);
}

static void read_error(const char *text, size_t len)
{
	char why[SERVER_REASON];
	size_t i;

	server_error_read(text, len, 403, why);
	for (i = 0; why[i]; i++) {
		if ((unsigned char)why[i] < ' ')
			abort();
	}
	if (i == 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	if (*data == 'w')
		read_watch((const char *)data + 1, size - 1);
	else if (*data == 'e')
		read_error((const char *)data + 1, size - 1);
	else
		read_answer((const char *)data + 1, size - 1);
	return 0;
}
