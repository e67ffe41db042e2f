/* Files of records: the first octet chooses CSV or JSON, the second how it comes in pieces. */
#include "record_read.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int on_record(void *ctx, size_t line, const struct vmp_record *rec)
{
	json_t *json = vmp_record_to_json(rec);

	(void)ctx;
	if (!json || line == 0)
		abort();
	json_decref(json);
	return 0;
}

static int on_bad(void *ctx, size_t line, const char *why)
{
	(void)ctx;
	(void)line;
	if (!why || !*why)
		abort();
	return 0;
}

static const struct vmp_record_calls calls = { on_record, on_bad };

static void read_csv(const char *text, size_t len, size_t step)
{
	struct vmp_record_csv *csv;
	size_t at;

	if (vmp_record_csv_new(&csv, VMP_NOUN_VM, &calls, NULL) != VMP_OK)
		return;
	for (at = 0; at < len; at += step) {
		if (vmp_record_csv_feed(csv, text + at, len - at < step ? len - at : step) != 0)
			abort();
	}
	if (vmp_record_csv_finish(csv) != 0)
		abort();
	vmp_record_csv_free(csv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	if (data[0] & 1)
		(void)!vmp_record_json_read(VMP_NOUN_VM, (const char *)data + 2, size - 2, &calls, NULL);
	else
		read_csv((const char *)data + 2, size - 2, (size_t)data[1] + 1);
	return 0;
}
