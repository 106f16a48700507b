/* A daemon's log and metrics, opened by its settings. */
#include "runtime/watch.h"

#include <unistd.h>

rt_log *rt_watch_log(const rt_watch_settings *wanted, const char *program) {
    rt_level level = RT_INFO;
    rt_level_parse(wanted->log_level, &level);
    return rt_log_alloc(program, wanted->log_format, level, STDERR_FILENO);
}

tw_code rt_watch_serve(const rt_watch_settings *wanted, uv_loop_t *loop, metrics *shown, rt_log *log,
                       metrics_server **server, tw_error *error) {
    tw_code code =
        metrics_server_open(server, loop, shown, wanted->metrics_address, (uint16_t)wanted->metrics, error);
    if (code != TW_OK) return tw_error_wrap(error, "--metrics %lld", (long long)wanted->metrics);
    rt_log(log, RT_INFO, "metrics", RT_STR("address", wanted->metrics_address),
           RT_U64("port", metrics_server_port(*server)));
    return TW_OK;
}
