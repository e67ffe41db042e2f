#include "secret.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static int read_line(FILE *file, const char *path, char out[SECRET_MAX], struct vmp_msg *msg)
{
	size_t len;

	/* Without a buffer no copy of it stays behind. */
	setvbuf(file, NULL, _IONBF, 0);
	if (!fgets(out, SECRET_MAX, file)) {
		*out = '\0';
		return vmp_fail(msg, ferror(file) ? VMP_EIO : VMP_EINVAL, "%s: %s", path,
				ferror(file) ? strerror(errno) : "expected a password in the first line");
	}
	len = strcspn(out, "\r\n");
	if (!out[len] && len == SECRET_MAX - 1)
		return vmp_fail(msg, VMP_EINVAL, "%s: expected a password of 8 to 128 printable characters", path);
	out[len] = '\0';
	return VMP_OK;
}

static int ask(const char *prompt, char out[SECRET_MAX], struct vmp_msg *msg)
{
	fputs(prompt, stderr);
	return read_line(stdin, "standard input", out, msg);
}

static int ask_twice(char out[SECRET_MAX], struct vmp_msg *msg)
{
	struct termios was, quiet;
	char again[SECRET_MAX] = "";
	int err;

	if (tcgetattr(STDIN_FILENO, &was) != 0)
		return vmp_fail(msg, VMP_EIO, "terminal: %s", strerror(errno));
	quiet = was;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	quiet.c_lflag |= ECHONL;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	err = ask("EAP-MD5 password: ", out, msg);
	if (err == VMP_OK)
		err = ask("Once more: ", again, msg);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
	if (err == VMP_OK && strcmp(out, again) != 0)
		err = vmp_fail(msg, VMP_EINVAL, "password: expected the same twice");
	explicit_bzero(again, sizeof(again));
	return err;
}

int secret_read(const char *path, char out[SECRET_MAX], struct vmp_msg *msg)
{
	FILE *file;
	int err;

	*out = '\0';
	if (strcmp(path, "-") == 0)
		return isatty(STDIN_FILENO) ? ask_twice(out, msg) : read_line(stdin, "standard input", out, msg);
	file = fopen(path, "re");
	if (!file)
		return vmp_fail(msg, VMP_EIO, "%s: %s", path, strerror(errno));
	err = read_line(file, path, out, msg);
	fclose(file);
	return err;
}
