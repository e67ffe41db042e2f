/* One suite per file of evlib/ that needs sockets or TLS; see run.c. */
#ifndef SUITES_EVLIB_H
#define SUITES_EVLIB_H

#include <check.h>

Suite *check_http_client(void);
Suite *check_http_proxy(void);
Suite *check_http_server(void);
Suite *check_http_server_limits(void);
Suite *check_identity(void);
Suite *check_tls_files(void);
Suite *check_tls_peer(void);

#endif
