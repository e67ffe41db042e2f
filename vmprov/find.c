#include "find.h"
#include "mac.h"
#include "record.h"

#include <string.h>

int find_mac(struct vmp_store *store, const char *text, uint64_t *mac, struct vmp_msg *msg)
{
	struct vmp_records *rs = NULL;
	struct vmp_record rec;
	int err;

	if (vmp_mac_parse(text, strlen(text), mac) == VMP_OK)
		return VMP_OK;
	err = vmp_records_new(&rs, store, VMP_NOUN_VM, msg);
	if (err == VMP_OK)
		err = vmp_record_get(rs, text, &rec, msg);
	if (err == VMP_OK)
		err = vmp_mac_parse(rec.value[0].text, strlen(rec.value[0].text), mac);
	vmp_records_free(rs);
	return err;
}

int find_nas(struct vmp_store *store, const char *text, struct vmp_addr *out, struct vmp_msg *msg)
{
	int col = vmp_column_find(VMP_NOUN_NAS, "address", strlen("address"));
	struct vmp_records *rs = NULL;
	struct vmp_record rec;
	int err;

	if (vmp_addr_parse(text, out) == VMP_OK)
		return VMP_OK;
	err = vmp_records_new(&rs, store, VMP_NOUN_NAS, msg);
	if (err == VMP_OK)
		err = vmp_record_get(rs, text, &rec, msg);
	if (err == VMP_OK && vmp_addr_parse(rec.value[col].text, out) != VMP_OK)
		err = vmp_fail(msg, VMP_EINVAL, "nas %s: address: expected an IPv4 or IPv6 address", text);
	vmp_records_free(rs);
	return err;
}
