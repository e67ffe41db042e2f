/* Sections of a kind, each with a name of its own. */
#include "inifile_named.h"

#include <string.h>

static char *name_of(const struct vmp_ini_named *named, int i)
{
	return (char *)named->array + (size_t)i * named->size + named->name;
}

static int find(const struct vmp_ini_named *named, const char *name)
{
	int i;

	for (i = 0; i < *named->n && strcmp(name_of(named, i), name) != 0; i++)
		;
	return i;
}

static int add(const struct vmp_ini_named *named, const char *name, struct vmp_msg *why)
{
	if (*named->n == named->max)
		return vmp_fail(why, VMP_EINVAL, "expected at most %d sections [%s NAME]", named->max, named->kind);
	memcpy(name_of(named, *named->n), name, strlen(name) + 1);
	return vmp_ini_presets(named->options, (char *)named->array + (size_t)(*named->n)++ * named->size, why);
}

bool vmp_ini_is_name(const char *text, const char *also, size_t room)
{
	static const char usual[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t len = strlen(text), i;

	for (i = 0; i < len; i++) {
		if (!strchr(usual, text[i]) && !strchr(also, text[i]))
			return false;
	}
	return len > 0 && len < room;
}

int vmp_ini_named_take(const struct vmp_ini_named *named, const char *section, const char *name, const char *value,
		       struct vmp_msg *why)
{
	size_t kind = strlen(named->kind);
	const char *own = section + kind + 1;
	int i, err = VMP_OK;

	if (strncmp(section, named->kind, kind) != 0 || section[kind] != ' ')
		return vmp_fail(why, VMP_EINVAL, "there is no such section");
	if (!named->is_name(own))
		return vmp_fail(why, VMP_EINVAL, "expected %s", named->expected);
	i = find(named, own);
	if (i < *named->n && !name)
		return vmp_fail(why, VMP_EINVAL, "given twice");
	if (i == *named->n)
		err = add(named, own, why);
	if (err == VMP_OK && name) {
		char *into = (char *)named->array + (size_t)i * named->size;

		err = vmp_ini_set(named->options, into, (uint64_t *)(void *)(into + named->seen), named->kind, name,
				  value, why);
	}
	return err;
}
