/* Two kinds of input behind one question: what comes next? */
#include "tools/serve/feed_input.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "ingest/decode/itch50.h"
#include "ingest/framing/binaryfile.h"
#include "ingest/source/file_source.h"

#define CHUNK_BYTES (1u << 18) /* more than the longest frame */

struct feed_input {
    sim_session *simulation; /* exactly one of these two */
    file_source *file;
    uint8_t encoded[ITCH50_MAX_MESSAGE_BYTES];
    uint8_t *chunk;
    size_t from, to;
};

static tw_code input_alloc(feed_input **out, tw_error *error) {
    *out = calloc(1, sizeof **out);
    return *out != NULL ? TW_OK : tw_error_set(error, TW_NO_MEMORY, "no memory for the input");
}

tw_code feed_input_simulate(feed_input **out, const sim_options *options, tw_error *error) {
    tw_code code = input_alloc(out, error);
    if (code == TW_OK) code = sim_session_alloc(&(*out)->simulation, options, error);
    if (code == TW_OK) return TW_OK;
    feed_input_close(*out);
    *out = NULL;
    return code;
}

tw_code feed_input_file(feed_input **out, const char *path, tw_error *error) {
    tw_code code = input_alloc(out, error);
    if (code == TW_OK) {
        TW_ASSERT(*out != NULL);
        (*out)->chunk = malloc(CHUNK_BYTES);
        if ((*out)->chunk == NULL) code = tw_error_set(error, TW_NO_MEMORY, "no memory to read the recording");
    }
    if (code == TW_OK) code = file_source_open(&(*out)->file, path, error);
    if (code == TW_OK) return TW_OK;
    feed_input_close(*out);
    *out = NULL;
    return code;
}

void feed_input_close(feed_input *input) {
    if (input == NULL) return;
    sim_session_free(input->simulation);
    file_source_close(input->file);
    free(input->chunk);
    free(input);
}

/* More of the file behind what is left of the chunk; *more false at the end. */
static tw_code fill(feed_input *input, bool *more, tw_error *error) {
    size_t count = 0;
    memmove(input->chunk, input->chunk + input->from, input->to - input->from);
    input->to -= input->from;
    input->from = 0;
    tw_code code = file_source_read(input->file, input->chunk + input->to, CHUNK_BYTES - input->to, &count, error);
    input->to += count;
    *more = count > 0;
    return count > 0 ? TW_OK : code; /* good bytes first; the fault comes again */
}

static tw_code next_of_file(feed_input *input, const uint8_t **message, uint16_t *length, tw_error *error) {
    for (;;) {
        size_t consumed = 0;
        binaryfile_result result =
            binaryfile_next(input->chunk + input->from, input->to - input->from, message, length, &consumed);
        if (result == BINARYFILE_MESSAGE) {
            input->from += consumed;
            return TW_OK;
        }
        *message = NULL;
        if (result == BINARYFILE_END) return TW_OK;
        bool more;
        tw_code code = fill(input, &more, error);
        if (code != TW_OK) return code;
        if (more) continue;
        if (input->to > input->from) return tw_error_set(error, TW_TRUNCATED, "the file ends inside a frame");
        return TW_OK;
    }
}

tw_code feed_input_next(feed_input *input, const uint8_t **message, uint16_t *length, tw_error *error) {
    if (input->file != NULL) return next_of_file(input, message, length, error);
    itch50_message next;
    *message = NULL;
    if (!sim_next(input->simulation, &next)) return TW_OK;
    *length = (uint16_t)itch50_encode(&next, input->encoded);
    *message = input->encoded;
    return TW_OK;
}
