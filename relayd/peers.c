#include "peers.h"
#include "file.h"

#include <stdlib.h>
#include <string.h>

int peers_name_read(const char *word, struct peers_name *out)
{
	size_t len = strlen(word);

	memset(out, 0, sizeof(*out));
	if (vmp_uuid_parse(word, len, out->uuid) == VMP_OK)
		return VMP_OK;
	*out->uuid = '\0';
	return vmp_mac_parse(word, len, &out->mac);
}

bool peers_name_is(const struct peers_name *name, const struct tls_peer *peer)
{
	uint64_t mac;

	if (*name->uuid)
		return strcmp(name->uuid, peer->uuid) == 0;
	return name->mac && vmp_mac_parse(peer->name, strlen(peer->name), &mac) == VMP_OK && mac == name->mac;
}

static int add(struct peers *peers, const char *word, struct vmp_msg *msg)
{
	struct peers_name *more;

	if (strcmp(word, "*") == 0) {
		peers->any = true;
		return VMP_OK;
	}
	/* Room grows in powers of two. */
	if ((peers->n & (peers->n - 1)) == 0) {
		more = realloc(peers->name, (peers->n ? 2 * peers->n : 1) * sizeof(*more));
		if (!more)
			return vmp_fail(msg, VMP_ENOMEM, "out of memory");
		peers->name = more;
	}
	if (peers_name_read(word, &peers->name[peers->n]) != VMP_OK)
		return vmp_fail(msg, VMP_EINVAL, "%s: expected a UUID, a MAC address or *", word);
	peers->n++;
	return VMP_OK;
}

static int add_words(struct peers *peers, const char *list, struct vmp_msg *msg)
{
	char word[VMP_INI_TEXT];
	int err = VMP_OK;

	while (err == VMP_OK && vmp_ini_word(&list, word, sizeof(word)))
		err = add(peers, word, msg);
	/* It stops at a word that has no room as well. */
	if (err == VMP_OK && list[strspn(list, " \t,")])
		err = vmp_fail(msg, VMP_EINVAL, "expected UUIDs, MAC addresses or *");
	return err;
}

static int add_lines(struct peers *peers, char *text, const char *path, struct vmp_msg *msg)
{
	struct vmp_msg why;
	char *line, *rest = text;
	int n = 0, err = VMP_OK;

	while (err == VMP_OK && (line = strsep(&rest, "\n"))) {
		n++;
		line[strcspn(line, "\r")] = '\0';
		if (line[strspn(line, " \t")] != '#')
			err = add_words(peers, line, &why);
	}
	return err == VMP_OK ? VMP_OK : vmp_fail(msg, err, "%s:%d: %s", path, n, why.text);
}

static int read_path(struct peers *peers, const char *path, struct vmp_msg *msg)
{
	char *text;
	size_t len;
	int err = vmp_file_read(path, PEERS_FILE, false, &text, &len, msg);

	if (err != VMP_OK)
		return err;
	err = strlen(text) == len ? add_lines(peers, text, path, msg)
				  : vmp_fail(msg, VMP_EINVAL, "%s: expected text", path);
	free(text);
	return err;
}

int peers_read(const char *list, struct peers *out, struct vmp_msg *msg)
{
	struct peers peers = { .n = 0 };
	int err = *list == '/' ? read_path(&peers, list, msg) : add_words(&peers, list, msg);

	if (err != VMP_OK) {
		peers_clear(&peers);
		return err;
	}
	*out = peers;
	return VMP_OK;
}

void peers_clear(struct peers *peers)
{
	free(peers->name);
	memset(peers, 0, sizeof(*peers));
}

bool peers_has(const struct peers *peers, const struct tls_peer *peer)
{
	size_t i;

	for (i = 0; i < peers->n && !peers->any; i++) {
		if (peers_name_is(&peers->name[i], peer))
			return true;
	}
	return peers->any;
}
