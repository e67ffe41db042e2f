#include "library_log.h"
#include "log.h"

#include <event2/event.h>

static void on_log(int severity, const char *text)
{
	vmp_log(severity >= EVENT_LOG_ERR ? VMP_LOG_ERROR : VMP_LOG_WARNING, "libevent", "why", text, NULL);
}

void library_log_begin(void)
{
	event_set_log_callback(on_log);
}
