/* Feeds the files of the directories or files named to a fuzz target, without a fuzzer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_SIZE 65536

static int replay_file(const char *path)
{
	static uint8_t buf[INPUT_SIZE];
	FILE *in = fopen(path, "rb");
	uint8_t *data;
	size_t n;

	if (!in) {
		perror(path);
		return -1;
	}
	n = fread(buf, 1, sizeof(buf), in);
	fclose(in);
	/* Of its exact size, so that a sanitizer sees a read past its end. */
	data = malloc(n ? n : 1);
	if (!data)
		return -1;
	for (size_t i = 0; i < n; i++)
		data[i] = buf[i];
	(void)LLVMFuzzerTestOneInput(data, n);
	free(data);
	return 0;
}

static int replay_dir(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	char file[4096];
	int n = 0;

	if (!dir) {
		perror(path);
		return -1;
	}
	while ((e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
		if (replay_file(file) != 0) {
			n = -1;
			break;
		}
		n++;
	}
	closedir(dir);
	return n;
}

int main(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		int n = replay_dir(argv[i]);

		if (n < 1) {
			fprintf(stderr, "%s: no corpus\n", argv[i]);
			return EXIT_FAILURE;
		}
		printf("%s: %d inputs replayed\n", argv[i], n);
	}
	return EXIT_SUCCESS;
}
