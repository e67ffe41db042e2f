/** Configuration files: sections of "name = value" lines (inih), read into a struct by a table. */
#ifndef VMP_INIFILE_H
#define VMP_INIFILE_H

#include "err.h"

#include <stdbool.h>
#include <stdint.h>

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

/** The next word of a list that blanks or commas separate. @param at  moved on. @return false at the end or when word
 * is too small, which leaves *at on the word. */
bool vmp_ini_word(const char **at, char *word, size_t room);

#endif
