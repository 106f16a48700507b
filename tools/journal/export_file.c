/* Files of an export: writing and reading. */
#include "tools/journal/export_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/text.h"

#define MAGIC_ANY     6u /* "TWJRNL": ours, of whatever version */
#define MAGIC_BYTES   8u
#define HEAD_BYTES    56u
#define EXCHANGE_ROOM 16u
#define FRAME_BYTES   8u
#define FIXED_BYTES   18u /* seq, stream_ns, subject length */
#define END_BYTES     52u
#define INDEX_EVERY   1024u
#define ENTRY_BYTES   16u
#define LARGEST       (256u << 20)
#define BUFFER_BYTES  (1u << 20)
#define PATH_BYTES    1024

static const uint8_t begin_magic[MAGIC_BYTES] = {'T', 'W', 'J', 'R', 'N', 'L', '0', '1'};
static const uint8_t end_magic[MAGIC_BYTES] = {'T', 'W', 'J', 'E', 'N', 'D', '0', '1'};

_Static_assert(TW_MIC_BYTES <= EXCHANGE_ROOM, "the exchange's name has a place in the head");

/* ---- writing ---- */

struct export_writer {
    FILE *file;
    char path[PATH_BYTES], aside[PATH_BYTES + 8];
    uint64_t first_seq, next_seq, messages, offset;
    int64_t last_ns;
    uint8_t *index;
    size_t entries, index_capacity;
};

static tw_code write_bytes(export_writer *self, const void *bytes, size_t length, tw_error *error) {
    if (length > 0 && fwrite(bytes, length, 1, self->file) != 1)
        return tw_error_set_errno(error, errno, "writing %s", self->aside);
    self->offset += length;
    return TW_OK;
}

static tw_code write_head(export_writer *self, const export_head *head, tw_error *error) {
    uint8_t bytes[HEAD_BYTES] = {0};
    memcpy(bytes, begin_magic, MAGIC_BYTES);
    tw_store_le32(bytes + 8, head->kind);
    tw_store_le32(bytes + 12, head->shard);
    tw_text_copy((char *)bytes + 16, EXCHANGE_ROOM, head->exchange);
    tw_store_le64(bytes + 32, head->first_seq);
    tw_store_le64(bytes + 40, (uint64_t)head->created_ns);
    tw_store_le32(bytes + 48, tw_crc32c(0, bytes, 48));
    return write_bytes(self, bytes, sizeof bytes, error);
}

tw_code export_writer_open(export_writer **opened, const char *path, const export_head *head, tw_error *error) {
    *opened = NULL;
    export_writer *self = calloc(1, sizeof *self);
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory to write %s", path);
    tw_code code = TW_OK;
    if (!tw_text_copy(self->path, sizeof self->path, path))
        code = tw_error_set(error, TW_INVALID, "the path %s is too long", path);
    tw_text_format(self->aside, sizeof self->aside, "%s.part", path);
    self->first_seq = self->next_seq = head->first_seq;
    if (code == TW_OK && (self->file = fopen(self->aside, "wb")) == NULL)
        code = tw_error_set_errno(error, errno, "writing %s", self->aside);
    if (code == TW_OK) {
        setvbuf(self->file, NULL, _IOFBF, BUFFER_BYTES);
        code = write_head(self, head, error);
    }
    if (code != TW_OK) {
        export_writer_abandon(self);
        return code;
    }
    *opened = self;
    return TW_OK;
}

static tw_code note_place(export_writer *self, uint64_t seq, tw_error *error) {
    if (self->messages % INDEX_EVERY != 0) return TW_OK;
    if (self->entries == self->index_capacity) {
        size_t capacity = self->index_capacity == 0 ? 1024 : self->index_capacity * 2;
        uint8_t *index = realloc(self->index, capacity * ENTRY_BYTES);
        if (index == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for the index of %s", self->path);
        self->index = index;
        self->index_capacity = capacity;
    }
    tw_store_le64(self->index + self->entries * ENTRY_BYTES, seq);
    tw_store_le64(self->index + self->entries * ENTRY_BYTES + 8, self->offset);
    self->entries++;
    return TW_OK;
}

tw_code export_writer_add(export_writer *self, const mw_message *message, tw_error *error) {
    uint8_t head[FRAME_BYTES + FIXED_BYTES];
    size_t subject = strlen(message->subject), length = FIXED_BYTES + subject + message->length;
    if (message->seq != self->next_seq)
        return tw_error_set(error, TW_MALFORMED, "message %" PRIu64 " was expected and %" PRIu64 " came",
                            self->next_seq, message->seq);
    if (subject > UINT16_MAX || length > LARGEST)
        return tw_error_set(error, TW_INVALID, "message %" PRIu64 " is too large to be kept", message->seq);
    tw_code code = note_place(self, message->seq, error);
    if (code != TW_OK) return code;
    tw_store_le32(head, (uint32_t)length);
    tw_store_le64(head + 8, message->seq);
    tw_store_le64(head + 16, (uint64_t)message->stream_ns);
    head[24] = (uint8_t)subject;
    head[25] = (uint8_t)(subject >> 8);
    uint32_t crc = tw_crc32c(0, head + FRAME_BYTES, FIXED_BYTES);
    crc = tw_crc32c(tw_crc32c(crc, message->subject, subject), message->bytes, message->length);
    tw_store_le32(head + 4, crc);
    code = write_bytes(self, head, sizeof head, error);
    if (code == TW_OK) code = write_bytes(self, message->subject, subject, error);
    if (code == TW_OK) code = write_bytes(self, message->bytes, message->length, error);
    self->next_seq++;
    self->messages++;
    self->last_ns = message->stream_ns;
    return code;
}

static tw_code write_end(export_writer *self, tw_error *error) {
    uint8_t end[END_BYTES];
    size_t index_bytes = self->entries * ENTRY_BYTES;
    tw_store_le64(end, self->entries);
    tw_store_le64(end + 8, self->offset);
    tw_store_le64(end + 16, self->messages);
    tw_store_le64(end + 24, self->next_seq - 1);
    tw_store_le64(end + 32, (uint64_t)self->last_ns);
    tw_store_le32(end + 40, tw_crc32c(tw_crc32c(0, self->index, index_bytes), end, 40));
    memcpy(end + 44, end_magic, MAGIC_BYTES);
    tw_code code = write_bytes(self, self->index, index_bytes, error);
    return code != TW_OK ? code : write_bytes(self, end, sizeof end, error);
}

tw_code export_writer_finish(export_writer *self, tw_error *error) {
    tw_code code = write_end(self, error);
    if (code == TW_OK && (fflush(self->file) != 0 || fsync(fileno(self->file)) != 0))
        code = tw_error_set_errno(error, errno, "writing %s", self->aside);
    if (code == TW_OK) {
        FILE *file = self->file;
        self->file = NULL;
        if (fclose(file) != 0 || rename(self->aside, self->path) != 0)
            code = tw_error_set_errno(error, errno, "renaming %s to %s", self->aside, self->path);
    }
    if (code == TW_OK) self->aside[0] = '\0'; /* nothing to take away */
    export_writer_abandon(self);
    return code;
}

void export_writer_abandon(export_writer *self) {
    if (self == NULL) return;
    if (self->file != NULL) fclose(self->file);
    if (self->aside[0] != '\0') remove(self->aside);
    free(self->index);
    free(self);
}

/* ---- reading ---- */

struct export_reader {
    FILE *file;
    char path[PATH_BYTES];
    export_head head;
    uint64_t messages, last_seq, size, index_offset, next_seq;
    int64_t last_ns;
    uint8_t *index;
    uint64_t entries;
    uint8_t *bytes; /* of the message at hand; the subject in front, with a NUL */
    size_t capacity;
    uint64_t offset;
};

static tw_code damaged(const export_reader *self, tw_error *error, const char *what) {
    return tw_error_set(error, TW_MALFORMED, "%s: %s at offset %" PRIu64, self->path, what, self->offset);
}

static tw_code go_to(export_reader *self, uint64_t offset, tw_error *error) {
    if (fseeko(self->file, (off_t)offset, SEEK_SET) != 0)
        return tw_error_set_errno(error, errno, "reading %s", self->path);
    self->offset = offset;
    return TW_OK;
}

static tw_code read_bytes(export_reader *self, void *to, size_t length, tw_error *error) {
    if (length > 0 && fread(to, length, 1, self->file) != 1) {
        if (ferror(self->file) != 0) return tw_error_set_errno(error, errno, "reading %s", self->path);
        return damaged(self, error, "the file ends too early");
    }
    return TW_OK;
}

static tw_code read_head(export_reader *self, tw_error *error) {
    uint8_t bytes[HEAD_BYTES];
    if (fread(bytes, sizeof bytes, 1, self->file) != 1 || memcmp(bytes, begin_magic, MAGIC_ANY) != 0)
        return tw_error_set(error, TW_MALFORMED, "%s is no exported journal", self->path);
    if (memcmp(bytes, begin_magic, MAGIC_BYTES) != 0)
        return tw_error_set(error, TW_UNSUPPORTED, "%s is of version %c%c, this program reads version 01",
                            self->path, bytes[6], bytes[7]);
    if (tw_load_le32(bytes + 48) != tw_crc32c(0, bytes, 48) || bytes[16 + TW_MIC_BYTES - 1] != 0)
        return damaged(self, error, "the head is damaged");
    self->head = (export_head){.kind = tw_load_le32(bytes + 8),
                               .shard = tw_load_le32(bytes + 12),
                               .first_seq = tw_load_le64(bytes + 32),
                               .created_ns = (int64_t)tw_load_le64(bytes + 40)};
    tw_text_copy(self->head.exchange, sizeof self->head.exchange, (const char *)bytes + 16);
    return TW_OK;
}

static tw_code read_end(export_reader *self, tw_error *error) {
    uint8_t end[END_BYTES];
    if (fseeko(self->file, 0, SEEK_END) != 0) return tw_error_set_errno(error, errno, "reading %s", self->path);
    self->size = (uint64_t)ftello(self->file);
    if (self->size < HEAD_BYTES + END_BYTES) return damaged(self, error, "the export was not finished: no end");
    tw_code code = go_to(self, self->size - END_BYTES, error);
    if (code == TW_OK) code = read_bytes(self, end, sizeof end, error);
    if (code != TW_OK) return code;
    if (memcmp(end + 44, end_magic, MAGIC_BYTES) != 0)
        return damaged(self, error, "the export was not finished, or was cut: there is no end");
    self->entries = tw_load_le64(end);
    self->index_offset = tw_load_le64(end + 8);
    self->messages = tw_load_le64(end + 16);
    self->last_seq = tw_load_le64(end + 24);
    self->last_ns = (int64_t)tw_load_le64(end + 32);
    uint64_t body = self->size - END_BYTES;
    if (self->index_offset < HEAD_BYTES || self->index_offset > body ||
        self->entries != (body - self->index_offset) / ENTRY_BYTES ||
        self->last_seq + 1 - self->head.first_seq != self->messages)
        return damaged(self, error, "the end contradicts itself");
    size_t length = (size_t)(body - self->index_offset);
    self->index = malloc(length + 1);
    if (self->index == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for the index of %s", self->path);
    code = go_to(self, self->index_offset, error);
    if (code == TW_OK) code = read_bytes(self, self->index, length, error);
    if (code != TW_OK) return code;
    if (tw_load_le32(end + 40) != tw_crc32c(tw_crc32c(0, self->index, length), end, 40))
        return damaged(self, error, "the index is damaged");
    return TW_OK;
}

tw_code export_reader_open(export_reader **opened, const char *path, tw_error *error) {
    *opened = NULL;
    export_reader *self = calloc(1, sizeof *self);
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory to read %s", path);
    tw_code code = TW_OK;
    if (!tw_text_copy(self->path, sizeof self->path, path))
        code = tw_error_set(error, TW_INVALID, "the path %s is too long", path);
    else if ((self->file = fopen(path, "rb")) == NULL)
        code = errno == ENOENT ? tw_error_set(error, TW_NOT_FOUND, "there is no file %s", path)
                               : tw_error_set_errno(error, errno, "reading %s", path);
    if (code == TW_OK) setvbuf(self->file, NULL, _IOFBF, BUFFER_BYTES);
    if (code == TW_OK) code = read_head(self, error);
    if (code == TW_OK) code = read_end(self, error);
    if (code == TW_OK) code = export_reader_seek(self, self->head.first_seq, error);
    if (code != TW_OK && !(code == TW_NOT_FOUND && self->file != NULL && self->messages == 0)) {
        export_reader_close(self);
        return code;
    }
    *opened = self;
    return TW_OK;
}

void export_reader_close(export_reader *self) {
    if (self == NULL) return;
    if (self->file != NULL) fclose(self->file);
    free(self->index);
    free(self->bytes);
    free(self);
}

const export_head *export_reader_head(const export_reader *self) {
    return &self->head;
}
uint64_t export_reader_messages(const export_reader *self) {
    return self->messages;
}
uint64_t export_reader_last_seq(const export_reader *self) {
    return self->last_seq;
}
uint64_t export_reader_bytes(const export_reader *self) {
    return self->size;
}
int64_t export_reader_last_ns(const export_reader *self) {
    return self->last_ns;
}

tw_code export_reader_seek(export_reader *self, uint64_t seq, tw_error *error) {
    if (seq < self->head.first_seq || seq > self->last_seq || self->messages == 0)
        return tw_error_set(error, TW_NOT_FOUND, "%s: there is no message %" PRIu64, self->path, seq);
    uint64_t entry = (seq - self->head.first_seq) / INDEX_EVERY;
    if (entry >= self->entries) return damaged(self, error, "the index is too short");
    const uint8_t *at = self->index + entry * ENTRY_BYTES;
    tw_code code = go_to(self, tw_load_le64(at + 8), error);
    self->next_seq = tw_load_le64(at);
    mw_message passed;
    while (code == TW_OK && self->next_seq < seq)
        code = export_reader_next(self, &passed, error);
    return code;
}

static tw_code take_room(export_reader *self, size_t length, tw_error *error) {
    if (length <= self->capacity) return TW_OK;
    size_t capacity = length < 65536 ? 65536 : length;
    uint8_t *bytes = realloc(self->bytes, capacity);
    if (bytes == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for a message of %zu bytes", length);
    self->bytes = bytes;
    self->capacity = capacity;
    return TW_OK;
}

tw_code export_reader_next(export_reader *self, mw_message *message, tw_error *error) {
    uint8_t frame[FRAME_BYTES];
    if (self->next_seq > self->last_seq || self->messages == 0)
        return tw_error_set(error, TW_NOT_FOUND, "%s: the end", self->path);
    if (self->offset + FRAME_BYTES + FIXED_BYTES > self->index_offset)
        return damaged(self, error, "a message is missing");
    tw_code code = read_bytes(self, frame, sizeof frame, error);
    if (code != TW_OK) return code;
    uint32_t length = tw_load_le32(frame);
    if (length < FIXED_BYTES || length > self->index_offset - self->offset - FRAME_BYTES)
        return damaged(self, error, "a message's length is impossible");
    code = take_room(self, (size_t)length + 1, error);
    if (code == TW_OK) code = read_bytes(self, self->bytes, length, error);
    if (code != TW_OK) return code;
    uint64_t seq = tw_load_le64(self->bytes);
    size_t subject = tw_load_le16(self->bytes + 16);
    if (tw_crc32c(0, self->bytes, length) != tw_load_le32(frame + 4))
        return damaged(self, error, "a message is damaged (its checksum is another)");
    if (seq != self->next_seq || subject > length - FIXED_BYTES)
        return damaged(self, error, "a message is not the one that follows");
    message->seq = seq;
    message->stream_ns = (int64_t)tw_load_le64(self->bytes + 8);
    message->length = length - FIXED_BYTES - subject;
    /* the subject moves to the front, so that it has room for its NUL */
    memmove(self->bytes, self->bytes + FIXED_BYTES, subject);
    self->bytes[subject] = '\0';
    message->subject = (const char *)self->bytes;
    message->bytes = self->bytes + FIXED_BYTES + subject;
    self->offset += FRAME_BYTES + length;
    self->next_seq++;
    return TW_OK;
}
