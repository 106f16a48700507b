/* Settings that are right one by one and make no sense together, or name what can't be: told before anything is opened,
 * the bus included. */
#include <string.h>

#include "ingest/gap/refill.h"
#include "ingest/pipeline.h"

#define USUAL_BURST_MIN 16 /* it gives way to a smaller --burst when nobody asked for it */

static tw_code check_bounds(const ingest_settings *set, tw_error *error) {
    if (set->burst_min > set->burst && set->burst_min != USUAL_BURST_MIN)
        return tw_error_set(error, TW_INVALID,
                            "--burst-min %llu is above --burst %llu: it grows from the one to the other",
                            (unsigned long long)set->burst_min, (unsigned long long)set->burst);
    if (set->partition > set->partitions)
        return tw_error_set(error, TW_INVALID,
                            "--partition %llu of %llu: say with --partitions how many the exchange's feed has",
                            (unsigned long long)set->partition, (unsigned long long)set->partitions);
    if (set->receive_buffer > set->receive_buffer_max)
        return tw_error_set(
            error, TW_INVALID,
            "--receive-buffer %llu is above --receive-buffer-max %llu: it grows from the one to the "
            "other",
            (unsigned long long)set->receive_buffer, (unsigned long long)set->receive_buffer_max);
    return TW_OK;
}

static tw_code check_date(const char *text, tw_error *error) {
    tw_date date;
    int64_t midnight_ns;
    if (text[0] == '\0') return TW_OK;
    if (!tw_date_parse(text, &date))
        return tw_error_set(error, TW_INVALID, "--session-date '%s' is not a date: YYYY-MM-DD", text);
    if (tw_date_midnight(date, &midnight_ns)) return TW_OK;
    return tw_error_set(error, TW_INVALID,
                        "--session-date %s: its times do not fit nanoseconds in 64 bits; dates from 1677-09-29 to "
                        "2262-04-04 do",
                        text);
}

static tw_code check_port(const location *where, const char *text, tw_error *error) {
    if (where->kind != LOCATION_UDP || where->port != 0) return TW_OK;
    return tw_error_set(error, TW_INVALID,
                        "\"%s\" asks for any port, on which nobody sends: write the port, 1 to 65535", text);
}

static tw_code check_user(const location *where, tw_error *error) {
    if (where->kind != LOCATION_SOUP || where->user[0] != '\0') return TW_OK;
    return tw_error_set(error, TW_INVALID,
                        "a SoupBinTCP login needs a user name: soup://USER:PASSWORD@HOST:PORT[/SESSION]");
}

static tw_code check_second_line(const ingest *self, tw_error *error) {
    const location *a = &self->where, *b = &self->where_b;
    if (self->settings.source_b[0] == '\0') return TW_OK;
    if (check_port(b, self->settings.source_b, error) != TW_OK) return tw_error_wrap(error, "--source-b");
    if (strcmp(a->host, b->host) != 0 || a->port != b->port || strcmp(a->interface, b->interface) != 0)
        return TW_OK;
    return tw_error_set(error, TW_INVALID,
                        "--source and --source-b are the same line (\"%s\"): give the second one's address, or one "
                        "line alone",
                        self->settings.source_b);
}

static tw_code check_recovery(const char *text, tw_error *error) {
    location servers[REFILL_MAX_SERVERS];
    uint32_t count;
    if (text[0] == '\0') return TW_OK;
    tw_code code = location_parse_hosts(text, servers, REFILL_MAX_SERVERS, &count, error);
    return code == TW_OK ? TW_OK : tw_error_wrap(error, "--recovery");
}

static tw_code check_glimpse(const char *text, tw_error *error) {
    location where;
    if (text[0] == '\0') return TW_OK;
    tw_code code = location_parse(text, &where, error);
    if (code == TW_OK && where.kind != LOCATION_SOUP)
        code = tw_error_set(error, TW_INVALID, "a snapshot service is soup://USER:PASSWORD@HOST:PORT[/SESSION]");
    if (code == TW_OK) code = check_user(&where, error);
    return code == TW_OK ? TW_OK : tw_error_wrap(error, "--glimpse");
}

tw_code ingest_check_settings(const ingest *self, tw_error *error) {
    const ingest_settings *set = &self->settings;
    tw_code code = check_bounds(set, error);
    if (code != TW_OK) return code;
    code = check_date(set->session_date, error);
    if (code != TW_OK) return code;
    code = check_port(&self->where, set->source, error);
    if (code == TW_OK) code = check_user(&self->where, error);
    if (code != TW_OK) return tw_error_wrap(error, "--source");
    code = check_second_line(self, error);
    if (code == TW_OK) code = check_recovery(set->recovery, error);
    if (code == TW_OK) code = check_glimpse(set->glimpse, error);
    return code;
}
