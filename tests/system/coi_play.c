/** coi-play: what an attacker can do with the messages between members, for tests.
 *
 *	coi-play replay PCAP --port N --interface NAME [--times N] [--flip] [--source ADDRESS]
 *	coi-play open PCAP --port N --world FILE
 *	coi-play forge --world FILE --from NAME --to NAME --address ADDRESS:PORT [--times N]
 *
 * replay sends each captured frame to the port again, in their order, as often as --times says; with --flip each has
 *one bit altered somewhere in what UDP carries, another one each time; with --source they come from this IPv4 address.
 * open tries every captured message with all that the world has, and prints for each a line
 * "open|sealed TYPE COI EPOCH FROM TO".
 * forge sends messages of all types in somebody's name, sealed with what the world has.
 *
 * FILE says what the attacker knows, a line each:
 *	machine UUID WIREGUARD-KEY NAME		in base64; everybody's
 *	key COI-ID EPOCH KEY			in hexadecimal
 *	private WIREGUARD-KEY			its own, in base64
 *
 * The last line is a sum: "sent N", or "open N sealed N".
 * Exit: 0; 1 a file or socket that does not work; 2 usage.
 */
#include "coi_play.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void fatal(int status, const char *what, const char *value)
{
	fprintf(stderr, "coi-play: %s: %s\n", what, value);
	exit(status);
}

static const struct command {
	const char *name;
	int (*play)(const struct options *options);
	bool capture;
} commands[] = { { "replay", play_replay, true }, { "open", play_open, true }, { "forge", play_forge, false } };

static long number(const char *what, const char *text, long most)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*end || n < 1 || n > most)
		fatal(2, what, text);
	return n;
}

static void address_read(const char *text, struct sockaddr_in *out)
{
	char host[64] = "";
	const char *colon = strrchr(text, ':');

	if (!colon || (size_t)(colon - text) >= sizeof(host))
		fatal(2, "expected ADDRESS:PORT", text);
	memcpy(host, text, (size_t)(colon - text));
	out->sin_family = AF_INET;
	out->sin_port = htons((uint16_t)number("--address", colon + 1, 65535));
	if (inet_pton(AF_INET, host, &out->sin_addr) != 1)
		fatal(2, "expected an IPv4 address", host);
}

enum {
	PORT = 'p',
	INTERFACE = 'i',
	TIMES = 'n',
	FLIP = 'f',
	SOURCE = 's',
	WORLD = 'w',
	FROM = 'a',
	TO = 'b',
	ADDRESS = 'd'
};

static void option_take(struct options *o, int c, const char **world)
{
	if (c == PORT)
		o->port = (uint16_t)number("--port", optarg, 65535);
	else if (c == INTERFACE)
		o->interface = optarg;
	else if (c == TIMES)
		o->times = number("--times", optarg, 1000000);
	else if (c == FLIP)
		o->flip = true;
	else if (c == SOURCE && inet_pton(AF_INET, optarg, &o->source) == 1)
		return;
	else if (c == WORLD)
		*world = optarg;
	else if (c == FROM)
		o->from = optarg;
	else if (c == TO)
		o->to = optarg;
	else if (c == ADDRESS)
		address_read(optarg, &o->address);
	else
		fatal(2, "usage", "coi-play replay|open|forge; see the head of tests/system/coi_play.c");
}

static void options_read(struct options *o, const char **world, int argc, char **argv)
{
	static const struct option options[] = {
		{ "port", required_argument, NULL, PORT },	 { "interface", required_argument, NULL, INTERFACE },
		{ "times", required_argument, NULL, TIMES },	 { "flip", no_argument, NULL, FLIP },
		{ "source", required_argument, NULL, SOURCE },	 { "world", required_argument, NULL, WORLD },
		{ "from", required_argument, NULL, FROM },	 { "to", required_argument, NULL, TO },
		{ "address", required_argument, NULL, ADDRESS }, { NULL, 0, NULL, 0 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		option_take(o, c, world);
}

static struct world the_world;

const struct world *the_attacker(void)
{
	return &the_world;
}

int main(int argc, char **argv)
{
	struct options o = { .times = 1 };
	const char *world = NULL;
	size_t i;

	options_read(&o, &world, argc, argv);
	if (world)
		world_read(&the_world, world);
	for (i = 0; argc > optind && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[optind], commands[i].name) != 0)
			continue;
		if (argc != optind + 1 + commands[i].capture)
			fatal(2, argv[optind], "expected another number of arguments");
		o.file = commands[i].capture ? argv[optind + 1] : NULL;
		return commands[i].play(&o);
	}
	fatal(2, "expected", "replay, open or forge");
}
