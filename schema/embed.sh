#!/bin/sh
# Print C source that holds schema/KIND/*.sql as vmp_schema_KIND[], in the order of their numbers.
set -eu
dir=$1

quote() {
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/?/\\?/g' -e 's/	/\\t/g' -e 's/^/\t\t"/' -e 's/$/\\n"/' "$1"
}

echo '#include "store_internal.h"'
for kind in policy session broker; do
	echo
	echo "const struct vmp_migration vmp_schema_${kind}[] = {"
	for file in "$dir/$kind"/*.sql; do
		printf '\t{ "%s",\n' "$(basename "$file" .sql)"
		quote "$file"
		printf '\t},\n'
	done
	printf '\t{ NULL, NULL },\n};\n'
done
