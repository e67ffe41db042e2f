#include "session_view.h"
#include "mac.h"
#include "record_read.h"
#include "when.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const methods[] = { [VMP_METHOD_MAB] = "mab",
				       [VMP_METHOD_EAP] = "eap",
				       [VMP_METHOD_EAP_MD5] = "eap-md5",
				       [VMP_METHOD_EAP_TLS] = "eap-tls",
				       [VMP_METHOD_EAP_OTHER] = "eap-other" };

static const char *method_name(enum vmp_method method)
{
	return (size_t)method < sizeof(methods) / sizeof(methods[0]) ? methods[method] : "unknown";
}

static void set_time(json_t *doc, const char *key, int64_t at)
{
	char text[WHEN_TEXT];

	json_object_set_new(doc, key, at ? json_string(when_text(at, text)) : json_null());
}

static void set_text(json_t *doc, const char *key, const char *text)
{
	json_object_set_new(doc, key, *text ? vmp_json_text(text) : json_null());
}

static void set_number(json_t *doc, const char *key, uint64_t number, bool known)
{
	json_object_set_new(doc, key, known ? json_integer((json_int_t)number) : json_null());
}

/* Numbers that are names: JSON's are too short for them in many programs. */
static void set_hex(json_t *doc, const char *key, uint64_t number)
{
	json_object_set_new(doc, key, number ? json_sprintf("%016" PRIx64, number) : json_null());
}

static void set_place(json_t *doc, const struct vmp_place *place)
{
	set_text(doc, "nas", place->nas);
	set_number(doc, "nas_port", (uint64_t)place->nas_port, place->nas_port >= 0);
	set_text(doc, "nas_port_id", place->nas_port_id);
	set_text(doc, "nas_ip", place->nas_ip);
	set_text(doc, "nas_identifier", place->nas_identifier);
	set_text(doc, "user_name", place->user_name);
	set_text(doc, "calling_station_id", place->calling_station_id);
	set_text(doc, "acct_session_id", place->acct_session_id);
	set_text(doc, "framed_ip", place->framed_ip);
}

static json_t *describe(const struct vmp_session *s)
{
	char mac[VMP_MAC_TEXT];
	json_t *doc;

	vmp_mac_format(s->mac, mac);
	doc = json_pack("{s:s, s:n, s:n, s:s}", "mac", mac, "vm", "nas_name", "state", s->state);
	set_number(doc, "past_id", (uint64_t)s->past_id, s->past_id);
	set_text(doc, "cause", s->cause);
	set_place(doc, &s->place);
	set_hex(doc, "token", s->token);
	set_text(doc, "method", s->authorized_at ? method_name(s->method) : "");
	set_text(doc, "cert_name", s->cert_name);
	json_object_set_new(doc, "quarantined", json_boolean(s->quarantined));
	set_number(doc, "vlan", s->vlan, s->vlan);
	set_hex(doc, "policy", s->policy);
	set_time(doc, "authorized_at", s->authorized_at);
	set_time(doc, "since", s->since);
	set_time(doc, "updated_at", s->updated_at);
	set_time(doc, "expires_at", s->expires_at);
	set_time(doc, "ended_at", s->ended_at);
	set_time(doc, "closed_at", s->closed_at);
	set_number(doc, "input_octets", s->input_octets, true);
	set_number(doc, "output_octets", s->output_octets, true);
	return doc;
}

/* Would the NAS be told something else today?  Null: what it was told is not known, or the guest perhaps none of ours.
 */
static json_t *differs(const struct vmp_session *s, const struct vmp_decision *d)
{
	if (d->verdict == VMP_UNKNOWN && s->quarantined)
		return json_boolean(d->nas && d->nas->quarantine_vlan && d->nas->quarantine_vlan != s->vlan);
	if (d->verdict == VMP_UNKNOWN && !s->authorized_at)
		return json_null();
	if (d->verdict != VMP_ALLOW || s->quarantined)
		return json_true();
	return s->policy ? json_boolean(!vmp_policy_was_told(s->policy, d)) : json_null();
}

static json_t *answer(const struct vmp_session *s, const struct vmp_decision *d)
{
	bool allowed = d->verdict == VMP_ALLOW;
	uint32_t vlan = d->effective.set >> VMP_F_VLAN & 1 ? d->effective.value[VMP_F_VLAN].num : 0;
	json_t *doc = json_pack("{s:b, s:s, s:s, s:o}", "allowed", (int)allowed, "verdict",
				vmp_verdict_name(d->verdict), "sentence", vmp_verdict_text(d->verdict), "differs",
				differs(s, d));

	set_number(doc, "vlan", vlan, allowed && vlan);
	set_hex(doc, "policy", allowed ? vmp_policy_digest(d) : 0);
	return doc;
}

/* What the store knows of the guest and the NAS; one look-up gives it all. */
static int add_policy(struct vmp_store *policy, const struct vmp_session *s, int64_t now, json_t *doc,
		      struct vmp_msg *msg)
{
	const char *const cert_names[] = { *s->cert_name ? s->cert_name : NULL, NULL };
	/* Known from accounting alone: how the guest authenticated is not known, and says nothing against it. */
	struct vmp_request req = { .method = s->authorized_at ? s->method : VMP_METHOD_EAP,
				   .port_id = *s->place.nas_port_id ? s->place.nas_port_id : NULL,
				   .port = s->place.nas_port,
				   .cert_name = cert_names,
				   .now = now };
	bool has_nas = vmp_addr_parse(s->place.nas, &req.nas) == VMP_OK;
	struct vmp_decision d;
	int err = vmp_store_decide(policy, s->mac, &req, &d, msg);

	if (err == VMP_OK && d.vm)
		set_text(doc, "vm", d.vm->name);
	if (err == VMP_OK && d.nas)
		set_text(doc, "nas_name", d.nas->name);
	if (err == VMP_OK && !s->past_id)
		json_object_set_new(doc, "now", has_nas ? answer(s, &d) : json_null());
	vmp_store_end(policy);
	return err;
}

int session_view(struct vmp_store *policy, const struct vmp_session *session, int64_t now, json_t **out,
		 struct vmp_msg *msg)
{
	json_t *doc = describe(session);
	int err = doc ? add_policy(policy, session, now, doc, msg) : vmp_fail(msg, VMP_ENOMEM, "out of memory");

	*out = err == VMP_OK ? doc : NULL;
	if (err != VMP_OK)
		json_decref(doc);
	return err;
}

const char *session_cell(const json_t *view, const char *key, char room[24])
{
	const json_t *v = json_object_get(view, key);

	if (json_is_string(v) && *json_string_value(v))
		return json_string_value(v);
	if (json_is_integer(v))
		snprintf(room, 24, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	else if (json_is_boolean(v))
		snprintf(room, 24, "%s", json_is_true(v) ? "yes" : "no");
	else
		snprintf(room, 24, "-");
	return room;
}

static bool has(const json_t *view, const char *key)
{
	const json_t *v = json_object_get(view, key);

	return v && !json_is_null(v);
}

const char *session_cell_port(const json_t *view, char room[24])
{
	return session_cell(view, has(view, "nas_port_id") ? "nas_port_id" : "nas_port", room);
}

const char *session_cell_nas(const json_t *view, char room[24])
{
	return session_cell(view, has(view, "nas_name") ? "nas_name" : "nas", room);
}
