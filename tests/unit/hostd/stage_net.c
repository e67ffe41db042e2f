#include "stage_net.h"
#include "../authenticator.h"
#include "events.h"
#include "packet_linux.h"
#include "warden.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINKS	  (2 * STAGE_UPLINKS)
#define QUESTIONS 64
#define FRAMES	  4096
#define SWITCH	  0x020000000001ULL

struct frame {
	int fd;
	size_t len;
	uint8_t data[VMP_EAPOL_FRAME_MAX];
};

struct queue {
	struct frame frame[FRAMES];
	unsigned first, n;
};

struct stage_switch stage_switch[STAGE_UPLINKS];

static struct link links[LINKS]; /* up0, up1, br0, br1 */
static bool there[LINKS];
static struct authenticator ports[STAGE_UPLINKS][STAGE_GUESTS + 1];
static int fds[STAGE_UPLINKS], next_index;
static struct queue out, in;
static bool away;
static struct {
	warden_fn done;
	void *ctx;
	int uplink; /* -1: the fence */
	int index;  /* of the uplink, when it was asked for */
} questions[QUESTIONS];
static unsigned n_questions;

/* -- interfaces --------------------------------------------------------------------------------- */
const struct link *link_by_name(const char *name)
{
	int i;

	for (i = 0; i < LINKS; i++) {
		if (there[i] && strcmp(links[i].name, name) == 0)
			return &links[i];
	}
	return NULL;
}

const struct link *link_by_index(int index)
{
	int i;

	for (i = 0; i < LINKS; i++) {
		if (there[i] && links[i].index == index)
			return &links[i];
	}
	return NULL;
}

static void tell(int i)
{
	struct link link = links[i];

	link.gone = !there[i];
	uplink_link(&link);
	stage_pass(0);
}

void stage_net_tell(void)
{
	int i;

	for (i = LINKS - 1; i >= 0; i--) {
		if (there[i])
			uplink_link(&links[i]);
	}
}

/* The switch's port goes down with it. */
static void forget_all(int uplink)
{
	int n;

	for (n = 0; n <= STAGE_GUESTS; n++)
		stage_switch_forgets(uplink, n);
}

void stage_carrier(int uplink, bool up)
{
	links[uplink].up = up;
	if (!up)
		forget_all(uplink);
	if (there[uplink])
		tell(uplink);
}

void stage_enslave(int uplink, const char *bridge)
{
	links[uplink].master = bridge ? link_by_name(bridge)->index : 0;
	if (there[uplink])
		tell(uplink);
}

void stage_delete(int uplink)
{
	if (!there[uplink])
		return;
	there[uplink] = false;
	forget_all(uplink);
	tell(uplink);
}

void stage_create(int uplink)
{
	if (there[uplink])
		return;
	there[uplink] = true;
	links[uplink].index = next_index++;
	tell(uplink);
}

void stage_replace(int uplink)
{
	links[uplink].index = next_index++;
	fds[uplink] = -1; /* the old one's socket hears and says nothing more */
	forget_all(uplink);
	tell(uplink);
}

/* -- the parent --------------------------------------------------------------------------------- */
static void ask(warden_fn done, void *ctx, int uplink)
{
	ck_assert_uint_lt(n_questions, QUESTIONS);
	questions[n_questions].done = done;
	questions[n_questions].ctx = ctx;
	questions[n_questions].index = uplink < 0 ? 0 : links[uplink].index;
	questions[n_questions++].uplink = uplink;
}

void warden_ask_socket(const char *uplink, warden_fn done, void *ctx)
{
	ask(done, ctx, uplink[2] - '0');
}

void warden_ask_fence(const char *const *some, size_t n_some, const char *const *others, size_t n_others,
		      warden_fn done, void *ctx)
{
	(void)some;
	(void)n_some;
	(void)others;
	(void)n_others;
	ask(done, ctx, -1);
}

/* A socket of an interface that has gone since is good for nothing. */
static void answer(warden_fn done, void *ctx, int uplink, int index)
{
	int i, fd;

	if (uplink < 0) {
		done(ctx, VMP_OK, -1, "");
	} else if (!there[uplink]) {
		done(ctx, VMP_ENOENT, -1, "there is no such interface");
	} else {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		ck_assert_int_ge(fd, 0);
		for (i = 0; i < STAGE_UPLINKS; i++) {
			if (fds[i] == fd)
				fds[i] = -1; /* was closed */
		}
		if (links[uplink].index == index)
			fds[uplink] = fd;
		done(ctx, VMP_OK, fd, "");
	}
}

static bool answer_one(void)
{
	warden_fn done = questions[0].done;
	void *ctx = questions[0].ctx;
	int uplink = questions[0].uplink, index = questions[0].index;

	if (away || n_questions == 0)
		return false;
	n_questions--;
	memmove(&questions[0], &questions[1], n_questions * sizeof(questions[0]));
	answer(done, ctx, uplink, index);
	return true;
}

void stage_parent_away(bool is)
{
	away = is;
}

/* -- frames ------------------------------------------------------------------------------------- */
static void put(struct queue *q, int fd, const uint8_t *data, size_t len)
{
	struct frame *f = &q->frame[(q->first + q->n) % FRAMES];

	ck_assert_uint_lt(q->n++, FRAMES);
	f->fd = fd;
	f->len = len;
	memcpy(f->data, data, len);
}

static struct frame take(struct queue *q)
{
	struct frame f = q->frame[q->first];

	q->first = (q->first + 1) % FRAMES;
	q->n--;
	return f;
}

int packet_write(int fd, const uint8_t *data, size_t len)
{
	put(&out, fd, data, len);
	return VMP_OK;
}

int packet_read(int fd, uint8_t *data, size_t room)
{
	struct frame f;

	if (in.n == 0 || in.frame[in.first].fd != fd)
		return 0;
	f = take(&in);
	ck_assert_uint_le(f.len, room);
	memcpy(data, f.data, f.len);
	return (int)f.len;
}

static int uplink_of(int fd)
{
	int i;

	for (i = 0; i < STAGE_UPLINKS; i++) {
		if (fds[i] == fd && there[i] && links[i].up)
			return i;
	}
	return -1;
}

static int guest_of(uint64_t mac)
{
	int n;

	for (n = 0; n <= STAGE_GUESTS; n++) {
		if (stage_mac(n) == mac)
			return n;
	}
	return -1;
}

/* -- the switches ------------------------------------------------------------------------------- */
static void send_to(int uplink, int n, size_t len)
{
	uint8_t frame[VMP_EAPOL_FRAME_MAX];
	uint64_t dst = stage_switch[uplink].group ? VMP_EAPOL_PAE_GROUP : stage_mac(n);

	if (fds[uplink] < 0)
		return;
	len = vmp_eapol_write(dst, SWITCH, 2, VMP_EAPOL_EAP, ports[uplink][n].packet, len, frame);
	put(&in, fds[uplink], frame, len);
}

static void count(int uplink, const struct vmp_eapol *frame)
{
	struct stage_switch *s = &stage_switch[uplink];

	if (frame->type == VMP_EAPOL_START) {
		s->starts++;
		s->last_start = frame->src;
	} else if (frame->type == VMP_EAPOL_LOGOFF) {
		s->logoffs++;
		s->last_logoff = frame->src;
	}
}

static void switch_takes(const struct frame *f)
{
	struct port_sent sent = { .at = 0 };
	struct vmp_eapol frame;
	int i = uplink_of(f->fd), n;
	size_t len;

	if (i < 0)
		return;
	ck_assert_int_eq(vmp_eapol_read(f->data, f->len, &frame), VMP_OK);
	n = guest_of(frame.src);
	ck_assert_int_ge(n, 0);
	count(i, &frame);
	sent.type = frame.type;
	sent.len = frame.len;
	if (frame.len)
		memcpy(sent.body, frame.body, frame.len);
	ports[i][n].deaf = stage_switch[i].deaf;
	ports[i][n].reject = stage_switch[i].reject;
	len = authenticator_take(&ports[i][n], &sent);
	stage_switch[i].authorized[n] = ports[i][n].authorized;
	if (len)
		send_to(i, n, len);
}

void stage_switch_asks(int uplink, int n)
{
	send_to(uplink, n, authenticator_begin(&ports[uplink][n]));
	stage_pass(0);
}

void stage_switch_forgets(int uplink, int n)
{
	authenticator_clear(&ports[uplink][n]);
	authenticator_init(&ports[uplink][n], VMP_EAP_MD5);
	stage_switch[uplink].authorized[n] = false;
}

bool stage_net_busy(void)
{
	return out.n > 0 || in.n > 0 || (n_questions > 0 && !away);
}

void stage_net_carry(void)
{
	struct frame f;

	while (stage_net_busy()) {
		while (answer_one())
			;
		if (out.n > 0) {
			f = take(&out);
			switch_takes(&f);
		} else if (in.n > 0 && !events_readable(in.frame[in.first].fd)) {
			(void)take(&in);
		}
	}
}

/* -- setting up --------------------------------------------------------------------------------- */
static void make(int i, const char *name, const char *kind)
{
	links[i] = (struct link){ .index = next_index++, .up = true, .mac = 0x020000000100ULL };
	strcpy(links[i].name, name);
	strcpy(links[i].kind, kind);
	there[i] = true;
}

void stage_net_setup(void)
{
	int i;

	memset(stage_switch, 0, sizeof(stage_switch));
	memset(links, 0, sizeof(links));
	out.n = in.n = n_questions = 0;
	next_index = 10;
	away = false;
	make(0, "up0", "veth");
	make(1, "up1", "veth");
	make(2, "br0", "bridge");
	make(3, "br1", "bridge");
	for (i = 0; i < STAGE_UPLINKS; i++) {
		fds[i] = -1;
		links[i].master = links[STAGE_UPLINKS + i].index;
		forget_all(i);
	}
}

void stage_net_teardown(void)
{
	int i;

	for (i = 0; i < STAGE_UPLINKS; i++)
		forget_all(i);
}

void stage_quiet(bool quiet)
{
	static int before = -1;
	int fd = before;

	if (getenv("STAGE_LOUD"))
		return;
	if (quiet) {
		before = dup(STDERR_FILENO);
		fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	}
	dup2(fd, STDERR_FILENO);
	close(fd);
}
