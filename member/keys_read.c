/* What policyd's answer for COI keys says, without opening anything and without I/O: fuzzed. */
#include "cms.h"
#include "est.h"
#include "field.h"
#include "keys.h"

#include <stdlib.h>
#include <string.h>

void keys_envelopes_free(struct keys_envelope *envelopes, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		free(envelopes[i].der);
	free(envelopes);
}

static int read_der(const json_t *object, struct keys_envelope *out, struct vmp_msg *msg)
{
	const char *text = json_string_value(json_object_get(object, "cms"));
	size_t len = text ? strlen(text) : 0;

	/* vmp_unbase64() wants the room of all four-octet groups. */
	out->len = len / 4 * 3;
	if (out->len < 1 || out->len > VMP_ENVELOPE_MAX + 2)
		return vmp_fail(msg, VMP_EINVAL, "cms: expected at most %d octets in base64", VMP_ENVELOPE_MAX);
	out->der = malloc(out->len);
	if (!out->der)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	if (vmp_unbase64(text, len, out->der, &out->len) != VMP_OK || out->len > VMP_ENVELOPE_MAX)
		return vmp_fail(msg, VMP_EINVAL, "cms: expected at most %d octets in base64", VMP_ENVELOPE_MAX);
	return VMP_OK;
}

static int read_one(const json_t *object, struct keys_envelope *out, struct vmp_msg *msg)
{
	int64_t epoch = 0;
	int err = field_coi(object, "coi", out->coi, msg);

	if (!err)
		err = field_number(object, "epoch", 1, UINT32_MAX, &epoch, msg);
	out->epoch = (uint32_t)epoch;
	if (!err)
		err = field_bool(object, "current", &out->current, msg);
	return err ? err : read_der(object, out, msg);
}

/* One of a COI is current, and none is there twice. */
static int check_others(const struct keys_envelope *all, size_t n, const struct keys_envelope *one, struct vmp_msg *msg)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (strcmp(all[i].coi, one->coi) == 0 &&
		    (all[i].epoch == one->epoch || (all[i].current && one->current)))
			return vmp_fail(msg, VMP_EINVAL, "%s: expected each epoch once, and one that is current",
					one->coi);
	}
	return VMP_OK;
}

static int read_all(const json_t *list, struct keys_envelope *all, struct vmp_msg *msg)
{
	const json_t *object;
	size_t i;

	json_array_foreach(list, i, object) {
		struct vmp_msg why;
		int err = read_one(object, &all[i], &why);

		if (!err)
			err = check_others(all, i, &all[i], &why);
		if (err)
			return vmp_fail(msg, err, "keys[%zu]: %s", i, why.text);
	}
	return VMP_OK;
}

int keys_read(const char *text, size_t len, struct keys_envelope **out, size_t *n, struct vmp_msg *msg)
{
	json_t *doc = len <= KEYS_ANSWER ? field_load(text, len, msg) : NULL;
	struct keys_envelope *all = NULL;
	const json_t *list = NULL;
	int err = VMP_EINVAL;

	if (len > KEYS_ANSWER)
		vmp_fail(msg, err, "expected at most %d octets", KEYS_ANSWER);
	if (doc)
		err = field_list(doc, "keys", KEYS_MAX, &list, msg);
	if (!err && !(all = calloc(json_array_size(list) + 1, sizeof(*all))))
		err = vmp_fail(msg, VMP_ENOMEM, "out of memory");
	if (!err)
		err = read_all(list, all, msg);
	if (err) {
		keys_envelopes_free(all, all ? json_array_size(list) : 0);
	} else {
		*out = all;
		*n = json_array_size(list);
	}
	json_decref(doc);
	return err;
}
