/* What the next relay answers to CONNECT, and what is said of it to who asked. */
#include "../../relayd/connect.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_passed_on(const struct connect_answer *answer)
{
	struct connect_answer again;
	struct vmp_msg why;
	char text[1024];
	size_t used, len = connect_write_answer(answer->status, answer->sentence, text, sizeof(text));

	if (!len || connect_read_answer(text, len, &again, &used, &why) != VMP_OK || used > len ||
	    again.status != answer->status || strcmp(again.sentence, answer->sentence) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct connect_answer answer;
	struct vmp_msg why = { "" };
	size_t i, used = 0;
	int err = connect_read_answer((const char *)data, size, &answer, &used, &why);

	if ((err == VMP_EINVAL) != (*why.text != '\0'))
		abort();
	if (err != VMP_OK)
		return 0;
	if (used > size || answer.status < 200 || answer.status > 599)
		abort();
	for (i = 0; answer.sentence[i]; i++) {
		if (answer.sentence[i] < ' ' || answer.sentence[i] > '~')
			abort();
	}
	if (answer.status >= 300)
		check_passed_on(&answer);
	return 0;
}
