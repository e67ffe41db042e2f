#include "tls_peer.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

static bool read_serial(const X509 *cert, struct tls_peer *out)
{
	const ASN1_INTEGER *number = X509_get0_serialNumber(cert);
	int len = number ? ASN1_STRING_length(number) : 0;

	if (len < 1 || len > TLS_PEER_SERIAL || ASN1_STRING_type(number) != V_ASN1_INTEGER)
		return false;
	memcpy(out->serial, ASN1_STRING_get0_data(number), (size_t)len);
	out->serial_len = (size_t)len;
	return true;
}

static bool read_uri(const GENERAL_NAME *name, char uuid[VMP_UUID_TEXT])
{
	static const char urn[] = "urn:uuid:";
	const size_t skip = sizeof(urn) - 1;
	const char *text;
	size_t len;

	if (name->type != GEN_URI)
		return false;
	text = (const char *)ASN1_STRING_get0_data(name->d.uniformResourceIdentifier);
	len = (size_t)ASN1_STRING_length(name->d.uniformResourceIdentifier);
	return len > skip && memcmp(text, urn, skip) == 0 && vmp_uuid_parse(text + skip, len - skip, uuid) == VMP_OK;
}

/* With several it would be anybody's guess who that is. */
static void read_uuid(const X509 *cert, char uuid[VMP_UUID_TEXT])
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	int i, n = 0;

	for (i = 0; names && i < sk_GENERAL_NAME_num(names); i++)
		n += read_uri(sk_GENERAL_NAME_value(names, i), uuid);
	if (n != 1)
		*uuid = '\0';
	GENERAL_NAMES_free(names);
}

static void read_name(const X509 *cert, char out[TLS_PEER_NAME])
{
	const X509_NAME *subject = X509_get_subject_name(cert);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	const ASN1_STRING *value;
	unsigned char *text = NULL;
	int len;

	if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
		return;
	value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
	len = ASN1_STRING_to_UTF8(&text, value);
	/* A NUL within would make it another name. */
	if (len > 0 && len < TLS_PEER_NAME && strlen((const char *)text) == (size_t)len)
		memcpy(out, text, (size_t)len + 1);
	OPENSSL_free(text);
}

bool tls_peer_read(const SSL *ssl, struct tls_peer *out)
{
	const X509 *cert = SSL_get0_peer_certificate(ssl);
	struct tls_peer peer = { .uuid = "", .name = "" };

	if (!cert || SSL_get_verify_result(ssl) != X509_V_OK || !read_serial(cert, &peer))
		return false;
	read_uuid(cert, peer.uuid);
	read_name(cert, peer.name);
	*out = peer;
	return true;
}

bool tls_peer_is_ours(const struct tls_peer *peer)
{
	return peer->serial_len == VMP_SERIAL && peer->serial[0] >= 1 && peer->serial[0] <= 127;
}
