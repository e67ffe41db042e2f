#include "identity.h"
#include "answer.h"
#include "boot_clock.h"
#include "identity_load.h"
#include "identity_pair.h"
#include "identity_token.h"
#include "log.h"
#include "pki.h"
#include "retry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LISTENERS 4
#define LOOK_MS	  60000 /* how often the clock is looked at, and files that somebody else may have replaced */
#define TOKEN_MS  5000	/* and a token's file, or a first certificate, that is awaited */
#define CALM_MS	  60000 /* between renewals, even if policyd's clock and ours differ by a certificate's life */
#define LABEL	  64	/* [octets] the longest name of a template */

static struct {
	struct identity_settings settings;
	struct event *timer;
	void (*tell[LISTENERS])(void);
	struct pair_files files;
	struct identity_load load;
	bool asking, renewing;
	bool by_file;	  /* what is asked for, by the token of the file */
	bool ended;	  /* the certificate's time is over, and that was said */
	bool turned_away; /* policyd refuses to renew it */
	unsigned tries;
	uint64_t next_try;	    /* [ms] boot_clock_ms() */
	char token[IDENTITY_TOKEN]; /* of identity_enrol(); "": none */
	struct stamp tried;	    /* the token's file that was sent last */
	struct stamp refused;	    /* one that is of no use */
	char error[VMP_MSG_MAX];    /* of the last attempt */
	char said[VMP_MSG_MAX];	    /* the last that was logged */
	unsigned long long enrolments, renewals, failures;
} id;

/* -- what went well, and wrong ---------------------------------------------------------------------------------- */

/* A line for each different error, not for each attempt. */
static void say(const char *doing, const char *why)
{
	if (strcmp(id.said, why) == 0)
		return;
	snprintf(id.said, sizeof(id.said), "%s", why);
	vmp_log(VMP_LOG_WARNING, "identity-failed", "doing", doing, "why", why, NULL);
}

static void failed(const char *doing, const char *why)
{
	id.failures++;
	snprintf(id.error, sizeof(id.error), "%s", why);
	say(doing, why);
	id.next_try = boot_clock_ms() + retry_pause(++id.tries);
}

static void log_certificate(const char *event)
{
	time_t end = (time_t)id.load.pair.not_after;
	char until[32] = "";
	struct tm tm;

	if (gmtime_r(&end, &tm))
		strftime(until, sizeof(until), "%Y-%m-%dT%H:%M:%SZ", &tm);
	vmp_log(VMP_LOG_INFO, event, "name", id.load.pair.name, "serial", id.load.pair.serial, "until", until, NULL);
}

static void tell_all(void)
{
	size_t i;

	for (i = 0; i < LISTENERS && id.tell[i]; i++)
		id.tell[i]();
}

static void load(const char *event)
{
	bool is_new = identity_load(&id.load, &id.settings);

	id.ended = false;
	if (*id.load.error)
		say("load", id.load.error);
	if (!is_new)
		return;
	log_certificate(event);
	tell_all();
}

static bool enrols(void)
{
	return id.settings.enrol && id.settings.client;
}

/* -- asking policyd --------------------------------------------------------------------------------------------- */

static void step(void);

static void got_it(void)
{
	if (id.renewing)
		id.renewals++;
	else
		id.enrolments++;
	if (!id.renewing && id.by_file)
		identity_token_remove(id.settings.token_file);
	else if (!id.renewing)
		vmp_wipe(id.token, sizeof(id.token));
	*id.error = *id.said = '\0';
	id.turned_away = false;
	id.tries = 0;
	id.next_try = boot_clock_ms() + CALM_MS;
	load(id.renewing ? "identity-renewed" : "identity-enrolled");
}

static void refused(int status)
{
	if (id.renewing)
		id.turned_away = status == 401 || status == 403;
	else if (status == 401 && id.by_file)
		id.refused = id.tried;
	else if (status == 401)
		vmp_wipe(id.token, sizeof(id.token));
}

static void answered(void *ctx, int status, const char *body, size_t len, const char *why)
{
	struct vmp_msg msg = { "" };
	int err = answer_read(status, body, len, why, &msg);

	(void)ctx;
	id.asking = false;
	if (!err)
		err = pair_take(&id.files, body, len, &msg);
	if (!err) {
		got_it();
	} else {
		failed(id.renewing ? "renew" : "enrol", msg.text);
		refused(status);
	}
	step();
}

/* @param token  NULL: renew. */
static void ask(const char *token)
{
	struct http_request request = { .method = "POST", .type = "application/pkcs10", .password = token };
	const char *label = id.settings.label;
	char path[sizeof("/.well-known/est//simplereenroll") + LABEL];
	struct vmp_msg msg = { "" };
	char *body = NULL;
	int err;

	snprintf(path, sizeof(path), "/.well-known/est/%s%s%s", label, *label ? "/" : "",
		 token ? "simpleenroll" : "simplereenroll");
	request.path = path;
	if (!token) {
		request.certificate = id.settings.certificate;
		request.key = id.settings.key;
	}
	id.renewing = !token;
	id.by_file = token && token != id.token;
	/* A switch to the new pair that failed half-way is done before another is asked for. */
	err = pair_mend(&id.files, &msg);
	if (!err)
		err = pair_request(&id.files, &body, &msg);
	request.body = body;
	if (!err)
		err = http_client_send(id.settings.client, &request, answered, NULL, &msg);
	free(body);
	id.asking = err == VMP_OK;
	if (err)
		failed(token ? "enrol" : "renew", msg.text);
}

/* -- what is to be done ----------------------------------------------------------------------------------------- */

static uint64_t until_next_try(void)
{
	uint64_t now = boot_clock_ms();

	return id.next_try > now ? id.next_try - now : 0;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static bool token_is_refused(void)
{
	struct stamp now;

	stamp_read(id.settings.token_file, &now);
	return stamp_is_none(&now) || stamp_is(&now, &id.refused);
}

static void enrol_from_file(void)
{
	char token[IDENTITY_TOKEN];
	struct vmp_msg msg = { "" };
	struct stamp now;
	int err;

	stamp_read(id.settings.token_file, &now);
	/* A new one need not wait for the pause that the old one has earned. */
	if (stamp_is(&now, &id.tried) && until_next_try())
		return;
	id.tried = now;
	err = identity_token_read(id.settings.token_file, token, &msg);
	if (err)
		failed("enrol", msg.text);
	else
		ask(token);
	vmp_wipe(token, sizeof(token));
}

static void await_token(void)
{
	struct vmp_msg why;

	if (*id.error || *id.load.error)
		return;
	vmp_fail(&why, 0, "%s has no certificate", id.settings.owner);
	vmp_log(VMP_LOG_WARNING, "identity-failed", "doing", "enrol", "why", why.text, "token_file",
		id.settings.token_file, NULL);
	vmp_fail(&why, 0, "%s has no certificate: expected %s", id.settings.owner, id.settings.expected);
	snprintf(id.error, sizeof(id.error), "%s", why.text);
}

/* Has the certificate's time gone by? */
static bool has_ended(void)
{
	bool ended = time(NULL) >= id.load.pair.not_after;
	struct vmp_msg msg;

	if (ended && !id.ended) {
		vmp_fail(&msg, 0, "the certificate of %s has ended: a new one needs a token", id.load.pair.name);
		snprintf(id.error, sizeof(id.error), "%s", msg.text);
		say("renew", msg.text);
	}
	id.ended = ended;
	return ended;
}

/* @return [ms] until the next look. */
static uint64_t enrol_or_renew(void)
{
	bool none = !id.load.there || has_ended(), from_file = (none || id.turned_away) && !token_is_refused();
	int64_t now = time(NULL);

	if (*id.token) {
		if (!until_next_try())
			ask(id.token);
		return least(LOOK_MS, until_next_try());
	}
	if (from_file) {
		enrol_from_file();
		return least(TOKEN_MS, until_next_try());
	}
	if (none) {
		await_token();
		return TOKEN_MS;
	}
	if (now < id.load.renew_at)
		return least(LOOK_MS, (uint64_t)(id.load.renew_at - now) * 1000);
	if (!until_next_try())
		ask(NULL);
	return least(id.turned_away ? TOKEN_MS : LOOK_MS, until_next_try());
}

static void step(void)
{
	struct timeval tv = { 0 };
	uint64_t ms = id.load.there ? LOOK_MS : TOKEN_MS;

	if (id.asking)
		return;
	if (identity_load_is_old(&id.load, &id.settings))
		load("identity-loaded");
	if (enrols())
		ms = enrol_or_renew();
	if (id.asking)
		return;
	tv.tv_sec = (time_t)(ms / 1000);
	tv.tv_usec = (suseconds_t)(ms % 1000 * 1000);
	evtimer_add(id.timer, &tv);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	(void)ctx;
	step();
}

/* -- for the others --------------------------------------------------------------------------------------------- */

static int check_names(const struct identity_settings *settings, struct pair_files *files, struct vmp_msg *msg)
{
	if (settings->client && strlen(settings->label) > LABEL)
		return vmp_fail(msg, VMP_EINVAL, "[identity] label: expected at most %d octets", LABEL);
	return pair_files_init(files, settings->certificate, settings->key, msg);
}

int identity_init(struct event_base *base, const struct identity_settings *settings, struct vmp_msg *msg)
{
	static const struct timeval soon = { .tv_usec = 1000 };
	struct vmp_msg why = { "" };
	int err = check_names(settings, &id.files, msg);

	if (err)
		return err;
	id.settings = *settings;
	id.timer = evtimer_new(base, on_timer, NULL);
	if (!id.timer)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	if (settings->enrol && pair_mend(&id.files, &why) != VMP_OK)
		say("load", why.text);
	load("identity-loaded");
	evtimer_add(id.timer, &soon);
	return VMP_OK;
}

void identity_free(void)
{
	if (id.timer)
		event_free(id.timer);
	vmp_wipe(id.token, sizeof(id.token));
	memset(&id, 0, sizeof(id));
}

bool identity_is_there(void)
{
	return id.load.there && time(NULL) < id.load.pair.not_after;
}

int identity_enrol(const char *token, struct vmp_msg *msg)
{
	if (!id.settings.enrol)
		return vmp_fail(msg, VMP_EINVAL, "[identity] enrol = no: the certificate is not policyd's");
	if (!id.settings.client)
		return vmp_fail(msg, VMP_EINVAL, "[policyd] url is not set");
	if (!identity_token_is_one(token))
		return vmp_fail(msg, VMP_EINVAL, "expected a join token");
	snprintf(id.token, sizeof(id.token), "%s", token);
	id.tries = 0;
	id.next_try = 0;
	*id.error = *id.said = '\0';
	step();
	return VMP_OK;
}

void identity_changed(void (*tell)(void))
{
	size_t i;

	for (i = 0; i < LISTENERS; i++) {
		if (!id.tell[i]) {
			id.tell[i] = tell;
			return;
		}
	}
}

void identity_status(struct identity_status *out)
{
	memset(out, 0, sizeof(*out));
	out->there = id.load.there;
	out->enrolments = id.enrolments;
	out->renewals = id.renewals;
	out->failures = id.failures;
	out->error = *id.error ? id.error : id.load.error;
	out->holds_token = *id.token != '\0';
	if (!id.load.there)
		return;
	snprintf(out->name, sizeof(out->name), "%s", id.load.pair.name);
	snprintf(out->serial, sizeof(out->serial), "%s", id.load.pair.serial);
	out->not_after = id.load.pair.not_after;
	out->renew_at = enrols() ? id.load.renew_at : 0;
}

const char *identity_trouble(bool in_use)
{
	struct identity_status s;

	identity_status(&s);
	if (!s.there || !in_use)
		return *s.error ? s.error : "no certificate yet";
	return s.not_after <= (int64_t)time(NULL) ? "the certificate has ended" : NULL;
}

int identity_check(const struct identity_settings *settings, struct vmp_msg *msg)
{
	struct pair_files files;
	struct vmp_pair pair;
	int err = check_names(settings, &files, msg);

	/* Where it is made and renewed by us, what is wrong with the pair is no matter of the configuration. */
	if (err || settings->enrol)
		return err;
	return vmp_pair_read(settings->certificate, settings->key, &pair, msg);
}
