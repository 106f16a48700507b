/* Snapshots as files: see file.h. A name appears in the folder only when what it names is on disk. */
#include "matcher/snapshots/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/civil.h"
#include "base/text.h"

#define FOLDER_MODE 0750
#define FILE_MODE   0640
#define SLICE_BYTES (8u << 20) /* of one write */
#define DIGITS      20u
#define ENDING      ".snapshot"
#define PART_ENDING ".snapshot.part"

static tw_code trouble(tw_error *error, const char *what, const char *path) {
    return tw_error_set(error, TW_IO, "%s %s: %s", what, path, strerror(errno));
}

void ms_file_path(char *path, const char *folder, const char *exchange, uint32_t shard, uint64_t seq) {
    (void)tw_text_format(path, MS_PATH_BYTES, "%s/%s-%" PRIu32 "-%020" PRIu64 ENDING, folder, exchange, shard, seq);
}

/* "TWEX-1-" */
static size_t name_start(char *start, size_t capacity, const char *exchange, uint32_t shard) {
    (void)tw_text_format(start, capacity, "%s-%" PRIu32 "-", exchange, shard);
    return strlen(start);
}

/* ---- the folder ---- */

static void remove_parts(const char *folder, const char *exchange, uint32_t shard) {
    char start[32], path[MS_PATH_BYTES];
    size_t length = name_start(start, sizeof start, exchange, shard);
    DIR *open = opendir(folder);
    if (open == NULL) return;
    for (const struct dirent *entry; (entry = readdir(open)) != NULL;) {
        size_t end = strlen(entry->d_name), ending = strlen(PART_ENDING);
        bool part = end > ending && strcmp(entry->d_name + end - ending, PART_ENDING) == 0;
        if (!part || strncmp(entry->d_name, start, length) != 0) continue;
        if (tw_text_format(path, sizeof path, "%s/%s", folder, entry->d_name)) unlink(path);
    }
    closedir(open);
}

tw_code ms_file_prepare(const char *folder, const char *exchange, uint32_t shard, tw_error *error) {
    if (strlen(folder) + strlen(exchange) + DIGITS + sizeof PART_ENDING + 32 > MS_PATH_BYTES)
        return tw_error_set(error, TW_INVALID, "the folder's path is too long: %.80s…", folder);
    if (mkdir(folder, FOLDER_MODE) != 0 && errno != EEXIST) return trouble(error, "making the folder", folder);
    if (access(folder, W_OK | X_OK) != 0) return trouble(error, "writing to the folder", folder);
    remove_parts(folder, exchange, shard);
    return TW_OK;
}

static void insert(ms_files *files, uint64_t seq) {
    uint32_t at = files->count < MS_FILES ? files->count++ : MS_FILES - 1;
    if (at == MS_FILES - 1 && files->count == MS_FILES && files->seqs[at] > seq) return;
    for (; at > 0 && files->seqs[at - 1] < seq; at--)
        files->seqs[at] = files->seqs[at - 1];
    files->seqs[at] = seq;
}

static bool name_seq(const char *name, const char *start, size_t length, uint64_t *seq) {
    char digits[DIGITS + 1] = {0};
    if (strncmp(name, start, length) != 0 || strlen(name) != length + DIGITS + strlen(ENDING)) return false;
    if (strcmp(name + length + DIGITS, ENDING) != 0) return false;
    memcpy(digits, name + length, DIGITS);
    return tw_text_to_u64(digits, seq);
}

void ms_file_list(const char *folder, const char *exchange, uint32_t shard, ms_files *files) {
    char start[32];
    size_t length = name_start(start, sizeof start, exchange, shard);
    uint64_t seq = 0;
    memset(files, 0, sizeof *files);
    DIR *open = opendir(folder);
    if (open == NULL) return;
    for (const struct dirent *entry; (entry = readdir(open)) != NULL;)
        if (name_seq(entry->d_name, start, length, &seq)) insert(files, seq);
    closedir(open);
}

static int64_t age_of(const char *folder, const char *exchange, uint32_t shard, uint64_t seq) {
    char path[MS_PATH_BYTES];
    struct stat facts;
    ms_file_path(path, folder, exchange, shard, seq);
    if (stat(path, &facts) != 0) return INT64_MAX;
    return tw_instant_of_seconds(facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec);
}

static uint32_t oldest_of(const char *folder, const char *exchange, uint32_t shard, const ms_files *files) {
    uint32_t oldest = 0;
    int64_t least_ns = INT64_MAX;
    for (uint32_t i = 0; i < files->count; i++) {
        int64_t at_ns = age_of(folder, exchange, shard, files->seqs[i]);
        if (at_ns > least_ns) continue; /* of two alike the greater seq stays */
        least_ns = at_ns;
        oldest = i;
    }
    return oldest;
}

/* By when they were written, not by seq: an order stream that was made anew begins with small numbers. */
void ms_file_prune(const char *folder, const char *exchange, uint32_t shard, uint32_t keep) {
    ms_files files;
    char path[MS_PATH_BYTES];
    ms_file_list(folder, exchange, shard, &files);
    while (files.count > keep) {
        uint32_t oldest = oldest_of(folder, exchange, shard, &files);
        ms_file_path(path, folder, exchange, shard, files.seqs[oldest]);
        if (unlink(path) != 0) return;
        ms_file_list(folder, exchange, shard, &files);
    }
}

/* ---- writing ---- */

static bool write_all(int fd, const uint8_t *bytes, size_t length) {
    while (length > 0) {
        ssize_t written = write(fd, bytes, length < SLICE_BYTES ? length : SLICE_BYTES);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        bytes += written;
        length -= (size_t)written;
    }
    return true;
}

static tw_code write_part(const char *path, const ms_envelope *envelope, const uint8_t *bytes, tw_error *error) {
    uint8_t head[MS_ENVELOPE_BYTES];
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
    if (fd < 0) return trouble(error, "making", path);
    ms_envelope_write(head, envelope);
    bool ok = write_all(fd, head, sizeof head) && write_all(fd, bytes, envelope->bytes) && fsync(fd) == 0;
    tw_code code = ok ? TW_OK : trouble(error, "writing", path);
    if (close(fd) != 0 && code == TW_OK) code = trouble(error, "closing", path);
    return code;
}

static tw_code sync_folder(const char *folder, tw_error *error) {
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return trouble(error, "opening", folder);
    tw_code code = fsync(fd) == 0 ? TW_OK : trouble(error, "syncing", folder);
    close(fd);
    return code;
}

tw_code ms_file_write(const char *folder, const ms_envelope *envelope, const uint8_t *bytes, char *path,
                      tw_error *error) {
    char part[MS_PATH_BYTES + sizeof PART_ENDING];
    ms_file_path(path, folder, envelope->exchange, envelope->shard, envelope->seq);
    (void)tw_text_format(part, sizeof part, "%s.part", path);
    tw_code code = write_part(part, envelope, bytes, error);
    if (code == TW_OK && rename(part, path) != 0) code = trouble(error, "renaming", part);
    if (code != TW_OK) {
        unlink(part);
        return code;
    }
    return sync_folder(folder, error);
}

/* ---- reading ---- */

static tw_code read_exactly(int fd, uint8_t *target, size_t length, const char *path, tw_error *error) {
    while (length > 0) {
        ssize_t came = read(fd, target, length < SLICE_BYTES ? length : SLICE_BYTES);
        if (came < 0 && errno == EINTR) continue;
        if (came < 0) return trouble(error, "reading", path);
        if (came == 0) return tw_error_set(error, TW_TRUNCATED, "it is cut short: %zu bytes are missing", length);
        target += came;
        length -= (size_t)came;
    }
    return TW_OK;
}

static tw_code read_open(int fd, const char *path, ms_envelope *envelope, uint8_t **bytes, tw_error *error) {
    uint8_t head[MS_ENVELOPE_BYTES];
    struct stat facts;
    tw_code code = read_exactly(fd, head, sizeof head, path, error);
    if (code == TW_OK) code = ms_envelope_read(head, sizeof head, envelope, error);
    if (code != TW_OK) return code;
    if (fstat(fd, &facts) != 0) return trouble(error, "looking at", path);
    if ((uint64_t)facts.st_size != envelope->bytes + MS_ENVELOPE_BYTES)
        return tw_error_set(error, TW_TRUNCATED, "it has %lld bytes and should have %" PRIu64,
                            (long long)facts.st_size, envelope->bytes + MS_ENVELOPE_BYTES);
    *bytes = malloc(envelope->bytes + 1);
    if (*bytes == NULL)
        return tw_error_set(error, TW_NO_MEMORY, "no memory for %" PRIu64 " bytes", envelope->bytes);
    code = read_exactly(fd, *bytes, envelope->bytes, path, error);
    return code == TW_OK ? ms_envelope_check(envelope, *bytes, error) : code;
}

tw_code ms_file_read(const char *path, ms_envelope *envelope, uint8_t **bytes, tw_error *error) {
    *bytes = NULL;
    *envelope = (ms_envelope){.shard = 0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return trouble(error, "opening", path);
    tw_code code = read_open(fd, path, envelope, bytes, error);
    close(fd);
    if (code == TW_OK) return TW_OK;
    free(*bytes);
    *bytes = NULL;
    return code;
}
