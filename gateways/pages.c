/* Reads a folder, finds a file by its path. */
#include "gateways/pages.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/crc32c.h"
#include "base/text.h"

#define PATH_BYTES 1024u
#define MOST_DEEP  16

static const char *type_of(const char *path) {
    static const struct {
        const char *ending, *type;
    } types[] = {{".html", "text/html; charset=utf-8"},
                 {".css", "text/css; charset=utf-8"},
                 {".js", "text/javascript; charset=utf-8"},
                 {".mjs", "text/javascript; charset=utf-8"},
                 {".json", "application/json"},
                 {".webmanifest", "application/manifest+json"},
                 {".svg", "image/svg+xml"},
                 {".png", "image/png"},
                 {".ico", "image/x-icon"},
                 {".woff2", "font/woff2"},
                 {".txt", "text/plain; charset=utf-8"}};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot != NULL && i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].ending, dot) == 0) return types[i].type;
    return "application/octet-stream";
}

/* Of the same bytes the same, in every gateway. */
static void make_tag(page *one) {
    tw_text_format(one->tag, sizeof one->tag, "\"%08x-%zx\"", tw_crc32c(0, one->bytes, one->length), one->length);
}

static tw_code read_bytes(page *one, const char *file, tw_error *error) {
    FILE *in = fopen(file, "rb");
    if (in == NULL) return tw_error_set_errno(error, errno, "%s", file);
    one->bytes = malloc(one->length + 1);
    size_t had = one->bytes == NULL ? 0 : fread(one->bytes, 1, one->length, in);
    bool whole = one->bytes != NULL && had == one->length;
    fclose(in);
    if (!whole) return tw_error_set(error, TW_IO, "%s could not be read whole", file);
    make_tag(one);
    return TW_OK;
}

/* Room for one more; its bytes are still to come. NULL: the reason is told, naming `file`. */
static page *add_page(pages *self, const char *file, const char *path, size_t length, tw_error *error) {
    if (self->count == PAGES_MOST_FILES || self->bytes + length > PAGES_MOST_BYTES) {
        tw_error_set(error, TW_FULL, "%s: more than %u files or %u MiB", file, PAGES_MOST_FILES,
                     PAGES_MOST_BYTES >> 20);
        return NULL;
    }
    page *grown = realloc(self->files, (self->count + 1) * sizeof *grown);
    char *copy = grown == NULL ? NULL : strdup(path);
    if (grown != NULL) self->files = grown;
    if (copy == NULL) {
        tw_error_set(error, TW_NO_MEMORY, "no memory for %s", file);
        return NULL;
    }
    page *one = &self->files[self->count++];
    *one = (page){.path = copy, .type = type_of(path), .length = length};
    self->bytes += length;
    return one;
}

static tw_code add_file(pages *self, const char *file, const char *path, size_t length, tw_error *error) {
    page *one = add_page(self, file, path, length, error);
    return one == NULL ? error->code : read_bytes(one, file, error);
}

tw_code pages_add(pages *self, const char *path, const void *bytes, size_t length, tw_error *error) {
    page *one = add_page(self, path, path, length, error);
    if (one == NULL) return error->code;
    one->bytes = malloc(length + 1);
    if (one->bytes == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for %s", path);
    memcpy(one->bytes, bytes, length);
    make_tag(one);
    return TW_OK;
}

static tw_code read_folder(pages *self, const char *folder, const char *path, int depth, tw_error *error);

static tw_code read_entry(pages *self, const char *folder, const char *path, const char *name, int depth,
                          tw_error *error) {
    char file[PATH_BYTES], below[PATH_BYTES];
    struct stat about;
    if (!tw_text_format(file, sizeof file, "%s/%s", folder, name) ||
        !tw_text_format(below, sizeof below, "%s/%s", path, name))
        return tw_error_set(error, TW_FULL, "%s/%s: the path is too long", folder, name);
    if (stat(file, &about) != 0) return tw_error_set_errno(error, errno, "%s", file);
    if (S_ISDIR(about.st_mode)) return read_folder(self, file, below, depth + 1, error);
    return S_ISREG(about.st_mode) ? add_file(self, file, below, (size_t)about.st_size, error) : TW_OK;
}

static tw_code read_folder(pages *self, const char *folder, const char *path, int depth, tw_error *error) {
    if (depth > MOST_DEEP) return tw_error_set(error, TW_FULL, "%s: folders in folders in folders", folder);
    DIR *dir = opendir(folder);
    if (dir == NULL) return tw_error_set_errno(error, errno, "%s", folder);
    tw_code code = TW_OK;
    for (struct dirent *entry; code == TW_OK && (entry = readdir(dir)) != NULL;)
        if (entry->d_name[0] != '.') code = read_entry(self, folder, path, entry->d_name, depth, error);
    closedir(dir);
    return code;
}

tw_code pages_read(pages *self, const char *folder, tw_error *error) {
    tw_code code = read_folder(self, folder, "", 0, error);
    if (code == TW_OK && pages_find(self, "/") == NULL)
        return tw_error_set(error, TW_NOT_FOUND, "%s has no index.html", folder);
    return code;
}

void pages_free(pages *self) {
    for (uint32_t i = 0; i < self->count; i++) {
        free(self->files[i].path);
        free(self->files[i].bytes);
    }
    free(self->files);
    *self = (pages){0};
}

const page *pages_find(const pages *self, const char *path) {
    size_t length = strlen(path);
    bool is_folder = length > 0 && path[length - 1] == '/';
    for (uint32_t i = 0; i < self->count; i++) {
        const char *mine = self->files[i].path;
        bool same = strncmp(mine, path, length) == 0 && strcmp(mine + length, is_folder ? "index.html" : "") == 0;
        if (same) return &self->files[i];
    }
    return NULL;
}

/* The header is "*" or tags separated by commas, each perhaps with W/ before it; a tag's quotes end it. */
bool page_is_known(const page *self, const char *if_none_match) {
    return strcmp(if_none_match, "*") == 0 || strstr(if_none_match, self->tag) != NULL;
}
