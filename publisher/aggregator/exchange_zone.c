/* A short table of exchanges and the zones they are in. */
#include "publisher/aggregator/exchange_zone.h"

#include <stdlib.h>
#include <string.h>

#include "base/market.h"
#include "base/text.h"
#include "runtime/time_zone.h"

#define MOST 64u

typedef struct entry {
    char mic[TW_MIC_BYTES];
    time_zone *zone;
} entry;

struct exchange_zones {
    time_zone *zones[MOST + 1];
    uint32_t zone_count;
    entry entries[MOST];
    uint32_t count;
};

/* Exchanges of US equities: all of them trade by New York's clock. */
static const char *const in_new_york[] = {"XNAS", "XBOS", "XPSX", "XNYS", "ARCX", "IEXG",
                                          "MEMX", "BATS", "BATY", "EDGA", "EDGX"};

static entry *find(exchange_zones *self, const char *mic) {
    for (uint32_t i = 0; i < self->count; i++)
        if (strcmp(self->entries[i].mic, mic) == 0) return &self->entries[i];
    return NULL;
}

static tw_code set(exchange_zones *self, const char *mic, time_zone *zone, tw_error *error) {
    entry *one = find(self, mic);
    if (one == NULL && self->count == MOST)
        return tw_error_set(error, TW_INVALID, "--zones: more than %u exchanges", MOST);
    if (one == NULL) one = &self->entries[self->count++];
    tw_text_copy(one->mic, sizeof one->mic, mic);
    one->zone = zone;
    return TW_OK;
}

static tw_code open_zone(exchange_zones *self, const char *name, time_zone **zone, tw_error *error) {
    if (self->zone_count > MOST) return tw_error_set(error, TW_INVALID, "--zones: more than %u of them", MOST);
    if (time_zone_open(zone, name, error) != TW_OK) return tw_error_wrap(error, "--zones");
    self->zones[self->zone_count++] = *zone;
    return TW_OK;
}

static bool is_mic(const char *text) {
    for (uint32_t i = 0; i < TW_MIC_BYTES - 1; i++)
        if ((text[i] < 'A' || text[i] > 'Z') && (text[i] < '0' || text[i] > '9')) return false;
    return true;
}

/* "XLON=Europe/London" */
static tw_code add(exchange_zones *self, const char *text, size_t length, tw_error *error) {
    char name[64];
    time_zone *zone = NULL;
    char mic[TW_MIC_BYTES] = "";
    if (length < TW_MIC_BYTES + 1 || text[TW_MIC_BYTES - 1] != '=' || !is_mic(text) ||
        length - TW_MIC_BYTES >= sizeof name)
        return tw_error_set(error, TW_INVALID, "--zones: '%.*s' is not MIC=Zone, such as XLON=Europe/London",
                            (int)length, text);
    memcpy(mic, text, TW_MIC_BYTES - 1);
    memcpy(name, text + TW_MIC_BYTES, length - TW_MIC_BYTES);
    name[length - TW_MIC_BYTES] = '\0';
    tw_code code = open_zone(self, name, &zone, error);
    return code == TW_OK ? set(self, mic, zone, error) : code;
}

static tw_code add_all(exchange_zones *self, const char *list, tw_error *error) {
    time_zone *new_york = NULL;
    tw_code code = open_zone(self, "America/New_York", &new_york, error);
    for (size_t i = 0; i < sizeof in_new_york / sizeof *in_new_york && code == TW_OK; i++)
        code = set(self, in_new_york[i], new_york, error);
    for (const char *at = list; *at != '\0' && code == TW_OK;) {
        size_t length = strcspn(at, ",");
        code = add(self, at, length, error);
        at += length + (at[length] == ',');
    }
    return code;
}

tw_code exchange_zones_open(exchange_zones **opened, const char *list, tw_error *error) {
    *opened = NULL;
    exchange_zones *self = calloc(1, sizeof *self);
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for time zones");
    tw_code code = add_all(self, list, error);
    if (code != TW_OK) {
        exchange_zones_close(self);
        return code;
    }
    *opened = self;
    return TW_OK;
}

void exchange_zones_close(exchange_zones *self) {
    if (self == NULL) return;
    for (uint32_t i = 0; i < self->zone_count; i++)
        time_zone_close(self->zones[i]);
    free(self);
}

static int32_t offset_at(void *context, const char *mic, int64_t instant_ns) {
    const entry *one = find(context, mic);
    return one == NULL ? 0 : time_zone_offset_at(one->zone, instant_ns);
}

static bool midnight(void *context, const char *mic, tw_date date, int64_t *midnight_ns) {
    const entry *one = find(context, mic);
    return one == NULL ? tw_date_midnight(date, midnight_ns) : time_zone_midnight(one->zone, date, midnight_ns);
}

candles_zones exchange_zones_of(exchange_zones *self) {
    return (candles_zones){.context = self, .offset_at = offset_at, .midnight = midnight};
}
