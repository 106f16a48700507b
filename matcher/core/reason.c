/* Names and sentences of the reasons: the table of reason.h, twice. */
#include "matcher/core/reason.h"

const char *mx_reason_name(mx_reason reason) {
    switch (reason) {
#define X(code, name, text)                                                                                        \
    case MXR_##name:                                                                                               \
        return #name;
        MX_REASONS(X)
#undef X
    }
    return "?";
}

const char *mx_reason_text(mx_reason reason) {
    switch (reason) {
#define X(code, name, text)                                                                                        \
    case MXR_##name:                                                                                               \
        return text;
        MX_REASONS(X)
#undef X
    }
    return "";
}
