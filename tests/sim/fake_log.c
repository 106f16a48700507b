/* runtime/log.h in the simulated world: what processes log is told among everything else that happens, where that is asked for. */
#include "runtime/log.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "runtime/clock.h"
#include "tests/sim/fake.h"

enum { LINE_BYTES = 1024 };

struct rt_log {
    rt_level level;
};

rt_log *rt_log_alloc(const char *program, const char *format, rt_level level, int fd) {
    (void)program, (void)format, (void)fd;
    rt_log *log = world_keep(fake_current()->server->world, sizeof *log);
    log->level = level;
    return log;
}

void rt_log_free(rt_log *log) {
    (void)log;
}

bool rt_level_parse(const char *name, rt_level *level) {
    static const char *const names[] = {"debug", "info", "warn", "error"};
    for (int i = 0; i < 4; i++)
        if (strcmp(name, names[i]) == 0) {
            *level = (rt_level)i;
            return true;
        }
    return false;
}

bool rt_log_writes(const rt_log *log, rt_level level) {
    return log != NULL && level >= log->level;
}

/* Nothing repeats so often here that it is kept back. */
bool rt_log_site_rests(rt_log_site *site, int64_t now_ns) {
    (void)site, (void)now_ns;
    return false;
}

static void add_field(char *line, const rt_field *field) {
    size_t used = strlen(line);
    switch (field->type) {
    case RT_FIELD_STR:
        (void)tw_text_format(line + used, LINE_BYTES - used, ", %s %s", field->name, field->value.str);
        break;
    case RT_FIELD_I64:
        (void)tw_text_format(line + used, LINE_BYTES - used, ", %s %" PRId64, field->name, field->value.i64);
        break;
    case RT_FIELD_U64:
        (void)tw_text_format(line + used, LINE_BYTES - used, ", %s %" PRIu64, field->name, field->value.u64);
        break;
    default:
        (void)tw_text_format(line + used, LINE_BYTES - used, ", %s %g", field->name, field->value.f64);
        break;
    }
}

void rt_log_write(rt_log *log, rt_level level, const char *message, const rt_field *fields, size_t count) {
    char line[LINE_BYTES] = "";
    const server_host *host = fake_current();
    if (!rt_log_writes(log, level) || !world_tells(host->server->world)) return;
    for (size_t i = 0; i < count; i++)
        add_field(line, &fields[i]);
    world_tell(host->server->world, "%s: %s%s", host->process->name, message, line);
}

void rt_log_write_limited(rt_log *log, rt_log_site *site, rt_level level, const char *message,
                          const rt_field *fields, size_t count) {
    site->last_ns = rt_clock_monotonic_ns();
    rt_log_write(log, level, message, fields, count);
}
