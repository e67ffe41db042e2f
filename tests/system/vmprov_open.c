/** vmprov-open: open COI keys' envelopes as a member does, and show what they say.
 *
 *	vmprov-open --ca FILE --cert FILE --key FILE [--json] [--show-key] FILE|-
 *
 * FILE is one signed envelope in DER, or with --json the body of GET /v1/coi-keys:
 * {"keys":[{"coi":"web","epoch":3,"cms":"<base64 of DER>"}, ...]}.  Prints for each key a line
 * COI EPOCH SHA256-OF-THE-KEY NOT-AFTER, with --show-key the key itself instead of its digest.
 * Exit: 0 all opened; 1 one does not, or a file cannot be read; 2 usage.
 */
#include "cms.h"
#include "est.h"

#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define INPUT_MAX 16777216

struct options {
	const char *ca, *cert, *key, *file;
	bool json, show_key;
};

/* The files' texts. */
struct member {
	char *ca, *cert, *key;
};

static _Noreturn void fatal(const char *what, const char *why)
{
	fprintf(stderr, "vmprov-open: %s: %s\n", what, why);
	exit(1);
}

static _Noreturn void usage(void)
{
	fprintf(stderr, "usage: vmprov-open --ca FILE --cert FILE --key FILE [--json] [--show-key] FILE|-\n");
	exit(2);
}

/* A whole file with a NUL after it. */
static char *read_file(const char *path, size_t *len)
{
	FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
	char *data = malloc(INPUT_MAX + 1);

	if (!in || !data)
		fatal(path, "cannot open");
	*len = fread(data, 1, INPUT_MAX, in);
	if (ferror(in) || *len == INPUT_MAX)
		fatal(path, "cannot read, or too long");
	if (in != stdin)
		fclose(in);
	data[*len] = '\0';
	return data;
}

static void show(const struct vmp_coi_key *key, bool show_key)
{
	char hex[2 * VMP_COI_KEY + 1];
	uint8_t digest[VMP_DIGEST];

	vmp_digest(key->key, sizeof(key->key), digest);
	vmp_hex(show_key ? key->key : digest, sizeof(digest), hex);
	printf("%s %" PRIu32 " %s %" PRId64 "\n", key->coi, key->epoch, hex, key->not_after);
	vmp_wipe(hex, sizeof(hex));
}

static void open_one(const struct member *m, const uint8_t *der, size_t len, struct vmp_coi_key *out)
{
	struct vmp_msg msg = { "" };
	int err = vmp_cms_open(m->ca, m->cert, m->key, der, len, time(NULL), out, &msg);

	if (err)
		fatal("the envelope does not open", *msg.text ? msg.text : vmp_strerror(err));
}

static void open_der(const struct member *m, const struct options *opt)
{
	struct vmp_coi_key key;
	size_t len;
	char *der = read_file(opt->file, &len);

	open_one(m, (const uint8_t *)der, len, &key);
	show(&key, opt->show_key);
	vmp_wipe(&key, sizeof(key));
	free(der);
}

/* What stands beside an envelope must be what it says inside. */
static void open_item(const struct member *m, json_t *item, bool show_key)
{
	uint8_t der[VMP_ENVELOPE_MAX];
	const char *coi, *cms;
	struct vmp_coi_key key;
	json_int_t epoch;
	size_t len = sizeof(der);

	if (json_unpack(item, "{s:s, s:I, s:s}", "coi", &coi, "epoch", &epoch, "cms", &cms) != 0)
		fatal("the list", "expected coi, epoch and cms for each key");
	if (vmp_unbase64(cms, strlen(cms), der, &len) != VMP_OK)
		fatal(coi, "expected an envelope in base64");
	open_one(m, der, len, &key);
	if (strcmp(coi, key.coi) != 0 || epoch != (json_int_t)key.epoch)
		fatal(coi, "the envelope is another COI's or epoch's");
	show(&key, show_key);
	vmp_wipe(&key, sizeof(key));
}

static void open_json(const struct member *m, const struct options *opt)
{
	size_t len, i;
	char *text = read_file(opt->file, &len);
	json_error_t error;
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error), *keys, *item;

	if (!root)
		fatal("the list", error.text);
	keys = json_object_get(root, "keys");
	if (!json_is_array(keys))
		fatal("the list", "expected {\"keys\":[...]}");
	json_array_foreach(keys, i, item)
		open_item(m, item, opt->show_key);
	json_decref(root);
	free(text);
}

static void parse(int argc, char **argv, struct options *out)
{
	static const struct option options[] = {
		{ "ca", required_argument, NULL, 'a' },	 { "cert", required_argument, NULL, 'c' },
		{ "key", required_argument, NULL, 'k' }, { "json", no_argument, NULL, 'j' },
		{ "show-key", no_argument, NULL, 's' },	 { NULL, 0, NULL, 0 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'a')
			out->ca = optarg;
		else if (c == 'c')
			out->cert = optarg;
		else if (c == 'k')
			out->key = optarg;
		else if (c == 'j')
			out->json = true;
		else if (c == 's')
			out->show_key = true;
		else
			usage();
	}
	if (optind + 1 != argc || !out->ca || !out->cert || !out->key)
		usage();
	out->file = argv[optind];
}

int main(int argc, char **argv)
{
	struct options opt = { .json = false };
	struct member m;
	size_t len, key_len;

	parse(argc, argv, &opt);
	m.ca = read_file(opt.ca, &len);
	m.cert = read_file(opt.cert, &len);
	m.key = read_file(opt.key, &key_len);
	if (opt.json)
		open_json(&m, &opt);
	else
		open_der(&m, &opt);
	vmp_wipe(m.key, key_len);
	free(m.ca);
	free(m.cert);
	free(m.key);
	return fflush(stdout) == 0 ? 0 : 1;
}
