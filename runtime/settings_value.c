/* Reading one setting's value as people write it: counts with units, durations, choices. */
#include <string.h>

#include "base/civil.h"
#include "base/text.h"
#include "runtime/settings_internal.h"

#define LONGEST_CHOICE 64

/* A clock's time and a duration can be added. */
#define LONGEST_NS (36500 * TW_NS_PER_DAY)

typedef struct unit {
    const char *name;
    int64_t factor;
} unit;

static const unit count_units[] = {{"", 1},         {"k", 1000},     {"M", 1000000},  {"G", 1000000000},
                                   {"Ki", 1 << 10}, {"Mi", 1 << 20}, {"Gi", 1 << 30}, {NULL, 0}};
static const unit duration_units[] = {{"ns", 1},
                                      {"us", 1000},
                                      {"ms", 1000000},
                                      {"s", TW_NS_PER_SECOND},
                                      {"m", 60 * TW_NS_PER_SECOND},
                                      {"h", 3600 * TW_NS_PER_SECOND},
                                      {"d", TW_NS_PER_DAY},
                                      {NULL, 0}};

/* Digits, then a unit of the table. */
static bool parse_with_unit(const char *text, const unit *units, uint64_t *value) {
    char digits[24];
    size_t length = strspn(text, "0123456789");
    if (length == 0 || length >= sizeof digits) return false;
    memcpy(digits, text, length);
    digits[length] = '\0';
    if (!tw_text_to_u64(digits, value)) return false;
    for (; units->name != NULL; units++)
        if (strcmp(text + length, units->name) == 0)
            return !__builtin_mul_overflow(*value, (uint64_t)units->factor, value);
    return false;
}

static bool parse_flag(const char *text, bool *value) {
    static const char *const yes[] = {"true", "yes", "on", "1"}, *const no[] = {"false", "no", "off", "0"};
    for (size_t i = 0; i < 4; i++) {
        if (strcmp(text, yes[i]) == 0) *value = true;
        if (strcmp(text, no[i]) == 0) *value = false;
        if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) return true;
    }
    return false;
}

static bool parse_duration(const char *text, int64_t *value) {
    uint64_t ns;
    if (strcmp(text, "0") == 0) {
        *value = 0;
        return true;
    }
    if (!parse_with_unit(text, duration_units, &ns) || ns > LONGEST_NS) return false;
    *value = (int64_t)ns;
    return true;
}

bool setting_each_choice(const char *choices, bool (*each)(void *context, const char *choice), void *context) {
    char choice[LONGEST_CHOICE];
    while (*choices != '\0') {
        size_t length = strcspn(choices, "|");
        size_t kept = length < sizeof choice ? length : sizeof choice - 1;
        memcpy(choice, choices, kept);
        choice[kept] = '\0';
        if (!each(context, choice)) return false;
        choices += length + (choices[length] == '|');
    }
    return true;
}

typedef struct choice_search {
    const char *wanted;
    size_t distance;
    char nearest[LONGEST_CHOICE];
} choice_search;

static bool compare_choice(void *context, const char *choice) {
    choice_search *search = context;
    size_t distance = tw_text_distance(search->wanted, choice, search->distance);
    if (distance < search->distance) {
        search->distance = distance;
        tw_text_copy(search->nearest, sizeof search->nearest, choice);
    }
    return true;
}

static bool parse_choice(const setting *one, const char *text, char *reason, size_t capacity) {
    choice_search search = {.wanted = text, .distance = 3};
    setting_each_choice(one->choices, compare_choice, &search);
    if (search.distance == 0) return true;
    if (search.nearest[0] != '\0')
        tw_text_format(reason, capacity, "is none of %s (did you mean %s?)", one->choices, search.nearest);
    else
        tw_text_format(reason, capacity, "is none of %s", one->choices);
    return false;
}

/* Bounds in nanoseconds are given in the largest unit that keeps them whole. */
static void format_bound(char *target, size_t capacity, const setting *one, int64_t bound) {
    const unit *best = &duration_units[0];
    if (one->type != SETTING_DURATION) {
        tw_text_format(target, capacity, "%lld", (long long)bound);
        return;
    }
    for (const unit *each = duration_units; each->name != NULL; each++)
        if (bound != 0 && bound % each->factor == 0) best = each;
    tw_text_format(target, capacity, "%lld%s", (long long)(bound / best->factor), best->name);
}

static bool in_range(const setting *one, const setting_value *value, char *reason, size_t capacity) {
    char least[32], most[32];
    if (one->maximum <= one->minimum) return true;
    bool below, above;
    if (one->type == SETTING_COUNT) {
        below = one->minimum > 0 && value->count < (uint64_t)one->minimum;
        above = one->maximum < 0 || value->count > (uint64_t)one->maximum;
    } else {
        below = value->number < one->minimum;
        above = value->number > one->maximum;
    }
    if (!below && !above) return true;
    format_bound(least, sizeof least, one, one->minimum);
    format_bound(most, sizeof most, one, one->maximum);
    tw_text_format(reason, capacity, "is not between %s and %s", least, most);
    return false;
}

bool setting_parse(const setting *one, const char *text, setting_value *value, char *reason, size_t capacity) {
    bool fine = true;
    const char *wanted = "";
    switch (one->type) {
    case SETTING_TEXT:
        return true;
    case SETTING_CHOICE:
        return parse_choice(one, text, reason, capacity);
    case SETTING_FLAG:
        fine = parse_flag(text, &value->flag);
        wanted = "is neither true nor false";
        break;
    case SETTING_COUNT:
        fine = parse_with_unit(text, count_units, &value->count);
        wanted = "is no count (digits, then nothing or k, M, G, Ki, Mi, Gi)";
        break;
    case SETTING_NUMBER:
        fine = tw_text_to_i64(text, &value->number);
        wanted = "is no whole number";
        break;
    case SETTING_DURATION:
        fine = parse_duration(text, &value->number);
        wanted = "is no duration (digits, then ns, us, ms, s, m, h or d; at most 36500d)";
        break;
    }
    if (!fine) tw_text_copy(reason, capacity, wanted);
    return fine && (one->type == SETTING_FLAG || in_range(one, value, reason, capacity));
}
