/** das: a NAS's Dynamic Authorization Server (RFC 5176) by script, for tests.
 *
 *	das --listen ADDR:PORT... --secret SECRET [--script FILE | --do STEPS] [--log FILE]
 *
 * Prints a line for each request:
 *	TIME LISTEN CODE ID [dup] [NAME=VALUE...] -> ACTION
 * TIME is in milliseconds since 1970, LISTEN the ADDR:PORT that it came to.  `dup` marks a retransmission, which
 * gets the answer that it got before, if any: `-> again`.  A request that does not verify, or lacks
 * Message-Authenticator or Event-Timestamp, is printed with `-> invalid:WHAT` and not answered.
 *
 * A script has a rule a line; the first that matches answers, and where none does, it is `do ack`:
 *	[match NAME=VALUE]... do STEP [then STEP]...
 * NAME is an attribute, `listen` or `code`; a STEP is ACTION... [times N], and the last one lasts.  An ACTION:
 *	ack, nak [CAUSE], silent [N], delay MS ACTION
 *	bare ACTION: without Message-Authenticator
 *	once: as a NAS with sessions, whose first Disconnect is acknowledged; from then on 503
 *	wrong-secret, forged, truncated, other-port, wrong-id, wrong-code: an answer that nobody may believe
 *	replay: an old answer as it was, then with this request's identifier; a third of a second later the true one
 * With coa- or disconnect- before its word it is for those requests alone: `do coa-nak 401 disconnect-ack`.
 * SIGHUP reads the script again, which counts anew.  Exit: 0 after SIGTERM or SIGINT; 2 usage.
 */
#include "das.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netdb.h>
#include <openssl/rand.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LISTENERS_MAX = 64, CACHE = 1 << 14, GONE = 1 << 20, REPLAY_DELAY_MS = 333, BATCH = 64 };

struct listener {
	int fd, other_fd; /* other_fd: another port of the same address */
	char name[64];
};

struct peer {
	struct sockaddr_storage addr;
	socklen_t len;
};

/* A retransmission gets the same answer again (RFC 5176, section 2.3). */
struct remembered {
	struct peer peer;
	const struct listener *listener;
	uint8_t request[DAS_HEADER];
	size_t len; /* of the answer; 0: none was given */
	uint8_t answer[128];
};

struct later {
	TAILQ_ENTRY(later) entry;
	int64_t due_ms;
	int fd;
	struct peer peer;
	size_t len;
	uint8_t octet[];
};

static struct listener listeners[LISTENERS_MAX];
static size_t n_listeners;
static const char *secret;
static struct remembered cache[CACHE];
static uint64_t gone[GONE]; /* sessions that were disconnected; 0: free */
static struct das_packet last_answer;
static TAILQ_HEAD(later_queue, later) queue = TAILQ_HEAD_INITIALIZER(queue);
static volatile sig_atomic_t hup, stop;

static _Noreturn void die(const char *what, const char *detail)
{
	fprintf(stderr, "das: %s%s%s\n", what, *detail ? ": " : "", detail);
	exit(2);
}

static int64_t now_ms(clockid_t clock)
{
	struct timespec ts;

	(void)clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* FNV-1a. */
static uint64_t hash(uint64_t h, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len--)
		h = (h ^ *p++) * 0x100000001b3U;
	return h;
}

/* -- sockets */
static int bound(const struct addrinfo *at)
{
	const int one = 1, size = 4 << 20;
	int fd = socket(at->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
	    bind(fd, at->ai_addr, at->ai_addrlen) != 0)
		die("cannot listen", strerror(errno));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return fd;
}

static struct addrinfo *resolve(const char *host, const char *port)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC,
					.ai_socktype = SOCK_DGRAM,
					.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	struct addrinfo *out;

	if (getaddrinfo(host, port, &hints, &out) != 0)
		die("expected ADDR:PORT, not", host);
	return out;
}

static void listener_add(const char *text)
{
	struct listener *l = &listeners[n_listeners];
	char host[64], *colon;
	struct addrinfo *at;

	if (n_listeners == LISTENERS_MAX || strlen(text) >= sizeof(host))
		die("too many or too long", text);
	(void)snprintf(l->name, sizeof(l->name), "%s", text);
	(void)snprintf(host, sizeof(host), "%s", text + (*text == '['));
	colon = strrchr(host, ':');
	if (!colon || colon == host)
		die("expected ADDR:PORT, not", text);
	*colon = '\0';
	if (colon[-1] == ']')
		colon[-1] = '\0';
	at = resolve(host, colon + 1);
	l->fd = bound(at);
	freeaddrinfo(at);
	at = resolve(host, "0");
	l->other_fd = bound(at);
	freeaddrinfo(at);
	n_listeners++;
}

/* -- sending, now or later */
static void transmit(int fd, const struct peer *peer, const uint8_t *octet, size_t len)
{
	(void)sendto(fd, octet, len, 0, (const struct sockaddr *)&peer->addr, peer->len);
}

static void transmit_later(int fd, const struct peer *peer, const struct das_packet *p, uint32_t delay_ms)
{
	struct later *l, *before;

	if (delay_ms == 0) {
		transmit(fd, peer, p->octet, p->len);
		return;
	}
	l = malloc(sizeof(*l) + p->len);
	if (!l)
		abort();
	*l = (struct later){ .due_ms = now_ms(CLOCK_MONOTONIC) + delay_ms, .fd = fd, .peer = *peer, .len = p->len };
	memcpy(l->octet, p->octet, p->len);
	TAILQ_FOREACH_REVERSE(before, &queue, later_queue, entry)
	{
		if (before->due_ms <= l->due_ms)
			break;
	}
	if (before)
		TAILQ_INSERT_AFTER(&queue, before, l, entry);
	else
		TAILQ_INSERT_HEAD(&queue, l, entry);
}

/** Send what is due. @return [ms] until the next; -1: there is none. */
static int transmit_due(void)
{
	int64_t now = now_ms(CLOCK_MONOTONIC);
	struct later *l;

	while ((l = TAILQ_FIRST(&queue))) {
		if (l->due_ms > now)
			return (int)(l->due_ms - now);
		transmit(l->fd, &l->peer, l->octet, l->len);
		TAILQ_REMOVE(&queue, l, entry);
		free(l);
	}
	return -1;
}

/* -- what a request gets */
static bool is_gone(const struct das_packet *request, const struct listener *l, bool mark)
{
	uint64_t h = hash(0xcbf29ce484222325U, l->name, strlen(l->name));
	struct das_attr a;
	size_t i;

	if (das_packet_find(request, 31, &a))
		h = hash(h, a.value, a.len);
	if (das_packet_find(request, 44, &a))
		h = hash(h, a.value, a.len);
	h |= 1;
	for (i = (h >> 20) % GONE; gone[i] && gone[i] != h; i = (i + 1) % GONE)
		;
	if (gone[i] == h)
		return true;
	if (mark)
		gone[i] = h;
	return false;
}

/* A NAS that knows its sessions, in terms of one that does not. */
static void once(const struct das_packet *request, const struct listener *l, struct das_action *action)
{
	bool was_gone = is_gone(request, l, request->octet[0] == DAS_DISCONNECT);

	action->act = was_gone ? DAS_NAK : DAS_ACK;
	action->cause = was_gone ? 503 : 0;
}

static void answer_make(const struct das_packet *request, const struct das_action *action, struct das_packet *out)
{
	uint8_t code = request->octet[0];
	struct das_answer answer = { (uint8_t)(code + 1), 0, action->bare, secret };

	if (action->act == DAS_NAK)
		answer.code = (uint8_t)(code + 2), answer.cause = action->cause;
	if (action->act == DAS_WRONG_SECRET)
		answer.secret = "not the secret";
	if (action->act == DAS_WRONG_CODE)
		answer.code = code == DAS_COA ? DAS_DISCONNECT + 1 : DAS_COA + 1;
	das_packet_answer(request, &answer, out);
	if (action->act == DAS_WRONG_ID)
		out->octet[1]++;
	if (action->act == DAS_FORGED && RAND_bytes(out->octet + DAS_AUTH, DAS_DIGEST) != 1)
		abort();
	if (action->act == DAS_TRUNCATED)
		out->len -= 5;
}

static void replay(const struct listener *l, const struct peer *peer, const struct das_packet *request)
{
	if (!last_answer.len)
		return;
	transmit(l->fd, peer, last_answer.octet, last_answer.len);
	last_answer.octet[1] = request->octet[1];
	transmit(l->fd, peer, last_answer.octet, last_answer.len);
}

static bool is_good(enum das_act act)
{
	return act == DAS_ACK || act == DAS_NAK || act == DAS_REPLAY;
}

static void act(const struct das_packet *request, const struct listener *l, const struct peer *peer,
		struct das_action action, struct remembered *memory)
{
	static struct das_packet out;

	if (action.act == DAS_SILENT)
		return;
	answer_make(request, &action, &out);
	if (action.act == DAS_REPLAY) {
		replay(l, peer, request);
		action.delay_ms += REPLAY_DELAY_MS;
	}
	transmit_later(action.act == DAS_OTHER_PORT ? l->other_fd : l->fd, peer, &out, action.delay_ms);
	if (!is_good(action.act) || out.len > sizeof(memory->answer))
		return;
	last_answer = out;
	if (action.delay_ms == 0) {
		memory->len = out.len;
		memcpy(memory->answer, out.octet, out.len);
	}
}

/* -- requests */
static void show(const struct das_packet *request, const struct listener *l, bool dup, const char *wrong,
		 const struct das_action *action)
{
	char name[64], value[DAS_TEXT_MAX];
	struct das_attr a;
	size_t at = 0;

	printf("%" PRId64 " %s %s %u%s", now_ms(CLOCK_REALTIME), l->name, das_code_name(request->octet[0]),
	       request->octet[1], dup ? " dup" : "");
	while (!wrong && das_packet_next(request, &at, &a)) {
		if (a.vendor == 0 && a.type == 80)
			continue;
		das_attr_name(&a, name);
		das_attr_value(&a, value);
		printf(" %s=%s", name, value);
	}
	if (wrong)
		printf(" -> invalid:%s\n", wrong);
	else if (!action)
		puts(" -> again");
	else if (action->act == DAS_NAK && action->cause)
		printf(" -> nak %" PRIu32 "\n", action->cause);
	else
		printf(" -> %s\n", das_act_name(action->act));
}

static struct remembered *remember(const struct das_packet *request, const struct listener *l, const struct peer *peer,
				   bool *dup)
{
	uint64_t h = hash(0xcbf29ce484222325U, &peer->addr, peer->len);
	struct remembered *r;

	h = hash(h, l->name, strlen(l->name));
	h = hash(h, request->octet + 1, 1);
	r = &cache[h % CACHE];
	*dup = r->listener == l && r->peer.len == peer->len && memcmp(&r->peer.addr, &peer->addr, peer->len) == 0 &&
	       memcmp(r->request, request->octet, DAS_HEADER) == 0;
	if (!*dup) {
		*r = (struct remembered){ .peer = *peer, .listener = l };
		memcpy(r->request, request->octet, DAS_HEADER);
	}
	return r;
}

static void take(struct das_packet *request, const struct listener *l, const struct peer *peer)
{
	const char *wrong = das_packet_wrong(request, secret);
	struct das_action action;
	struct remembered *memory;
	bool dup = false;

	if (wrong) {
		show(request, l, false, wrong, NULL);
		return;
	}
	memory = remember(request, l, peer, &dup);
	if (dup && memory->len) {
		show(request, l, dup, NULL, NULL);
		transmit(l->fd, peer, memory->answer, memory->len);
		return;
	}
	action = das_rules_apply(request, l->name);
	if (action.act == DAS_ONCE)
		once(request, l, &action);
	show(request, l, dup, NULL, &action);
	act(request, l, peer, action, memory);
}

static void receive(const struct listener *l)
{
	static struct das_packet request;
	struct peer peer = { .len = 0 };
	ssize_t got;
	int n;

	for (n = 0; n < BATCH; n++) {
		peer.len = sizeof(peer.addr);
		memset(request.octet, 0, DAS_HEADER);
		got = recvfrom(l->fd, request.octet, sizeof(request.octet), 0, (struct sockaddr *)&peer.addr,
			       &peer.len);
		if (got < 0)
			return;
		request.len = (size_t)got;
		take(&request, l, &peer);
	}
}

/* -- the program */
static void on_signal(int number)
{
	if (number == SIGHUP)
		hup = 1;
	else
		stop = 1;
}

static void signals(sigset_t *while_waiting)
{
	const struct sigaction sa = { .sa_handler = on_signal };
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGHUP);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	sigprocmask(SIG_BLOCK, &blocked, while_waiting);
	sigaction(SIGHUP, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
}

static void serve(const char *script, const char *rules, const sigset_t *while_waiting)
{
	struct pollfd fds[LISTENERS_MAX];
	struct timespec wait;
	size_t i;
	int ms;

	for (i = 0; i < n_listeners; i++)
		fds[i] = (struct pollfd){ .fd = listeners[i].fd, .events = POLLIN };
	while (!stop) {
		ms = transmit_due();
		(void)fflush(stdout);
		wait = (struct timespec){ ms / 1000, ms % 1000 * 1000000L };
		if (ppoll(fds, n_listeners, ms < 0 ? NULL : &wait, while_waiting) > 0) {
			for (i = 0; i < n_listeners; i++) {
				if (fds[i].revents)
					receive(&listeners[i]);
			}
		}
		if (hup) {
			hup = 0;
			(void)das_rules_read(script, rules);
		}
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "listen", required_argument, NULL, 'l' }, { "secret", required_argument, NULL, 's' },
		{ "script", required_argument, NULL, 'f' }, { "do", required_argument, NULL, 'd' },
		{ "log", required_argument, NULL, 'o' },    { NULL, 0, NULL, 0 },
	};
	const char *script = NULL, *log = NULL, *rules = "do ack";
	char text[1024];
	sigset_t while_waiting;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'l')
			listener_add(optarg);
		else if (c == 's')
			secret = optarg;
		else if (c == 'f')
			script = optarg;
		else if (c == 'd')
			(void)snprintf(text, sizeof(text), "do %s", optarg), rules = text;
		else if (c == 'o')
			log = optarg;
		else
			return 2;
	}
	if (optind != argc || !n_listeners || !secret || strlen(secret) > 255)
		die("usage: das --listen ADDR:PORT... --secret SECRET [--script FILE | --do RULES] [--log FILE]", "");
	if (log && !freopen(log, "a", stdout))
		die(log, strerror(errno));
	if (!das_rules_read(script, rules))
		return 2;
	signals(&while_waiting);
	serve(script, rules, &while_waiting);
	return 0;
}
