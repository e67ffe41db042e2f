/** cidata-make: hostd's cidata volume for a guest that no hostd starts.
 *
 *	cidata-make IMAGE UUID NAME < JOIN-BUNDLE
 *
 * Exit: 0; 1 and why, as hostd would say it; 2 usage.
 */
#include "cidata.h"
#include "loop.h"

#include <stdio.h>
#include <string.h>

struct loop loop; /* cidata.c's path is asked of its configuration; not here */

int main(int argc, char **argv)
{
	static char bundle[65536];
	struct guest_info guest = { .source = GUEST_LIBVIRT };
	struct vmp_msg msg = { "" };

	if (argc != 4 || strlen(argv[2]) >= sizeof(guest.uuid) || strlen(argv[3]) >= sizeof(guest.name)) {
		fprintf(stderr, "usage: cidata-make IMAGE UUID NAME < JOIN-BUNDLE\n");
		return 2;
	}
	snprintf(guest.uuid, sizeof(guest.uuid), "%s", argv[2]);
	snprintf(guest.name, sizeof(guest.name), "%s", argv[3]);
	if (fread(bundle, 1, sizeof(bundle) - 1, stdin) && cidata_write(argv[1], &guest, bundle, &msg) == VMP_OK)
		return 0;
	fprintf(stderr, "cidata-make: %s\n", *msg.text ? msg.text : "no join bundle");
	return 1;
}
