/* doctor's look at what policyd works with. */
#include "findings.h"
#include "record.h"
#include "store_cert.h"
#include "store_coi_key.h"
#include "store_licence_view.h"
#include "when.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* [s] Hosts renew at half of 90 days. */
#define SOON (7 * 86400)

static void look_at_templates(struct findings *f, struct vmp_store *store)
{
	int cois = vmp_column_find(VMP_NOUN_TEMPLATE, "cois", strlen("cois"));
	struct vmp_msg msg = { "" };
	struct vmp_records *rs;
	struct vmp_record rec;
	int n = 0, err = vmp_records_new(&rs, store, VMP_NOUN_TEMPLATE, &msg);

	if (err == VMP_OK)
		err = vmp_record_select(rs, NULL, &msg);
	for (; err == VMP_OK && (err = vmp_record_next(rs, &rec, &msg)) == VMP_OK; n++) {
		if (rec.value[cois].kind == VMP_NULL)
			findings_add(f, VMP_GRADE_WARN, "templates", "set its cois: its guests reach nobody",
				     "%s has no COIs", rec.value[0].text);
	}
	if (err == VMP_ENOENT)
		findings_add(f, VMP_GRADE_OK, "templates", NULL, "%d", n);
	else
		findings_add(f, VMP_GRADE_FAIL, "templates", "see the message", "%s", msg.text);
	vmp_records_free(rs);
}

static int count_key(void *ctx, const struct vmp_coi_key_row *row, int64_t members, int64_t acked)
{
	(void)row;
	(void)members;
	(void)acked;
	++*(int *)ctx;
	return VMP_OK;
}

/* policyd makes a first key within a second, so that where it has ever run each COI has one. */
static void look_at_keys(struct findings *f, struct vmp_store *store)
{
	struct vmp_msg msg = { "" };
	struct vmp_records *rs = NULL;
	struct vmp_record rec;
	int all = 0, err = vmp_store_coi_key_each(store, NULL, count_key, &all, &msg);

	if (err == VMP_OK && !all)
		return;
	if (err == VMP_OK)
		err = vmp_records_new(&rs, store, VMP_NOUN_COI, &msg);
	if (err == VMP_OK)
		err = vmp_record_select(rs, NULL, &msg);
	while (err == VMP_OK && (err = vmp_record_next(rs, &rec, &msg)) == VMP_OK) {
		int own = 0;

		err = vmp_store_coi_key_each(store, rec.value[0].text, count_key, &own, &msg);
		if (err == VMP_OK && !own)
			findings_add(f, VMP_GRADE_WARN, "COI keys", "policyd makes one: is it running?", "%s has none",
				     rec.value[0].text);
	}
	if (err == VMP_ENOENT)
		findings_add(f, VMP_GRADE_OK, "COI keys", NULL, "%d", all);
	else
		findings_add(f, VMP_GRADE_FAIL, "COI keys", "see the message", "%s", msg.text);
	vmp_records_free(rs);
}

struct certs {
	struct findings *f;
	int64_t now;
};

/* Of one host the last that was used is left: its first use ended the older ones. */
static int look_at_cert(void *ctx, const struct vmp_cert_row *row)
{
	const struct certs *c = ctx;
	char until[WHEN_TEXT];

	if (row->who.kind == VMP_CERT_HOST && row->used_at && row->who.not_after - c->now < SOON &&
	    row->who.not_after - row->who.not_before > 2 * SOON)
		findings_add(c->f, VMP_GRADE_WARN, "host certificates",
			     "it should have renewed it: see its log, or make it a token", "%s: ends %s", row->who.name,
			     when_text(row->who.not_after, until));
	return VMP_OK;
}

static int look_at_licence(void *ctx, const char *finding)
{
	findings_add(ctx, VMP_GRADE_WARN, "licences", "see `vmprov licence usage` and `vmprov licence lease list`",
		     "%s", finding);
	return VMP_OK;
}

static void look_at_licences(struct findings *f, struct vmp_store *store)
{
	struct vmp_msg msg = { "" };
	struct vmp_clock clock;
	int warned = f->warned, err;

	vmp_clock_read(&clock);
	err = vmp_licence_doctor(store, &clock, look_at_licence, f, &msg);
	if (err != VMP_OK)
		findings_add(f, VMP_GRADE_FAIL, "licences", "see the message", "%s", msg.text);
	else if (f->warned == warned)
		findings_add(f, VMP_GRADE_OK, "licences", NULL, "%s", "");
}

void doctor_policyd(struct findings *f, struct vmp_store *store)
{
	struct certs certs = { .f = f, .now = time(NULL) };
	struct vmp_msg msg = { "" };

	look_at_templates(f, store);
	look_at_keys(f, store);
	look_at_licences(f, store);
	if (vmp_store_cert_each(store, NULL, false, certs.now, look_at_cert, &certs, &msg) != VMP_OK)
		findings_add(f, VMP_GRADE_FAIL, "certificates", "see the message", "%s", msg.text);
}
