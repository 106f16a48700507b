/* The arbiter of a single line. */
#include "ingest/line/mold_line.h"

#include <stdlib.h>

struct mold_line {
    arbiter *arbiter;
};

tw_code mold_line_alloc(mold_line **out, const mold_line_options *options, const mold_line_listener *listener,
                        tw_error *error) {
    *out = NULL;
    mold_line *line = calloc(1, sizeof *line);
    if (line == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for a MoldUDP64 line");
    arbiter_options one = {.gap = options->gap, .lines = 1, .number_unsequenced = options->number_unsequenced};
    tw_code code = arbiter_alloc(&line->arbiter, &one, listener, error);
    if (code != TW_OK) {
        free(line);
        return code;
    }
    *out = line;
    return TW_OK;
}

void mold_line_free(mold_line *line) {
    if (line == NULL) return;
    arbiter_free(line->arbiter);
    free(line);
}

void mold_line_packet(mold_line *line, const uint8_t *payload, size_t length, int64_t receive_ns, int64_t now_ns) {
    arbiter_packet(line->arbiter, 0, payload, length, receive_ns, now_ns);
}

void mold_line_poll(mold_line *line, int64_t now_ns) {
    arbiter_poll(line->arbiter, now_ns);
}

void mold_line_finish(mold_line *line) {
    arbiter_finish(line->arbiter);
}

mold_line_status mold_line_read_status(const mold_line *line) {
    return arbiter_read_status(line->arbiter);
}
