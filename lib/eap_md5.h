/** EAP MD5-Challenge, the peer's side (RFC 3748 section 5.4). */
#ifndef VMP_EAP_MD5_H
#define VMP_EAP_MD5_H

#include "eap.h"

#include <stdbool.h>

#define VMP_MD5_DIGEST	 16
#define VMP_PASSWORD_MAX 128 /**< [octets] */

/** Does this OpenSSL have MD5?  Not where FIPS rules. */
bool vmp_eap_md5_usable(void);

/** Answer the type-data of a request: a value of 1 to 255 octets, and a name that says nothing here.
 *
 * @param id        identifier of the request; it is digested too.
 * @param password  at most VMP_PASSWORD_MAX octets; borrowed.
 * @param name      who answers, for the end of the response.
 * @param out       VMP_EAP_MAX octets: the response's type-data.
 * @return its length; 0: no value, or shorter than it says; or no MD5. */
size_t vmp_eap_md5_answer(uint8_t id, const uint8_t *data, size_t len, const char *password, size_t password_len,
			  const char *name, uint8_t out[VMP_EAP_MAX]);

#endif
