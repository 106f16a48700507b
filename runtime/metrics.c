/* The registry of a process's numbers and their Prometheus text (exposition format 0.0.4). */
#include "runtime/metrics.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/text.h"

typedef enum metric_kind { COUNTER, GAUGE, LATENCY } metric_kind;

typedef struct entry {
    metric_kind kind;
    char *name, *labels, *help;
    const void *value; /* uint64_t, int64_t or tw_histogram, by kind */
} entry;

typedef struct collector {
    void (*collect)(void *context);
    void *context;
} collector;

struct metrics {
    entry *entries; /* those of one name stand together: the format wants families whole */
    size_t count;
    collector *collectors;
    size_t collector_count;
};

metrics *metrics_alloc(void) {
    return calloc(1, sizeof(metrics));
}

void metrics_free(metrics *registry) {
    if (registry == NULL) return;
    for (size_t i = 0; i < registry->count; i++) {
        free(registry->entries[i].name);
        free(registry->entries[i].labels);
        free(registry->entries[i].help);
    }
    free(registry->entries);
    free(registry->collectors);
    free(registry);
}

static bool name_is_valid(const char *name) {
    if (*name == '\0' || (*name >= '0' && *name <= '9')) return false;
    return name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:")] == '\0';
}

/* Registration happens at start; a program that has no memory for its names has none for its work. */
static char *copy_text(const char *text) {
    char *copy = strdup(text);
    TW_ASSERT(copy != NULL);
    return copy;
}

static void add(metrics *registry, metric_kind kind, const char *name, const char *labels, const char *help,
                const void *value) {
    TW_ASSERT(name_is_valid(name) && value != NULL);
    entry *grown = realloc(registry->entries, (registry->count + 1) * sizeof *grown);
    TW_ASSERT(grown != NULL);
    registry->entries = grown;
    size_t place = registry->count;
    for (size_t i = 0; i < registry->count; i++)
        if (strcmp(grown[i].name, name) == 0) {
            TW_ASSERT(grown[i].kind == kind);
            place = i + 1;
        }
    memmove(grown + place + 1, grown + place, (registry->count - place) * sizeof *grown);
    grown[place] = (entry){kind, copy_text(name), copy_text(labels), copy_text(help), value};
    registry->count++;
}

void metrics_add_counter(metrics *registry, const char *name, const char *labels, const char *help,
                         const uint64_t *value) {
    add(registry, COUNTER, name, labels, help, value);
}

void metrics_add_gauge(metrics *registry, const char *name, const char *labels, const char *help,
                       const int64_t *value) {
    add(registry, GAUGE, name, labels, help, value);
}

void metrics_add_latency(metrics *registry, const char *name, const char *labels, const char *help,
                         const tw_histogram *histogram) {
    add(registry, LATENCY, name, labels, help, histogram);
}

void metrics_on_collect(metrics *registry, void (*collect)(void *context), void *context) {
    collector *grown = realloc(registry->collectors, (registry->collector_count + 1) * sizeof *grown);
    TW_ASSERT(grown != NULL);
    registry->collectors = grown;
    grown[registry->collector_count++] = (collector){collect, context};
}

/* Writes what fits and counts all. */
typedef struct page {
    char *text;
    size_t capacity, length;
} page;

static void put(page *to, const char *text) {
    size_t length = strlen(text);
    if (to->length + 1 < to->capacity) {
        size_t room = to->capacity - 1 - to->length;
        memcpy(to->text + to->length, text, length < room ? length : room);
    }
    to->length += length;
}

static void put_help(page *to, const char *help) {
    for (; *help != '\0'; help++) {
        char letter[2] = {*help, '\0'};
        put(to, *help == '\n' ? "\\n" : *help == '\\' ? "\\\\" : letter);
    }
}

static void put_family(page *to, const entry *one) {
    static const char *const types[] = {"counter", "gauge", "summary"};
    put(to, "# HELP ");
    put(to, one->name);
    put(to, " ");
    put_help(to, one->help);
    put(to, "\n# TYPE ");
    put(to, one->name);
    put(to, " ");
    put(to, types[one->kind]);
    put(to, "\n");
}

/* name suffix {labels,extra} value */
static void put_sample(page *to, const entry *one, const char *suffix, const char *extra, const char *value) {
    bool both = one->labels[0] != '\0' && extra[0] != '\0', any = one->labels[0] != '\0' || extra[0] != '\0';
    put(to, one->name);
    put(to, suffix);
    if (any) put(to, "{");
    put(to, one->labels);
    if (both) put(to, ",");
    put(to, extra);
    if (any) put(to, "}");
    put(to, " ");
    put(to, value);
    put(to, "\n");
}

static void put_latency(page *to, const entry *one) {
    static const struct {
        uint32_t per_mille;
        const char *label;
    } quantiles[] = {{500, "quantile=\"0.5\""},
                     {900, "quantile=\"0.9\""},
                     {990, "quantile=\"0.99\""},
                     {999, "quantile=\"0.999\""}};
    const tw_histogram *histogram = one->value;
    char number[TW_DECIMAL_BYTES];
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++) {
        uint64_t ns = tw_histogram_quantile(histogram, quantiles[i].per_mille);
        tw_decimal_format_u64(number, sizeof number, ns, -9);
        put_sample(to, one, "", quantiles[i].label, histogram->count == 0 ? "NaN" : number);
    }
    tw_decimal_format_u64(number, sizeof number, histogram->sum, -9);
    put_sample(to, one, "_sum", "", number);
    tw_decimal_format_u64(number, sizeof number, histogram->count, 0);
    put_sample(to, one, "_count", "", number);
}

static void put_entry(page *to, const entry *one) {
    char number[TW_DECIMAL_BYTES];
    if (one->kind == LATENCY) {
        put_latency(to, one);
        return;
    }
    if (one->kind == COUNTER)
        tw_text_format(number, sizeof number, "%llu", (unsigned long long)*(const uint64_t *)one->value);
    else
        tw_text_format(number, sizeof number, "%lld", (long long)*(const int64_t *)one->value);
    put_sample(to, one, "", "", number);
}

size_t metrics_render(metrics *registry, char *text, size_t capacity) {
    page whole = {text, capacity, 0};
    for (size_t i = 0; i < registry->collector_count; i++)
        registry->collectors[i].collect(registry->collectors[i].context);
    for (size_t i = 0; i < registry->count; i++) {
        const entry *one = &registry->entries[i];
        if (i == 0 || strcmp(one->name, one[-1].name) != 0) put_family(&whole, one);
        put_entry(&whole, one);
    }
    if (capacity > 0) text[whole.length < capacity ? whole.length : capacity - 1] = '\0';
    return whole.length;
}
