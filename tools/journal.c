/* `tickwire journal WORD`: looks into a shard's journal. Each word is a file in journal/. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "tools/command.h"
#include "tools/interrupt.h"
#include "tools/journal/options.h"

static const journal_word words[] = {
    {"list", "shards, streams, how far execlog is, snapshots", &journal_list_program, journal_list},
    {"show", "commands and what became of them", &journal_show_program, journal_show},
    {"replay", "rebuilds the state from the order stream", &journal_replay_program, journal_replay},
    {"verify", "replays and compares execlog byte for byte", &journal_verify_program, journal_verify},
    {"export", "copies the streams into files", &journal_export_program, journal_export},
    {"trim", "removes a beginning that was exported", &journal_trim_program, journal_trim},
};
#define WORDS (sizeof words / sizeof *words)

static int help(FILE *to) {
    fprintf(to, "usage: tickwire journal WORD ...\n\n");
    for (size_t i = 0; i < WORDS; i++)
        fprintf(to, "  %-8s %s\n", words[i].name, words[i].summary);
    fprintf(to, "\n`tickwire journal WORD --help` lists a word's settings.\n");
    return to == stdout ? 0 : JOURNAL_EXIT_USAGE;
}

static int run(const journal_word *word, int argc, char **argv) {
    journal_settings target = {.from = "1", .file = "", .hash = "", .exported = ""};
    settings *owner = NULL;
    tw_error error = {0};
    const char *extra[1];
    size_t count = 0;
    int code = JOURNAL_EXIT_USAGE;
    settings_outcome outcome = settings_read(&owner, word->program, argc, argv, &target, extra, 1, &count, &error);
    if (outcome == SETTINGS_RUN && count > 0) tw_error_set(&error, TW_INVALID, "\"%s\" is no setting", extra[0]);
    if (outcome == SETTINGS_HELP || outcome == SETTINGS_VERSION)
        code = 0;
    else if (error.code != TW_OK)
        fprintf(stderr, "%s: %s\nTry `%s --help`.\n", word->program->name, error.text, word->program->name);
    else
        code = word->run(&target);
    settings_free(owner);
    return code;
}

int command_journal(int argc, char **argv) {
    if (argc < 2) return help(stderr);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) return help(stdout);
    interrupt_watch();
    for (size_t i = 0; i < WORDS; i++)
        if (strcmp(argv[1], words[i].name) == 0) return run(&words[i], argc - 1, argv + 1);
    fprintf(stderr, "tickwire journal: there is no word \"%s\"\n\n", argv[1]);
    return help(stderr);
}
