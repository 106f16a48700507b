/* BinaryFILE frames: a length in front of each message, nothing else. */
#include "ingest/framing/binaryfile.h"

#include "base/bytes.h"

#define LENGTH_BYTES 2u

binaryfile_result binaryfile_next(const uint8_t *bytes, size_t available, const uint8_t **message, uint16_t *length,
                                  size_t *consumed) {
    *consumed = 0;
    if (available < LENGTH_BYTES) return BINARYFILE_NEED_MORE;
    uint16_t announced = tw_load_be16(bytes);
    if (announced == 0) {
        *consumed = LENGTH_BYTES;
        return BINARYFILE_END;
    }
    if (available - LENGTH_BYTES < announced) return BINARYFILE_NEED_MORE;
    *message = bytes + LENGTH_BYTES;
    *length = announced;
    *consumed = LENGTH_BYTES + announced;
    return BINARYFILE_MESSAGE;
}

size_t binaryfile_write(uint8_t *target, size_t capacity, const uint8_t *message, uint16_t length) {
    if (capacity < LENGTH_BYTES || capacity - LENGTH_BYTES < length) return 0;
    tw_store_be16(target, length);
    if (length > 0) memcpy(target + LENGTH_BYTES, message, length);
    return LENGTH_BYTES + (size_t)length;
}
