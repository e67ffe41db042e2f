/* Preloaded before a sanitizer's runtime: FreeRADIUS opens modules with RTLD_DEEPBIND, which hides the
 * runtime's malloc from them. */
#include <dlfcn.h>

void *dlopen(const char *file, int mode)
{
	void *(*real)(const char *, int);

	*(void **)&real = dlsym(RTLD_NEXT, "dlopen");
	return real(file, mode & ~RTLD_DEEPBIND);
}
