/* licence usage, lease list, denials: what the store knows of licences. */
#include "licence.h"
#include "mac.h"
#include "output.h"
#include "record_read.h"
#include "when.h"

#include <inttypes.h>
#include <stdio.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct listing {
	struct vmp_table *table; /* NULL: JSON */
	size_t n;
};

static struct listing begin(const struct licence_request *req, const struct vmp_table_head *heads, size_t n)
{
	return (struct listing){ .table = req->cli->json ? NULL : table_new(heads, n) };
}

static int end(struct listing *list, int err)
{
	if (list->table)
		table_end(list->table);
	else if (err == VMP_OK || list->n)
		out_json_end(list->n);
	return err;
}

static const char *number(int64_t n, char room[24])
{
	snprintf(room, 24, "%" PRId64, n);
	return room;
}

static const char *or_dash(const char *text)
{
	return *text ? text : "-";
}

static json_t *text_or_null(const char *text)
{
	return *text ? vmp_json_text(text) : json_null();
}

/* -- usage ---------------------------------------------------------------------------------------------------- */

static json_t *describe_usage(const struct vmp_licence_usage *u)
{
	return json_pack("{s:o, s:o, s:o, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "product", vmp_json_text(u->product),
			 "pool", vmp_json_text(u->pool), "tenant", text_or_null(u->tenant), "state", u->state, "owned",
			 (json_int_t)u->owned, "overdraft", (json_int_t)u->overdraft, "leased", (json_int_t)u->leased,
			 "in_use", (json_int_t)u->in_use, "guests", (json_int_t)u->guests, "denied_24h",
			 (json_int_t)u->denied);
}

static int print_usage(void *ctx, const struct vmp_licence_usage *u)
{
	struct listing *list = ctx;
	char owned[24], overdraft[24], leased[24], in_use[24], guests[24], denied[24];

	if (!list->table) {
		out_json_item(&list->n, describe_usage(u));
		return VMP_OK;
	}
	table_row(list->table,
		  (const char *[]){ u->product, u->pool, or_dash(u->tenant), u->state, number(u->owned, owned),
				    number(u->overdraft, overdraft), number(u->leased, leased),
				    number(u->in_use, in_use), number(u->guests, guests), number(u->denied, denied) });
	return VMP_OK;
}

int licence_usage(struct licence_request *req)
{
	static const struct vmp_table_head heads[] = { { "product", false }, { "pool", false },
						       { "tenant", false },  { "state", false },
						       { "owned", true },    { "overdraft", true },
						       { "leased", true },   { "in use", true },
						       { "guests", true },   { "denied 24 h", true } };
	struct listing list = begin(req, heads, ARRAY_SIZE(heads));

	return end(&list, vmp_licence_usage_each(req->store, &req->clock, print_usage, &list, &req->msg));
}

/* -- lease list ----------------------------------------------------------------------------------------------- */

/* Who it is for people: its name, else the address of what is gone. */
static const char *holder_name(const char *name, uint64_t mac, char room[VMP_MAC_TEXT])
{
	if (*name)
		return name;
	vmp_mac_format(mac, room);
	return room;
}

/* "good", "grace", "over"; what nobody knows until policyd has started in this boot is "waiting". */
static const char *lease_state(const struct vmp_licence_row *row)
{
	if (!row->count)
		return "none";
	if (row->other_boot)
		return "waiting";
	if (row->left_s > 0)
		return "good";
	return row->left_s > -row->grace_s ? "grace" : "over";
}

static const char *left(const struct vmp_licence_row *row, char room[32])
{
	if (!row->count || row->other_boot)
		snprintf(room, 32, "-");
	else
		snprintf(room, 32, "%" PRId64 " s", row->left_s);
	return room;
}

static json_t *describe_row(const struct vmp_licence_row *row)
{
	char mac[VMP_MAC_TEXT], at[WHEN_TEXT];
	json_t *doc;

	vmp_mac_format(row->mac, mac);
	doc = json_pack("{s:s, s:s, s:o, s:s, s:o, s:o, s:o, s:s}", "holder", row->holder, "kind", row->kind, "name",
			text_or_null(row->name), "mac", mac, "tenant", text_or_null(row->tenant), "product",
			vmp_json_text(row->product), "pools", vmp_json_text(row->pools), "state", lease_state(row));
	if (!doc)
		return NULL;
	json_object_update_new(doc, json_pack("{s:I, s:I, s:I, s:I, s:s, s:I, s:I, s:o, s:o, s:I}", "count",
					      (json_int_t)row->count, "wants", (json_int_t)row->wants, "in_use",
					      (json_int_t)row->in_use, "guests", (json_int_t)row->guests, "granted_at",
					      when_text(row->granted_at, at), "life_s", (json_int_t)row->life_s,
					      "grace_s", (json_int_t)row->grace_s, "left_s",
					      row->other_boot ? json_null() : json_integer(row->left_s), "reason",
					      text_or_null(row->reason), "available", (json_int_t)row->available));
	return doc;
}

static int print_row(void *ctx, const struct vmp_licence_row *row)
{
	struct listing *list = ctx;
	char mac[VMP_MAC_TEXT], count[24], wants[24], in_use[24], guests[24], rest[32];

	if (!list->table) {
		out_json_item(&list->n, describe_row(row));
		return VMP_OK;
	}
	table_row(list->table,
		  (const char *[]){ row->product, holder_name(row->name, row->mac, mac), row->kind,
				    number(row->count, count), number(row->wants, wants), number(row->in_use, in_use),
				    number(row->guests, guests), lease_state(row), left(row, rest), or_dash(row->pools),
				    or_dash(row->reason) });
	return VMP_OK;
}

int licence_lease_list(struct licence_request *req)
{
	static const struct vmp_table_head heads[] = { { "product", false }, { "holder", false }, { "kind", false },
						       { "holds", true },    { "wants", true },	  { "in use", true },
						       { "guests", true },   { "state", false },  { "left", true },
						       { "pools", false },   { "reason", false } };
	const struct vmp_licence_row_filter filter = { .product = req->product, .holder = req->holder };
	struct listing list = begin(req, heads, ARRAY_SIZE(heads));

	return end(&list, vmp_licence_row_each(req->store, &filter, &req->clock, print_row, &list, &req->msg));
}

/* -- denials -------------------------------------------------------------------------------------------------- */

static json_t *describe_refusal(const struct vmp_licence_refusal *r)
{
	char mac[VMP_MAC_TEXT], first[WHEN_TEXT], last[WHEN_TEXT];

	vmp_mac_format(r->mac, mac);
	return json_pack("{s:I, s:s, s:s, s:I, s:s, s:o, s:s, s:o, s:o, s:o, s:I, s:I}", "id", (json_int_t)r->id,
			 "first_at", when_text(r->first_at, first), "last_at", when_text(r->last_at, last), "times",
			 (json_int_t)r->n, "holder", r->holder, "name", text_or_null(r->name), "mac", mac, "tenant",
			 text_or_null(r->tenant), "product", vmp_json_text(r->product), "reason",
			 vmp_json_text(r->reason), "wants", (json_int_t)r->wants, "available",
			 (json_int_t)r->available);
}

static int print_refusal(void *ctx, const struct vmp_licence_refusal *r)
{
	struct listing *list = ctx;
	char mac[VMP_MAC_TEXT], at[WHEN_TEXT], times[24], wants[24], available[24];

	if (!list->table) {
		out_json_item(&list->n, describe_refusal(r));
		return VMP_OK;
	}
	table_row(list->table, (const char *[]){ when_text(r->last_at, at), number(r->n, times), r->product,
						 holder_name(r->name, r->mac, mac), or_dash(r->tenant),
						 number(r->wants, wants), number(r->available, available), r->reason });
	return VMP_OK;
}

int licence_denials(struct licence_request *req)
{
	static const struct vmp_table_head heads[] = { { "last", false },     { "times", true },   { "product", false },
						       { "holder", false },   { "tenant", false }, { "wants", true },
						       { "available", true }, { "reason", false } };
	struct listing list = begin(req, heads, ARRAY_SIZE(heads));

	return end(&list,
		   vmp_licence_refusal_each(req->store, req->product, req->last, print_refusal, &list, &req->msg));
}
