/* What policyd says of this machine, without I/O: fuzzed. */
#include "field.h"
#include "self.h"

#include <string.h>

static int read_addresses(const json_t *doc, struct self_answer *out, struct vmp_msg *msg)
{
	int err = field_address(doc, "inner_address", AF_INET6, false, &out->inner6, msg);

	if (!err)
		err = field_address(doc, "inner_ipv4", AF_INET, true, &out->inner4, msg);
	if (!err)
		err = field_prefix(doc, "inner_prefix", AF_INET6, false, &out->inner6_site, msg);
	if (!err)
		err = field_prefix(doc, "inner_ipv4_prefix", AF_INET, true, &out->inner4_site, msg);
	if (!err && !prefix_has(&out->inner6_site, &out->inner6))
		err = vmp_fail(msg, VMP_EINVAL, "inner_address: expected one of inner_prefix");
	if (!err && out->inner4.family && !prefix_has(&out->inner4_site, &out->inner4))
		err = vmp_fail(msg, VMP_EINVAL, "inner_ipv4: expected one of inner_ipv4_prefix");
	return err;
}

static int read_all(const json_t *doc, struct self_answer *out, struct vmp_msg *msg)
{
	struct vmp_msg why;
	int err = field_uuid(json_object_get(doc, "id"), out->id, out->uuid, &why);

	if (err)
		return vmp_fail(msg, err, "id: %s", why.text);
	err = field_text(doc, "name", out->name, sizeof(out->name), msg);
	if (!err)
		err = read_addresses(doc, out, msg);
	if (!err)
		err = field_bool(doc, "gateway", &out->gateway, msg);
	return err ? err : field_bool(doc, "remote", &out->remote, msg);
}

int self_read(const char *text, size_t len, struct self_answer *out, struct vmp_msg *msg)
{
	json_t *doc = field_load(text, len, msg);
	struct self_answer answer;
	int err = VMP_EINVAL;

	memset(&answer, 0, sizeof(answer));
	if (doc)
		err = read_all(doc, &answer, msg);
	if (!err)
		*out = answer;
	json_decref(doc);
	return err;
}
