#include "eap_tls_internal.h"

#include <openssl/bio.h>

bool vmp_tls_fragment_read(const uint8_t *data, size_t len, struct vmp_tls_fragment *out)
{
	size_t head = 1;

	if (len < 1)
		return false;
	*out = (struct vmp_tls_fragment){ .start = data[0] & VMP_TLS_FLAG_START,
					  .more = data[0] & VMP_TLS_FLAG_MORE,
					  .has_length = data[0] & VMP_TLS_FLAG_LENGTH };
	if (out->has_length) {
		head += 4;
		if (len < head)
			return false;
		out->total = (uint32_t)data[1] << 24 | (uint32_t)data[2] << 16 | (uint32_t)data[3] << 8 | data[4];
	}
	out->data = data + head;
	out->len = len - head;
	return true;
}

static enum vmp_tls_taken malformed(struct vmp_tls_fragments *f, const char *fault)
{
	f->fault = fault;
	return VMP_TLS_MALFORMED;
}

/* An acknowledgment has no data; and data without any octet would be a fragment that leads nowhere. */
static enum vmp_tls_taken take_empty(struct vmp_tls_fragments *f, const struct vmp_tls_fragment *fragment)
{
	if (fragment->more || fragment->has_length)
		return malformed(f, "a fragment without data");
	if (f->total)
		return malformed(f, "an acknowledgment among the fragments of a message");
	return VMP_TLS_EMPTY;
}

static enum vmp_tls_taken take_data(struct vmp_tls_fragments *f, const struct vmp_tls_fragment *fragment)
{
	uint32_t total = f->total;

	if (!total && fragment->more && !fragment->has_length)
		return malformed(f, "a first fragment without length");
	if (!total)
		total = fragment->has_length ? fragment->total : (uint32_t)fragment->len;
	/* Some servers repeat the length in every fragment. */
	if (fragment->has_length && fragment->total != total)
		return malformed(f, "a length that changes");
	if (total > VMP_EAP_TLS_MESSAGE_MAX)
		return VMP_TLS_TOO_LONG;
	if (fragment->len > total - f->got || fragment->more != (f->got + fragment->len < total))
		return malformed(f, "fragments that do not keep to the length");
	if (BIO_write(f->in, fragment->data, (int)fragment->len) != (int)fragment->len)
		return malformed(f, "no memory for a fragment");
	f->total = total;
	f->got += (uint32_t)fragment->len;
	if (fragment->more)
		return VMP_TLS_PART;
	f->total = f->got = 0;
	return VMP_TLS_WHOLE;
}

enum vmp_tls_taken vmp_tls_fragments_take(struct vmp_tls_fragments *f, const struct vmp_tls_fragment *fragment)
{
	if (fragment->start)
		return malformed(f, "a Start within a conversation");
	if (fragment->len == 0)
		return take_empty(f, fragment);
	if (vmp_tls_fragments_pending(f))
		return malformed(f, "data where an acknowledgment was expected");
	return take_data(f, fragment);
}

bool vmp_tls_fragments_pending(const struct vmp_tls_fragments *f)
{
	return BIO_ctrl_pending(f->out) > 0;
}

size_t vmp_tls_fragments_send(struct vmp_tls_fragments *f, uint8_t *out)
{
	size_t pending = BIO_ctrl_pending(f->out), at = 1;
	int n = 0;

	out[0] = 0;
	if (pending > VMP_EAP_TLS_FRAGMENT_MAX) {
		out[0] |= VMP_TLS_FLAG_MORE;
		if (!f->sending) {
			out[0] |= VMP_TLS_FLAG_LENGTH;
			out[at++] = (uint8_t)(pending >> 24);
			out[at++] = (uint8_t)(pending >> 16);
			out[at++] = (uint8_t)(pending >> 8);
			out[at++] = (uint8_t)pending;
		}
	}
	f->sending = pending > VMP_EAP_TLS_FRAGMENT_MAX;
	if (pending)
		n = BIO_read(f->out, out + at, VMP_EAP_TLS_FRAGMENT_MAX);
	return at + (size_t)(n > 0 ? n : 0);
}
