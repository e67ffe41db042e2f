/* For servers from 3.2.9 on whose packages ship radiusd.h but not this header, which it includes for
 * the links in REQUEST.  Searched last: a server's own comes first. */
#ifndef RADIUS_DLIST_H
#define RADIUS_DLIST_H

typedef struct fr_dlist_s fr_dlist_t;
struct fr_dlist_s {
	fr_dlist_t *prev, *next;
};

#endif
