/* Whole IP packets at interfaces of the tests' own machine, past its routes. */
#ifndef WIRE_H
#define WIRE_H

#include "prefix.h"

#include <stddef.h>

/* A packet socket at an interface without link addresses (TUN, WireGuard). */
int wire_open(const char *link);
/* UDP from an address to another; number is its payload. @return its length. */
size_t wire_udp(uint8_t *out, size_t room, const struct prefix *from, const struct prefix *to, uint32_t number);
/* Is this it?  Checksums have to be right. */
int wire_is_udp(const uint8_t *packet, size_t len, const struct prefix *from, const struct prefix *to, uint32_t number);
/* Send packets from one end until one of them comes out at the other, for so long. */
int wire_passes(int in, int out, const struct prefix *from, const struct prefix *to, int ms);

#endif
