/* Join bundles for the suites. */
#ifndef SAMPLE_H
#define SAMPLE_H

#define SAMPLE_UUID  "11111111-2222-4333-8444-555555555501"
#define SAMPLE_OTHER "11111111-2222-4333-8444-555555555502"
#define SAMPLE_TOKEN "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define SAMPLE_NEXT  "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"

/* A certificate, as JSON has it. */
#define SAMPLE_CA                                                                                                      \
	"-----BEGIN CERTIFICATE-----\\n"                                                                               \
	"MIIBdDCCARugAwIBAgIUa3dosdXsGrNWlqOES0+0EFpLOlcwCgYIKoZIzj0EAwIw\\n"                                          \
	"DzENMAsGA1UEAwwEYSBDQTAgFw0yNjExMjIxOTI4NTRaGA8yMTI2MTAyOTE5Mjg1\\n"                                          \
	"NFowDzENMAsGA1UEAwwEYSBDQTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABKUn\\n"                                          \
	"zfUeXp77H1V4WPU7+GXOG/PzU1sJntNl5MQ33JarpbZhCJ4LGbZTUwsUtroXyzFL\\n"                                          \
	"l1OOuA0IEu4XRIeyuFijUzBRMB0GA1UdDgQWBBQC4nURi4JUZwkd11iUGnnVEDGQ\\n"                                          \
	"tzAfBgNVHSMEGDAWgBQC4nURi4JUZwkd11iUGnnVEDGQtzAPBgNVHRMBAf8EBTAD\\n"                                          \
	"AQH/MAoGCCqGSM49BAMCA0cAMEQCIHmOHAc26VGQc54xfJBRIB9j+YCqVLC3WEv8\\n"                                          \
	"FXOIfn/TAiAFsa8HWj8b87hPoYwaspWWBDckI0lxRN9KmFSI6ZTyvQ==\\n"                                                  \
	"-----END CERTIFICATE-----\\n"

/* What is in a bundle, but for token and CA. */
#define SAMPLE_HEAD(uuid)                                                                                              \
	"\"uuid\":\"" uuid "\",\"mac\":\"52:54:00:aa:bb:cc\",\"name\":\"web1\",\"template\":\"web\",\"created\":true," \
	"\"token_life_s\":600,\"policyd\":\"https://"                                                                  \
	"policyd.example:8443\",\"cois\":[\"web\"],\"gateway\":\"192.0.2.9\","                                         \
	"\"licence_product\":\"web-std\""
/* As policyd gives it. */
#define SAMPLE(uuid, token) "{" SAMPLE_HEAD(uuid) ",\"token\":\"" token "\",\"ca\":\"" SAMPLE_CA "\"}"

#endif
