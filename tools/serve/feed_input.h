/* The messages of one session to serve, one by one: a simulated day, or a BinaryFILE recording. */
#ifndef TICKWIRE_TOOLS_SERVE_FEED_INPUT_H
#define TICKWIRE_TOOLS_SERVE_FEED_INPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "tools/simulate/session.h"

typedef struct feed_input feed_input;

tw_code feed_input_simulate(feed_input **input, const sim_options *options, tw_error *error);
/* `path` may be packed; a file that holds several sessions is served up to the end of the first. */
tw_code feed_input_file(feed_input **input, const char *path, tw_error *error);
void feed_input_close(feed_input *input); /* NULL is fine */

/* The next message, borrowed until the next call; *message NULL with TW_OK at the end. A recording that is cut or
 * damaged is an error behind its last good message. */
tw_code feed_input_next(feed_input *input, const uint8_t **message, uint16_t *length, tw_error *error);

#endif
