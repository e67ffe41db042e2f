/** Configuration files: sections of "name = value" lines (inih), read into a struct by a table. */
#ifndef VMP_INIFILE_H
#define VMP_INIFILE_H

#include "err.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define VMP_INI_TEXT 192 /**< room for a value's text and its NUL: inih takes lines of up to 200 octets */

enum vmp_option_type {
	VMP_OPT_TEXT,	  /**< char[VMP_INI_TEXT] */
	VMP_OPT_INT,	  /**< int64_t, decimal, within min and max */
	VMP_OPT_DURATION, /**< int64_t [s]: "90", "90s", "15m", "24h", "30d", within min and max */
	VMP_OPT_BOOL	  /**< bool: yes no true false on off 1 0 */
};

struct vmp_option {
	const char *section, *name;
	enum vmp_option_type type;
	size_t offset;	    /**< of the member in the struct */
	const char *preset; /**< what it is when the file does not say; as it would stand there */
	int64_t min, max;
};

/** One row of a table. @param into  the struct's type. */
#define VMP_OPTION(into, section, name, type, member, preset, min, max)                                                \
	{                                                                                                              \
		section, name, type, offsetof(into, member), preset, min, max                                          \
	}

/** Read a file.  All options are set to their presets first.
 *
 * @param options  table, ended by a NULL name.
 * @param into     the struct.
 * @return VMP_OK; VMP_ENOENT, VMP_EIO; VMP_EINVAL with "file:line: ..." for the first thing that is wrong: an unknown
 * section or option, one given twice, a value of another type or out of range, a line that is no option or too long.
 */
VMP_CHECKED int vmp_ini_read(const char *path, const struct vmp_option *options, void *into, struct vmp_msg *msg);
/** The same from text, under a name for messages. */
VMP_CHECKED int vmp_ini_text(const char *name, const char *text, size_t len, const struct vmp_option *options,
			     void *into, struct vmp_msg *msg);

/** One option of a file whose sections are not known beforehand.
 * @return VMP_OK to go on; else the file is wrong there, and why is what is wrong. */
typedef int (*vmp_ini_option_fn)(void *ctx, const char *section, const char *name, const char *value, int line,
				 struct vmp_msg *why);

/** [octets] A section's name in such a file. */
#define VMP_INI_SECTION 48

/** Read a file of any sections, option by option; nothing is kept, and whether one is given twice is the callback's
 * matter.
 *
 * @return VMP_OK; VMP_ENOENT, VMP_EIO; what each returned, or VMP_EINVAL, with "file:line: ...", for the first thing
 * that is wrong: a line that is no option or too long, a blank and a semicolon behind a value, which would be a comment
 * there, or a section's name of more than VMP_INI_SECTION octets. */
VMP_CHECKED int vmp_ini_each(const char *path, vmp_ini_option_fn each, void *ctx, struct vmp_msg *msg);
/** The same from a stream that is open; its position afterwards is undefined. @param name  for messages. */
VMP_CHECKED int vmp_ini_each_stream(const char *name, FILE *file, vmp_ini_option_fn each, void *ctx,
				    struct vmp_msg *msg);
/** The same from a file of secrets, of which no copy stays: VMP_EACCES when others than its owner may read or write it.
 */
VMP_CHECKED int vmp_ini_each_private(const char *path, vmp_ini_option_fn each, void *ctx, struct vmp_msg *msg);
/** The same from text. */
VMP_CHECKED int vmp_ini_each_text(const char *name, const char *text, size_t len, vmp_ini_option_fn each, void *ctx,
				  struct vmp_msg *msg);

/* For callbacks that have a table as well. */
/** Set all options to their presets. @return VMP_EINVAL: a preset is wrong, which is the table's mistake. */
VMP_CHECKED int vmp_ini_presets(const struct vmp_option *options, void *into, struct vmp_msg *msg);
/** Set one option.
 * @param seen  one for each struct, 0 at first: which options were given.
 * @return VMP_OK; VMP_EINVAL with what is wrong: no such option, given twice, a value of another type or out of range.
 */
VMP_CHECKED int vmp_ini_set(const struct vmp_option *options, void *into, uint64_t *seen, const char *section,
			    const char *name, const char *value, struct vmp_msg *why);
/** vmp_ini_read() for a file that has sections beside the table's.  Each is told first of such a section, with NULL for
 * name and value, since it may have no option at all, and then of its options. */
VMP_CHECKED int vmp_ini_read_with(const char *path, const struct vmp_option *options, void *into,
				  vmp_ini_option_fn each, void *ctx, struct vmp_msg *msg);

/** The next word of a list that blanks or commas separate. @param at  moved on. @return false at the end or when word
 * is too small, which leaves *at on the word. */
bool vmp_ini_word(const char **at, char *word, size_t room);
/** Is it one of the list's? */
bool vmp_ini_has_word(const char *list, const char *word);

#endif
