/* Three kinds of input behind one question: what comes next? */
#include "tools/serve/feed_input.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/market.h"
#include "ingest/decode/itch50.h"
#include "ingest/framing/binaryfile.h"
#include "ingest/source/file_source.h"
#include "tools/serve/capture_input.h"

#define CHUNK_BYTES       (1u << 18) /* more than the longest frame */
#define ITCH_TIMESTAMP_AT 5u         /* offset of the six timestamp bytes in every ITCH message */

struct feed_input {
    sim_session *simulation; /* exactly one of these three */
    file_source *file;
    capture_input *capture;
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

static tw_code open_file(feed_input *input, const char *path, tw_error *error) {
    input->chunk = malloc(CHUNK_BYTES);
    if (input->chunk == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory to read the recording");
    return file_source_open(&input->file, path, error);
}

tw_code feed_input_open(feed_input **out, const location *where, tw_error *error) {
    tw_code code = input_alloc(out, error);
    if (code != TW_OK) return code;
    TW_ASSERT(*out != NULL);
    if (where->kind == LOCATION_FILE)
        code = open_file(*out, where->path, error);
    else if (where->kind == LOCATION_PCAP)
        code = capture_input_open(&(*out)->capture, where, error);
    else
        code = tw_error_set(error, TW_UNSUPPORTED, "only recordings and captures can be served");
    if (code == TW_OK) return TW_OK;
    feed_input_close(*out);
    *out = NULL;
    return code;
}

void feed_input_close(feed_input *input) {
    if (input == NULL) return;
    sim_session_free(input->simulation);
    file_source_close(input->file);
    capture_input_close(input->capture);
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

static int64_t itch_stamp(const feed_input_message *message) {
    if (message->bytes == NULL || message->length < ITCH_TIMESTAMP_AT + 6) return TW_TIME_ABSENT;
    return (int64_t)tw_load_be48(message->bytes + ITCH_TIMESTAMP_AT);
}

tw_code feed_input_next(feed_input *input, feed_input_message *message, tw_error *error) {
    itch50_message next;
    tw_code code = TW_OK;
    *message = (feed_input_message){0};
    if (input->capture != NULL) return capture_input_next(input->capture, message, error);
    if (input->file != NULL) {
        code = next_of_file(input, &message->bytes, &message->length, error);
    } else if (sim_next(input->simulation, &next)) {
        message->length = (uint16_t)itch50_encode(&next, input->encoded);
        message->bytes = input->encoded;
    }
    message->stamp_ns = itch_stamp(message);
    return code;
}
