/*
 * One line of a feed being served: packets in, through its faults, out to its group.
 *
 * What can't be sent is passed over and counted: a line in trouble is what receivers have another line, requests and TCP
 * for, so it must not end them.
 */
#ifndef TICKWIRE_TOOLS_SERVE_FEED_LINE_H
#define TICKWIRE_TOOLS_SERVE_FEED_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "ingest/line/faults.h"
#include "ingest/source/location.h"

typedef struct feed_line feed_line;

tw_code feed_line_open(feed_line **line, const location *where, const faults_options *faults, tw_error *error);
void feed_line_close(feed_line *line); /* NULL is fine */

/* One packet. It leaves at the next flush, or when a batch is full. */
void feed_line_packet(feed_line *line, const uint8_t *payload, size_t length, int64_t now_ns);
/* The end of a turn: what came through is sent. */
void feed_line_flush(feed_line *line);
/* A pause, or the end: what the faults hold back is sent as well. */
void feed_line_settle(feed_line *line, int64_t now_ns);

faults_stats feed_line_stats(const feed_line *line);
uint64_t feed_line_unsent(const feed_line *line); /* packets that could not be sent */
/* The first failure to send, once: NULL if there is none, or none to be told any more. Borrowed. */
const char *feed_line_news(feed_line *line);

#endif
