/** An HTTP client, a server and a proxy, each with its certificates, on one event loop. */
#ifndef CLIENT_STAGE_H
#define CLIENT_STAGE_H

#include "http_client.h"
#include "../folder.h"
#include "../tls_world.h"
#include "web.h"

#include <check.h>

#define STAGE_IS "127.0.0.1"

struct client_stage {
	struct event_base *base;
	/* Of the server, the proxy, and who asks both; each CA trusts its own side alone. */
	struct maker server_ca, proxy_ca, server_own, proxy_own, server_client, proxy_client;
	struct web_server *server;
	struct web_proxy *proxy;
	struct http_client *client;
	char server_ca_file[FOLDER_PATH], proxy_ca_file[FOLDER_PATH], certificate[FOLDER_PATH], key[FOLDER_PATH],
		proxy_certificate[FOLDER_PATH], proxy_key[FOLDER_PATH];
	struct http_client_settings settings;
	/* The last answer. */
	unsigned answers;
	int got;
	char *body, why[512];
};
extern struct client_stage stage;

void stage_await(void);
void stage_turn(void);
void stage_serve(const struct web_tls *tls);
void stage_serve_well(void);
void stage_proxy_with(const struct web_tls *tls);
void stage_proxy_well(void);
void stage_write_pair(const struct maker *m, const char *cert_path, const char *key_path);
struct maker stage_certificate(const char *name, const struct maker *ca, const char *purpose, const char *san);
struct http_request stage_request(const char *method, const char *path);
void stage_client(void);
void stage_send(const struct http_request *request);
int stage_ask(const char *path);
void stage_no_answer(const char *reason);
void stage_seen(struct web_seen *seen, const char *text);
void stage_answered(void *ctx, int status, const char *text, size_t len, const char *reason);
void stage_setup(void);
void stage_teardown(void);
TCase *stage_add(Suite *s, const char *name, const TTest *const *tests);

#endif
