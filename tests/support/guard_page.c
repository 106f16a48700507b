/* Two mappings side by side, the second without access. */
#include "tests/support/guard_page.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/assert.h"

void guard_page_open(guard_page *page, size_t bytes) {
    size_t unit = (size_t)sysconf(_SC_PAGESIZE);
    page->usable = (bytes + unit - 1) / unit * unit;
    page->mapped = page->usable + unit;
    void *memory = mmap(NULL, page->mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    TW_ASSERT(memory != MAP_FAILED);
    page->memory = memory;
    TW_ASSERT(mprotect(page->memory + page->usable, unit, PROT_NONE) == 0);
}

void guard_page_close(guard_page *page) {
    TW_ASSERT(munmap(page->memory, page->mapped) == 0);
}

uint8_t *guard_page_place(guard_page *page, const void *bytes, size_t length) {
    TW_ASSERT(length <= page->usable);
    uint8_t *start = page->memory + page->usable - length;
    if (length > 0) memcpy(start, bytes, length);
    return start;
}
