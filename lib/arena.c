#include "arena.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK 8192

struct vmp_arena_block {
	struct vmp_arena_block *next;
	size_t size;
	char data[];
};

static struct vmp_arena_block *block_new(size_t size, struct vmp_arena_block *next)
{
	struct vmp_arena_block *block = malloc(sizeof(*block) + size);

	if (block) {
		block->next = next;
		block->size = size;
	}
	return block;
}

const char *vmp_arena_strdup(struct vmp_arena *arena, const char *text)
{
	const char *from = text ? text : "";
	size_t n = strlen(from) + 1;
	char *at;

	if (!arena->head || arena->head->size - arena->used < n) {
		struct vmp_arena_block *block = block_new(n > BLOCK ? n : BLOCK, arena->head);

		if (!block)
			return NULL;
		arena->head = block;
		arena->used = 0;
	}
	at = arena->head->data + arena->used;
	arena->used += n;
	return memcpy(at, from, n);
}

void vmp_arena_clear(struct vmp_arena *arena)
{
	while (arena->head) {
		struct vmp_arena_block *next = arena->head->next;

		free(arena->head);
		arena->head = next;
	}
	arena->used = 0;
}
