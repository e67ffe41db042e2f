#include "connect.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define BODY_MAX 4096 /* [octets] of a refusal that is waited for */

struct text {
	const char *at;
	size_t len;
};

/* What the header lines say; how often counts. */
struct headers {
	struct text host;
	int hosts, lengths, encodings;
	size_t length;
};

/* -- octets ------------------------------------------------------------------------------------------------------- */

/* tchar (RFC 9110 section 5.6.2) */
static bool is_token(struct text t)
{
	size_t i;

	for (i = 0; i < t.len; i++) {
		if (!t.at[i] || (!isalnum((unsigned char)t.at[i]) && !strchr("!#$%&'*+-.^_`|~", t.at[i])))
			return false;
	}
	return t.len > 0;
}

/* field-content: visible octets, blanks and tabs */
static bool is_visible(struct text t)
{
	size_t i;

	for (i = 0; i < t.len; i++) {
		unsigned char c = (unsigned char)t.at[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static struct text trim(struct text t)
{
	while (t.len && (t.at[0] == ' ' || t.at[0] == '\t')) {
		t.at++;
		t.len--;
	}
	while (t.len && (t.at[t.len - 1] == ' ' || t.at[t.len - 1] == '\t'))
		t.len--;
	return t;
}

static bool is(struct text t, const char *word)
{
	return t.len == strlen(word) && strncasecmp(t.at, word, t.len) == 0;
}

/* The text before a character, which goes with it. @return false: there is none. */
static bool cut(struct text *rest, char at, struct text *out)
{
	const char *end = memchr(rest->at, at, rest->len);

	if (!end)
		return false;
	out->at = rest->at;
	out->len = (size_t)(end - rest->at);
	rest->len -= out->len + 1;
	rest->at = end + 1;
	return true;
}

/* A line without its CR LF; either alone ends none (RFC 9112 section 2.2 lets a strict reader say so). */
static bool cut_line(struct text *rest, struct text *line)
{
	if (!cut(rest, '\n', line) || line->len == 0 || line->at[line->len - 1] != '\r')
		return false;
	line->len--;
	return is_visible(*line);
}

/* The head's length with the empty line that ends it; 0: not there yet. */
static size_t head_length(const char *text, size_t len)
{
	const char *end = memmem(text, len < CONNECT_HEAD ? len : CONNECT_HEAD, "\r\n\r\n", 4);

	return end ? (size_t)(end - text) + 4 : 0;
}

/* -- Via ---------------------------------------------------------------------------------------------------------- */

bool connect_is_id(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (!text[i] || (!isalnum((unsigned char)text[i]) && !strchr("-.:_", text[i])))
			return false;
	}
	return len > 0 && len < CONNECT_ID;
}

/* "1.1 ID", without a comment. */
static int add_via(struct connect_request *out, struct text entry, struct vmp_msg *why)
{
	struct text version;

	if (out->n_via == CONNECT_VIA)
		return vmp_fail(why, 400, "Via: expected at most %d entries", CONNECT_VIA);
	if (!cut(&entry, ' ', &version) || !is(version, "1.1") || !connect_is_id(entry.at, entry.len))
		return vmp_fail(why, 400, "Via: expected a list of 1.1 ID");
	memcpy(out->via[out->n_via], entry.at, entry.len);
	out->via[out->n_via++][entry.len] = '\0';
	return 200;
}

static int read_via(struct connect_request *out, struct text value, struct vmp_msg *why)
{
	struct text entry;
	int status = 200;

	while (status == 200 && cut(&value, ',', &entry))
		status = add_via(out, trim(entry), why);
	return status == 200 ? add_via(out, trim(value), why) : status;
}

/* -- header lines ------------------------------------------------------------------------------------------------- */

static bool read_length(struct text value, size_t *out)
{
	size_t i;

	*out = 0;
	for (i = 0; i < value.len; i++) {
		if (!isdigit((unsigned char)value.at[i]))
			return false;
		*out = 10 * *out + (size_t)(value.at[i] - '0');
	}
	return value.len > 0 && value.len < 10;
}

/* @param request  NULL: an answer's, where Via is nobody's business. */
static int read_header(struct text line, struct headers *h, struct connect_request *request, struct vmp_msg *why)
{
	struct text name;

	/* A line that begins with a blank continued the one before, once. */
	if (!cut(&line, ':', &name) || !is_token(name))
		return vmp_fail(why, 400, "expected header lines of NAME: VALUE");
	line = trim(line);
	if (is(name, "Host")) {
		h->host = line;
		h->hosts++;
	} else if (is(name, "Transfer-Encoding")) {
		h->encodings++;
	} else if (is(name, "Content-Length")) {
		if (h->lengths++ || !read_length(line, &h->length))
			return vmp_fail(why, 400, "Content-Length: expected one number");
	} else if (is(name, "Via") && request) {
		return read_via(request, line, why);
	}
	return 200;
}

static int read_headers(struct text rest, struct headers *h, struct connect_request *request, struct vmp_msg *why)
{
	struct text line;
	int n = 0, status = 200;

	memset(h, 0, sizeof(*h));
	while (status == 200 && rest.len) {
		if (!cut_line(&rest, &line))
			return vmp_fail(why, 400, "expected lines of visible characters that end with CR LF");
		if (++n > CONNECT_HEADERS)
			return vmp_fail(why, 431, "expected at most %d header lines", CONNECT_HEADERS);
		status = read_header(line, h, request, why);
	}
	return status;
}

/* -- requests ----------------------------------------------------------------------------------------------------- */

static int read_request_line(struct text line, struct connect_request *out, struct vmp_msg *why)
{
	struct text method, target;

	if (!cut(&line, ' ', &method) || !cut(&line, ' ', &target) || !is_token(method))
		return vmp_fail(why, 400, "expected CONNECT HOST:PORT HTTP/1.1");
	if (method.len != 7 || memcmp(method.at, "CONNECT", 7) != 0)
		return vmp_fail(why, 405, "expected CONNECT: this is a relay, which serves nothing itself");
	if (line.len != 8 || memcmp(line.at, "HTTP/", 5) != 0)
		return vmp_fail(why, 400, "expected CONNECT HOST:PORT HTTP/1.1");
	if (memcmp(line.at, "HTTP/1.1", 8) != 0)
		return vmp_fail(why, 505, "expected HTTP/1.1");
	if (authority_read(target.at, target.len, out->authority) != VMP_OK)
		return vmp_fail(why, 400, "expected CONNECT HOST:PORT, the port from 1 to 65535");
	return 200;
}

static int check_headers(const struct headers *h, const struct connect_request *request, struct vmp_msg *why)
{
	if (h->hosts != 1 || !is(h->host, request->authority))
		return vmp_fail(why, 400, "Host: expected once, and the same as in CONNECT");
	if (h->encodings || h->length)
		return vmp_fail(why, 400, "expected no body");
	return 200;
}

/* Is what has come so far wrong already?  Somebody who talks another protocol need not wait for the time limit. */
static bool cannot_begin_so(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len && i < 16 && text[i] != ' '; i++) {
		if (!isupper((unsigned char)text[i]))
			return true;
	}
	return i == 0 ? len > 0 : i == 16;
}

int connect_read(const char *text, size_t len, struct connect_request *out, size_t *head, struct vmp_msg *why)
{
	size_t n = head_length(text, len);
	struct text line, rest = { text, n ? n - 2 : 0 };
	struct headers h;
	int status;

	memset(out, 0, sizeof(*out));
	if (cannot_begin_so(text, len))
		return vmp_fail(why, 400, "expected CONNECT HOST:PORT HTTP/1.1");
	if (!n)
		return len < CONNECT_HEAD ? 0
					  : vmp_fail(why, 431, "expected a head of at most %d octets", CONNECT_HEAD);
	if (!cut_line(&rest, &line))
		return vmp_fail(why, 400, "expected lines of visible characters that end with CR LF");
	status = read_request_line(line, out, why);
	if (status == 200)
		status = read_headers(rest, &h, out, why);
	if (status == 200)
		status = check_headers(&h, out, why);
	*head = n;
	return status;
}

/* -- answers ------------------------------------------------------------------------------------------------------ */

/* "HTTP/1.1 200 words" */
static int read_status_line(struct text line, struct connect_answer *out)
{
	size_t i;

	if (line.len < 13 || memcmp(line.at, "HTTP/1.1 ", 9) != 0 || line.at[12] != ' ')
		return VMP_EINVAL;
	for (i = 9; i < 12; i++) {
		if (!isdigit((unsigned char)line.at[i]))
			return VMP_EINVAL;
		out->status = 10 * out->status + line.at[i] - '0';
	}
	/* 1xx have no meaning here, and redirections none that a relay could follow. */
	return (out->status >= 200 && out->status < 300) || (out->status >= 400 && out->status < 600) ? VMP_OK
												      : VMP_EINVAL;
}

static void read_sentence(const char *body, size_t len, struct connect_answer *out)
{
	size_t i;

	for (i = 0; i < len && i < CONNECT_SENTENCE - 1 && body[i] != '\n' && body[i] != '\r'; i++)
		out->sentence[i] = body[i] >= 0x20 && body[i] < 0x7f ? body[i] : '?';
	out->sentence[i] = '\0';
}

/* The body of a refusal, which says its length or is taken to have none. */
static int read_body(const char *body, size_t len, const struct headers *h, struct connect_answer *out)
{
	size_t wanted = h->encodings ? 0 : h->length;

	if (wanted > BODY_MAX)
		wanted = BODY_MAX;
	if (len < wanted)
		return VMP_ENOENT;
	read_sentence(body, wanted, out);
	return VMP_OK;
}

int connect_read_answer(const char *text, size_t len, struct connect_answer *out, size_t *used, struct vmp_msg *why)
{
	size_t n = head_length(text, len);
	struct text line, rest = { text, n ? n - 2 : 0 };
	struct headers h;

	memset(out, 0, sizeof(*out));
	if (!n)
		return len < CONNECT_HEAD ? VMP_ENOENT
					  : vmp_fail(why, VMP_EINVAL, "an answer of more than %d octets", CONNECT_HEAD);
	if (!cut_line(&rest, &line) || read_status_line(line, out) != VMP_OK)
		return vmp_fail(why, VMP_EINVAL, "not an answer to CONNECT");
	if (read_headers(rest, &h, NULL, why) != 200)
		return VMP_EINVAL;
	*used = n;
	/* After 2xx there is no body, whatever a header says (RFC 9110 section 9.3.6). */
	if (out->status < 300)
		return VMP_OK;
	return read_body(text + n, len - n, &h, out);
}

/* -- writing ------------------------------------------------------------------------------------------------------ */

size_t connect_write(const struct connect_request *request, const char *id, char *out, size_t room)
{
	size_t n = (size_t)snprintf(out, room, "CONNECT %s HTTP/1.1\r\nHost: %s\r\nVia: ", request->authority,
				    request->authority);
	int i;

	for (i = 0; i < request->n_via && n < room; i++)
		n += (size_t)snprintf(out + n, room - n, "1.1 %s, ", request->via[i]);
	if (n < room)
		n += (size_t)snprintf(out + n, room - n, "1.1 %s\r\n\r\n", id);
	return n < room ? n : 0;
}

static const struct {
	int status;
	const char *reason;
} reasons[] = {
	{ 400, "Bad Request" },	       { 403, "Forbidden" },
	{ 405, "Method Not Allowed" }, { 408, "Request Timeout" },
	{ 429, "Too Many Requests" },  { 431, "Request Header Fields Too Large" },
	{ 502, "Bad Gateway" },	       { 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },    { 505, "HTTP Version Not Supported" },
	{ 508, "Loop Detected" },
};

static const char *reason_of(int status)
{
	size_t i;

	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (reasons[i].status == status)
			return reasons[i].reason;
	}
	return "Refused";
}

size_t connect_write_answer(int status, const char *sentence, char *out, size_t room)
{
	size_t n;

	if (status == 200)
		n = (size_t)snprintf(out, room, "HTTP/1.1 200 Connection established\r\n\r\n");
	else
		n = (size_t)snprintf(out, room,
				     "HTTP/1.1 %d %s\r\nContent-Type: text/plain; charset=utf-8\r\n%s%s"
				     "Content-Length: %zu\r\nConnection: close\r\n\r\n%s\n",
				     status, reason_of(status), status == 405 ? "Allow: CONNECT\r\n" : "",
				     status == 503 || status == 429 ? "Retry-After: 5\r\n" : "", strlen(sentence) + 1,
				     sentence);
	return n < room ? n : 0;
}
