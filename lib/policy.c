#include "policy.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const field_names[VMP_FIELDS] = {
	[VMP_F_VLAN] = "vlan",
	[VMP_F_TAGGED_VLANS] = "tagged_vlans",
	[VMP_F_COS] = "cos",
	[VMP_F_INGRESS] = "ingress_kbps",
	[VMP_F_EGRESS] = "egress_kbps",
	[VMP_F_ACL] = "acl",
	[VMP_F_TIMEOUT] = "session_timeout_s",
	[VMP_F_MAB] = "mab",
};

static const struct {
	const char *name, *text;
	bool alarm;
} verdicts[VMP_VERDICTS] = {
	[VMP_ALLOW] = { "allow", "Allowed.", false },
	[VMP_UNKNOWN] = { "unknown", "No VM is registered with this MAC address.", false },
	[VMP_VM_DISABLED] = { "vm-disabled", "This VM is disabled.", false },
	[VMP_NOT_YET] = { "not-yet-valid", "This VM is not valid yet.", false },
	[VMP_EXPIRED] = { "expired", "This VM has expired.", false },
	[VMP_TENANT_DISABLED] = { "tenant-disabled", "This VM's tenant is disabled.", false },
	[VMP_ENCLAVE_DISABLED] = { "enclave-disabled", "This VM's enclave is disabled.", false },
	[VMP_COI_DISABLED] = { "coi-disabled", "This VM's primary community is disabled.", false },
	[VMP_WRONG_NAS] = { "wrong-nas", "This VM may not be on this switch.", true },
	[VMP_WRONG_HOST] = { "wrong-host", "This VM may not be on this host.", true },
	[VMP_HOST_UNKNOWN] = { "host-unknown", "The certificate names no registered host.", true },
	[VMP_HOST_DISABLED] = { "host-disabled", "This host is disabled.", true },
	[VMP_HOST_SCOPE] = { "host-scope", "This host may not speak for this VM.", true },
	[VMP_NO_MAB] = { "mab-not-allowed", "MAC authentication is not allowed for this VM.", false },
	[VMP_NO_EAP_MD5] = { "eap-md5-not-allowed", "EAP-MD5 is not allowed for this VM.", false },
	[VMP_NO_EAP_TYPE] = { "eap-type-not-allowed", "This EAP type is not allowed.", false },
};

const char *vmp_field_name(enum vmp_field field)
{
	return field_names[field];
}

const char *vmp_verdict_name(enum vmp_verdict verdict)
{
	return verdicts[verdict].name;
}

const char *vmp_verdict_text(enum vmp_verdict verdict)
{
	return verdicts[verdict].text;
}

bool vmp_verdict_is_alarm(enum vmp_verdict verdict)
{
	return verdicts[verdict].alarm;
}

int vmp_vlans_add(const char *text, uint16_t list[VMP_VLAN_MAX], size_t *n)
{
	size_t count = *n;

	while (*text) {
		unsigned v = 0;
		size_t i;

		while (*text == ' ')
			text++;
		if (*text < '1' || *text > '9')
			return VMP_EINVAL;
		while (*text >= '0' && *text <= '9' && v <= 4094)
			v = v * 10 + (unsigned)(*text++ - '0');
		while (*text == ' ')
			text++;
		if (v > 4094 || (*text && *text != ',') || (*text == ',' && !text[1]))
			return VMP_EINVAL;
		if (*text)
			text++;
		for (i = 0; i < count && list[i] != v; i++)
			;
		if (i < count)
			continue;
		if (count == VMP_VLAN_MAX)
			return VMP_EINVAL;
		list[count++] = (uint16_t)v;
	}
	*n = count;
	return VMP_OK;
}

/* Is a the better primary COI? */
static bool coi_before(const struct vmp_coi *a, const struct vmp_coi *b)
{
	if (a->priority != b->priority)
		return a->priority < b->priority;
	if (a->member_count != b->member_count)
		return a->member_count < b->member_count;
	return a->id < b->id;
}

static void find_cois(const struct vmp_catalog *cat, struct vmp_decision *out)
{
	size_t i;

	for (i = 0; i < out->vm->n_coi; i++) {
		const struct vmp_coi *coi = vmp_catalog_coi(cat, out->vm->coi_id[i]);

		if (!coi)
			continue;
		out->coi[out->n_coi++] = coi;
		if (!out->primary || coi_before(coi, out->primary))
			out->primary = coi;
	}
}

static void inherit(struct vmp_decision *out)
{
	const struct vmp_policy *level[] = { &out->vm->policy, out->primary ? &out->primary->policy : NULL,
					     out->enclave ? &out->enclave->policy : NULL };
	unsigned missing = (1u << VMP_FIELDS) - 1;
	size_t l;
	int f;

	for (l = 0; l < sizeof(level) / sizeof(level[0]); l++) {
		unsigned take = level[l] ? level[l]->set & missing : 0;

		missing &= ~take;
		out->effective.set |= take;
		for (f = 0; take >> f; f++) {
			if (!(take >> f & 1))
				continue;
			out->effective.value[f] = level[l]->value[f];
			out->source[f] = (enum vmp_source)(VMP_FROM_VM + l);
		}
	}
}

/* The VM's own list stands alone; an inherited one grows by what its other enabled COIs tag.
 * A list that is none cannot come through the schema; it adds nothing. */
static void tag(struct vmp_decision *out)
{
	const unsigned bit = 1u << VMP_F_TAGGED_VLANS;
	size_t i;

	out->n_tagged = 0;
	if (out->effective.set & bit &&
	    vmp_vlans_add(out->effective.value[VMP_F_TAGGED_VLANS].text, out->tagged, &out->n_tagged) != VMP_OK)
		out->n_tagged = 0;
	if (out->vm->policy.set & bit)
		return;
	for (i = 0; i < out->n_coi; i++) {
		const struct vmp_coi *coi = out->coi[i];

		if (coi == out->primary || !coi->enabled || !(coi->policy.set & bit))
			continue;
		if (vmp_vlans_add(coi->policy.value[VMP_F_TAGGED_VLANS].text, out->tagged, &out->n_tagged) != VMP_OK)
			return;
	}
}

static bool id_in(int64_t id, const int64_t *list, size_t n)
{
	while (n--) {
		if (list[n] == id)
			return true;
	}
	return false;
}

static bool port_matches(const char *port, const struct vmp_request *req)
{
	char digits[24];

	if (!*port || (req->port_id && strcmp(port, req->port_id) == 0))
		return true;
	snprintf(digits, sizeof(digits), "%lld", (long long)req->port);
	return req->port >= 0 && strcmp(port, digits) == 0;
}

/* Does the request come from a port that the host is cabled to?  1 yes, 0 no, -1 nothing is recorded. */
static int at_uplink(const struct vmp_catalog *cat, const struct vmp_nas *nas, int64_t host_id,
		     const struct vmp_request *req)
{
	int recorded = -1;
	size_t i;

	for (i = 0; i < cat->n_uplink; i++) {
		const struct vmp_uplink *up = &cat->uplink[i];

		if (up->host_id != host_id)
			continue;
		recorded = 0;
		if (nas && up->nas_id == nas->id && port_matches(up->port, req))
			return 1;
	}
	return recorded;
}

static enum vmp_verdict judge_validity(const struct vmp_decision *d, const struct vmp_request *req)
{
	if (!d->vm->enabled)
		return VMP_VM_DISABLED;
	if (req->now < d->vm->not_before)
		return VMP_NOT_YET;
	if (req->now >= d->vm->not_after)
		return VMP_EXPIRED;
	if (!d->tenant || !d->tenant->enabled)
		return VMP_TENANT_DISABLED;
	if (!d->enclave || !d->enclave->enabled)
		return VMP_ENCLAVE_DISABLED;
	if (d->primary && !d->primary->enabled)
		return VMP_COI_DISABLED;
	return VMP_ALLOW;
}

/* The certificate's host must exist, be enabled, serve this VM, and stand where it is cabled. */
static enum vmp_verdict judge_certificate(const struct vmp_catalog *cat, struct vmp_decision *d,
					  const struct vmp_request *req)
{
	const struct vmp_host *host = NULL;
	const char *const *name;

	for (name = req->cert_name; name && *name && !host; name++)
		host = vmp_catalog_host(cat, *name);
	if (!host)
		return VMP_HOST_UNKNOWN;
	d->host = host;
	if (!host->enabled)
		return VMP_HOST_DISABLED;
	if ((host->tenant_id && host->tenant_id != d->vm->tenant_id) ||
	    (host->enclave_id && host->enclave_id != d->vm->enclave_id))
		return VMP_HOST_SCOPE;
	if (d->vm->n_host && !id_in(host->id, d->vm->host_id, d->vm->n_host))
		return VMP_WRONG_HOST;
	if (at_uplink(cat, d->nas, host->id, req) == 0)
		return VMP_WRONG_HOST;
	return VMP_ALLOW;
}

/* Without a certificate the only witness of the host is the port that the request comes from. */
static enum vmp_verdict judge_port(const struct vmp_catalog *cat, const struct vmp_decision *d,
				   const struct vmp_request *req)
{
	size_t i;

	if (!d->vm->n_host)
		return VMP_ALLOW;
	for (i = 0; i < d->vm->n_host; i++) {
		if (at_uplink(cat, d->nas, d->vm->host_id[i], req) == 1)
			return VMP_ALLOW;
	}
	return VMP_WRONG_HOST;
}

static enum vmp_verdict judge_method(const struct vmp_catalog *cat, struct vmp_decision *d,
				     const struct vmp_request *req)
{
	const unsigned mab = 1u << VMP_F_MAB;

	switch (req->method) {
	case VMP_METHOD_MAB:
		if (!(d->effective.set & mab) || !d->effective.value[VMP_F_MAB].num)
			return VMP_NO_MAB;
		return judge_port(cat, d, req);
	case VMP_METHOD_EAP:
		return VMP_ALLOW;
	case VMP_METHOD_EAP_MD5:
		return d->vm->has_eap_md5 ? judge_port(cat, d, req) : VMP_NO_EAP_MD5;
	case VMP_METHOD_EAP_TLS:
		return judge_certificate(cat, d, req);
	case VMP_METHOD_EAP_OTHER:
		break;
	}
	return VMP_NO_EAP_TYPE;
}

static enum vmp_verdict judge(const struct vmp_catalog *cat, struct vmp_decision *d, const struct vmp_request *req)
{
	enum vmp_verdict v = judge_validity(d, req);

	if (v != VMP_ALLOW)
		return v;
	if (d->vm->n_nas && (!d->nas || !id_in(d->nas->id, d->vm->nas_id, d->vm->n_nas)))
		return VMP_WRONG_NAS;
	return judge_method(cat, d, req);
}

void vmp_policy_decide(const struct vmp_catalog *cat, const struct vmp_vm *vm, const struct vmp_request *req,
		       struct vmp_decision *out)
{
	memset(out, 0, offsetof(struct vmp_decision, coi));
	out->n_tagged = 0;
	out->nas = vmp_catalog_nas(cat, &req->nas);
	out->verdict = VMP_UNKNOWN;
	if (!vm)
		return;
	out->vm = vm;
	out->tenant = vmp_catalog_tenant(cat, vm->tenant_id);
	out->enclave = vmp_catalog_enclave(cat, vm->enclave_id);
	find_cois(cat, out);
	inherit(out);
	tag(out);
	out->verdict = judge(cat, out, req);
}
