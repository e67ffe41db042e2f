/* The other end of CoA and Disconnect for tests: it signs answers with OpenSSL, not with what is under test. */
#ifndef TEST_DAS_H
#define TEST_DAS_H

#include "coa/packet.h"

#define DAS_NO_MESSAGE_AUTHENTICATOR  1u
#define DAS_BAD_MESSAGE_AUTHENTICATOR 2u /* under a Response Authenticator that is right */

/* An answer to a request. cause 0: none. @return its length. */
size_t das_answer(const struct packet *request, const char *secret, uint8_t code, uint32_t cause, unsigned flags,
		  uint8_t out[PACKET_MAX]);
/* Sign what stands in an answer: Message-Authenticator where there is one, Response Authenticator. */
void das_sign(const struct packet *request, const char *secret, uint8_t *octet, size_t len);

/* Is the request signed as RFC 5176 section 2.3 and RFC 3579 section 3.2 say? */
bool das_request_is_signed(const struct packet *request, const char *secret);
/* The n-th attribute of a type, from 0; NULL: none. */
const uint8_t *das_attr(const struct packet *request, uint8_t type, int n, size_t *len);

#endif
