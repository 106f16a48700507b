/* CRC-32C (Castagnoli, reflected polynomial 0x82F63B78; RFC 3720 appendix B.4 has test vectors).
 * Uses the processor's instruction where it has one, a table elsewhere; both give the same value. */
#ifndef TICKWIRE_BASE_CRC32C_H
#define TICKWIRE_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* CRC of `length` bytes. Start with `crc` 0; pass the last result to go on. */
uint32_t tw_crc32c(uint32_t crc, const void *bytes, size_t length);

/* The table version, for tests and for processors without the instruction. */
uint32_t tw_crc32c_table(uint32_t crc, const void *bytes, size_t length);

#endif
