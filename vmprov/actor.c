#include "actor.h"
#include "store_audit.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void actor_name(char out[ACTOR_MAX])
{
	char login[64] = "", number[32];
	const char *sudo = getuid() == 0 ? getenv("SUDO_USER") : NULL, *name = login;
	const struct passwd *pw;

	if (getlogin_r(login, sizeof(login)) != 0 || !*login) {
		pw = getpwuid(getuid());
		snprintf(number, sizeof(number), "uid %lu", (unsigned long)getuid());
		name = sudo && *sudo ? sudo : pw ? pw->pw_name : number;
	}
	snprintf(out, ACTOR_MAX, "administrator %s", name);
}

int actor_audit(struct vmp_store *store, const char *event, const char *subject, const char *detail,
		struct vmp_msg *msg)
{
	char actor[ACTOR_MAX];
	const struct vmp_audit row = { .event = event, .actor = actor, .subject = subject, .detail = detail };

	actor_name(actor);
	return vmp_store_audit(store, &row, msg);
}
