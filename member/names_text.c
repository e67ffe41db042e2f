/* What our part of hosts(5) says, without I/O: fuzzed. */
#include "names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LABEL 63  /* [octets] (RFC 1123 section 2.1) */
#define HOST  253 /* [octets] of a name's text */
#define LINE  (PREFIX_TEXT + 2 * (HOST + 1) + 2)

/* Octets of somebody else's. */
struct piece {
	const char *text;
	size_t len;
};

/* A name that may be written. */
struct host {
	char text[HOST + 1];
	size_t entry;
	bool with_suffix, drop;
};

struct part {
	const char *suffix;
	const struct names_entry *entries;
	struct piece *taken; /* names in the rest, sorted */
	size_t n_taken;
	struct host *hosts; /* of all entries, each perhaps twice */
	size_t n_hosts;
};

/* -- the file as it is ------------------------------------------------------------------------------------------ */

static struct piece next_line(const char **at, const char *end)
{
	const char *feed = memchr(*at, '\n', (size_t)(end - *at));
	struct piece line = { *at, (size_t)((feed ? feed : end) - *at) };

	*at = feed ? feed + 1 : end;
	return line;
}

static bool is_line(const struct piece *line, const char *text)
{
	return line->len == strlen(text) && memcmp(line->text, text, line->len) == 0;
}

/* Where our part is: before and after are what stands around it. */
static int split(const char *old, size_t len, struct piece *before, struct piece *after, struct vmp_msg *msg)
{
	const char *at = old, *end = old + len, *begins = NULL, *ends = NULL;
	unsigned n_begin = 0, n_end = 0;

	while (at < end) {
		struct piece line = next_line(&at, end);

		if (is_line(&line, NAMES_BEGIN)) {
			n_begin++;
			begins = line.text;
		} else if (is_line(&line, NAMES_END)) {
			n_end++;
			ends = at;
		}
	}
	if (n_begin != n_end || n_begin > 1 || (n_begin && ends <= begins))
		return vmp_fail(msg, VMP_EINVAL,
				"expected \"" NAMES_BEGIN "\" once, and \"" NAMES_END "\" once after it");
	*before = (struct piece){ old, n_begin ? (size_t)(begins - old) : len };
	*after = (struct piece){ n_begin ? ends : end, n_begin ? (size_t)(end - ends) : 0 };
	return VMP_OK;
}

static int by_piece(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;
	int order = strncasecmp(x->text, y->text, x->len < y->len ? x->len : y->len);

	return order ? order : (x->len > y->len) - (x->len < y->len);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f' || c == '\0';
}

/* The names of a line, behind its address. @param out  NULL: they are counted. */
static size_t line_names(const struct piece *line, struct piece *out)
{
	const char *at = line->text, *hash = memchr(at, '#', line->len), *end = hash ? hash : at + line->len;
	size_t words = 0;

	while (at < end) {
		const char *word;

		while (at < end && is_blank(*at))
			at++;
		for (word = at; at < end && !is_blank(*at);)
			at++;
		if (at == word)
			break;
		if (out && words > 0)
			out[words - 1] = (struct piece){ word, (size_t)(at - word) };
		words++;
	}
	return words > 1 ? words - 1 : 0;
}

static size_t all_names(const struct piece *text, struct piece *out)
{
	const char *at = text->text, *end = at + text->len;
	size_t n = 0;

	while (at < end) {
		struct piece line = next_line(&at, end);

		n += line_names(&line, out ? out + n : NULL);
	}
	return n;
}

/* Somebody else's name, which no machine gets. */
static bool is_reserved(const struct names_entry *entry)
{
	return !entry->inner6->family && !entry->inner4->family;
}

static int read_taken(struct part *part, size_t n_entry, const struct piece *before, const struct piece *after)
{
	size_t n = all_names(before, NULL) + all_names(after, NULL), i;

	part->taken = calloc(n + n_entry + 1, sizeof(*part->taken));
	if (!part->taken)
		return VMP_ENOMEM;
	n = all_names(before, part->taken);
	part->n_taken = n + all_names(after, part->taken + n);
	for (i = 0; i < n_entry; i++) {
		const char *name = part->entries[i].name;

		if (is_reserved(&part->entries[i]))
			part->taken[part->n_taken++] = (struct piece){ name, strlen(name) };
	}
	qsort(part->taken, part->n_taken, sizeof(*part->taken), by_piece);
	return VMP_OK;
}

/* -- names ------------------------------------------------------------------------------------------------------ */

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* 1 to 63 letters, digits and hyphens, which are not at either end. @param numeric  out: it has digits alone. */
static bool is_label(const char *label, size_t len, bool *numeric)
{
	size_t i;

	*numeric = true;
	for (i = 0; i < len; i++) {
		bool digit = label[i] >= '0' && label[i] <= '9';

		if (!digit && !is_letter(label[i]) && label[i] != '-')
			return false;
		*numeric &= digit;
	}
	return len >= 1 && len <= LABEL && label[0] != '-' && label[len - 1] != '-';
}

/* With a number at the end it might be read as an address. */
static bool is_host_name(const char *text)
{
	bool numeric = true, good = true;

	for (;; text++) {
		size_t len = strcspn(text, ".");

		good = good && is_label(text, len, &numeric);
		text += len;
		if (!*text)
			return good && !numeric;
	}
}

/* RFC 6761 section 6.3 */
static bool is_localhost(const char *text)
{
	static const char localhost[] = "localhost", below[] = ".localhost";
	size_t len = strlen(text), tail = sizeof(below) - 1;

	return strcasecmp(text, localhost) == 0 || (len > tail && strcasecmp(text + len - tail, below) == 0);
}

static void add_host(struct part *part, size_t entry, bool with_suffix)
{
	struct host *host = &part->hosts[part->n_hosts];
	const char *name = part->entries[entry].name, *dot = *part->suffix == '.' ? "" : ".";
	int len = with_suffix ? snprintf(host->text, sizeof(host->text), "%s%s%s", name, dot, part->suffix)
			      : snprintf(host->text, sizeof(host->text), "%s", name);

	if (len >= (int)sizeof(host->text) || !is_host_name(host->text) || is_localhost(host->text))
		return;
	/* Whoever names a machine "www.bank.example" does not get what others send to that one. */
	if (!with_suffix && strchr(name, '.'))
		return;
	host->entry = entry;
	host->with_suffix = with_suffix;
	part->n_hosts++;
}

/* Equal names one behind the other, the one that counts first. */
static int by_text(const void *a, const void *b)
{
	const struct host *x = a, *y = b;
	int order = strcasecmp(x->text, y->text);

	if (!order)
		order = x->with_suffix - y->with_suffix;
	return order ? order : strcmp(x->text, y->text);
}

/* As they are written: an entry's names together. */
static int by_entry(const void *a, const void *b)
{
	const struct host *x = a, *y = b;

	if (x->entry != y->entry)
		return x->entry < y->entry ? -1 : 1;
	return x->with_suffix - y->with_suffix;
}

static bool is_taken(const struct part *part, const char *text)
{
	const struct piece wanted = { text, strlen(text) };

	return bsearch(&wanted, part->taken, part->n_taken, sizeof(wanted), by_piece) != NULL;
}

static int choose(struct part *part, size_t n)
{
	size_t i;

	part->hosts = calloc(2 * n + 1, sizeof(*part->hosts));
	if (!part->hosts)
		return VMP_ENOMEM;
	for (i = 0; i < n; i++) {
		if (is_reserved(&part->entries[i]))
			continue;
		add_host(part, i, false);
		if (*part->suffix)
			add_host(part, i, true);
	}
	qsort(part->hosts, part->n_hosts, sizeof(*part->hosts), by_text);
	for (i = 0; i < part->n_hosts; i++) {
		struct host *host = &part->hosts[i];

		host->drop = is_taken(part, host->text) ||
			     (i > 0 && strcasecmp(part->hosts[i - 1].text, host->text) == 0);
	}
	qsort(part->hosts, part->n_hosts, sizeof(*part->hosts), by_entry);
	return VMP_OK;
}

/* -- the file as it is to be ------------------------------------------------------------------------------------ */

static size_t put_line(char *out, const struct prefix *address, const char *names)
{
	char text[PREFIX_TEXT];

	if (!address->family || !*names)
		return 0;
	prefix_write(address, text);
	return (size_t)snprintf(out, LINE, "%s%s\n", text, names);
}

/* All lines of an entry, whose names begin at host. @return where the next entry's begin. */
static size_t put_entry(const struct part *part, size_t host, char *out, size_t *len)
{
	size_t entry = part->hosts[host].entry;
	char names[2 * (HOST + 1) + 1] = "";
	size_t at = 0;

	for (; host < part->n_hosts && part->hosts[host].entry == entry; host++) {
		if (!part->hosts[host].drop)
			at += (size_t)snprintf(names + at, sizeof(names) - at, " %s", part->hosts[host].text);
	}
	*len += put_line(out + *len, part->entries[entry].inner6, names);
	*len += put_line(out + *len, part->entries[entry].inner4, names);
	return host;
}

/* @param out  room octets, which are enough. */
static size_t put_part(const struct part *part, char *out, size_t room)
{
	size_t host = 0, begin, len = (size_t)snprintf(out, room, "%s\n", NAMES_BEGIN);

	begin = len;
	while (host < part->n_hosts)
		host = put_entry(part, host, out, &len);
	if (len == begin)
		return 0;
	return len + (size_t)snprintf(out + len, room - len, "%s\n", NAMES_END);
}

static int put_all(const struct part *part, const struct piece *before, const struct piece *after, char **out,
		   size_t *out_len)
{
	size_t part_room = sizeof(NAMES_BEGIN) + sizeof(NAMES_END) + 2 + part->n_hosts * 2 * LINE, part_len;
	char *text = malloc(before->len + 1 + part_room + after->len);
	size_t len = before->len;

	if (!text)
		return VMP_ENOMEM;
	memcpy(text, before->text, len);
	/* A line that somebody left without an end. */
	if (len > 0 && text[len - 1] != '\n')
		text[len++] = '\n';
	part_len = put_part(part, text + len, part_room);
	len = part_len ? len + part_len : before->len;
	memcpy(text + len, after->text, after->len);
	*out = text;
	*out_len = len + after->len;
	return VMP_OK;
}

static int by_name(const void *a, const void *b)
{
	const struct names_entry *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : memcmp(x->inner6->address, y->inner6->address, sizeof(x->inner6->address));
}

int names_text(const char *old, size_t len, const char *suffix, const struct names_entry *entries, size_t n, char **out,
	       size_t *out_len, struct vmp_msg *msg)
{
	struct names_entry *sorted = calloc(n + 1, sizeof(*sorted));
	struct part part = { .suffix = suffix, .entries = sorted };
	struct piece before = { old, 0 }, after = { old, 0 };
	int err = split(old, len, &before, &after, msg);

	if (!err && !sorted)
		err = VMP_ENOMEM;
	if (!err) {
		if (n)
			memcpy(sorted, entries, n * sizeof(*sorted));
		qsort(sorted, n, sizeof(*sorted), by_name);
		err = read_taken(&part, n, &before, &after);
	}
	if (!err)
		err = choose(&part, n);
	if (!err)
		err = put_all(&part, &before, &after, out, out_len);
	if (err == VMP_ENOMEM)
		vmp_fail(msg, err, "out of memory");
	free(part.hosts);
	free(part.taken);
	free(sorted);
	return err;
}
