/* How much has come on a TCP connection since it began. Apart, as the kernel's own header is not to be had beside libuv's. */
#ifndef TICKWIRE_GATEWAYS_RECEIVED_BYTES_H
#define TICKWIRE_GATEWAYS_RECEIVED_BYTES_H

#include <stdint.h>

uint64_t received_bytes(int fd); /* 0 also where the kernel does not tell */

#endif
