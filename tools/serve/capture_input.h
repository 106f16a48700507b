/*
 * The messages of a MoldUDP64 session in a packet capture, in order, each once. For serving it again the session must be
 * whole: a message that no packet of the capture has is an error that names it. Where the sequence numbers were zeroed
 * (captures made for publication), messages count as they come.
 */
#ifndef TICKWIRE_TOOLS_SERVE_CAPTURE_INPUT_H
#define TICKWIRE_TOOLS_SERVE_CAPTURE_INPUT_H

#include "base/error.h"
#include "ingest/source/location.h"
#include "tools/serve/feed_input.h"

typedef struct capture_input capture_input;

tw_code capture_input_open(capture_input **input, const location *where, tw_error *error);
void capture_input_close(capture_input *input); /* NULL is fine */
/* As feed_input_next. */
tw_code capture_input_next(capture_input *input, feed_input_message *message, tw_error *error);

#endif
