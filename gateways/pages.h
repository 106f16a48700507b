/*
 * The dashboard's files and the API's documents, served from memory: all of a folder is read at start, so that no request waits for a disk or
 * reaches outside of it. Whoever replaces the files restarts the gateway.
 */
#ifndef TICKWIRE_GATEWAYS_PAGES_H
#define TICKWIRE_GATEWAYS_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define PAGES_MOST_BYTES (64u * 1024u * 1024u) /* of all files together */
#define PAGES_MOST_FILES 4096u
#define PAGE_TAG_BYTES   32u

typedef struct page {
    char *path; /* "/index.html" */
    const char *type;
    uint8_t *bytes;
    size_t length;
    char tag[PAGE_TAG_BYTES]; /* the content's entity tag, with its quotes: another content has another one */
} page;

typedef struct pages {
    page *files;
    uint32_t count;
    size_t bytes;
} pages;

/* Regular files of the folder and those below it; names that begin with a dot are left out. TW_IO, TW_NOT_FOUND name what
 * could not be read; TW_FULL a bound. Free it whatever comes back. */
tw_code pages_read(pages *self, const char *folder, tw_error *error);
/* One that is made here, under `path`: found before a file of a folder read later. The bytes are copied. */
tw_code pages_add(pages *self, const char *path, const void *bytes, size_t length, tw_error *error);
void pages_free(pages *self); /* {0} is fine */

/* The file of a path; "/" and "/x/" stand for the index.html there. NULL: there is none. */
const page *pages_find(const pages *self, const char *path);

/* Does who sent this If-None-Match header ("" none) have the file already? */
bool page_is_known(const page *self, const char *if_none_match);

#endif
