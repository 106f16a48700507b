/*
 * How a daemon is watched: its log on standard error and its metrics over HTTP. The settings of both, their rows in the
 * daemon's table, and opening by them.
 */
#ifndef TICKWIRE_RUNTIME_WATCH_H
#define TICKWIRE_RUNTIME_WATCH_H

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/error.h"
#include "runtime/log.h"
#include "runtime/metrics.h"
#include "runtime/settings.h"

typedef struct rt_watch_settings {
    int64_t metrics; /* port; 0: a free one, -1: none */
    const char *metrics_address;
    const char *log_format;
    const char *log_level;
} rt_watch_settings;

/* Rows of a table of settings for an rt_watch_settings that is at `at` in the program's struct. */
/* clang-format off */
#define RT_WATCH_ROWS(at, metrics_help)                                                                            \
    {"metrics", SETTING_NUMBER, (at) + offsetof(rt_watch_settings, metrics), "-1", "PORT",                         \
     metrics_help, NULL, -1, 65535},                                                                               \
    {"metrics-address", SETTING_TEXT, (at) + offsetof(rt_watch_settings, metrics_address), "127.0.0.1", "ADDRESS", \
     "where to serve metrics", NULL, 0, 0},                                                                        \
    {"log-format", SETTING_CHOICE, (at) + offsetof(rt_watch_settings, log_format), "human", "FORMAT",              \
     "of the log on standard error", "human|json", 0, 0},                                                          \
    {"log-level", SETTING_CHOICE, (at) + offsetof(rt_watch_settings, log_level), "info", "LEVEL",                  \
     "least important lines to write", "debug|info|warn|error", 0, 0}
/* clang-format on */

/* The log of the daemon of that name; NULL if out of memory, which every function of log.h takes. Free with rt_log_free. */
rt_log *rt_watch_log(const rt_watch_settings *wanted, const char *program);

/* Serves `shown` where the settings say, and tells the log where that is. Only for a port that is not -1. Whatever comes back,
 * metrics_server_close(*server) ends it. */
tw_code rt_watch_serve(const rt_watch_settings *wanted, uv_loop_t *loop, metrics *shown, rt_log *log,
                       metrics_server **server, tw_error *error);

#endif
