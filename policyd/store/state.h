/** The store process: one transaction for all that has come in meanwhile, and answers only after it is durable.
 *
 * A handler answers with state_answer(), asks the signer with state_ask() and answers later, or fails with an error,
 * which is answered for it.  Whatever it wrote is taken back when it fails, and everything is when the transaction
 * does.
 */
#ifndef STATE_H
#define STATE_H

#include "channel.h"
#include "metrics.h"
#include "proc.h"
#include "store_cert.h"
#include "store_guest.h"
#include "waiters.h"

#include <jansson.h>
#include <sys/queue.h>

/** Denials written to the audit trail in one second; the rest is counted. */
#define STATE_DENIALS 50
#define STATE_LATER   1 /**< a handler's result: the answer comes later */
/** [s] that certificates begin before now, for clients whose clock is behind */
#define STATE_BACKDATE 300

struct crl;
struct licences;
struct network;

TAILQ_HEAD(job_list, job);

struct state {
	const struct config *config;
	struct event_base *base;
	struct vmp_store *store;
	struct channel *net, *signer;
	struct event *batch, *tick;
	struct vmp_clock clock; /**< as the present batch began */
	struct job_list jobs;	/**< in the order in which the signer was asked, which is that of its replies */
	uint64_t last_job;
	struct evbuffer *outbox; /**< answers, as struct outgoing, until the commit */

	/* The CA's chain, once the signer has told it. */
	char *chain_pem;
	uint8_t *chain_der;
	size_t chain_der_len;

	struct waiters notices; /**< hosts that wait for them */
	struct waiters waiters; /**< for changes of the directory */
	struct waiters filters; /**< gateways, for changes of theirs */
	int64_t last_change;
	bool changed;	    /**< since the waiters were last looked at */
	unsigned rotations; /**< asked of the signer and not recorded yet */
	struct crl *crl;
	struct licences *licences;
	struct network *network; /**< NULL: [coa] is not enabled */
	int64_t ticks, clock_offset_s;
	int64_t inner_said_ms; /**< CLOCK_BOOTTIME when it was last said that inner_prefix4 is exhausted; 0: never */
	bool untidy;	       /**< there is more to forget */
	uint64_t denials, strangers; /**< within this second; of those by nobody that we know */
	struct vmp_identity asker;   /**< of the present request; kind 0: not known */
};

/** Something asked of the signer. */
struct job {
	TAILQ_ENTRY(job) next;
	uint64_t id;
	uint64_t net_id; /**< whose answer it is; 0: nobody's */
	enum message_type net_type;
	struct vmp_identity asker; /**< as the request was */
	/** Called with the signer's reply, in a transaction, when that is no error; as a handler. */
	int (*done)(struct state *s, struct job *job, const struct message *reply, struct vmp_msg *msg);
	/** The same for a reply that is one; NULL: the client gets the error. */
	int (*failed)(struct state *s, struct job *job, const struct message *reply, struct vmp_msg *msg);
	void (*end)(struct state *s, struct job *job); /**< in any case, last; NULL: free(data) */
	void *data;
};

/** @param m  its id is set here. @param net  the message that this is for; NULL: none. @param data  taken.
 * @return STATE_LATER, or VMP_ENOMEM with data freed. */
int state_ask(struct state *s, const struct message *net, struct message *m,
	      int (*done)(struct state *s, struct job *job, const struct message *reply, struct vmp_msg *msg),
	      void (*end)(struct state *s, struct job *job), void *data);
/** What was asked last wants to see its own failure. */
void state_on_failure(struct state *s, int (*failed)(struct state *s, struct job *job, const struct message *reply,
						     struct vmp_msg *msg));

/** Answer. @return VMP_OK, VMP_ENOMEM. */
int state_answer(struct state *s, uint64_t net_id, const void *data, size_t len);
/** The same with JSON, which is taken. */
int state_answer_json(struct state *s, uint64_t net_id, json_t *json);
/** Refuse with JSON of our own; what was written stays. @param text  its "error". */
int state_answer_refusal(struct state *s, uint64_t net_id, const char *text, const char *body, size_t len);
void state_answer_error(struct state *s, uint64_t net_id, int err, const char *text);

/** Whom the message's certificate stands for; VMP_EACCES unless that is one of kinds (bits 1 << enum vmp_cert_kind). */
VMP_CHECKED int state_identify(struct state *s, const struct message *m, unsigned kinds, struct vmp_identity *out,
			       struct vmp_msg *msg);
#define STATE_GUESTS (1u << VMP_CERT_VM | 1u << VMP_CERT_GATEWAY)
#define STATE_HOSTS  (1u << VMP_CERT_HOST)

/** An audit event about an identity, in the present transaction. */
VMP_CHECKED int state_audit(struct state *s, const char *event, const char *actor, const char *subject,
			    const char *detail, struct vmp_msg *msg);
#define STATE_ACTOR 192
/** "vm 52:54:00:00:01:01 web1", "host hv1" */
void state_actor(const struct vmp_identity *who, char out[STATE_ACTOR]);
/** The same for a VM. @param kind  "vm" @param name  may be empty */
void state_vm(const char *kind, uint64_t mac, const char *name, char out[STATE_ACTOR]);

/* Handlers, by the noun that they are about. */
int enrolment_server(struct state *s, const struct message *m, struct vmp_msg *msg);
int enrolment_chain(struct state *s, const struct message *m, struct vmp_msg *msg);
int enrolment_token(struct state *s, const struct message *m, struct vmp_msg *msg);
int enrolment_renew(struct state *s, const struct message *m, struct vmp_msg *msg);
int guest_start(struct state *s, const struct message *m, struct vmp_msg *msg);
int guest_stop(struct state *s, const struct message *m, struct vmp_msg *msg);
int guest_self(struct state *s, const struct message *m, struct vmp_msg *msg);
int coi_keys_get(struct state *s, const struct message *m, struct vmp_msg *msg);
int coi_keys_ack(struct state *s, const struct message *m, struct vmp_msg *msg);
int directory_get(struct state *s, const struct message *m, struct vmp_msg *msg);
int filters_get(struct state *s, const struct message *m, struct vmp_msg *msg);
int notices_get(struct state *s, const struct message *m, struct vmp_msg *msg);
int licences_lease(struct state *s, const struct message *m, struct vmp_msg *msg);
int licences_watch(struct state *s, const struct message *m, struct vmp_msg *msg);
int revocation_ocsp(struct state *s, const struct message *m, struct vmp_msg *msg);
int revocation_crl(struct state *s, const struct message *m, struct vmp_msg *msg);
int health_get(struct state *s, const struct message *m, struct vmp_msg *msg);
int health_metrics(struct state *s, const struct message *m, struct vmp_msg *msg);

extern const struct waiters_kind directory_kind, filters_kind, notices_kind, licences_kind;

/** Answer the waiters for whom something has changed, and those who have waited long enough. */
void directory_look(struct state *s);
/** What was read in this transaction does not hold. */
void directory_rolled_back(struct state *s);
/** The same for gateways' filters; after directory_look(). */
void filters_look(struct state *s);
/** Answer the hosts of whose guests a session was taken down, and those that have waited long enough. */
void notices_look(struct state *s);
void notices_rolled_back(struct state *s);

/** @return VMP_OK, VMP_ENOMEM. */
VMP_CHECKED int licences_begin(struct state *s);
/** Each second, in a transaction: forget what is over, tell pools' dates. */
void licences_tick(struct state *s);
/** Answer the gateways for whose guests something has changed, and those that have waited long enough. */
void licences_look(struct state *s);
/** A guest was stopped: its own lease, which the schema has ended, is free. */
VMP_CHECKED int licences_gone(struct state *s, uint64_t mac, const char *uuid, struct vmp_msg *msg);
/** A message begins. */
void licences_message(struct state *s);
/** What it wrote is taken back. */
void licences_taken_back(struct state *s);
/** Before the commit: what the answers were numbered up to. */
VMP_CHECKED int licences_write(struct state *s, struct vmp_msg *msg);
void licences_committed(struct state *s);
void licences_rolled_back(struct state *s);
/** After a commit: note outside of the store how far it has come, at most each second. */
void licences_mark(struct state *s);
/** Those of /metrics that have a label for each pool. */
void licences_metrics(struct state *s, struct evbuffer *out);

/** Have the epochs made that are due. */
void coi_keys_rotate(struct state *s);
/** Retire those that are over. */
void coi_keys_retire(struct state *s);
/** Ask the signer for the CA's chain. */
void enrolment_begin(struct state *s);
/** Every 100 ms. */
void upkeep_tick(struct state *s);

/* The network, as network.h has it. */
VMP_CHECKED int network_begin(struct state *s, int channel, struct vmp_msg *msg);
/** Every 100 ms. @param others  somebody else has written to the store. */
void network_tick(struct state *s, bool others, bool each_second);
/** Follow what has been committed, outside of a transaction.  Without a network nothing happens, here and below. */
void network_work(struct state *s);
/** Take one result of the coa process. @param begun  what the transaction's begin gave. @return whether there was one.
 */
bool network_take(struct state *s, int begun);
/** What was followed and written in this transaction does not hold. */
void network_rolled_back(struct state *s);
/** The end of sessions is durable before that of their jobs. */
void sessions_commit(struct state *s);
/** "ok", or why session.db cannot be read; NULL: there is no need for it. */
const char *sessions_health(const struct state *s);

/** Take what has come from net, signer and coa, in one transaction. */
void state_batch(struct state *s);
/** Commit, or take all back, and send the answers, or what went wrong. @return whether it is durable. */
bool state_commit(struct state *s);

#endif
