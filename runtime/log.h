/*
 * One line per event on standard error, for people or as JSON:
 *   2026-11-21T03:15:39.123Z WARN  gap declared feed=XNAS.1 from=1001 to=1003
 *   {"time":"…","level":"warn","message":"gap declared","feed":"XNAS.1","from":1001,"to":1003}
 *
 * Fields are typed, so both forms come from one call:
 *   rt_log(log, RT_WARN, "gap declared", RT_STR("feed", "XNAS.1"), RT_U64("from", 1001));
 *
 * Repeating trouble is told once with a count: rt_log_limited prints the first occurrence of a site at once and
 * then at most one line a second with `repeated=N`.
 */
#ifndef TICKWIRE_RUNTIME_LOG_H
#define TICKWIRE_RUNTIME_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum rt_level { RT_DEBUG, RT_INFO, RT_WARN, RT_ERROR } rt_level;

typedef struct rt_log rt_log;

typedef struct rt_field {
    const char *name;
    enum { RT_FIELD_STR, RT_FIELD_I64, RT_FIELD_U64, RT_FIELD_F64 } type;
    union {
        const char *str;
        int64_t i64;
        uint64_t u64;
        double f64;
    } value;
} rt_field;

#define RT_STR(field_name, v) ((rt_field){.name = (field_name), .type = RT_FIELD_STR, .value.str = (v)})
#define RT_I64(field_name, v) ((rt_field){.name = (field_name), .type = RT_FIELD_I64, .value.i64 = (v)})
#define RT_U64(field_name, v) ((rt_field){.name = (field_name), .type = RT_FIELD_U64, .value.u64 = (v)})
#define RT_F64(field_name, v) ((rt_field){.name = (field_name), .type = RT_FIELD_F64, .value.f64 = (v)})

/* `format` is "human" or "json", `program` is a field of every JSON line. NULL if out of memory. Free with
 * rt_log_free. Lines below `level` are not written. `fd` is where (2 for standard error). */
rt_log *rt_log_alloc(const char *program, const char *format, rt_level level, int fd);
void rt_log_free(rt_log *log);
bool rt_level_parse(const char *name, rt_level *level);

/* Whether lines of this level are written: asked before what a line says is worked out. */
bool rt_log_writes(const rt_log *log, rt_level level);

/* `log` may be NULL: nothing is written. */
void rt_log_write(rt_log *log, rt_level level, const char *message, const rt_field *fields, size_t count);
#define rt_log(log, level, message, ...)                                                                           \
    rt_log_write((log), (level), (message), (const rt_field[]){{0}, ##__VA_ARGS__} + 1,                            \
                 sizeof((const rt_field[]){{0}, ##__VA_ARGS__}) / sizeof(rt_field) - 1)

/* State of a site that may repeat; zero it once and keep it beside the thing that fails. */
typedef struct rt_log_site {
    int64_t last_ns;
    uint64_t suppressed;
} rt_log_site;
/* True: the site has spoken within a second; this occurrence is counted, and there is nothing to work out or to write. */
bool rt_log_site_rests(rt_log_site *site, int64_t now_ns);
void rt_log_write_limited(rt_log *log, rt_log_site *site, rt_level level, const char *message,
                          const rt_field *fields, size_t count);
#define rt_log_limited(log, site, level, message, ...)                                                             \
    rt_log_write_limited((log), (site), (level), (message), (const rt_field[]){{0}, ##__VA_ARGS__} + 1,            \
                         sizeof((const rt_field[]){{0}, ##__VA_ARGS__}) / sizeof(rt_field) - 1)

#endif
