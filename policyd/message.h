/** What policyd's processes say to each other, and how it stands on a socketpair.
 *
 * A frame is a header of 16 octets (payload length, type, zero, id; big-endian) and the fields that the type has, in
 * the order of enum field.  A reader trusts nothing: each field is checked as it is read, so that a process that was
 * broken into can say nothing that does not make sense.
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include "ca.h"
#include "cms.h"
#include "lease.h"
#include "seal.h"
#include "store_coa.h"

#include <event2/buffer.h>

enum message_type {
	M_REPLY = 1, /**< to any of the others, with its id: err, text, blob */
	/* From net to store. */
	M_SERVER,    /**< policyd's own certificate for key -> DER */
	M_CHAIN,     /**< -> the CA's certificates in DER, one after the other; store asks signer the same */
	M_ENROL,     /**< token, label (empty: any), key -> DER */
	M_RENEW,     /**< serial, label, key -> DER */
	M_START,     /**< serial of the host, uuid, mac, label, name -> JSON */
	M_STOP,	     /**< serial of the host, uuid */
	M_SELF,	     /**< serial, wg_key, endpoint -> JSON */
	M_COI_KEYS,  /**< serial -> JSON */
	M_COI_ACK,   /**< serial, coi, epoch */
	M_DIRECTORY, /**< serial, since, wait -> JSON */
	M_NOTICES,   /**< serial of the host, since, wait -> JSON */
	M_OCSP,	     /**< ocsp -> DER */
	M_CRL,	     /**< -> DER */
	M_HEALTH,    /**< -> JSON */
	M_METRICS,   /**< -> text */
	/* From store to signer. */
	M_CHAIN_PEM, /**< -> PEM */
	M_ISSUE,     /**< kind, serial, from, until, name (CN), label (UUID or DNS name), key -> DER */
	M_NEW_KEY,   /**< number (COI), epoch -> sealed key */
	M_WRAP,	     /**< serial, coi, epoch, from, until, number (COI), sealed, blob (certificate) -> CMS */
	M_SIGN_OCSP, /**< ocsp, from, until -> DER */
	M_SIGN_CRL,  /**< number, from, until, blob: serial, time, reason for each -> DER */
	/* Between store and coa; a result comes for each, sooner or later. */
	M_COA,	      /**< number (job), action, blob: JSON as coa/job.h has it */
	M_COA_RESULT, /**< number (job), action (the last that was sent), outcome, cause, text */
	/* From net to store. */
	M_LICENCE,	 /**< serial, lease -> JSON, with an error as well */
	M_LICENCE_WATCH, /**< serial of the gateway, since, wait -> JSON */
	M_FILTERS,	 /**< serial of the gateway, since, wait -> JSON */
	M_TYPES
};

/** [octets] Each revoked certificate in M_SIGN_CRL's blob: serial number, big-endian time, reason. */
#define MESSAGE_REVOKED (VMP_SERIAL + 8 + 1)
#define MESSAGE_HEADER	16
#define MESSAGE_MAX	(64u << 20) /**< [octets] payload; a CRL of two and a half million certificates */

/** What became of a job in the coa process. */
enum coa_outcome {
	COA_ACKNOWLEDGED = 1,
	COA_GONE,    /**< the NAS has no such session (any more) */
	COA_REFUSED, /**< and will refuse again */
	COA_LATER,   /**< refused, but may do it later */
	COA_SILENT,  /**< no answer that can be trusted */
	COA_UNABLE,  /**< could not be sent; the text says what is missing */
	COA_OUTCOMES
};

#define MESSAGE_UUID  16  /**< [octets] */
#define MESSAGE_UUIDS 500 /**< in one request */

/** A request for licences. */
struct message_lease {
	char product[VMP_PRODUCT];
	char id[VMP_UUID_TEXT];
	uint64_t seen, has, in_use, wants, least, elsewhere;
	uint32_t all;		       /**< 1: those that have started are all */
	uint32_t n_started, n_stopped; /**< together at most MESSAGE_UUIDS */
	const uint8_t *uuids;	       /**< theirs, MESSAGE_UUID octets each; borrowed */
};

struct message {
	enum message_type type;
	uint64_t id;
	uint8_t serial[VMP_SERIAL];
	uint8_t token[VMP_DIGEST]; /**< its hash */
	struct vmp_pubkey key;
	uint64_t mac;
	char uuid[VMP_UUID_TEXT];
	char label[254];
	char name[129];
	char wg_key[45];
	char endpoint[64];
	char coi[VMP_COI_NAME];
	uint32_t epoch;
	uint64_t since;
	uint32_t wait;	      /**< [s] */
	uint32_t kind;	      /**< enum vmp_cert_kind */
	uint64_t from, until; /**< [s] since 1970, UTC */
	uint64_t number;
	uint8_t sealed[VMP_SEALED];
	struct vmp_ocsp ocsp;
	uint32_t action;  /**< enum vmp_coa_action */
	uint32_t outcome; /**< enum coa_outcome */
	uint32_t cause;	  /**< Error-Cause; 0: none */
	struct message_lease lease;
	uint32_t err; /**< of a reply: -enum vmp_err */
	char text[VMP_MSG_MAX];
	const uint8_t *blob; /**< borrowed from the frame */
	size_t blob_len;
};

/** Does every field that the type has make sense?  For a process that fills one from what came from outside. */
bool message_is_sane(const struct message *m);

/** Append a frame. @return VMP_OK, VMP_ENOMEM; VMP_EINVAL when m itself makes no sense. */
VMP_CHECKED int message_write(const struct message *m, struct evbuffer *out);

/** How long is the frame that starts here? @param head  MESSAGE_HEADER octets.
 * @return VMP_OK; VMP_EINVAL: no frame of ours. */
VMP_CHECKED int message_length(const uint8_t *head, size_t *len);
/** Read one whole frame. @param out  filled; its blob points into frame. @return VMP_OK, VMP_EINVAL. */
VMP_CHECKED int message_read(const uint8_t *frame, size_t len, struct message *out);

const char *message_name(enum message_type type);

#endif
