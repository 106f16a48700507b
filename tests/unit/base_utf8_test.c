#include "base/utf8.h"

#include "tests/unit.h"

typedef struct utf8_row {
    const char *text;
    bool good;
} utf8_row;

static const utf8_row rows[] = {
    {"", true},
    {"plain", true},
    {"eight ch", true},
    {"\x7f", true},
    {"\xc2\x80 \xdf\xbf", true},
    {"\xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xef\xbf\xbf", true},
    {"\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf", true},
    {"\x80", false},             /* begins in the middle */
    {"\xff", false},             /* never */
    {"\xc3", false},             /* ends in the middle */
    {"\xe2\x82", false},         /* likewise */
    {"\xf0\x9f\x93", false},     /* likewise */
    {"\xc0\x80", false},         /* longer than it must be */
    {"\xe0\x9f\xbf", false},     /* likewise */
    {"\xf0\x8f\xbf\xbf", false}, /* likewise */
    {"\xed\xa0\x80", false},     /* half of a pair */
    {"\xf4\x90\x80\x80", false}, /* beyond the last character */
    {"\xf5\x80\x80\x80", false}, /* likewise */
};

/* Wherever in a longer text it stands: whole words are looked at at once. */
TEST(utf8, what_rfc_3629_allows_is_good_at_any_place) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t before = 0; before < 18; before++) {
            for (size_t after = 0; after < 10; after++) {
                char text[64];
                size_t length = strlen(rows[i].text);
                memset(text, 'a', sizeof text);
                memcpy(text + before, rows[i].text, length);
                length += before + after;
                text[length] = '\0';
                EXPECT_MSG(tw_utf8_good(text, length) == rows[i].good, "row %zu, %zu before and %zu after", i,
                           before, after);
            }
        }
    }
}
