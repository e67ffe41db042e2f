/* A supplicant at the end of a cable that leads nowhere: time, randomness and frames are a test's own. */
#ifndef PORT_H
#define PORT_H

#include "eap.h"
#include "supplicant.h"

#define PORT_SENT   1024
#define PORT_MAC    0x525400aabbccULL
#define PORT_SWITCH 0x020000000001ULL
#define PORT_NEVER  UINT64_MAX

struct port_sent {
	enum vmp_eapol_type type;
	uint64_t at;
	size_t len;
	uint8_t body[VMP_EAP_MAX];
};

struct port {
	struct vmp_supplicant *s;
	struct vmp_supplicant_params params;
	uint64_t mac, now;
	uint32_t random;	      /* what the next draw gives */
	const char *password;	      /* NULL: none */
	struct vmp_tls_identity *tls; /* NULL: none */
	bool group;		      /* frames come to the group's address */
	bool expecting;		      /* frames are given only when they are expected */
	struct port_sent sent[PORT_SENT];
	int n_sent, n_read;
	enum vmp_auth_event events[PORT_SENT];
	int n_events;
	int logoff_on, start_on; /* events within which to call; -1: none */
};

/* With MD5's password "secret", no TLS, no jitter: start 5 s, 3 times; auth 30 s; held 60 s to 200 s; silent 300 s;
 * reauth 3600 s. */
void port_init(struct port *p);
void port_clear(struct port *p);

/* Begin; one EAPOL-Start is out. */
void port_start(struct port *p);
/* Do all that is due until t. */
void port_until(struct port *p, uint64_t t);
void port_pass(struct port *p, uint64_t ms);

/* Give a packet as it stands. */
bool port_give(struct port *p, const uint8_t *packet, size_t len);
bool port_request(struct port *p, uint8_t id, uint8_t type, const void *data, size_t len);
bool port_identity(struct port *p, uint8_t id);
/* An MD5 challenge of 16 octets, each of them id. */
bool port_challenge(struct port *p, uint8_t id);
bool port_success(struct port *p, uint8_t id);
bool port_failure(struct port *p, uint8_t id);

/* The next frame that was sent and not yet looked at; NULL: none. */
const struct port_sent *port_next(struct port *p);
/* It must be an EAP response of this identifier and type. @return its type-data */
const uint8_t *port_response(struct port *p, uint8_t id, uint8_t type, size_t *len);
/* It must be an EAPOL-Start, or a Logoff; or nothing. */
void port_sent_start(struct port *p);
void port_sent_logoff(struct port *p);
void port_sent_nothing(struct port *p);
/* The only event since the last look. */
void port_event(struct port *p, enum vmp_auth_event event);
void port_no_event(struct port *p);
void port_state(struct port *p, enum vmp_pae_state state, bool authorized);
struct vmp_supplicant_status port_status(const struct port *p);

/* From any state that answers: identity, challenge; and then Success. */
void port_converse(struct port *p, uint8_t id);
void port_authenticate(struct port *p);
/* The same, but for the end. */
void port_reject(struct port *p, uint8_t id);

#endif
