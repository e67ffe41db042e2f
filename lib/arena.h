/** Memory that is given back all at once. */
#ifndef VMP_ARENA_H
#define VMP_ARENA_H

#include <stddef.h>

struct vmp_arena_block;

/** Zero-initialized is empty. */
struct vmp_arena {
	struct vmp_arena_block *head;
	size_t used; /**< octets of head that are taken */
};

/** A copy of text ("" for NULL) that lives until vmp_arena_clear(); NULL when out of memory. */
const char *vmp_arena_strdup(struct vmp_arena *arena, const char *text);
void vmp_arena_clear(struct vmp_arena *arena);

#endif
