/** Sections of a kind, each with a name of its own, such as [uplink eno1], read into an array. */
#ifndef VMP_INIFILE_NAMED_H
#define VMP_INIFILE_NAMED_H

#include "inifile.h"

struct vmp_ini_named {
	const char *kind;		  /**< "uplink"; the options' section too */
	const struct vmp_option *options; /**< of one */
	void *array;			  /**< max of size octets each */
	size_t size;
	int max, *n;
	size_t name, seen; /**< offsets in one: char[], which is_name() knows to have room; uint64_t */
	bool (*is_name)(const char *name);
	const char *expected; /**< what is said of a name that is none */
};

/** Take one option, or a section's beginning, as vmp_ini_read_with() tells of it (name and value NULL).
 * @return VMP_OK; VMP_EINVAL with what is wrong: another kind, no name, too many, given twice, no such option, its
 * value. */
VMP_CHECKED int vmp_ini_named_take(const struct vmp_ini_named *named, const char *section, const char *name,
				   const char *value, struct vmp_msg *why);

/** Letters, digits, dot, underscore, hyphen, and the characters of also: 1 to room - 1 of them. */
bool vmp_ini_is_name(const char *text, const char *also, size_t room);

#endif
