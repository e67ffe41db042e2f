#include "store_cert.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* It names the boot that this process lives in, so one reading does. */
static char boot_id[37];

static void read_boot_id(void)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, boot_id, sizeof(boot_id) - 1) : -1;

	if (n != sizeof(boot_id) - 1)
		memset(boot_id, 0, sizeof(boot_id));
	if (fd >= 0)
		close(fd);
}

void vmp_clock_read(struct vmp_clock *clock)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct timespec now, boot;

	pthread_once(&once, read_boot_id);
	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock->now = now.tv_sec;
	clock->boot_ms = (int64_t)boot.tv_sec * 1000 + boot.tv_nsec / 1000000;
	memcpy(clock->boot_id, boot_id, sizeof(boot_id));
}
