#include "source.h"
#include "log.h"
#include "loop.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TURN_MESSAGES 64 /* so many, then others' events have their turn */

static struct {
	struct event *readable;
	int fd;
	bool open;
	char state[VMP_MSG_MAX];
} source;

struct word {
	const char *word;
	int value;
};

static const struct word arrivals[] = {
	{ "started", GUEST_STARTED },	{ "found", GUEST_FOUND },     { "incoming", GUEST_INCOMING },
	{ "migrated", GUEST_MIGRATED }, { "changed", GUEST_CHANGED }, { NULL, 0 },
};

static const struct word departures[] = { { "stopped", GUEST_STOPPED }, { "left", GUEST_LEFT }, { NULL, 0 } };

/* -- what a message holds */
static int unpacked(int result, const json_error_t *why, struct vmp_msg *msg)
{
	return result == 0 ? VMP_OK : vmp_fail(msg, VMP_EINVAL, "%s", why->text);
}

static int copy(char *out, size_t room, const char *text, const char *name, struct vmp_msg *msg)
{
	if (strlen(text) >= room)
		return vmp_fail(msg, VMP_EINVAL, "%s: expected at most %zu octets", name, room - 1);
	memcpy(out, text, strlen(text) + 1);
	return VMP_OK;
}

static int read_how(const struct word *words, const char *text, int *how, struct vmp_msg *msg)
{
	for (; words->word; words++) {
		if (strcmp(text, words->word) == 0) {
			*how = words->value;
			return VMP_OK;
		}
	}
	return vmp_fail(msg, VMP_EINVAL, "how: unknown word");
}

static int read_uuid(const char *text, char out[VMP_UUID_TEXT], struct vmp_msg *msg)
{
	if (vmp_uuid_parse(text, strlen(text), out) == VMP_OK)
		return VMP_OK;
	return vmp_fail(msg, VMP_EINVAL, "uuid: expected a UUID");
}

static int read_nic(json_t *json, struct guest_nic *out, struct vmp_msg *msg)
{
	const char *mac, *bridge, *direct, *port;
	json_error_t why;
	int err = unpacked(json_unpack_ex(json, &why, JSON_STRICT, "{s:s, s:s, s:s, s:s}", "mac", &mac, "bridge",
					  &bridge, "direct", &direct, "port", &port),
			   &why, msg);

	if (err == VMP_OK && vmp_mac_parse(mac, strlen(mac), &out->mac) != VMP_OK)
		err = vmp_fail(msg, VMP_EINVAL, "mac: expected a unicast MAC address");
	if (err == VMP_OK)
		err = copy(out->bridge, sizeof(out->bridge), bridge, "bridge", msg);
	if (err == VMP_OK)
		err = copy(out->direct, sizeof(out->direct), direct, "direct", msg);
	if (err == VMP_OK)
		err = copy(out->port, sizeof(out->port), port, "port", msg);
	return err;
}

static int read_nics(json_t *json, struct guest_info *out, struct vmp_msg *msg)
{
	json_t *nic;
	size_t i;

	if (!json_is_array(json) || json_array_size(json) > GUEST_NICS)
		return vmp_fail(msg, VMP_EINVAL, "nics: expected an array of at most %d", GUEST_NICS);
	json_array_foreach(json, i, nic) {
		int err = read_nic(nic, &out->nic[i], msg);

		if (err != VMP_OK)
			return err;
		out->n_nic++;
	}
	return VMP_OK;
}

static int read_guest(json_t *json, struct guest_info *out, struct vmp_msg *msg)
{
	const char *uuid, *name, *template, *cidata;
	json_error_t why;
	json_t *nics;
	int err = unpacked(json_unpack_ex(json, &why, JSON_STRICT, "{s:s, s:s, s:s, s:s, s:o}", "uuid", &uuid, "name",
					  &name, "template", &template, "cidata", &cidata, "nics", &nics),
			   &why, msg);

	out->source = GUEST_LIBVIRT;
	if (err == VMP_OK)
		err = read_uuid(uuid, out->uuid, msg);
	if (err == VMP_OK)
		err = copy(out->name, sizeof(out->name), name, "name", msg);
	if (err == VMP_OK)
		err = copy(out->template_name, sizeof(out->template_name), template, "template", msg);
	if (err == VMP_OK)
		err = copy(out->cidata, sizeof(out->cidata), cidata, "cidata", msg);
	if (err == VMP_OK)
		err = read_nics(nics, out, msg);
	return err;
}

/* -- events */
static int take_present(json_t *json, struct vmp_msg *msg)
{
	struct guest_info info = { .n_nic = 0 };
	const char *event, *word;
	json_error_t why;
	json_t *guest;
	int how = 0, err = unpacked(json_unpack_ex(json, &why, JSON_STRICT, "{s:s, s:s, s:o}", "event", &event, "how",
						   &word, "guest", &guest),
				    &why, msg);

	if (err == VMP_OK)
		err = read_how(arrivals, word, &how, msg);
	if (err == VMP_OK)
		err = read_guest(guest, &info, msg);
	if (err == VMP_OK)
		guest_present(&info, (enum guest_arrival)how);
	return err;
}

static int take_gone(json_t *json, struct vmp_msg *msg)
{
	const char *event, *text, *word;
	char uuid[VMP_UUID_TEXT];
	json_error_t why;
	int how = 0, err = unpacked(json_unpack_ex(json, &why, JSON_STRICT, "{s:s, s:s, s:s}", "event", &event, "uuid",
						   &text, "how", &word),
				    &why, msg);

	if (err == VMP_OK)
		err = read_how(departures, word, &how, msg);
	if (err == VMP_OK)
		err = read_uuid(text, uuid, msg);
	if (err == VMP_OK)
		guest_gone(GUEST_LIBVIRT, uuid, (enum guest_departure)how);
	return err;
}

static int read_alone(json_t *json, struct vmp_msg *msg)
{
	const char *event;
	json_error_t why;

	return unpacked(json_unpack_ex(json, &why, JSON_STRICT, "{s:s}", "event", &event), &why, msg);
}

static int take_sync_begin(json_t *json, struct vmp_msg *msg)
{
	int err = read_alone(json, msg);

	if (err == VMP_OK)
		guest_sync_begin(GUEST_LIBVIRT);
	return err;
}

static int take_sync_end(json_t *json, struct vmp_msg *msg)
{
	int err = read_alone(json, msg);

	if (err == VMP_OK)
		guest_sync_end(GUEST_LIBVIRT);
	return err;
}

static int take_connected(json_t *json, struct vmp_msg *msg)
{
	int err = read_alone(json, msg);

	if (err != VMP_OK)
		return err;
	snprintf(source.state, sizeof(source.state), "connected");
	vmp_log(VMP_LOG_INFO, "libvirt-connected", NULL);
	return VMP_OK;
}

/* Guests stay as they are: they run on without libvirtd. */
static int take_disconnected(json_t *json, struct vmp_msg *msg)
{
	const char *event, *text;
	json_error_t why;
	int err = unpacked(json_unpack_ex(json, &why, JSON_STRICT, "{s:s, s:s}", "event", &event, "why", &text), &why,
			   msg);
	struct vmp_msg line;

	if (err != VMP_OK)
		return err;
	vmp_fail(&line, VMP_EIO, "%s", *text ? text : "disconnected"); /* as one line */
	if (strcmp(source.state, line.text) != 0)
		vmp_log(VMP_LOG_WARNING, "libvirt-disconnected", "why", line.text, NULL);
	memcpy(source.state, line.text, sizeof(source.state));
	return VMP_OK;
}

static const struct {
	const char *word;
	int (*take)(json_t *json, struct vmp_msg *msg);
} events[] = {
	{ "present", take_present },   { "gone", take_gone },		{ "sync-begin", take_sync_begin },
	{ "sync-end", take_sync_end }, { "connected", take_connected }, { "disconnected", take_disconnected },
};

static int take(json_t *json, struct vmp_msg *msg)
{
	const char *event = json_string_value(json_object_get(json, "event"));
	size_t i;

	for (i = 0; event && i < sizeof(events) / sizeof(events[0]); i++) {
		if (strcmp(event, events[i].word) == 0)
			return events[i].take(json, msg);
	}
	return vmp_fail(msg, VMP_EINVAL, "event: expected one of those in source.h");
}

int source_libvirt_take(const char *json, size_t len, struct vmp_msg *msg)
{
	json_error_t why;
	json_t *message;
	int err;

	if (len > SOURCE_MESSAGE_MAX)
		return vmp_fail(msg, VMP_EINVAL, "expected at most %d octets", SOURCE_MESSAGE_MAX);
	message = json_loadb(json, len, JSON_REJECT_DUPLICATES, &why);
	if (!message)
		return vmp_fail(msg, VMP_EINVAL, "expected JSON: %s", why.text);
	err = take(message, msg);
	json_decref(message);
	return err;
}

/* -- the socket */
void source_libvirt_close(void)
{
	if (!source.readable)
		return;
	event_free(source.readable);
	source.readable = NULL;
	close(source.fd);
}

static void ended(const char *why)
{
	source_libvirt_close();
	snprintf(source.state, sizeof(source.state), "%s", why);
	vmp_log(VMP_LOG_ERROR, "libvirt-process-gone", "why", why, NULL);
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
	static char message[SOURCE_MESSAGE_MAX + 1];
	struct vmp_msg msg;
	int i;

	(void)what;
	(void)ctx;
	for (i = 0; i < TURN_MESSAGES; i++) {
		ssize_t n = recv(fd, message, sizeof(message), MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			ended(n == 0 ? "the libvirt process has ended" : strerror(errno));
			return;
		}
		if (source_libvirt_take(message, (size_t)n, &msg) != VMP_OK)
			vmp_log(VMP_LOG_ERROR, "malformed-message", "peer", "libvirt", "why", msg.text, NULL);
	}
}

int source_libvirt_open(int fd, struct vmp_msg *msg)
{
	source.readable = event_new(loop.base, fd, EV_READ | EV_PERSIST, on_readable, NULL);
	if (!source.readable || event_add(source.readable, NULL) != 0)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	source.fd = fd;
	source.open = true;
	snprintf(source.state, sizeof(source.state), "not connected yet");
	return VMP_OK;
}

void source_libvirt_attach(const char *uuid, const char *path)
{
	json_t *json = source.readable ? json_pack("{s:s, s:s, s:s}", "do", "attach", "uuid", uuid, "path", path)
				       : NULL;
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	if (!text || send(source.fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		vmp_log(VMP_LOG_WARNING, "cidata-not-attached", "guest", uuid, "why",
			text ? strerror(errno) : "the libvirt process is not there", NULL);
	free(text);
	json_decref(json);
}

const char *source_libvirt_state(void)
{
	return source.open ? source.state : "";
}
