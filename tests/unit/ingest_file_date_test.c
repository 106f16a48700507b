#include "ingest/day/file_date.h"
#include "tests/unit.h"

TEST(file_date, names_that_recordings_have) {
    static const struct {
        const char *path, *date; /* NULL: none */
    } rows[] = {
        {"/data/01302020.NASDAQ_ITCH50.gz", "2020-01-30"},
        {"S081321-v50.txt.gz", "2021-08-13"},
        {"nasdaq_itch50_20200130_AAPL_first10k.bin", "2020-01-30"},
        {"AAPL_2012-06-21_34200000_57600000_message_10.csv", "2012-06-21"},
        {"/2019-05-05/12302019.NASDAQ_ITCH50", "2019-12-30"}, /* the folder's name is not the file's */
        {"session.itch", NULL},
        {"build_123456789.bin", NULL}, /* nine digits are no date */
        {"13322020.bin", NULL},        /* no such month or day in either order */
        {"x_2020-02-30_y", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tw_date date;
        bool found = file_date(rows[i].path, &date);
        EXPECT_MSG(found == (rows[i].date != NULL), "%s: found %d", rows[i].path, found);
        if (!found) continue;
        char text[TW_DATE_BYTES];
        tw_date_format(text, date);
        EXPECT_STR(text, rows[i].date);
    }
}
