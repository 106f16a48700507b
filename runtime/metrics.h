/*
 * Counters, gauges and latency histograms of a process, and their text for Prometheus (exposition format 0.0.4).
 *
 * A metric is a plain number in memory that its owner writes; the registry only knows names and addresses, so
 * counting costs an addition. One thread (the loop) writes and reads. Names follow Prometheus' rules:
 * tickwire_ingest_messages_total. Labels are written out at registration: `feed="XNAS",partition="1"`.
 */
#ifndef TICKWIRE_RUNTIME_METRICS_H
#define TICKWIRE_RUNTIME_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/error.h"
#include "base/histogram.h"

typedef struct metrics metrics;

metrics *metrics_alloc(void); /* NULL: no memory */
void metrics_free(metrics *metrics);

/* The memory behind `value` is borrowed and must outlive the registry. `help` and `labels` ("" for none) are
 * copied. The same name may be registered again with other labels. A name that breaks the rules is a
 * programmer's mistake (assertion). */
void metrics_add_counter(metrics *metrics, const char *name, const char *labels, const char *help,
                         const uint64_t *value);
void metrics_add_gauge(metrics *metrics, const char *name, const char *labels, const char *help,
                       const int64_t *value);
/* Exposed as a summary in seconds: quantiles 0.5, 0.9, 0.99, 0.999, sum and count. Values recorded are ns. */
void metrics_add_latency(metrics *metrics, const char *name, const char *labels, const char *help,
                         const tw_histogram *histogram);
/* Called before each rendering, to refresh numbers that are kept elsewhere. */
void metrics_on_collect(metrics *metrics, void (*collect)(void *context), void *context);

/* Renders the text. Returns the length it has or would have; writes at most `capacity` bytes, NUL included. */
size_t metrics_render(metrics *metrics, char *text, size_t capacity);

/* HTTP on the loop: GET /metrics (the text), GET /healthz ("ok"), GET /readyz (see below). Port 0 takes a free one. The one door to
 * libmicrohttpd. TW_IO names the address. */
typedef struct metrics_server metrics_server;
tw_code metrics_server_open(metrics_server **server, uv_loop_t *loop, metrics *metrics, const char *address,
                            uint16_t port, tw_error *error);
void metrics_server_close(metrics_server *server);
uint16_t metrics_server_port(const metrics_server *server);

/* What /readyz asks: true answers 200, false 503; `text` gets a JSON object that says why. Without it /readyz is 404. */
#define METRICS_READY_BYTES 4096
typedef bool (*metrics_is_ready)(void *context, char *text, size_t capacity);
void metrics_server_on_ready(metrics_server *server, metrics_is_ready is_ready, void *context);

#endif
