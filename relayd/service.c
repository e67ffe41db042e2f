#include "service.h"
#include "log.h"
#include "tls_files.h"

#include <string.h>

static struct service services[CONFIG_SERVICES];
static int n_services;

/* Only the last relay talks to the syslog server. */
static int init_tls(struct service *s, const struct config *c, struct vmp_msg *msg)
{
	const struct tls_files_settings settings = { .role = TLS_CLIENT,
						     .certificate = c->certificate,
						     .key = c->key,
						     .ca = *s->config->ca ? s->config->ca : c->ca };

	if (*s->config->server && peers_name_read(s->config->server, &s->server) != VMP_OK)
		return vmp_fail(msg, VMP_EINVAL, "[service %s] server: expected a UUID or a MAC address",
				s->config->name);
	if (s->config->type != SERVICE_SYSLOG || *c->next_address)
		return VMP_OK;
	s->tls = tls_files_new(&settings, msg);
	return s->tls ? VMP_OK : VMP_ENOMEM;
}

int services_init(const struct config *config, struct vmp_msg *msg)
{
	int err = VMP_OK;

	memset(services, 0, sizeof(services));
	for (n_services = 0; n_services < config->n_service && err == VMP_OK; n_services++) {
		services[n_services].config = &config->service[n_services];
		err = init_tls(&services[n_services], config, msg);
	}
	return err;
}

void services_free(void)
{
	while (n_services)
		tls_files_free(services[--n_services].tls);
}

struct service *services_all(int *n)
{
	*n = n_services;
	return services;
}

struct service *service_find(const char *authority)
{
	int i;

	for (i = 0; i < n_services; i++) {
		if (strcmp(services[i].config->target, authority) == 0)
			return &services[i];
	}
	return NULL;
}

void services_load(void)
{
	struct vmp_msg why;
	int i;

	for (i = 0; i < n_services; i++) {
		if (services[i].tls && tls_files_load(services[i].tls, &why) != VMP_OK)
			vmp_log(VMP_LOG_ERROR, "no-tls", "service", services[i].config->name, "why", why.text, NULL);
	}
}

void service_passed(struct service *service, bool back, uint64_t frames)
{
	if (service->config->type == SERVICE_SYSLOG)
		service->messages += (int64_t)frames;
	else if (back)
		service->answers += (int64_t)frames;
	else
		service->requests += (int64_t)frames;
}
