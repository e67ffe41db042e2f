/* libvirt's domain XML. */
#include "domain_xml.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What goes into JSON afterwards has to be UTF-8. */
static void check_text(const char *text)
{
	json_t *json = json_string(text);

	if (!json)
		abort();
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct guest_info info;
	struct vmp_msg msg = { "" };
	int i;

	if (domain_xml_read((const char *)data, size, "/c", &info, &msg) != VMP_OK) {
		if (!*msg.text)
			abort();
		return 0;
	}
	if (strlen(info.uuid) != VMP_UUID_TEXT - 1 || !*info.name || info.n_nic < 0 || info.n_nic > GUEST_NICS)
		abort();
	check_text(info.name);
	check_text(info.template_name);
	check_text(info.cidata);
	for (i = 0; i < info.n_nic; i++) {
		if (!info.nic[i].mac)
			abort();
		check_text(info.nic[i].bridge);
		check_text(info.nic[i].direct);
		check_text(info.nic[i].port);
	}
	return 0;
}
