#include "inifile.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>

/* Shorter than inih's own limit, so that no line comes in two pieces. */
#define LINE_MAX_OCTETS 198
#define OPTIONS_MAX	64

struct reading {
	const char *name;
	const struct vmp_option *options;
	void *into;
	vmp_ini_option_fn each; /* of sections that options does not have */
	void *ctx;
	struct vmp_msg *msg;
	int err;
	int line;
	uint64_t seen;
	FILE *file;
};

static const struct {
	const char *word;
	bool value;
} bools[] = {
	{ "yes", true }, { "true", true },   { "on", true },   { "1", true },
	{ "no", false }, { "false", false }, { "off", false }, { "0", false },
};

static const struct {
	char unit;
	int64_t seconds;
} units[] = { { '\0', 1 }, { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };

static bool read_bool(const char *text, bool *out)
{
	size_t i;

	for (i = 0; i < sizeof(bools) / sizeof(bools[0]); i++) {
		if (strcmp(text, bools[i].word) == 0) {
			*out = bools[i].value;
			return true;
		}
	}
	return false;
}

static bool read_number(const struct vmp_option *opt, const char *text, int64_t *out)
{
	size_t i, n = opt->type == VMP_OPT_DURATION ? sizeof(units) / sizeof(units[0]) : 1;
	char *end;
	long long v;

	errno = 0;
	v = strtoll(text, &end, 10);
	if (end == text || !isdigit((unsigned char)*text) || errno != 0 || (*end && end[1]))
		return false;
	for (i = 0; i < n; i++) {
		if (units[i].unit != *end || v > INT64_MAX / units[i].seconds)
			continue;
		*out = v * units[i].seconds;
		return *out >= opt->min && *out <= opt->max;
	}
	return false;
}

static int set(const struct vmp_option *opt, const char *text, void *into, struct vmp_msg *msg)
{
	char *at = (char *)into + opt->offset;
	int64_t num = 0;
	bool flag = false;

	switch (opt->type) {
	case VMP_OPT_TEXT:
		if (strlen(text) >= VMP_INI_TEXT)
			return vmp_fail(msg, VMP_EINVAL, "expected at most %d octets", VMP_INI_TEXT - 1);
		memset(at, 0, VMP_INI_TEXT);
		memcpy(at, text, strlen(text));
		return VMP_OK;
	case VMP_OPT_INT:
	case VMP_OPT_DURATION:
		if (!read_number(opt, text, &num))
			return vmp_fail(msg, VMP_EINVAL, "expected %lld to %lld%s", (long long)opt->min,
					(long long)opt->max,
					opt->type == VMP_OPT_DURATION ? " seconds, or a number with s, m, h or d" : "");
		memcpy(at, &num, sizeof(num));
		return VMP_OK;
	case VMP_OPT_BOOL:
		if (!read_bool(text, &flag))
			return vmp_fail(msg, VMP_EINVAL, "expected yes or no");
		memcpy(at, &flag, sizeof(flag));
		return VMP_OK;
	}
	return VMP_EINVAL;
}

int vmp_ini_presets(const struct vmp_option *options, void *into, struct vmp_msg *msg)
{
	const struct vmp_option *opt;

	for (opt = options; opt->name; opt++) {
		if (opt - options >= OPTIONS_MAX || set(opt, opt->preset, into, msg) != VMP_OK)
			return vmp_fail(msg, VMP_EINVAL, "preset of %s is wrong", opt->name);
	}
	return VMP_OK;
}

int vmp_ini_set(const struct vmp_option *options, void *into, uint64_t *seen, const char *section, const char *name,
		const char *value, struct vmp_msg *why)
{
	const struct vmp_option *opt = options;
	uint64_t bit = 1;

	for (; opt->name && (strcmp(opt->section, section) != 0 || strcmp(opt->name, name) != 0); opt++)
		bit <<= 1;
	if (!opt->name)
		return vmp_fail(why, VMP_EINVAL, "there is no such option");
	if (*seen & bit)
		return vmp_fail(why, VMP_EINVAL, "given twice");
	*seen |= bit;
	return set(opt, value, into, why);
}

static bool has_section(const struct vmp_option *options, const char *section)
{
	const struct vmp_option *opt;

	for (opt = options; opt && opt->name; opt++) {
		if (strcmp(opt->section, section) == 0)
			return true;
	}
	return false;
}

/* Take an option; NULL for name and value: the section itself. @return whether to go on. */
static bool take(struct reading *r, const char *section, const char *name, const char *value)
{
	struct vmp_msg why = { "" };

	if (r->each && !has_section(r->options, section))
		r->err = r->each(r->ctx, section, name, value, r->line, &why);
	else if (name)
		r->err = vmp_ini_set(r->options, r->into, &r->seen, section, name, value, &why);
	if (r->err == VMP_OK)
		return true;
	vmp_fail(r->msg, r->err, "%s:%d: [%s]%s%s: %s", r->name, r->line, section, name ? " " : "", name ? name : "",
		 why.text);
	return false;
}

/* inih's callback: 1 goes on. */
static int handle(void *ctx, const char *section, const char *name, const char *value)
{
	struct reading *r = ctx;

	return r->err == VMP_OK && take(r, section, name, value);
}

/* inih tells of options alone. */
static void handle_section(struct reading *r, const char *line)
{
	const char *start = line + strspn(line, " \t");
	size_t len = strcspn(start, "]");
	char section[VMP_INI_SECTION + 1];

	if (*start != '[' || start[len] != ']' || len > VMP_INI_SECTION)
		return;
	memcpy(section, start + 1, len - 1);
	section[len - 1] = '\0';
	take(r, section, NULL, NULL);
}

/* What inih would cut off without a word.  Line is one that fits. */
static const char *would_be_cut(const char *line)
{
	const char *start = line + strspn(line, " \t"), *at;

	if (*start == '[')
		return strcspn(start + 1, "]") > VMP_INI_SECTION ? "the section's name is too long" : NULL;
	for (at = start; *start != ';' && *start != '#' && *at; at++) {
		if (*at == ';' && at > start && isspace((unsigned char)at[-1]))
			return "a comment needs a line of its own; no blank before a semicolon";
	}
	return NULL;
}

/* inih's reader: fgets() that counts lines and refuses long ones. */
static char *next_line(char *out, int room, void *ctx)
{
	struct reading *r = ctx;
	char *line = fgets(out, room, r->file);
	const char *cut;

	if (!line)
		return NULL;
	r->line++;
	if (strlen(line) > LINE_MAX_OCTETS && r->err == VMP_OK)
		r->err = vmp_fail(r->msg, VMP_EINVAL, "%s:%d: the line is longer than %d octets", r->name, r->line,
				  LINE_MAX_OCTETS);
	cut = !r->options ? would_be_cut(line) : NULL;
	if (cut && r->err == VMP_OK)
		r->err = vmp_fail(r->msg, VMP_EINVAL, "%s:%d: %s", r->name, r->line, cut);
	if (r->err == VMP_OK && r->options && r->each)
		handle_section(r, line);
	return r->err == VMP_OK ? line : NULL;
}

static int read_stream(struct reading *r)
{
	int line, err = r->options ? vmp_ini_presets(r->options, r->into, r->msg) : VMP_OK;

	if (err != VMP_OK)
		return err;
	line = ini_parse_stream(next_line, r, handle, r);
	if (r->err != VMP_OK)
		return r->err;
	if (line < 0)
		return vmp_fail(r->msg, VMP_EIO, "%s: cannot read", r->name);
	if (line > 0)
		return vmp_fail(r->msg, VMP_EINVAL, "%s:%d: expected [section], name = value or ; comment", r->name,
				line);
	return VMP_OK;
}

static int read_file(struct reading *r)
{
	int err;

	r->file = fopen(r->name, "re");
	if (!r->file)
		return vmp_fail(r->msg, errno == ENOENT ? VMP_ENOENT : VMP_EIO, "%s: cannot open: %s", r->name,
				strerror(errno));
	err = read_stream(r);
	if (err == VMP_OK && ferror(r->file))
		err = vmp_fail(r->msg, VMP_EIO, "%s: cannot read", r->name);
	fclose(r->file);
	return err;
}

static int read_text(struct reading *r, const char *text, size_t len)
{
	int err;

	r->file = fmemopen((void *)(uintptr_t)text, len ? len : 1, "r");
	if (!r->file)
		return vmp_fail(r->msg, VMP_ENOMEM, "%s: out of memory", r->name);
	if (!len)
		fgetc(r->file);
	err = read_stream(r);
	fclose(r->file);
	return err;
}

int vmp_ini_read(const char *path, const struct vmp_option *options, void *into, struct vmp_msg *msg)
{
	struct reading r = { .name = path, .options = options, .into = into, .msg = msg };

	return read_file(&r);
}

int vmp_ini_read_with(const char *path, const struct vmp_option *options, void *into, vmp_ini_option_fn each, void *ctx,
		      struct vmp_msg *msg)
{
	struct reading r = { .name = path, .options = options, .into = into, .each = each, .ctx = ctx, .msg = msg };

	return read_file(&r);
}

int vmp_ini_text(const char *name, const char *text, size_t len, const struct vmp_option *options, void *into,
		 struct vmp_msg *msg)
{
	struct reading r = { .name = name, .options = options, .into = into, .msg = msg };

	return read_text(&r, text, len);
}

int vmp_ini_each(const char *path, vmp_ini_option_fn each, void *ctx, struct vmp_msg *msg)
{
	struct reading r = { .name = path, .each = each, .ctx = ctx, .msg = msg };

	return read_file(&r);
}

int vmp_ini_each_stream(const char *name, FILE *file, vmp_ini_option_fn each, void *ctx, struct vmp_msg *msg)
{
	struct reading r = { .name = name, .each = each, .ctx = ctx, .msg = msg, .file = file };
	int err = read_stream(&r);

	return err == VMP_OK && ferror(file) ? vmp_fail(msg, VMP_EIO, "%s: cannot read", name) : err;
}

int vmp_ini_each_text(const char *name, const char *text, size_t len, vmp_ini_option_fn each, void *ctx,
		      struct vmp_msg *msg)
{
	struct reading r = { .name = name, .each = each, .ctx = ctx, .msg = msg };

	return read_text(&r, text, len);
}

bool vmp_ini_word(const char **at, char *word, size_t room)
{
	static const char separators[] = " \t,";
	const char *start = *at + strspn(*at, separators);
	size_t len = strcspn(start, separators);

	if (len == 0 || len >= room)
		return false;
	memcpy(word, start, len);
	word[len] = '\0';
	*at = start + len;
	return true;
}

bool vmp_ini_has_word(const char *list, const char *word)
{
	char one[VMP_INI_TEXT];

	while (vmp_ini_word(&list, one, sizeof(one))) {
		if (strcmp(one, word) == 0)
			return true;
	}
	return false;
}
