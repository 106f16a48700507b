/* A venue file: its lines, each read by line.c. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tools/venue/line.h"

#define BLANKS " \t\r"

/* Cuts a line into words in place; more than there may be are counted. */
static size_t split(char *line, const char *words[VENUE_LINE_WORDS]) {
    size_t count = 0;
    char *comment = strchr(line, '#');
    if (comment != NULL) *comment = '\0';
    for (char *at = line + strspn(line, BLANKS); *at != '\0'; at += strspn(at, BLANKS)) {
        if (count < VENUE_LINE_WORDS) words[count] = at;
        count++;
        at += strcspn(at, BLANKS);
        if (*at != '\0') *at++ = '\0';
    }
    return count;
}

static tw_code keep(venue_file *file, size_t *capacity, const venue_order *order, tw_error *error) {
    if (file->count == *capacity) {
        size_t wanted = *capacity == 0 ? 256 : *capacity * 2;
        venue_order *grown = realloc(file->orders, wanted * sizeof *grown);
        if (grown == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for the file's commands");
        file->orders = grown;
        *capacity = wanted;
    }
    file->orders[file->count++] = *order;
    return TW_OK;
}

static tw_code take_line(venue_file *file, size_t *capacity, venue_context *context, char *line, uint32_t number,
                         tw_error *error) {
    const char *words[VENUE_LINE_WORDS];
    venue_order order;
    size_t count = split(line, words);
    if (count > VENUE_LINE_WORDS)
        return tw_error_set(error, TW_INVALID, "line %u: more than %d words", number, VENUE_LINE_WORDS);
    char before[TW_MIC_BYTES];
    tw_text_copy(before, sizeof before, context->mic);
    venue_line_kind kind = venue_line_parse(context, words, count, &order, error);
    if (kind == VENUE_LINE_BAD) return tw_error_wrap(error, "line %u", number);
    if (strcmp(before, context->mic) != 0 && file->count > 0)
        return tw_error_set(error, TW_INVALID, "line %u: exchange comes before all commands: one file, one venue",
                            number);
    if (kind != VENUE_LINE_ORDER) return TW_OK;
    order.number = number;
    return keep(file, capacity, &order, error);
}

tw_code venue_file_parse(venue_file *file, char *text, const char *mic, tw_date today, tw_error *error) {
    venue_context context;
    size_t capacity = 0;
    uint32_t number = 0;
    *file = (venue_file){0};
    venue_context_init(&context, mic, today);
    for (char *line = text, *next; line != NULL; line = next) {
        next = strchr(line, '\n');
        if (next != NULL) *next++ = '\0';
        tw_code code = take_line(file, &capacity, &context, line, ++number, error);
        if (code != TW_OK) return code;
    }
    tw_text_copy(file->mic, sizeof file->mic, context.mic);
    file->shards = context.shards;
    return TW_OK;
}

void venue_file_fini(venue_file *file) {
    free(file->orders);
    *file = (venue_file){0};
}
