#include "rlm_vmprov.h"

#include <ctype.h>

struct fact {
	char const *name;       /* in the dictionary */
	size_t (*get)(answer_t *answer, value_t *out);
	DICT_ATTR const *da;
};

static size_t one_text(char const *text, value_t *out)
{
	if (!text || !*text) return 0;
	out->text = text;
	return 1;
}

static size_t one_num(uint32_t num, value_t *out)
{
	out->text = NULL;
	out->num = num;
	return 1;
}

/*
 *	A number of the effective policy; 0 is "explicitly none" for all but the CoS.
 */
static bool field(answer_t const *answer, enum vmp_field f, uint32_t *num)
{
	struct vmp_policy const *p = &answer->decision->effective;

	if (answer->quarantine_vlan || !(p->set >> f & 1)) return false;
	*num = p->value[f].num;
	return (*num != 0) || (f == VMP_F_COS);
}

static size_t get_field(answer_t const *answer, enum vmp_field f, value_t *out)
{
	uint32_t num;

	return field(answer, f, &num) ? one_num(num, out) : 0;
}

/*
 *	32 bits hold 4.29 Gbit/s; faster says as much as can be said.
 */
static size_t get_bps(answer_t const *answer, enum vmp_field f, value_t *out)
{
	uint32_t kbps;

	if (!field(answer, f, &kbps)) return 0;
	return one_num(kbps > UINT32_MAX / 1000 ? UINT32_MAX : kbps * 1000, out);
}

static size_t get_mac(answer_t *answer, value_t *out)
{
	if (!answer->decision->vm) return 0;
	vmp_mac_format(answer->decision->vm->mac, answer->mac);
	return one_text(answer->mac, out);
}

static size_t get_vm_name(answer_t *answer, value_t *out)
{
	return answer->decision->vm ? one_text(answer->decision->vm->name, out) : 0;
}

static size_t get_tenant(answer_t *answer, value_t *out)
{
	return answer->decision->tenant ? one_text(answer->decision->tenant->name, out) : 0;
}

static size_t get_enclave(answer_t *answer, value_t *out)
{
	return answer->decision->enclave ? one_text(answer->decision->enclave->name, out) : 0;
}

/*
 *	The primary first.
 */
static size_t get_coi(answer_t *answer, value_t *out)
{
	struct vmp_decision const *d = answer->decision;
	size_t n = 0, i;

	if (!d->vm) return 0;
	if (d->primary) n += one_text(d->primary->name, &out[n]);
	for (i = 0; (i < d->n_coi) && (n < FACT_VALUES); i++) {
		if (d->coi[i] != d->primary) n += one_text(d->coi[i]->name, &out[n]);
	}
	return n;
}

static size_t get_dialect(answer_t *answer, value_t *out)
{
	struct vmp_nas const *nas = answer->decision->nas;

	return one_text(nas ? nas->dialect : answer->inst->default_dialect, out);
}

static size_t get_vlan(answer_t *answer, value_t *out)
{
	if (answer->quarantine_vlan) return one_num(answer->quarantine_vlan, out);
	return get_field(answer, VMP_F_VLAN, out);
}

static size_t get_tagged(answer_t *answer, value_t *out)
{
	size_t i;

	if (answer->quarantine_vlan) return 0;
	for (i = 0; i < answer->decision->n_tagged; i++) one_num(answer->decision->tagged[i], &out[i]);
	return i;
}

/*
 *	RFC 4675 section 2.1: 0x31 in the first octet is "tagged", the VLAN id stands in the last twelve bits.
 */
static size_t get_egress_vlanid(answer_t *answer, value_t *out)
{
	size_t n = get_tagged(answer, out), i;

	for (i = 0; i < n; i++) out[i].num |= 0x31000000;
	return n;
}

static size_t get_cos(answer_t *answer, value_t *out)
{
	return get_field(answer, VMP_F_COS, out);
}

/*
 *	RFC 4675 section 2.4: for each of the eight priorities the one it becomes, as an ASCII digit.
 */
static size_t get_priority_table(answer_t *answer, value_t *out)
{
	uint32_t cos;

	if (!field(answer, VMP_F_COS, &cos)) return 0;
	memset(answer->priority_table, '0' + (int) cos, 8);
	answer->priority_table[8] = '\0';
	return one_text(answer->priority_table, out);
}

static size_t get_ingress_kbps(answer_t *answer, value_t *out)
{
	return get_field(answer, VMP_F_INGRESS, out);
}

static size_t get_egress_kbps(answer_t *answer, value_t *out)
{
	return get_field(answer, VMP_F_EGRESS, out);
}

static size_t get_ingress_bps(answer_t *answer, value_t *out)
{
	return get_bps(answer, VMP_F_INGRESS, out);
}

static size_t get_egress_bps(answer_t *answer, value_t *out)
{
	return get_bps(answer, VMP_F_EGRESS, out);
}

static char const *acl_text(answer_t const *answer)
{
	struct vmp_policy const *p = &answer->decision->effective;

	if (answer->quarantine_vlan || !(p->set >> VMP_F_ACL & 1)) return "";
	return p->value[VMP_F_ACL].text;
}

static bool acl_is_name(char const *acl)
{
	return *acl && !strpbrk(acl, " \n");
}

static size_t get_acl_name(answer_t *answer, value_t *out)
{
	char const *acl = acl_text(answer);

	return acl_is_name(acl) ? one_text(acl, out) : 0;
}

/*
 *	One rule a line.
 */
static size_t get_acl_rule(answer_t *answer, value_t *out)
{
	char const *acl = acl_text(answer);
	char *line, *next = answer->acl;
	size_t n = 0;

	if (acl_is_name(acl)) return 0;
	strlcpy(answer->acl, acl, sizeof(answer->acl));
	while ((line = strsep(&next, "\n")) && (n < FACT_VALUES)) n += one_text(line, &out[n]);
	return n;
}

static size_t get_timeout(answer_t *answer, value_t *out)
{
	return get_field(answer, VMP_F_TIMEOUT, out);
}

static size_t get_acct_interim(answer_t *answer, value_t *out)
{
	struct vmp_enclave const *enclave = answer->decision->enclave;

	return enclave && enclave->acct_interim_s ? one_num(enclave->acct_interim_s, out) : 0;
}

static uint64_t last_token;

/*
 *	The time in microseconds and some room for more than one in each; never twice, whatever the clock does.
 */
uint64_t answer_token(answer_t *answer)
{
	uint64_t last = __atomic_load_n(&last_token, __ATOMIC_RELAXED), next;
	struct timespec now;

	if (answer->token) return answer->token;

	clock_gettime(CLOCK_REALTIME, &now);
	do {
		next = ((uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000) << 8;
		if (next <= last) next = last + 1;
	} while (!__atomic_compare_exchange_n(&last_token, &last, next, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	answer->token = next;
	return next;
}

/*
 *	Comes back in accounting: which VM was authorized, as member of what, and which authorization it was.
 */
static size_t get_class(answer_t *answer, value_t *out)
{
	struct vmp_decision const *d = answer->decision;

	if (!d->vm) return 0;
	vmp_class_format(d->vm->mac, d->primary ? d->primary->name : "", answer_token(answer), answer->class);
	return one_text(answer->class, out);
}

static size_t get_quarantine_vlan(answer_t *answer, value_t *out)
{
	return answer->quarantine_vlan ? one_num(answer->quarantine_vlan, out) : 0;
}

static fact_t facts[] = {
	{ "VMProv-MAC", get_mac, NULL },
	{ "VMProv-VM-Name", get_vm_name, NULL },
	{ "VMProv-Tenant", get_tenant, NULL },
	{ "VMProv-Enclave", get_enclave, NULL },
	{ "VMProv-COI", get_coi, NULL },
	{ "VMProv-Dialect", get_dialect, NULL },
	{ "VMProv-VLAN-Id", get_vlan, NULL },
	{ "VMProv-Tagged-VLAN", get_tagged, NULL },
	{ "VMProv-Egress-VLANID", get_egress_vlanid, NULL },
	{ "VMProv-CoS", get_cos, NULL },
	{ "VMProv-Priority-Table", get_priority_table, NULL },
	{ "VMProv-Ingress-Kbps", get_ingress_kbps, NULL },
	{ "VMProv-Egress-Kbps", get_egress_kbps, NULL },
	{ "VMProv-Ingress-Bps", get_ingress_bps, NULL },
	{ "VMProv-Egress-Bps", get_egress_bps, NULL },
	{ "VMProv-ACL-Name", get_acl_name, NULL },
	{ "VMProv-ACL-Rule", get_acl_rule, NULL },
	{ "VMProv-Session-Timeout", get_timeout, NULL },
	{ "VMProv-Acct-Interim", get_acct_interim, NULL },
	{ "VMProv-Class", get_class, NULL },
	{ "VMProv-Quarantine-VLAN", get_quarantine_vlan, NULL },
};
#define N_FACTS (sizeof(facts) / sizeof(facts[0]))

void answer_init(answer_t *answer, rlm_vmprov_t const *inst, struct vmp_decision const *decision)
{
	answer->decision = decision;
	answer->inst = inst;
	answer->quarantine_vlan = 0;
	answer->token = 0;
	if (decision->verdict != VMP_UNKNOWN) return;

	answer->quarantine_vlan = inst->quarantine_vlan;
	if (decision->nas && decision->nas->quarantine_vlan) answer->quarantine_vlan = decision->nas->quarantine_vlan;
}

/*
 *	The server's own dictionary need not be edited: ours is read when it is not there yet.
 */
static int dictionary_read(rlm_vmprov_t const *inst, CONF_SECTION *conf)
{
	char *dir, *file;
	int rc;

	if (dict_attrbyname(facts[0].name)) return 0;

	dir = talloc_strdup(conf, inst->dictionary);
	file = strrchr(dir, '/');
	if (!file) {
		cf_log_err_cs(conf, "dictionary: expected an absolute path, got \"%s\"", inst->dictionary);
		return -1;
	}
	*file++ = '\0';
	rc = dict_read(dir, file);
	if (rc < 0) cf_log_err_cs(conf, "dictionary: cannot read %s: %s", inst->dictionary, fr_strerror());
	talloc_free(dir);
	return rc;
}

int facts_init(rlm_vmprov_t const *inst, CONF_SECTION *conf)
{
	size_t i;

	if (dictionary_read(inst, conf) < 0) return -1;
	for (i = 0; i < N_FACTS; i++) {
		facts[i].da = dict_attrbyname(facts[i].name);
		if (!facts[i].da) {
			cf_log_err_cs(conf, "dictionary: %s lacks %s; install the one that came with this module",
				      inst->dictionary, facts[i].name);
			return -1;
		}
	}
	return 0;
}

DICT_ATTR const *quarantine_da(void)
{
	return facts[N_FACTS - 1].da;
}

fact_t const *fact_by_da(DICT_ATTR const *da)
{
	size_t i;

	for (i = 0; i < N_FACTS; i++) {
		if (facts[i].da == da) return &facts[i];
	}
	return NULL;
}

fact_t const *fact_by_name(char const *name, size_t len)
{
	size_t i;

	for (i = 0; i < N_FACTS; i++) {
		char const *own = facts[i].name + sizeof("VMProv-") - 1;

		if (strlen(own) == len && strncasecmp(own, name, len) == 0) return &facts[i];
	}
	return NULL;
}

size_t fact_values(fact_t const *fact, answer_t *answer, value_t out[FACT_VALUES])
{
	return fact->get(answer, out);
}

char const *decimal(uint32_t num, char out[11])
{
	char *p = out + 10;

	*p = '\0';
	do {
		*--p = (char)('0' + num % 10);
		num /= 10;
	} while (num);
	return p;
}

VALUE_PAIR *pair_first(VALUE_PAIR *list, DICT_ATTR const *da, int8_t tag)
{
	while (list && !(list->da == da && (tag == TAG_ANY || list->tag == tag))) list = list->next;
	return list;
}

bool fact_to_pair(VALUE_PAIR *vp, value_t const *value)
{
	char digits[11];
	char const *text;

	switch (vp->da->type) {
	case PW_TYPE_INTEGER:
		vp->vp_integer = value->num;
		break;

	case PW_TYPE_SHORT:
		vp->vp_short = (uint16_t) value->num;
		break;

	case PW_TYPE_BYTE:
		vp->vp_byte = (uint8_t) value->num;
		break;

	case PW_TYPE_STRING:
	case PW_TYPE_OCTETS:
		text = value->text ? value->text : decimal(value->num, digits);
		if (vp->da->type == PW_TYPE_STRING) {
			fr_pair_value_strcpy(vp, text);
		} else {
			fr_pair_value_memcpy(vp, (uint8_t const *) text, strlen(text));
		}
		return true;

	default:
		return false;
	}
	return !value->text;
}

void facts_export(REQUEST *request, answer_t *answer)
{
	value_t value[FACT_VALUES];
	vp_cursor_t cursor;
	size_t f, i, n;

	/* The last request of an EAP conversation comes here twice. */
	for (f = 0; f < N_FACTS; f++) fr_pair_delete_by_da(&request->config, facts[f].da);
	fr_cursor_init(&cursor, &request->config);
	for (f = 0; f < N_FACTS; f++) {
		n = facts[f].get(answer, value);
		for (i = 0; i < n; i++) {
			VALUE_PAIR *vp = fr_pair_afrom_da(request, facts[f].da);

			if (!vp) return;
			(void) fact_to_pair(vp, &value[i]);
			fr_cursor_insert(&cursor, vp);
		}
	}
}
