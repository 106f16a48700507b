/* What the files of the settings share. Nobody else includes this. */
#ifndef TICKWIRE_RUNTIME_SETTINGS_INTERNAL_H
#define TICKWIRE_RUNTIME_SETTINGS_INTERNAL_H

#include "runtime/settings.h"

typedef struct setting_value {
    bool flag;
    uint64_t count;
    int64_t number;
} setting_value;

/* settings_value.c: reads `text` for `setting`; false: `reason` says what would do. */
bool setting_parse(const setting *setting, const char *text, setting_value *value, char *reason, size_t capacity);

/* Calls `each` for every word of "a|b|c" until it returns false. */
bool setting_each_choice(const char *choices, bool (*each)(void *context, const char *choice), void *context);

#endif
