#include "dialect.h"

#include <stdlib.h>
#include <string.h>

#define MAX_DIALECTS 256

struct dialects {
	size_t n;
	struct dialect *item[MAX_DIALECTS];
};

static int read_port(struct dialect *d, const char *value, struct vmp_msg *why)
{
	char *end;
	long port = strtol(value, &end, 10);

	if (*value < '0' || *value > '9' || *end || port < 1 || port > UINT16_MAX)
		return vmp_fail(why, VMP_EINVAL, "expected a UDP port, 1 to 65535");
	d->port = (uint16_t)port;
	return VMP_OK;
}

static int read_change(struct dialect *d, const char *value, struct vmp_msg *why)
{
	static const char *const words[] = {
		[DIALECT_DISCONNECT] = "disconnect", [DIALECT_COA] = "coa", [DIALECT_NONE] = "none"
	};
	int i;

	for (i = 0; i < 3 && strcmp(words[i], value) != 0; i++)
		;
	if (i == 3)
		return vmp_fail(why, VMP_EINVAL, "expected coa, disconnect or none");
	d->change = (enum dialect_change)i;
	return VMP_OK;
}

static int read_identify(struct dialect *d, const char *value, struct vmp_msg *why)
{
	char word[VMP_INI_TEXT];

	while (vmp_ini_word(&value, word, sizeof(word))) {
		enum job_attr attr = job_attr_find(word);

		if (attr == JOB_ATTRS)
			return vmp_fail(why, VMP_EINVAL, "%s: no attribute that identifies a session here", word);
		d->identify |= 1u << attr;
	}
	if (!(d->identify & JOB_NAMES_GUEST))
		return vmp_fail(
			why, VMP_EINVAL,
			"expected one at least of User-Name, Calling-Station-Id, Acct-Session-Id, Framed-IP-Address");
	return VMP_OK;
}

static char *skip(char *at, const char *these)
{
	return at + strspn(at, these);
}

/* A value's end: behind its closing quote, or at the semicolon. @return NULL: no closing quote. */
static char *cut_value(char **at)
{
	char *value = *at, *end;

	if (*value != '"') {
		*at = value + strcspn(value, ";");
		for (end = *at; end > value && strchr(" \t", end[-1]); end--)
			;
		if (**at)
			*(*at)++ = '\0';
		*end = '\0';
		return value;
	}
	end = strchr(++value, '"');
	if (!end)
		return NULL;
	*end = '\0';
	*at = skip(end + 1, " \t");
	if (**at == ';')
		(*at)++;
	else if (**at)
		return NULL;
	return value;
}

/* One "Name = value" of a list, in place. */
static int read_attr(char **at, struct packet_attr *out, struct vmp_msg *why)
{
	char *name = *at, *end = name + strcspn(name, " \t=;");
	char *equals = skip(end, " \t"), *value = NULL;

	if (end > name && *equals == '=') {
		*at = skip(equals + 1, " \t");
		value = cut_value(at);
		*end = '\0';
	}
	if (!value || !*value)
		return vmp_fail(why, VMP_EINVAL, "expected NAME = VALUE; NAME = \"VALUE\"; ...");
	out->name = name;
	out->value = value;
	return packet_attr_check(out, why);
}

static int read_list(char *text, struct packet_attr *out, size_t *n, struct vmp_msg *why)
{
	char *at = skip(text, " \t");
	int err = VMP_OK;

	for (*n = 0; *at && err == VMP_OK; at = skip(at, " \t")) {
		if (*n == DIALECT_ATTRS)
			return vmp_fail(why, VMP_EINVAL, "expected at most %d attributes", DIALECT_ATTRS);
		err = read_attr(&at, &out[*n], why);
		*n += err == VMP_OK;
	}
	return err;
}

static int read_coa(struct dialect *d, const char *value, struct vmp_msg *why)
{
	memcpy(d->coa_text, value, strlen(value) + 1);
	return read_list(d->coa_text, d->coa, &d->n_coa, why);
}

static int read_disconnect(struct dialect *d, const char *value, struct vmp_msg *why)
{
	memcpy(d->disconnect_text, value, strlen(value) + 1);
	return read_list(d->disconnect_text, d->disconnect, &d->n_disconnect, why);
}

static const struct {
	const char *name;
	int (*read)(struct dialect *d, const char *value, struct vmp_msg *why);
} options[] = {
	{ "port", read_port }, { "change", read_change },	  { "identify", read_identify },
	{ "coa", read_coa },   { "disconnect", read_disconnect },
};

#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

static struct dialect *find(const struct dialects *dialects, const char *name)
{
	size_t i;

	for (i = 0; i < dialects->n; i++) {
		if (strcmp(dialects->item[i]->name, name) == 0)
			return dialects->item[i];
	}
	return NULL;
}

static struct dialect *find_or_add(struct dialects *dialects, const char *name)
{
	struct dialect *d = find(dialects, name);

	if (d || dialects->n == MAX_DIALECTS)
		return d;
	d = calloc(1, sizeof(*d));
	if (d) {
		memcpy(d->name, name, strlen(name) + 1);
		d->port = DIALECT_PORT;
		dialects->item[dialects->n++] = d;
	}
	return d;
}

static int take(void *ctx, const char *section, const char *name, const char *value, int line, struct vmp_msg *why)
{
	struct dialect *d;
	unsigned bit;
	size_t i;

	(void)line;
	if (!*section || section[strspn(section, "abcdefghijklmnopqrstuvwxyz0123456789-")] != '\0' ||
	    strlen(section) > VMP_INI_SECTION)
		return vmp_fail(why, VMP_EINVAL, "expected a dialect's name: lower case, digits, -");
	for (i = 0; i < N_OPTIONS && strcmp(options[i].name, name) != 0; i++)
		;
	if (i == N_OPTIONS)
		return vmp_fail(why, VMP_EINVAL, "there is no such option");
	if (strlen(value) >= VMP_INI_TEXT)
		return vmp_fail(why, VMP_EINVAL, "too long");
	d = find_or_add(ctx, section);
	if (!d)
		return vmp_fail(why, VMP_ENOMEM, "too many");
	bit = 1u << i;
	if (d->given & bit)
		return vmp_fail(why, VMP_EINVAL, "given twice");
	d->given |= bit;
	return options[i].read(d, value, why);
}

/* What only the whole file tells. */
static int check(const char *name, const struct dialects *dialects, struct vmp_msg *msg)
{
	size_t i;

	for (i = 0; i < dialects->n; i++) {
		const struct dialect *d = dialects->item[i];

		if (!d->identify)
			return vmp_fail(msg, VMP_EINVAL, "%s: [%s] identify: not given", name, d->name);
		if (d->change == DIALECT_COA && !d->n_coa)
			return vmp_fail(msg, VMP_EINVAL, "%s: [%s] change: coa needs attributes in coa", name, d->name);
	}
	return VMP_OK;
}

static int finish(const char *name, struct dialects *dialects, int err, struct dialects **out, struct vmp_msg *msg)
{
	if (err == VMP_OK)
		err = check(name, dialects, msg);
	if (err == VMP_OK)
		*out = dialects;
	else
		dialects_free(dialects);
	return err;
}

int dialects_read(const char *path, struct dialects **out, struct vmp_msg *msg)
{
	struct dialects *dialects = calloc(1, sizeof(*dialects));

	if (!dialects)
		return vmp_fail(msg, VMP_ENOMEM, "%s: out of memory", path);
	return finish(path, dialects, vmp_ini_each(path, take, dialects, msg), out, msg);
}

int dialects_text(const char *name, const char *text, size_t len, struct dialects **out, struct vmp_msg *msg)
{
	struct dialects *dialects = calloc(1, sizeof(*dialects));

	if (!dialects)
		return vmp_fail(msg, VMP_ENOMEM, "%s: out of memory", name);
	return finish(name, dialects, vmp_ini_each_text(name, text, len, take, dialects, msg), out, msg);
}

void dialects_free(struct dialects *dialects)
{
	size_t i;

	for (i = 0; dialects && i < dialects->n; i++)
		free(dialects->item[i]);
	free(dialects);
}

const struct dialect *dialects_find(const struct dialects *dialects, const char *name)
{
	return find(dialects, *name ? name : "rfc");
}
