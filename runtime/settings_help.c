/* The help text, made from the table. */
#include <string.h>

#include "base/text.h"
#include "runtime/settings.h"

#define FLAG_COLUMN 30

/* Writes what fits and counts all. */
typedef struct sheet {
    char *text;
    size_t capacity, length;
} sheet;

static void put(sheet *to, const char *text) {
    size_t length = strlen(text);
    if (to->length + 1 < to->capacity) {
        size_t room = to->capacity - 1 - to->length;
        memcpy(to->text + to->length, text, length < room ? length : room);
    }
    to->length += length;
}

static void put_flag(sheet *to, const char *name, const char *value_name, const char *help) {
    char flag[128];
    tw_text_format(flag, sizeof flag, "  --%s%s%s", name, value_name != NULL ? " " : "",
                   value_name != NULL ? value_name : "");
    put(to, flag);
    for (size_t column = strlen(flag); column < FLAG_COLUMN; column++)
        put(to, " ");
    put(to, strlen(flag) >= FLAG_COLUMN ? "  " : "");
    put(to, help);
}

static void put_notes(sheet *to, const setting *one) {
    if (one->type == SETTING_CHOICE) {
        put(to, " [");
        put(to, one->choices);
        put(to, "]");
    }
    if (one->default_text == NULL) {
        put(to, " (required)");
    } else if (one->default_text[0] != '\0' && one->type != SETTING_FLAG) {
        put(to, " (default ");
        put(to, one->default_text);
        put(to, ")");
    } else if (one->type == SETTING_FLAG && strcmp(one->default_text, "true") == 0) {
        put(to, " (on unless --no-");
        put(to, one->name);
        put(to, ")");
    }
    put(to, "\n");
}

static void put_places(sheet *to, const char *prefix) {
    put(to, "\nEach setting may also stand in the environment, as ");
    put(to, prefix);
    put(to, "_NAME (upper case, '-' as '_'),\nor as a line \"name = value\" in the file given by --config or ");
    put(to, prefix);
    put(to, "_CONFIG.\nA flag outweighs the environment, the environment outweighs the file.\n");
}

size_t settings_help(const settings_program *program, char *text, size_t capacity) {
    sheet whole = {text, capacity, 0};
    put(&whole, program->name);
    put(&whole, ": ");
    put(&whole, program->summary);
    put(&whole, "\n\nUsage: ");
    put(&whole, program->name);
    put(&whole, " ");
    put(&whole, program->usage);
    put(&whole, "\n\nSettings:\n");
    for (const setting *each = program->table; each->name != NULL; each++) {
        put_flag(&whole, each->name, each->value_name, each->help);
        put_notes(&whole, each);
    }
    if (program->environment != NULL) put_flag(&whole, "config", "FILE", "Read settings from a file.\n");
    put_flag(&whole, "help", NULL, "Print this text.\n");
    put_flag(&whole, "version", NULL, "Print the version.\n");
    if (program->environment != NULL) put_places(&whole, program->environment);
    if (program->epilogue != NULL) {
        put(&whole, "\n");
        put(&whole, program->epilogue);
        if (!strchr("\n", program->epilogue[strlen(program->epilogue) - 1])) put(&whole, "\n");
    }
    if (capacity > 0) text[whole.length < capacity ? whole.length : capacity - 1] = '\0';
    return whole.length;
}
