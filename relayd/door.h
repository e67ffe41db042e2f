/** Where connections come in: [listen], and services' own listeners for syslog. */
#ifndef DOOR_H
#define DOOR_H

#include "service.h"

/** Open the sockets, before anything is given up; nobody is taken yet. */
VMP_CHECKED int door_bind(const struct config *config, struct vmp_msg *msg);
/** Take connections: there is a certificate. */
VMP_CHECKED int door_open(struct vmp_msg *msg);
/** Take connections or pause, by how many there are. */
void door_turn(void);
/** Take no more, for good. */
void door_close(void);
void door_free(void);

#endif
