/* Environment errors: starting a chain of causes and adding outer ones. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CUT_MARK "..."

static void mark_cut(char text[TW_ERROR_TEXT_BYTES]) {
    memcpy(text + (TW_ERROR_TEXT_BYTES - sizeof CUT_MARK), CUT_MARK, sizeof CUT_MARK);
}

static void format_text(char text[TW_ERROR_TEXT_BYTES], const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));
static void format_text(char text[TW_ERROR_TEXT_BYTES], const char *format, va_list arguments) {
    int length = vsnprintf(text, TW_ERROR_TEXT_BYTES, format, arguments);
    if (length < 0) text[0] = '\0';
    if (length >= TW_ERROR_TEXT_BYTES) mark_cut(text);
}

/* Puts `outer` and ": " before `inner`; what does not fit is lost from the inner end. */
static void join(char target[TW_ERROR_TEXT_BYTES], const char *outer, const char *inner) {
    char joined[2 * TW_ERROR_TEXT_BYTES + 2];
    snprintf(joined, sizeof joined, "%s: %s", outer, inner);
    size_t length = strnlen(joined, TW_ERROR_TEXT_BYTES - 1);
    bool cut = joined[length] != '\0';
    memcpy(target, joined, length);
    target[length] = '\0';
    if (cut) mark_cut(target);
}

tw_code tw_error_set(tw_error *error, tw_code code, const char *format, ...) {
    if (error == NULL) return code;
    char text[TW_ERROR_TEXT_BYTES]; /* the arguments may point into the old text */
    va_list arguments;
    va_start(arguments, format);
    format_text(text, format, arguments);
    va_end(arguments);
    error->code = code;
    memcpy(error->text, text, strlen(text) + 1);
    return code;
}

tw_code tw_error_set_errno(tw_error *error, int saved_errno, const char *format, ...) {
    if (error == NULL) return TW_IO;
    char text[TW_ERROR_TEXT_BYTES], reason[128];
    va_list arguments;
    va_start(arguments, format);
    format_text(text, format, arguments);
    va_end(arguments);
    error->code = TW_IO;
    join(error->text, text, strerror_r(saved_errno, reason, sizeof reason));
    return TW_IO;
}

tw_code tw_error_wrap(tw_error *error, const char *format, ...) {
    if (error == NULL) return TW_OK;
    char outer[TW_ERROR_TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    format_text(outer, format, arguments);
    va_end(arguments);
    join(error->text, outer, error->text);
    return error->code;
}

const char *tw_code_name(tw_code code) {
    static const char *const names[] = {"TW_OK",          "TW_INVALID",   "TW_NOT_FOUND", "TW_IO",
                                        "TW_MALFORMED",   "TW_TRUNCATED", "TW_FULL",      "TW_AWAY",
                                        "TW_UNSUPPORTED", "TW_NO_MEMORY"};
    return (size_t)code < sizeof names / sizeof *names ? names[code] : "?";
}
