/* Recordings are named after their day; four habits of writing it are understood. */
#include "ingest/day/file_date.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "base/text.h"

static int digits(const char *text, int count) {
    int value = 0;
    for (int i = 0; i < count; i++)
        value = value * 10 + (text[i] - '0');
    return value;
}

static bool exists(int year, int month, int day, tw_date *date) {
    if (year < 1990 || year > 2089) return false;
    char text[TW_DATE_BYTES];
    return tw_text_format(text, sizeof text, "%04d-%02d-%02d", year, month, day) && tw_date_parse(text, date);
}

static bool from_run(const char *run, size_t length, tw_date *date) {
    if (length == 8)
        return exists(digits(run, 4), digits(run + 4, 2), digits(run + 6, 2), date) ||
               exists(digits(run + 4, 4), digits(run, 2), digits(run + 2, 2), date);
    if (length == 6) return exists(2000 + digits(run + 4, 2), digits(run, 2), digits(run + 2, 2), date);
    return false;
}

static bool from_dashed(const char *name, tw_date *date) {
    for (const char *at = name; strlen(at) >= TW_DATE_BYTES - 1; at++) {
        char text[TW_DATE_BYTES] = {0};
        memcpy(text, at, TW_DATE_BYTES - 1);
        if (tw_date_parse(text, date) && exists(date->year, date->month, date->day, date)) return true;
    }
    return false;
}

static bool from_runs(const char *name, size_t wanted, tw_date *date) {
    for (const char *at = name; *at != '\0';) {
        size_t length = 0;
        while (isdigit((unsigned char)at[length]))
            length++;
        if (length == wanted && from_run(at, length, date)) return true;
        at += length > 0 ? length : 1;
    }
    return false;
}

bool file_date(const char *path, tw_date *date) {
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    return from_dashed(name, date) || from_runs(name, 8, date) || from_runs(name, 6, date);
}
