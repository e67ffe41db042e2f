#include "watch.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static int peer = -1;

void watch_tell_to(int fd)
{
	peer = fd;
}

static int send_all(const char *text)
{
	struct pollfd room = { .fd = peer, .events = POLLOUT };

	while (send(peer, text, strlen(text), MSG_NOSIGNAL) < 0) {
		if (errno == EAGAIN)
			(void)poll(&room, 1, -1);
		else if (errno != EINTR)
			return VMP_EIO;
	}
	return VMP_OK;
}

/* Takes the message; NULL: there was no memory for it. */
static int tell(json_t *message)
{
	char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;
	int err = text ? send_all(text) : VMP_ENOMEM;

	free(text);
	json_decref(message);
	return err;
}

static json_t *nics_of(const struct guest_info *guest)
{
	json_t *nics = json_array();
	int i;

	for (i = 0; nics && i < guest->n_nic; i++) {
		const struct guest_nic *nic = &guest->nic[i];
		char mac[VMP_MAC_TEXT];

		vmp_mac_format(nic->mac, mac);
		if (json_array_append_new(nics, json_pack("{s:s, s:s, s:s, s:s}", "mac", mac, "bridge", nic->bridge,
							  "direct", nic->direct, "port", nic->port)) == 0)
			continue;
		json_decref(nics);
		nics = NULL;
	}
	return nics;
}

int watch_tell_present(const struct guest_info *guest, const char *how)
{
	json_t *nics = nics_of(guest);

	if (!nics)
		return VMP_ENOMEM;
	return tell(json_pack("{s:s, s:s, s:{s:s, s:s, s:s, s:s, s:o}}", "event", "present", "how", how, "guest",
			      "uuid", guest->uuid, "name", guest->name, "template", guest->template_name, "cidata",
			      guest->cidata, "nics", nics));
}

int watch_tell_gone(const char *uuid, const char *how)
{
	return tell(json_pack("{s:s, s:s, s:s}", "event", "gone", "uuid", uuid, "how", how));
}

int watch_tell(const char *event)
{
	return tell(json_pack("{s:s}", "event", event));
}

int watch_tell_disconnected(const char *why)
{
	return tell(json_pack("{s:s, s:s}", "event", "disconnected", "why", why));
}

int watch_read_attach(const char *json, size_t len, char uuid[VMP_UUID_TEXT], char path[256], struct vmp_msg *msg)
{
	const char *word, *uuid_text, *path_text;
	json_error_t why;
	json_t *message = json_loadb(json, len, JSON_REJECT_DUPLICATES, &why);
	int err = VMP_OK;

	if (!message || json_unpack_ex(message, &why, JSON_STRICT, "{s:s, s:s, s:s}", "do", &word, "uuid", &uuid_text,
				       "path", &path_text) != 0)
		err = vmp_fail(msg, VMP_EINVAL, "%s", why.text);
	else if (strcmp(word, "attach") != 0 || vmp_uuid_parse(uuid_text, strlen(uuid_text), uuid) != VMP_OK ||
		 strlen(path_text) >= 256)
		err = vmp_fail(msg, VMP_EINVAL, "expected attach, a UUID and a path");
	else
		memcpy(path, path_text, strlen(path_text) + 1);
	json_decref(message);
	return err;
}
