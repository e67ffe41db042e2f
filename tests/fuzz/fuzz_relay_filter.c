/* What a tunnel lets pass, as it comes in pieces: the first octet says of which type, which way, and how large they
 * are. */
#include "../../relayd/filter.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* How much passes, and whether it ends with a refusal, with pieces of so many octets. */
static size_t pass_all(struct filter *f, const uint8_t *data, size_t size, size_t piece, bool *refused)
{
	struct vmp_msg why = { "" };
	size_t passed = 0, come = 0;
	ssize_t n;

	*refused = false;
	while (come < size && !*refused) {
		come = size - come < piece ? size : come + piece;
		do {
			size_t waits = come - passed;

			n = filter_pass(f, data + passed, waits < FILTER_LOOK ? waits : FILTER_LOOK, &why);
			if (n < VMP_EINVAL || (n < 0 && !*why.text) || (n > 0 && (size_t)n > waits))
				abort();
			if (n == 0 && waits >= FILTER_LOOK)
				abort(); /* it would wait for ever */
			passed += n > 0 ? (size_t)n : 0;
		} while (n > 0 && passed < come);
		*refused = n < 0;
	}
	return passed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct filter f, g;
	bool f_refused, g_refused;

	if (size == 0)
		return 0;
	f = (struct filter){ .type = (enum service_type)((data[0] & 3) % 3), .back = data[0] & 4 };
	g = f;
	/* The pieces in which it comes make no difference. */
	if (pass_all(&f, data + 1, size - 1, (data[0] >> 3) + 1U, &f_refused) !=
		    pass_all(&g, data + 1, size - 1, size, &g_refused) ||
	    f_refused != g_refused || f.n != g.n || f.begun != g.begun)
		abort();
	return 0;
}
