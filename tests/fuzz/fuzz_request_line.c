/* The first line of a request, as anybody may send it: what is read has a path, and as much of it as there is room for. */
#include "gateways/request_line.h"

#include "tests/fuzz/fuzz.h"

#define MOST_BYTES 64

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    char path[MOST_BYTES], small[2];
    bool read = request_line_read((const char *)bytes, length, path, sizeof path);
    bool fits = request_line_read((const char *)bytes, length, small, sizeof small);
    FUZZ_CHECK(!read || path[0] == '/' || strcmp(path, "*") == 0);
    FUZZ_CHECK(!read || (strlen(path) < length && strcspn(path, " ?\r\n") == strlen(path)));
    FUZZ_CHECK(fits == (read && strlen(path) == 1));
    return 0;
}
