/* Splits by line, then reads one value by the kind of fault it is of. */
#include "tools/serve/fault_text.h"

#include <stdbool.h>
#include <string.h>

#include "base/text.h"

#define PERCENT_DECIMALS   4
#define DEFAULT_BURST      10u
#define DEFAULT_BACK       8u
#define MAX_VALUE_BYTES    48u
#define NS_PER_MILLISECOND INT64_C(1000000)

static const char *const forms[FAULT_KINDS] = {
    [FAULT_LOSS] = "5%",   [FAULT_BURST_LOSS] = "0.1%/20", [FAULT_REORDER] = "2%/8",      [FAULT_DUPLICATE] = "1%",
    [FAULT_REGROUP] = "4", [FAULT_CORRUPT] = "0.1%",       [FAULT_SILENCE] = "10s/500ms",
};

/* "5%" in millionths. */
static bool read_chance(char *text, uint32_t *chance) {
    size_t length = strlen(text);
    int64_t value;
    if (length < 2 || text[length - 1] != '%') return false;
    text[length - 1] = '\0';
    bool fine = tw_decimal_parse(text, -PERCENT_DECIMALS, &value) && value >= 0 && value <= (int64_t)FAULTS_MILLION;
    if (fine) *chance = (uint32_t)value;
    return fine;
}

static bool read_count(const char *text, uint64_t maximum, uint32_t *count) {
    uint64_t value;
    if (!tw_text_to_u64(text, &value) || value == 0 || value > maximum) return false;
    *count = (uint32_t)value;
    return true;
}

/* "500ms" or "10s", above 0 and at most a day. */
static bool read_time(char *text, int64_t *span_ns) {
    size_t length = strlen(text);
    int64_t unit_ns = 1000 * NS_PER_MILLISECOND, most = 86400;
    if (length < 2 || text[length - 1] != 's') return false;
    text[--length] = '\0';
    if (text[length - 1] == 'm') {
        text[--length] = '\0';
        unit_ns = NS_PER_MILLISECOND;
        most *= 1000;
    }
    uint64_t value;
    if (!tw_text_to_u64(text, &value) || value == 0 || value > (uint64_t)most) return false;
    *span_ns = (int64_t)value * unit_ns;
    return true;
}

/* Cuts `text` at '/'; what is behind it, or NULL. */
static char *cut_second(char *text) {
    char *slash = strchr(text, '/');
    if (slash == NULL) return NULL;
    *slash = '\0';
    return slash + 1;
}

static bool read_burst(char *text, faults_options *line) {
    uint32_t mean = DEFAULT_BURST;
    const char *second = cut_second(text);
    if (second != NULL && !read_count(second, 100000, &mean)) return false;
    line->burst_leave = FAULTS_MILLION / mean;
    line->burst_loss = FAULTS_MILLION;
    return read_chance(text, &line->burst_enter);
}

static bool read_reorder(char *text, faults_options *line) {
    const char *second = cut_second(text);
    line->reorder_displacement = DEFAULT_BACK;
    if (second != NULL && !read_count(second, FAULTS_MAX_DISPLACEMENT, &line->reorder_displacement)) return false;
    return read_chance(text, &line->reorder);
}

static bool read_silence(char *text, faults_options *line) {
    char *second = cut_second(text);
    return second != NULL && read_time(text, &line->silence_every_ns) && read_time(second, &line->silence_for_ns);
}

static bool read_value(fault_kind kind, char *text, faults_options *line) {
    switch (kind) {
    case FAULT_LOSS:
        return read_chance(text, &line->loss);
    case FAULT_BURST_LOSS:
        return read_burst(text, line);
    case FAULT_REORDER:
        return read_reorder(text, line);
    case FAULT_DUPLICATE:
        return read_chance(text, &line->duplicate);
    case FAULT_REGROUP:
        return read_count(text, 65534, &line->regroup_messages);
    case FAULT_CORRUPT:
        return read_chance(text, &line->corrupt);
    case FAULT_SILENCE:
        return read_silence(text, line);
    case FAULT_KINDS:
        break;
    }
    return false;
}

/* One part between commas: for the line it names, or for all. */
static bool read_part(fault_kind kind, const char *from, size_t length, faults_options lines[FAULT_LINES]) {
    uint32_t first = 0, last = FAULT_LINES - 1;
    if (length > 2 && from[1] == ':' && (from[0] == 'A' || from[0] == 'B')) {
        first = last = from[0] == 'A' ? 0 : 1;
        from += 2;
        length -= 2;
    }
    if (length == 0 || length >= MAX_VALUE_BYTES) return false;
    for (uint32_t i = first; i <= last; i++) {
        char value[MAX_VALUE_BYTES];
        memcpy(value, from, length);
        value[length] = '\0';
        if (!read_value(kind, value, &lines[i])) return false;
    }
    return true;
}

tw_code fault_text_parse(fault_kind kind, const char *text, faults_options lines[FAULT_LINES], tw_error *error) {
    if (text[0] == '\0') return TW_OK;
    for (const char *from = text;; from++) {
        size_t length = strcspn(from, ",");
        const char *form = forms[kind];
        if (!read_part(kind, from, length, lines))
            return tw_error_set(error, TW_INVALID, "\"%.*s\" is not of the form %s, A:%s or A:%s,B:%s", (int)length,
                                from, form, form, form, form);
        from += length;
        if (*from == '\0') return TW_OK;
    }
}
