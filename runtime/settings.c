/*
 * A program's settings from its flags, its environment and a file. The places are read from the weakest to the
 * strongest, each overwriting what the one before set; so a bad value is told even where a stronger place hides it.
 */
#include "runtime/settings.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "runtime/settings_internal.h"

#define MOST_SETTINGS   128
#define LONGEST_NAME    64
#define FILE_LINE_BYTES 4096
#define REASON_BYTES    256

extern char **environ;

struct settings {
    char *texts[MOST_SETTINGS]; /* of the setting with that index in the table */
};

typedef struct reader {
    const settings_program *program;
    settings *owner;
    uint8_t *target;
    bool is_set[MOST_SETTINGS];
    tw_error *error;
} reader;

static size_t index_of(const reader *in, const char *name) {
    size_t i = 0;
    while (in->program->table[i].name != NULL && strcmp(in->program->table[i].name, name) != 0)
        i++;
    return i;
}

static bool is_known(const reader *in, size_t index) {
    return in->program->table[index].name != NULL;
}

/* The nearest name within two edits (short names: one), or NULL. */
static const char *nearest_name(const reader *in, const char *name) {
    size_t limit = strlen(name) <= 4 ? 2 : 3;
    const char *nearest = NULL;
    for (const setting *each = in->program->table; each->name != NULL; each++) {
        size_t distance = tw_text_distance(name, each->name, limit);
        if (distance >= limit) continue;
        nearest = each->name;
        limit = distance;
    }
    return nearest;
}

static bool fail_unknown(reader *in, const char *name, const char *place) {
    const char *nearest = nearest_name(in, name);
    if (nearest != NULL)
        tw_error_set(in->error, TW_INVALID, "%s: unknown setting \"%s\" (did you mean \"%s\"?)", place, name,
                     nearest);
    else
        tw_error_set(in->error, TW_INVALID, "%s: unknown setting \"%s\" (see --help)", place, name);
    return false;
}

static bool store_text(reader *in, size_t index, const char *text) {
    char *copy = strdup(text);
    if (copy == NULL) {
        tw_error_set(in->error, TW_NO_MEMORY, "no memory for settings");
        return false;
    }
    free(in->owner->texts[index]);
    in->owner->texts[index] = copy;
    memcpy(in->target + in->program->table[index].offset, &copy, sizeof copy);
    return true;
}

static bool set(reader *in, size_t index, const char *text, const char *place) {
    const setting *one = &in->program->table[index];
    char reason[REASON_BYTES];
    setting_value value;
    if (!setting_parse(one, text, &value, reason, sizeof reason)) {
        tw_error_set(in->error, TW_INVALID, "%s: setting \"%s\": \"%s\" %s", place, one->name, text, reason);
        return false;
    }
    in->is_set[index] = true;
    uint8_t *field = in->target + one->offset;
    switch (one->type) {
    case SETTING_TEXT:
    case SETTING_CHOICE:
        return store_text(in, index, text);
    case SETTING_FLAG:
        memcpy(field, &value.flag, sizeof value.flag);
        break;
    case SETTING_COUNT:
        memcpy(field, &value.count, sizeof value.count);
        break;
    case SETTING_NUMBER:
    case SETTING_DURATION:
        memcpy(field, &value.number, sizeof value.number);
        break;
    }
    return true;
}

static bool set_defaults(reader *in) {
    for (size_t i = 0; is_known(in, i); i++) {
        const char *text = in->program->table[i].default_text;
        if (text != NULL && !set(in, i, text, "default")) return false;
    }
    return true;
}

static char *trim(char *text) {
    while (isspace((unsigned char)*text))
        text++;
    size_t length = strlen(text);
    while (length > 0 && isspace((unsigned char)text[length - 1]))
        text[--length] = '\0';
    return text;
}

/* A '#' starts a comment at the start of a line or after white space, so that values may hold one. */
static void cut_comment(char *line) {
    for (char *c = line; *c != '\0'; c++)
        if (*c == '#' && (c == line || isspace((unsigned char)c[-1]))) {
            *c = '\0';
            return;
        }
}

static bool set_line(reader *in, char *line, const char *place) {
    cut_comment(line);
    char *name = trim(line);
    if (*name == '\0') return true;
    char *equals = strchr(name, '=');
    if (equals == NULL) {
        tw_error_set(in->error, TW_INVALID, "%s: \"%s\" is no setting (name = value)", place, name);
        return false;
    }
    *equals = '\0';
    name = trim(name);
    size_t index = index_of(in, name);
    if (!is_known(in, index)) return fail_unknown(in, name, place);
    return set(in, index, trim(equals + 1), place);
}

static bool read_file(reader *in, const char *path) {
    char line[FILE_LINE_BYTES], place[512];
    FILE *file = fopen(path, "re");
    bool fine = file != NULL;
    if (!fine) tw_error_set_errno(in->error, errno, "opening settings file %s", path);
    for (unsigned number = 1; fine && fgets(line, sizeof line, file) != NULL; number++) {
        tw_text_format(place, sizeof place, "%s line %u", path, number);
        if (strlen(line) == sizeof line - 1) {
            tw_error_set(in->error, TW_INVALID, "%s: longer than %d bytes", place, FILE_LINE_BYTES - 2);
            fine = false;
        } else {
            fine = set_line(in, line, place);
        }
    }
    if (fine && ferror(file)) {
        tw_error_set_errno(in->error, errno, "reading settings file %s", path);
        fine = false;
    }
    if (file != NULL) fclose(file);
    return fine;
}

/* PREFIX_SESSION_DATE -> session-date; false if the variable is not of this program. */
static bool name_of_variable(const char *prefix, const char *variable, char name[LONGEST_NAME],
                             const char **value) {
    size_t length = strlen(prefix), i = 0;
    if (strncmp(variable, prefix, length) != 0 || variable[length] != '_') return false;
    for (variable += length + 1; *variable != '=' && *variable != '\0' && i + 1 < LONGEST_NAME; variable++)
        name[i++] = *variable == '_' ? '-' : (char)tolower((unsigned char)*variable);
    name[i] = '\0';
    *value = variable + 1;
    return *variable == '=';
}

static bool is_foreign(const reader *in, const char *name) {
    for (const char *const *each = in->program->foreign; each != NULL && *each != NULL; each++)
        if (strcmp(*each, name) == 0) return true;
    return false;
}

/* Another program's prefix may start with this one's, so an unknown variable is only an error if it looks like a
 * slip of the pen. */
static bool read_environment(reader *in) {
    char name[LONGEST_NAME], place[128];
    const char *value;
    for (char **variable = environ; variable != NULL && *variable != NULL; variable++) {
        if (!name_of_variable(in->program->environment, *variable, name, &value)) continue;
        size_t index = index_of(in, name);
        tw_text_format(place, sizeof place, "environment variable %.*s", (int)strcspn(*variable, "="), *variable);
        if (!is_known(in, index)) {
            if (!is_foreign(in, name) && nearest_name(in, name) != NULL) return fail_unknown(in, name, place);
        } else if (!set(in, index, value, place)) {
            return false;
        }
    }
    return true;
}

/* Splits "--name=value"; `value` is NULL without '='. False: the name is too long to be one. */
static bool split_flag(const char *argument, char name[LONGEST_NAME], const char **value) {
    size_t length = strcspn(argument + 2, "=");
    if (length >= LONGEST_NAME) return false;
    memcpy(name, argument + 2, length);
    name[length] = '\0';
    *value = argument[2 + length] == '=' ? argument + 3 + length : NULL;
    return true;
}

static bool set_flag(reader *in, int argc, char **argv, int *at) {
    char name[LONGEST_NAME];
    const char *value;
    if (argv[*at][1] != '-' || !split_flag(argv[*at], name, &value)) {
        tw_error_set(in->error, TW_INVALID, "command line: unknown flag \"%s\" (see --help)", argv[*at]);
        return false;
    }
    size_t index = index_of(in, name);
    bool is_config = in->program->environment != NULL && strcmp(name, "config") == 0;
    if (!is_known(in, index) && !is_config) {
        size_t negated = strncmp(name, "no-", 3) == 0 ? index_of(in, name + 3) : index;
        if (value == NULL && is_known(in, negated) && in->program->table[negated].type == SETTING_FLAG)
            return set(in, negated, "false", "command line");
        return fail_unknown(in, name, "command line");
    }
    bool is_flag = !is_config && in->program->table[index].type == SETTING_FLAG;
    if (value == NULL && is_flag) value = "true";
    if (value == NULL && ++*at < argc) value = argv[*at];
    if (value == NULL) {
        tw_error_set(in->error, TW_INVALID, "command line: setting \"%s\" needs a value", name);
        return false;
    }
    return is_config || set(in, index, value, "command line"); /* the file has been read before */
}

static bool read_flags(reader *in, int argc, char **argv, const char **words, size_t max_words, size_t *count) {
    bool flags_ended = false;
    for (int at = 1; at < argc; at++) {
        if (!flags_ended && strcmp(argv[at], "--") == 0) {
            flags_ended = true;
        } else if (!flags_ended && argv[at][0] == '-' && argv[at][1] != '\0') {
            if (!set_flag(in, argc, argv, &at)) return false;
        } else if (*count < max_words) {
            words[(*count)++] = argv[at];
        } else {
            tw_error_set(in->error, TW_INVALID, "command line: \"%s\" is one word too many (see --help)", argv[at]);
            return false;
        }
    }
    return true;
}

static bool is_either(const char *argument, const char *a, const char *b) {
    return strcmp(argument, a) == 0 || strcmp(argument, b) == 0;
}

/* --help and --version come first, whatever else is wrong. A flag's own value is not looked at. */
static settings_outcome find_requests(const settings_program *program, int argc, char **argv, const char **config) {
    for (int at = 1; at < argc && strcmp(argv[at], "--") != 0; at++) {
        if (is_either(argv[at], "--help", "-h")) return SETTINGS_HELP;
        if (is_either(argv[at], "--version", "-V")) return SETTINGS_VERSION;
        if (program->environment == NULL) continue;
        if (strncmp(argv[at], "--config=", 9) == 0) *config = argv[at] + 9;
        if (strcmp(argv[at], "--config") == 0 && at + 1 < argc) *config = argv[at + 1];
    }
    if (*config == NULL && program->environment != NULL) {
        char variable[LONGEST_NAME + 8];
        tw_text_format(variable, sizeof variable, "%s_CONFIG", program->environment);
        *config = getenv(variable);
    }
    return SETTINGS_RUN;
}

static settings_outcome print_help(const settings_program *program, tw_error *error) {
    size_t capacity = settings_help(program, NULL, 0) + 1;
    char *text = malloc(capacity);
    if (text == NULL) {
        tw_error_set(error, TW_NO_MEMORY, "no memory for the help text");
        return SETTINGS_ERROR;
    }
    settings_help(program, text, capacity);
    fputs(text, stdout);
    free(text);
    return SETTINGS_HELP;
}

static bool all_required_set(reader *in) {
    for (size_t i = 0; is_known(in, i); i++)
        if (!in->is_set[i]) {
            tw_error_set(in->error, TW_INVALID, "setting \"%s\" is required: --%s %s", in->program->table[i].name,
                         in->program->table[i].name,
                         in->program->table[i].value_name != NULL ? in->program->table[i].value_name : "");
            return false;
        }
    return true;
}

settings_outcome settings_read(settings **owner, const settings_program *program, int argc, char **argv,
                               void *target, const char **words, size_t max_words, size_t *word_count,
                               tw_error *error) {
    const char *config = NULL;
    size_t count = 0;
    *owner = NULL;
    if (word_count != NULL) *word_count = 0;
    settings_outcome request = find_requests(program, argc, argv, &config);
    if (request == SETTINGS_HELP) return print_help(program, error);
    if (request == SETTINGS_VERSION) {
        printf("%s %s\n", program->name, TICKWIRE_VERSION);
        return SETTINGS_VERSION;
    }
    reader all = {.program = program, .owner = calloc(1, sizeof(settings)), .target = target, .error = error};
    if (all.owner == NULL) {
        tw_error_set(error, TW_NO_MEMORY, "no memory for settings");
        return SETTINGS_ERROR;
    }
    bool fine = set_defaults(&all) && (config == NULL || read_file(&all, config)) &&
                (program->environment == NULL || read_environment(&all)) &&
                read_flags(&all, argc, argv, words, max_words, &count) && all_required_set(&all);
    if (!fine) {
        settings_free(all.owner);
        return SETTINGS_ERROR;
    }
    if (word_count != NULL) *word_count = count;
    *owner = all.owner;
    return SETTINGS_RUN;
}

void settings_free(settings *owner) {
    if (owner == NULL) return;
    for (size_t i = 0; i < MOST_SETTINGS; i++)
        free(owner->texts[i]);
    free(owner);
}
