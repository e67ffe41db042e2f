/* The EAP peer of RFC 4137 section 4, with the two methods that a host uses. */
#include "eap_md5.h"
#include "pki.h"
#include "supplicant_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Requests in one conversation: the longest message from the server in fragments of 1 KiB takes 64. */
#define ROUNDS_MAX 200

struct vmp_eap_peer *vmp_eap_peer_new(void)
{
	struct vmp_eap_peer *peer = calloc(1, sizeof(*peer));

	if (peer)
		peer->allow_notifications = true;
	return peer;
}

void vmp_eap_peer_free(struct vmp_eap_peer *peer)
{
	if (!peer)
		return;
	vmp_eap_tls_free(peer->tls);
	free(peer);
}

const char *vmp_eap_peer_stage(const struct vmp_eap_peer *peer)
{
	if (peer->selected == VMP_EAP_TLS)
		return peer->decision == DECISION_FAIL ? "during EAP-TLS" : "after EAP-TLS";
	if (peer->selected == VMP_EAP_MD5)
		return "after EAP-MD5";
	return peer->refused ? "after a Nak" : "after the identity";
}

/* -- TLS sessions -- */

void vmp_eap_peer_drop_session(struct vmp_supplicant *s)
{
	if (s->session)
		vmp_wipe(s->session, s->session_len);
	free(s->session);
	s->session = NULL;
	s->session_len = 0;
}

void vmp_eap_peer_keep_session(struct vmp_supplicant *s, const struct vmp_eap_peer *peer)
{
	uint8_t der[VMP_TLS_SESSION_MAX];
	size_t len;

	if (!peer->tls)
		return;
	s->resumed = vmp_eap_tls_resumed(peer->tls);
	len = vmp_eap_tls_session(peer->tls, der);
	vmp_eap_peer_drop_session(s);
	if (len > 0 && !s->no_session)
		s->session = malloc(len);
	if (s->session) {
		memcpy(s->session, der, len);
		s->session_len = (uint16_t)len;
	}
	vmp_wipe(der, sizeof(der));
}

/* -- methods -- */

/* What became of a request: a length of the response's type-data, or nothing. */
struct answer {
	bool discard;
	size_t len;
	uint8_t data[VMP_EAP_MAX];
};

static size_t password_of(const struct vmp_supplicant *s, char out[VMP_PASSWORD_MAX])
{
	size_t len = s->ops->password ? s->ops->password(s->ctx, out) : 0;

	return len <= VMP_PASSWORD_MAX ? len : 0;
}

static bool md5_usable(const struct vmp_supplicant *s)
{
	char password[VMP_PASSWORD_MAX];
	bool usable = password_of(s, password) > 0 && vmp_eap_md5_usable();

	vmp_wipe(password, sizeof(password));
	return usable;
}

static void md5_process(struct vmp_supplicant *s, struct vmp_eap_peer *peer, const struct vmp_eap *eap,
			struct answer *out)
{
	char password[VMP_PASSWORD_MAX];
	size_t len = password_of(s, password);

	out->len = vmp_eap_md5_answer(eap->id, eap->data, eap->len, password, len, s->identity, out->data);
	vmp_wipe(password, sizeof(password));
	out->discard = out->len == 0;
	if (out->discard)
		return;
	peer->method_state = METHOD_DONE;
	peer->decision = DECISION_COND_SUCC;
}

static struct vmp_tls_identity *tls_identity(const struct vmp_supplicant *s)
{
	return s->ops->tls_identity ? s->ops->tls_identity(s->ctx) : NULL;
}

static bool tls_usable(const struct vmp_supplicant *s)
{
	return tls_identity(s) != NULL;
}

static void fail(struct vmp_supplicant *s, struct vmp_eap_peer *peer, const char *why)
{
	peer->decision = DECISION_FAIL;
	peer->failed = true;
	/* What came to all may have been another's; whose conversation it is goes on without us. */
	if (peer->group)
		peer->method_state = METHOD_DONE;
	(void)snprintf(s->why, sizeof(s->why), "%s", why);
}

static void tls_process(struct vmp_supplicant *s, struct vmp_eap_peer *peer, const struct vmp_eap *eap,
			struct answer *out)
{
	enum vmp_eap_tls_result result = VMP_EAP_TLS_DISCARD;

	if (!peer->tls) {
		peer->tls = vmp_eap_tls_new(tls_identity(s), s->session, s->session_len);
		peer->offered = s->session != NULL;
	}
	if (peer->tls)
		result = vmp_eap_tls_request(peer->tls, eap->data, eap->len, out->data, &out->len);
	out->discard = result == VMP_EAP_TLS_DISCARD;
	if (out->discard)
		return;
	peer->method_state = METHOD_MAY_CONT;
	if (result == VMP_EAP_TLS_DONE) {
		/* The result is protected now; what is not protected must not be shown (RFC 3748 7.12). */
		peer->decision = DECISION_COND_SUCC;
		peer->allow_notifications = false;
	} else if (result == VMP_EAP_TLS_FAILED) {
		fail(s, peer, vmp_eap_tls_why(peer->tls));
	}
}

static const struct method {
	uint8_t type;
	bool (*usable)(const struct vmp_supplicant *s);
	void (*process)(struct vmp_supplicant *s, struct vmp_eap_peer *peer, const struct vmp_eap *eap,
			struct answer *out);
} methods[] = { { VMP_EAP_TLS, tls_usable, tls_process }, { VMP_EAP_MD5, md5_usable, md5_process } };

static const struct method *method_of(const struct vmp_supplicant *s, uint8_t type)
{
	const uint8_t *allowed = s->params->method;
	size_t i;

	if (allowed[0] != type && allowed[1] != type)
		return NULL;
	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (methods[i].type == type && methods[i].usable(s))
			return &methods[i];
	}
	return NULL;
}

/* -- RECEIVED -- */

struct look {
	const struct vmp_supplicant *s;
	const struct vmp_eap_peer *peer; /* NULL: none goes on */
	const struct vmp_eap *eap;
	bool group;
};

/* FNV-1a: tells a repetition from another request.  Whoever forges an equal one gets an old response once more. */
static uint64_t hash_of(const struct vmp_eap *eap)
{
	uint64_t h = 0xcbf29ce484222325ULL;
	size_t i;

	h = (h ^ eap->type) * 0x100000001b3ULL;
	for (i = 0; i < eap->len; i++)
		h = (h ^ eap->data[i]) * 0x100000001b3ULL;
	return h ? h : 1;
}

static bool same_id(const struct look *l)
{
	return l->s->request_hash && l->eap->id == l->s->request_id;
}

static bool next_id(const struct look *l)
{
	return l->s->request_hash && l->eap->id == (uint8_t)(l->s->request_id + 1);
}

static bool repeated(const struct look *l)
{
	return l->eap->code == VMP_EAP_REQUEST && same_id(l) && hash_of(l->eap) == l->s->request_hash;
}

/* Everybody on the port hears the group's address; authenticators count on by one, and so the next identifier is the
 * best mark there is of what belongs to this conversation.  What came to our own address needs no such mark. */
static bool ours(const struct look *l)
{
	return !l->group || (l->peer && next_id(l));
}

static bool none_selected(const struct look *l)
{
	return !l->peer || l->peer->selected == VMP_EAP_NONE;
}

/* RFC 3748 4.2 wants the last request's identifier; some authenticators count on before they send it. */
static bool to_success(const struct look *l)
{
	return l->eap->code == VMP_EAP_SUCCESS && l->peer && l->peer->decision != DECISION_FAIL &&
	       (same_id(l) || next_id(l));
}

/* hostapd 2.10 resumes TLS 1.3 without RFC 9190's protected success indication.  It may be anybody's Success as well;
 * but to wait for a better one is of no use. */
static bool to_unproved(const struct look *l)
{
	return l->eap->code == VMP_EAP_SUCCESS && l->peer && l->peer->tls && !l->peer->failed && same_id(l) &&
	       vmp_eap_tls_resumed(l->peer->tls);
}

static bool to_failure(const struct look *l)
{
	return l->eap->code == VMP_EAP_FAILURE && l->peer && (same_id(l) || (!l->group && next_id(l)));
}

static bool to_retransmit(const struct look *l)
{
	return l->peer && repeated(l);
}

/* One that the last has overtaken: answered already, and an acknowledgment among them would take a fragment of ours
 * that nobody waits for. */
static bool to_overtaken(const struct look *l)
{
	return l->eap->code == VMP_EAP_REQUEST && l->peer && l->peer->past && l->eap->id == l->peer->past_id &&
	       hash_of(l->eap) == l->peer->past;
}

/* The switch begins anew, as one that was restarted does; with any identifier. */
static bool to_identity(const struct look *l)
{
	if (l->eap->code != VMP_EAP_REQUEST || l->eap->type != VMP_EAP_IDENTITY)
		return false;
	return none_selected(l) ? !l->peer || !same_id(l) : !l->group;
}

/* Late repetitions among them: a request that was overtaken by the Success must not begin a conversation. */
static bool to_discard(const struct look *l)
{
	return l->eap->code != VMP_EAP_REQUEST || (l->peer ? same_id(l) : repeated(l));
}

static bool to_notification(const struct look *l)
{
	return l->eap->type == VMP_EAP_NOTIFICATION && (!l->peer || l->peer->allow_notifications) && ours(l);
}

static bool to_get_method(const struct look *l)
{
	return l->eap->type > VMP_EAP_NAK && none_selected(l) && ours(l);
}

static bool to_method(const struct look *l)
{
	return l->peer && l->eap->type == l->peer->selected && l->eap->type > VMP_EAP_NAK &&
	       l->peer->method_state != METHOD_DONE && ours(l);
}

/* The transitions out of RECEIVED, in the order of RFC 4137 figure 3. */
static const struct {
	bool (*when)(const struct look *l);
	enum vmp_eap_state to;
} transitions[] = {
	{ to_success, EAP_SUCCESS },	   { to_unproved, EAP_UNPROVED },	  { to_failure, EAP_FAILURE },
	{ to_retransmit, EAP_RETRANSMIT }, { to_overtaken, EAP_DISCARD },	  { to_identity, EAP_IDENTITY },
	{ to_discard, EAP_DISCARD },	   { to_notification, EAP_NOTIFICATION }, { to_get_method, EAP_GET_METHOD },
	{ to_method, EAP_METHOD },
};

enum vmp_eap_state vmp_eap_peer_received(const struct vmp_supplicant *s, const struct vmp_eap *eap, bool group)
{
	struct look l = { s, s->peer, eap, group };
	size_t i;

	for (i = 0; i < sizeof(transitions) / sizeof(transitions[0]); i++) {
		if (transitions[i].when(&l))
			return transitions[i].to;
	}
	return EAP_DISCARD;
}

/* -- responses -- */

static bool respond(struct vmp_supplicant *s, struct vmp_eap_peer *peer, const struct vmp_eap *eap, uint8_t type,
		    const uint8_t *data, size_t len)
{
	peer->len = vmp_eap_write(VMP_EAP_RESPONSE, eap->id, type, data, len, peer->response);
	if (peer->rounds > 0) {
		peer->past_id = s->request_id;
		peer->past = s->request_hash;
	}
	s->request_id = eap->id;
	s->request_hash = hash_of(eap);
	return peer->len > 0;
}

static bool notification(struct vmp_supplicant *s, struct vmp_eap_peer *peer, const struct vmp_eap *eap)
{
	size_t i, n = eap->len < VMP_NOTICE_MAX ? eap->len : VMP_NOTICE_MAX;

	for (i = 0; i < n; i++)
		s->notice[i] = eap->data[i] >= ' ' && eap->data[i] <= '~' ? (char)eap->data[i] : '?';
	s->notice[n] = '\0';
	return respond(s, peer, eap, VMP_EAP_NOTIFICATION, NULL, 0);
}

static bool identity(struct vmp_supplicant *s, struct vmp_eap_peer *peer, const struct vmp_eap *eap)
{
	return respond(s, peer, eap, VMP_EAP_IDENTITY, (const uint8_t *)s->identity, strlen(s->identity));
}

/* A legacy Nak (RFC 3748 5.3.1), to the Expanded type as well: so answers a peer that does not interpret it (5.7). */
static bool nak(struct vmp_supplicant *s, struct vmp_eap_peer *peer, const struct vmp_eap *eap)
{
	uint8_t wanted[2] = { VMP_EAP_NONE };
	size_t i, n = 0;

	for (i = 0; i < 2; i++) {
		if (method_of(s, s->params->method[i]))
			wanted[n++] = s->params->method[i];
	}
	peer->refused = eap->type;
	(void)snprintf(s->why, sizeof(s->why), "the server asked for EAP type %u, which is not offered", eap->type);
	return respond(s, peer, eap, VMP_EAP_NAK, wanted, n ? n : 1);
}

static bool process(struct vmp_supplicant *s, struct vmp_eap_peer *peer, const struct vmp_eap *eap)
{
	const struct method *method = method_of(s, eap->type);
	struct answer answer;

	/* The password or the identity may be gone since it was selected. */
	if (!method)
		return false;
	method->process(s, peer, eap, &answer);
	return !answer.discard && respond(s, peer, eap, eap->type, answer.data, answer.len);
}

static bool get_method(struct vmp_supplicant *s, struct vmp_eap_peer *peer, const struct vmp_eap *eap)
{
	if (!method_of(s, eap->type))
		return nak(s, peer, eap);
	peer->selected = eap->type;
	peer->method_state = METHOD_INIT;
	if (process(s, peer, eap))
		return true;
	/* What makes no sense selects nothing. */
	vmp_eap_tls_free(peer->tls);
	peer->tls = NULL;
	peer->selected = VMP_EAP_NONE;
	peer->method_state = METHOD_NONE;
	return false;
}

bool vmp_eap_peer_answer(struct vmp_supplicant *s, struct vmp_eap_peer *peer, enum vmp_eap_state state,
			 const struct vmp_eap *eap)
{
	static bool (*const answers[])(struct vmp_supplicant *, struct vmp_eap_peer *, const struct vmp_eap *) = {
		[EAP_NOTIFICATION] = notification,
		[EAP_IDENTITY] = identity,
		[EAP_GET_METHOD] = get_method,
		[EAP_METHOD] = process,
	};

	if (peer->rounds >= ROUNDS_MAX) {
		peer->method_state = METHOD_DONE;
		fail(s, peer, "the server never comes to an end");
		return false;
	}
	if (!answers[state](s, peer, eap))
		return false;
	peer->rounds++;
	return true;
}
