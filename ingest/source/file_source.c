/*
 * Bytes out of a file, whatever it is packed in. Plain files are read straight into the caller's buffer; the
 * packed ones go through one input buffer whose place in the file is known, so that an error can say where.
 *
 *   file:   |-------- consumed --------|---- input[input_at .. input_end) ----|---- not read yet ----|
 *                                      ^ position(): the offset an error names
 */
#include "ingest/source/file_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/bytes.h"
#include "base/text.h"

#define INPUT_BYTES (256u * 1024u)
#define MAGIC_BYTES 4u

typedef enum packing { PACKING_PLAIN, PACKING_GZIP, PACKING_ZSTD } packing;

struct file_source {
    int fd;
    bool owns_fd;
    packing packing;
    bool at_end;      /* the file has no more bytes */
    bool in_archive;  /* inside a gzip member or a zstd frame: an end here is a cut */
    bool finished;    /* nothing follows, neither bytes nor an error of the operating system */
    tw_error failure; /* what stopped the reading; given again to each later read */
    uint64_t read_bytes;
    size_t input_at;
    size_t input_end;
    z_stream inflate;
    ZSTD_DStream *zstd;
    char path[1024];
    uint8_t input[INPUT_BYTES];
};

static uint64_t position(const file_source *source) {
    return source->read_bytes - (source->input_end - source->input_at);
}

/* read() that goes on after a signal. */
static tw_code read_some(file_source *source, uint8_t *bytes, size_t capacity, size_t *count, tw_error *error) {
    ssize_t got;
    do {
        got = read(source->fd, bytes, capacity);
    } while (got < 0 && errno == EINTR);
    *count = got > 0 ? (size_t)got : 0;
    if (got < 0)
        return tw_error_set_errno(error, errno, "reading %s at offset %llu", source->path,
                                  (unsigned long long)source->read_bytes);
    if (got == 0) source->at_end = true;
    source->read_bytes += *count;
    return TW_OK;
}

/* Makes at least `wanted` bytes of input, fewer only at the end of the file. */
static tw_code fill_input(file_source *source, size_t wanted, tw_error *error) {
    size_t held = source->input_end - source->input_at;
    if (held >= wanted) return TW_OK;
    memmove(source->input, source->input + source->input_at, held);
    source->input_at = 0;
    source->input_end = held;
    while (source->input_end < wanted && !source->at_end) {
        size_t count;
        tw_code code =
            read_some(source, source->input + source->input_end, INPUT_BYTES - source->input_end, &count, error);
        if (code != TW_OK) return code;
        source->input_end += count;
    }
    return TW_OK;
}

static bool is_gzip(const uint8_t *bytes, size_t count) {
    return count >= 2 && bytes[0] == 0x1F && bytes[1] == 0x8B;
}

static bool is_zstd(const uint8_t *bytes, size_t count) {
    uint32_t magic;
    if (count < 4) return false;
    magic = tw_load_le32(bytes);
    return magic == ZSTD_MAGICNUMBER || (magic & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START;
}

static bool ends_with(const char *text, const char *ending) {
    size_t length = strlen(text), wanted = strlen(ending);
    return length >= wanted && strcmp(text + length - wanted, ending) == 0;
}

/* The bytes decide how a file is read; but one that is named after an archive and is none is damaged, not plain. */
static tw_code check_name(const file_source *source, tw_error *error) {
    if (source->packing != PACKING_PLAIN || source->input_end == source->input_at) return TW_OK;
    if (ends_with(source->path, ".gz"))
        return tw_error_set(error, TW_MALFORMED, "%s is named .gz but does not start like a gzip file",
                            source->path);
    if (ends_with(source->path, ".zst"))
        return tw_error_set(error, TW_MALFORMED, "%s is named .zst but does not start like a zstd file",
                            source->path);
    return TW_OK;
}

static tw_code start_unpacking(file_source *source, tw_error *error) {
    const uint8_t *first = source->input + source->input_at;
    size_t count = source->input_end - source->input_at;
    source->packing = is_gzip(first, count) ? PACKING_GZIP : is_zstd(first, count) ? PACKING_ZSTD : PACKING_PLAIN;
    source->in_archive = source->packing != PACKING_PLAIN;
    if (source->packing == PACKING_GZIP && inflateInit2(&source->inflate, 15 + 32) != Z_OK) {
        source->packing = PACKING_PLAIN; /* nothing to end */
        return tw_error_set(error, TW_NO_MEMORY, "no memory to unpack %s", source->path);
    }
    if (source->packing == PACKING_ZSTD) {
        source->zstd = ZSTD_createDStream();
        if (source->zstd == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory to unpack %s", source->path);
        ZSTD_initDStream(source->zstd);
    }
    return check_name(source, error);
}

static tw_code open_descriptor(file_source *source, const char *path, tw_error *error) {
    struct stat info;
    if (strcmp(path, "-") == 0) {
        source->fd = STDIN_FILENO;
        tw_text_copy(source->path, sizeof source->path, "standard input");
    } else {
        if (!tw_text_copy(source->path, sizeof source->path, path))
            return tw_error_set(error, TW_INVALID, "the path %.80s... is too long", path);
        source->fd = open(path, O_RDONLY | O_CLOEXEC);
        if (source->fd < 0) {
            int saved = errno;
            tw_code code = tw_error_set_errno(error, saved, "opening %s", path);
            if (saved != ENOENT) return code;
            if (error != NULL) error->code = TW_NOT_FOUND;
            return TW_NOT_FOUND;
        }
        source->owns_fd = true;
    }
    if (fstat(source->fd, &info) == 0 && S_ISDIR(info.st_mode))
        return tw_error_set_errno(error, EISDIR, "opening %s", source->path);
    posix_fadvise(source->fd, 0, 0, POSIX_FADV_SEQUENTIAL); /* a hint: a pipe's refusal does no harm */
    return TW_OK;
}

tw_code file_source_open(file_source **source, const char *path, tw_error *error) {
    file_source *opened = malloc(sizeof *opened);
    tw_code code;
    *source = NULL;
    if (opened == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory to open %s", path);
    memset(opened, 0, offsetof(file_source, input));
    opened->fd = -1;
    code = open_descriptor(opened, path, error);
    if (code == TW_OK) code = fill_input(opened, MAGIC_BYTES, error);
    if (code == TW_OK) code = start_unpacking(opened, error);
    if (code != TW_OK) {
        file_source_close(opened);
        return code;
    }
    *source = opened;
    return TW_OK;
}

void file_source_close(file_source *source) {
    if (source == NULL) return;
    if (source->packing == PACKING_GZIP) inflateEnd(&source->inflate);
    ZSTD_freeDStream(source->zstd);
    if (source->owns_fd) close(source->fd);
    free(source);
}

/* What the first look at the file left over goes first; then the kernel writes into the caller's buffer. */
static tw_code read_plain(file_source *source, uint8_t *bytes, size_t capacity, size_t *count, tw_error *error) {
    size_t held = source->input_end - source->input_at;
    while (*count < capacity) {
        size_t got = held < capacity - *count ? held : capacity - *count;
        if (held > 0) {
            memcpy(bytes + *count, source->input + source->input_at, got);
            source->input_at += got;
            held -= got;
        } else {
            tw_code code = read_some(source, bytes + *count, capacity - *count, &got, error);
            if (code != TW_OK) return code;
            if (got == 0) break;
        }
        *count += got;
    }
    return TW_OK;
}

static tw_code truncated(file_source *source, const char *format, tw_error *error) {
    return tw_error_set(error, TW_TRUNCATED, "%s ends in the middle of its %s data, after %llu bytes", source->path,
                        format, (unsigned long long)position(source));
}

static tw_code malformed(file_source *source, const char *format, const char *reason, tw_error *error) {
    return tw_error_set(error, TW_MALFORMED, "%s is damaged: bad %s data at offset %llu (%s)", source->path, format,
                        (unsigned long long)position(source), reason);
}

/* Between two members or frames: the next one starts, or the archive has ended. Zero bytes that pad the last
 * block of a tape are taken as the end, as gzip does; anything else after an archive is damage. */
static tw_code start_next(file_source *source, const char *format, tw_error *error) {
    tw_code code = fill_input(source, MAGIC_BYTES, error);
    const uint8_t *first = source->input + source->input_at;
    size_t held = source->input_end - source->input_at;
    bool gzip = source->packing == PACKING_GZIP;
    if (code != TW_OK) return code;
    if (held == 0) {
        source->finished = true;
    } else if (gzip ? is_gzip(first, held) : is_zstd(first, held)) {
        source->in_archive = true;
        if (gzip) inflateReset(&source->inflate);
    } else if (gzip && first[0] == 0) {
        source->finished = true;
    } else if (held < MAGIC_BYTES && source->at_end) {
        return truncated(source, format, error);
    } else {
        return malformed(source, format, "no archive starts here", error);
    }
    return TW_OK;
}

static tw_code inflate_some(file_source *source, uint8_t *bytes, size_t capacity, size_t *count, tw_error *error) {
    z_stream *stream = &source->inflate;
    int result;
    stream->next_in = source->input + source->input_at;
    stream->avail_in = (uInt)(source->input_end - source->input_at);
    stream->next_out = bytes;
    stream->avail_out = capacity > UINT32_MAX ? UINT32_MAX : (uInt)capacity;
    result = inflate(stream, Z_NO_FLUSH);
    source->input_at = source->input_end - stream->avail_in;
    *count = (size_t)(stream->next_out - bytes);
    if (result == Z_STREAM_END) source->in_archive = false;
    if (result == Z_MEM_ERROR) return tw_error_set(error, TW_NO_MEMORY, "no memory to unpack %s", source->path);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
        return malformed(source, "gzip", stream->msg != NULL ? stream->msg : "not gzip", error);
    return TW_OK;
}

static tw_code unzstd_some(file_source *source, uint8_t *bytes, size_t capacity, size_t *count, tw_error *error) {
    ZSTD_inBuffer in = {source->input + source->input_at, source->input_end - source->input_at, 0};
    ZSTD_outBuffer out = {bytes, capacity, 0};
    size_t result = ZSTD_decompressStream(source->zstd, &out, &in);
    source->input_at += in.pos;
    *count = out.pos;
    if (ZSTD_isError(result)) return malformed(source, "zstd", ZSTD_getErrorName(result), error);
    if (result == 0) source->in_archive = false;
    return TW_OK;
}

static tw_code read_packed(file_source *source, uint8_t *bytes, size_t capacity, size_t *count, tw_error *error) {
    bool gzip = source->packing == PACKING_GZIP;
    const char *format = gzip ? "gzip" : "zstd";
    while (*count < capacity && !source->finished) {
        size_t got = 0, input_before;
        tw_code code;
        if (!source->in_archive) {
            code = start_next(source, format, error);
            if (code != TW_OK) return code;
            continue;
        }
        code = fill_input(source, 1, error);
        if (code != TW_OK) return code;
        input_before = source->input_at;
        code = gzip ? inflate_some(source, bytes + *count, capacity - *count, &got, error)
                    : unzstd_some(source, bytes + *count, capacity - *count, &got, error);
        *count += got;
        if (code != TW_OK) return code;
        /* the library may hold output even when no input is left: only no progress at all is the cut */
        if (source->in_archive && got == 0 && source->input_at == input_before && source->at_end &&
            source->input_at == source->input_end)
            return truncated(source, format, error);
    }
    return TW_OK;
}

tw_code file_source_read(file_source *source, uint8_t *bytes, size_t capacity, size_t *count, tw_error *error) {
    tw_code code;
    *count = 0;
    if (source->failure.code != TW_OK) {
        if (error != NULL) *error = source->failure;
        return source->failure.code;
    }
    code = source->packing == PACKING_PLAIN ? read_plain(source, bytes, capacity, count, &source->failure)
                                            : read_packed(source, bytes, capacity, count, &source->failure);
    if (code == TW_OK) return TW_OK;
    if (error != NULL) *error = source->failure;
    return code;
}
