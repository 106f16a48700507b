/* One line per event, for people or as JSON; each line is one write. */
#include "runtime/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/civil.h"
#include "base/json.h"
#include "base/text.h"
#include "runtime/clock.h"

#define LINE_BYTES 4096

struct rt_log {
    char program[64];
    bool json;
    rt_level level;
    int fd;
};

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static const char *const level_words[] = {"DEBUG", "INFO ", "WARN ", "ERROR"};

rt_log *rt_log_alloc(const char *program, const char *format, rt_level level, int fd) {
    rt_log *log = calloc(1, sizeof *log);
    if (log == NULL) return NULL;
    tw_text_copy(log->program, sizeof log->program, program);
    log->json = strcmp(format, "json") == 0;
    log->level = level;
    log->fd = fd;
    return log;
}

void rt_log_free(rt_log *log) {
    free(log);
}

bool rt_level_parse(const char *name, rt_level *level) {
    for (size_t i = 0; i < sizeof level_names / sizeof *level_names; i++)
        if (strcmp(name, level_names[i]) == 0) {
            *level = (rt_level)i;
            return true;
        }
    return false;
}

/* "2020-01-30T08:07:14.909Z": people don't read nanoseconds. */
static void format_time(char target[TW_INSTANT_BYTES]) {
    tw_instant_format(target, rt_clock_utc_ns());
    memcpy(target + 23, "Z", 2);
}

static void json_field(json_writer *w, const rt_field *field) {
    switch (field->type) {
    case RT_FIELD_STR:
        json_string(w, field->name, field->value.str);
        break;
    case RT_FIELD_I64:
        json_i64(w, field->name, field->value.i64);
        break;
    case RT_FIELD_U64:
        json_u64(w, field->name, field->value.u64);
        break;
    case RT_FIELD_F64:
        json_f64(w, field->name, field->value.f64);
        break;
    }
}

/* False if the line was too long: half an object is no JSON, so the caller tries again with fewer fields. */
static bool format_json(const rt_log *log, char line[LINE_BYTES], rt_level level, const char *message,
                        const rt_field *fields, size_t count, bool cut) {
    char time[TW_INSTANT_BYTES];
    json_writer w;
    format_time(time);
    json_start(&w, line, LINE_BYTES - 1);
    json_open_object(&w, NULL);
    json_string(&w, "time", time);
    json_string(&w, "level", level_names[level]);
    json_string(&w, "program", log->program);
    json_string(&w, "message", message);
    for (size_t i = 0; i < count; i++)
        json_field(&w, &fields[i]);
    if (cut) json_bool(&w, "cut", true);
    json_close_object(&w);
    return json_finish(&w);
}

static void json_line(const rt_log *log, char line[LINE_BYTES], rt_level level, const char *message,
                      const rt_field *fields, size_t count) {
    char shortened[512];
    if (format_json(log, line, level, message, fields, count, false)) return;
    tw_text_copy(shortened, sizeof shortened, message);
    while (!format_json(log, line, level, shortened, fields, count, true))
        count--; /* 512 bytes fit without any field, however they are escaped */
}

/* Text of others goes to a terminal: nothing in it may end the line or pass for an escape sequence. */
static bool needs_quotes(const char *text) {
    if (*text == '\0') return true;
    for (; *text != '\0'; text++)
        if ((unsigned char)*text <= ' ' || *text == '"' || *text == 0x7f) return true;
    return false;
}

static void human_value(char *target, size_t capacity, const rt_field *field) {
    rt_field nameless = *field;
    json_writer w;
    nameless.name = NULL;
    if (field->type == RT_FIELD_STR && field->value.str != NULL && !needs_quotes(field->value.str)) {
        tw_text_copy(target, capacity, field->value.str);
        return;
    }
    json_start(&w, target, capacity);
    json_field(&w, &nameless);
    json_finish(&w);
}

static void human_line(char line[LINE_BYTES], rt_level level, const char *message, const rt_field *fields,
                       size_t count) {
    char time[TW_INSTANT_BYTES], value[1024];
    format_time(time);
    tw_text_format(line, LINE_BYTES - 1, "%s %s %s", time, level_words[level], message);
    for (char *c = line; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f) *c = ' ';
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(line);
        human_value(value, sizeof value, &fields[i]);
        tw_text_format(line + length, LINE_BYTES - 1 - length, " %s=%s", fields[i].name, value);
    }
}

/* A log that cannot be written is no reason to stop; what is lost is lost. */
static void write_line(int fd, const char *line, size_t length) {
    while (length > 0) {
        ssize_t written = write(fd, line, length);
        if (written < 0 && errno != EINTR) return;
        if (written > 0) {
            line += written;
            length -= (size_t)written;
        }
    }
}

bool rt_log_writes(const rt_log *log, rt_level level) {
    return log != NULL && level >= log->level;
}

void rt_log_write(rt_log *log, rt_level level, const char *message, const rt_field *fields, size_t count) {
    char line[LINE_BYTES];
    if (!rt_log_writes(log, level)) return;
    if (log->json)
        json_line(log, line, level, message, fields, count);
    else
        human_line(line, level, message, fields, count);
    size_t length = strlen(line);
    line[length] = '\n'; /* both forms leave a byte */
    write_line(log->fd, line, length + 1);
}

#define MOST_LIMITED_FIELDS 15

bool rt_log_site_rests(rt_log_site *site, int64_t now_ns) {
    if (site->last_ns == 0 || now_ns - site->last_ns >= TW_NS_PER_SECOND) return false;
    site->suppressed++;
    return true;
}

void rt_log_write_limited(rt_log *log, rt_log_site *site, rt_level level, const char *message,
                          const rt_field *fields, size_t count) {
    int64_t now_ns = rt_clock_monotonic_ns();
    if (rt_log_site_rests(site, now_ns)) return;
    rt_field all[MOST_LIMITED_FIELDS + 1];
    if (count > MOST_LIMITED_FIELDS) count = MOST_LIMITED_FIELDS;
    if (count > 0) memcpy(all, fields, count * sizeof *fields);
    if (site->suppressed > 0) all[count++] = RT_U64("repeated", site->suppressed);
    site->last_ns = now_ns;
    site->suppressed = 0;
    rt_log_write(log, level, message, all, count);
}
