/* A CONNECT request, and the same octets as an answer to one. */
#include "connect.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_request(const char *text, size_t size)
{
	struct connect_request request, again;
	struct vmp_msg why = { "" };
	char out[2 * CONNECT_HEAD];
	size_t head = 0, n;
	int status = connect_read(text, size, &request, &head, &why);

	if ((status != 0 && status != 200 && !*why.text) || (status == 200 && (head == 0 || head > size)))
		abort();
	if (status != 200 || request.n_via == CONNECT_VIA)
		return;
	/* What goes on means the same to the next one. */
	n = connect_write(&request, "us", out, sizeof(out));
	if (!n || n > CONNECT_HEAD || connect_read(out, n, &again, &head, &why) != 200 || head != n ||
	    strcmp(again.authority, request.authority) != 0 || again.n_via != request.n_via + 1)
		abort();
}

static void read_answer(const char *text, size_t size)
{
	struct connect_answer answer;
	struct vmp_msg why = { "" };
	size_t used = 0;
	int err = connect_read_answer(text, size, &answer, &used, &why);

	if (err == VMP_OK && (used == 0 || used > size || answer.status < 200 || answer.status > 599))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_request((const char *)data, size);
	read_answer((const char *)data, size);
	return 0;
}
