/* What policyd's directory says, without I/O: fuzzed. */
#include "directory.h"
#include "field.h"

#include <stdlib.h>
#include <string.h>

/* What two machines of one answer must not have in common. */
struct identifying {
	uint8_t uuid[VMP_COI_ID], key[VMP_COI_SECRET];
	struct prefix inner6, inner4;
};

struct answer {
	json_t *doc;
	int64_t version;
	bool full;
	const json_t *peers, *gone;
};

/* -- one machine ------------------------------------------------------------------------------------------------ */

static int read_coi(const json_t *object, struct directory_coi *out, struct vmp_msg *msg)
{
	int64_t id = 0, priority = 0, epoch = 0;
	int err = field_number(object, "id", 1, INT64_MAX, &id, msg);

	if (!err)
		err = field_coi(object, "name", out->name, msg);
	if (!err)
		err = field_number(object, "priority", 0, UINT32_MAX, &priority, msg);
	if (!err)
		err = field_number(object, "members", 0, INT64_MAX, &out->members, msg);
	if (!err)
		err = field_number(object, "epoch", 0, UINT32_MAX, &epoch, msg);
	out->id = (uint64_t)id;
	out->priority = (uint32_t)priority;
	out->epoch = (uint32_t)epoch;
	return err;
}

static int read_cois(const json_t *object, struct directory_peer *out, struct vmp_msg *msg)
{
	const json_t *list;
	size_t i, j;
	int err = field_list(object, "cois", DIRECTORY_COIS, &list, msg);

	if (!err && json_array_size(list) == 0)
		err = vmp_fail(msg, VMP_EINVAL, "cois: expected one at least");
	out->n_coi = err ? 0 : json_array_size(list);
	for (i = 0; i < out->n_coi && !err; i++) {
		struct vmp_msg why;

		err = read_coi(json_array_get(list, i), &out->coi[i], &why);
		for (j = 0; j < i && !err; j++) {
			if (out->coi[j].id == out->coi[i].id)
				err = vmp_fail(&why, VMP_EINVAL, "expected each of them once");
		}
		if (err)
			vmp_fail(msg, err, "cois[%zu]: %s", i, why.text);
	}
	return err;
}

static int read_routes(const json_t *object, struct directory_peer *out, struct vmp_msg *msg)
{
	const json_t *list;
	size_t i;
	int err = field_list(object, "routes", DIRECTORY_ROUTES, &list, msg);

	if (!err && !out->gateway && json_array_size(list) > 0)
		err = vmp_fail(msg, VMP_EINVAL, "routes: expected none of a machine that is no gateway");
	out->n_route = err ? 0 : json_array_size(list);
	for (i = 0; i < out->n_route && !err; i++) {
		const char *text = json_string_value(json_array_get(list, i));
		struct vmp_msg why = { "expected a text" };

		err = text ? prefix_read(text, &out->route[i], &why) : VMP_EINVAL;
		if (err)
			vmp_fail(msg, err, "routes[%zu]: %s", i, why.text);
	}
	return err;
}

static int read_addresses(const json_t *object, struct directory_peer *out, struct vmp_msg *msg)
{
	int err = field_endpoint(object, "endpoint", &out->endpoint, msg);

	/* Messages go to the port after it. */
	if (!err && out->endpoint.in.sin_port == UINT16_MAX)
		memset(&out->endpoint, 0, sizeof(out->endpoint));
	if (!err)
		err = field_address(object, "inner_address", AF_INET6, false, &out->inner6, msg);
	if (!err)
		err = field_address(object, "inner_ipv4", AF_INET, true, &out->inner4, msg);
	return err;
}

static int read_peer(const json_t *object, struct directory_peer *out, struct vmp_msg *msg)
{
	struct vmp_msg why;
	int err = field_uuid(json_object_get(object, "id"), out->id, out->uuid, &why);

	if (err)
		return vmp_fail(msg, err, "id: %s", why.text);
	err = field_text(object, "name", out->name, sizeof(out->name), msg);
	if (!err)
		err = field_key(object, "wireguard_key", out->key, msg);
	if (!err)
		err = read_addresses(object, out, msg);
	if (!err)
		err = field_bool(object, "gateway", &out->gateway, msg);
	if (!err)
		err = field_bool(object, "remote", &out->remote, msg);
	if (!err)
		err = read_cois(object, out, msg);
	return err ? err : read_routes(object, out, msg);
}

/* -- all of them ------------------------------------------------------------------------------------------------ */

static int by_uuid(const void *a, const void *b)
{
	const struct identifying *x = a, *y = b;

	return memcmp(x->uuid, y->uuid, sizeof(x->uuid));
}

static int by_key(const void *a, const void *b)
{
	const struct identifying *x = a, *y = b;

	return memcmp(x->key, y->key, sizeof(x->key));
}

static int by_inner6(const void *a, const void *b)
{
	const struct identifying *x = a, *y = b;

	return memcmp(x->inner6.address, y->inner6.address, sizeof(x->inner6.address));
}

static int by_inner4(const void *a, const void *b)
{
	const struct identifying *x = a, *y = b;

	return memcmp(x->inner4.address, y->inner4.address, sizeof(x->inner4.address));
}

static const struct {
	const char *name;
	int (*order)(const void *a, const void *b);
} identifying[] = {
	{ "id", by_uuid }, { "wireguard_key", by_key }, { "inner_address", by_inner6 }, { "inner_ipv4", by_inner4 }
};

/* Several may have no inner_ipv4. */
static bool has_it(const struct identifying *one, size_t field)
{
	return identifying[field].order != by_inner4 || one->inner4.family;
}

/* @param all  n; their order is lost. */
static int check_once(struct identifying *all, size_t n, struct vmp_msg *msg)
{
	size_t field, i;

	for (field = 0; field < sizeof(identifying) / sizeof(identifying[0]); field++) {
		qsort(all, n, sizeof(*all), identifying[field].order);
		for (i = 1; i < n; i++) {
			if (has_it(&all[i], field) && identifying[field].order(&all[i - 1], &all[i]) == 0)
				return vmp_fail(msg, VMP_EINVAL, "peers: two have the same %s",
						identifying[field].name);
		}
	}
	return VMP_OK;
}

static int check_peers(const json_t *peers, struct directory_peer *room, struct vmp_msg *msg)
{
	size_t n = json_array_size(peers), i;
	struct identifying *all = calloc(n + 1, sizeof(*all));
	int err = all ? VMP_OK : vmp_fail(msg, VMP_ENOMEM, "out of memory");

	for (i = 0; i < n && !err; i++) {
		struct vmp_msg why;

		err = read_peer(json_array_get(peers, i), room, &why);
		if (err) {
			vmp_fail(msg, err, "peers[%zu]: %s", i, why.text);
			break;
		}
		memcpy(all[i].uuid, room->uuid, sizeof(room->uuid));
		memcpy(all[i].key, room->key, sizeof(room->key));
		all[i].inner6 = room->inner6;
		all[i].inner4 = room->inner4;
	}
	if (!err)
		err = check_once(all, n, msg);
	free(all);
	return err;
}

static int check_gone(const json_t *gone, struct vmp_msg *msg)
{
	struct vmp_msg why;
	const json_t *one;
	char id[37];
	size_t i;

	json_array_foreach(gone, i, one) {
		if (field_uuid(one, id, NULL, &why) != VMP_OK)
			return vmp_fail(msg, VMP_EINVAL, "gone[%zu]: %s", i, why.text);
	}
	return VMP_OK;
}

static int check_answer(struct answer *answer, struct directory_peer *room, struct vmp_msg *msg)
{
	int err = field_number(answer->doc, "version", 0, INT64_MAX, &answer->version, msg);

	if (!err)
		err = field_bool(answer->doc, "full", &answer->full, msg);
	if (!err)
		err = field_list(answer->doc, "peers", DIRECTORY_ANSWER, &answer->peers, msg);
	if (!err)
		err = field_list(answer->doc, "gone", DIRECTORY_ANSWER, &answer->gone, msg);
	if (!err)
		err = check_peers(answer->peers, room, msg);
	return err ? err : check_gone(answer->gone, msg);
}

static int tell(const struct answer *answer, struct directory_peer *room, const struct directory_calls *calls,
		void *ctx, struct vmp_msg *msg)
{
	const json_t *one;
	size_t i;
	int err = calls->begin(ctx, answer->full);

	json_array_foreach(answer->gone, i, one) {
		if (!err)
			err = calls->gone(ctx, json_string_value(one));
	}
	json_array_foreach(answer->peers, i, one) {
		if (!err)
			err = read_peer(one, room, msg);
		if (!err)
			err = calls->peer(ctx, room);
	}
	return err ? err : calls->end(ctx);
}

int directory_read(const char *text, size_t len, int64_t *version, const struct directory_calls *calls, void *ctx,
		   struct vmp_msg *msg)
{
	struct answer answer = { .doc = NULL };
	struct directory_peer room;
	int err = VMP_EINVAL;

	if (len > DIRECTORY_ANSWER)
		return vmp_fail(msg, VMP_EINVAL, "expected at most %u octets", DIRECTORY_ANSWER);
	answer.doc = field_load(text, len, msg);
	if (answer.doc)
		err = check_answer(&answer, &room, msg);
	if (!err)
		err = tell(&answer, &room, calls, ctx, msg);
	if (!err)
		*version = answer.version;
	json_decref(answer.doc);
	return err;
}
