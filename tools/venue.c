/* `tickwire venue`: an operator's commands to the venue, from a file or from the words given. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/settings.h"
#include "tools/command.h"
#include "tools/interrupt.h"
#include "tools/venue/run.h"

#define AT(field) offsetof(venue_settings, field)
static const setting table[] = {
    VENUE_LINK_ROWS(venue_settings),
    {.name = "end",
     .type = SETTING_TEXT,
     .offset = AT(end),
     .default_text = "",
     .value_name = "TIME",
     .help = "day: when it ends, such as 21:00 (UTC); the same as end=TIME"},
    {.name = "to",
     .type = SETTING_COUNT,
     .offset = AT(to),
     .default_text = "0",
     .value_name = "SHARD",
     .help = "move: the shard that shall have the instrument",
     .minimum = 0,
     .maximum = UINT32_MAX},
    {.name = "file",
     .type = SETTING_TEXT,
     .offset = AT(file),
     .default_text = "",
     .value_name = "FILE",
     .help = "move: the venue file with a new definition; without it the instrument's own moves along"},
    {.name = "leave-positions",
     .type = SETTING_FLAG,
     .offset = AT(leave_positions),
     .default_text = "false",
     .help = "move: also while accounts hold the instrument; their positions stay on the old shard"},
    {.name = "verbose",
     .type = SETTING_FLAG,
     .offset = AT(verbose),
     .default_text = "false",
     .help = "apply: print the answer to every command"},
    {.name = NULL},
};

static const settings_program program = {
    .name = "tickwire venue",
    .summary = "Sets the venue up and runs it: instruments, accounts, limits, trading days, states, kill switch.",
    .usage = "COMMAND... [settings]",
    .environment = "TICKWIRE",
    .foreign = command_settings,
    .epilogue =
        "Commands (docs/venue-file.md has them all):\n"
        "  apply FILE                                every line of a venue file; waits for a venue that starts\n"
        "  show [ACCOUNT]                            shards and instruments, or an account's limits and money\n"
        "  instrument AAPL tick=0.01 ...             account ann    fees 0 taker=30ppm    limits ann funds=10M "
        "...\n"
        "  day 2026-11-21 --end 21:00                reference AAPL 187.20\n"
        "  pre-open|open|halt|close TWEX.AAPL|all    block|unblock ann|all [AAPL]\n"
        "  kill|unkill ann|all                       cancel ann|all [AAPL] [side=buy]\n"
        "  move AAPL --to 2                          to another shard (docs/venue-shards.md)\n"
        "Exit: 0 done, 1 something was refused, 2 not understood, 3 stored but not answered, not known, or (show)\n"
        "a shard that does not serve, or does not answer.\n",
    .table = table,
};

static tw_code dispatch(venue_run *self, const char *const *words, size_t count, tw_error *error) {
    if (strcmp(words[0], "apply") == 0) {
        if (count != 2)
            return tw_error_set(error, TW_INVALID, "apply which file? apply venue.txt, or - for standard input");
        return venue_run_apply(self, words[1], error);
    }
    if (strcmp(words[0], "show") == 0) return venue_run_show(self, words, count, error);
    if (strcmp(words[0], "move") == 0) return venue_run_move(self, words, count, error);
    return venue_run_say(self, words, count, error);
}

static int exit_for(const venue_run *self, tw_code code) {
    if (code == TW_OK || (code == TW_AWAY && self->code == VENUE_EXIT_NO_ANSWER)) return self->code;
    return code == TW_INVALID ? VENUE_EXIT_USAGE : VENUE_EXIT_REFUSED;
}

int command_venue(int argc, char **argv) {
    venue_run *self = calloc(1, sizeof *self);
    tw_error error = {0};
    settings *owner = NULL;
    const char *words[VENUE_LINE_WORDS];
    size_t count = 0;
    if (self == NULL) return VENUE_EXIT_REFUSED;
    int result = 0;
    tw_code code = TW_OK;
    settings_outcome outcome =
        settings_read(&owner, &program, argc, argv, &self->settings, words, VENUE_LINE_WORDS, &count, &error);
    if (outcome == SETTINGS_RUN && count == 0)
        tw_error_set(&error, TW_INVALID, "say what to do: show, apply FILE, open all, ...");
    if (outcome == SETTINGS_RUN && error.code == TW_OK) {
        interrupt_watch();
        code = dispatch(self, words, count, &error);
        if (self->linked && (code == TW_AWAY || self->code == VENUE_EXIT_NO_ANSWER))
            venue_run_explain_silence(self);
        venue_directory_fini(&self->directory);
        venue_tasks_fini(&self->tasks);
        if (self->linked) venue_link_close(&self->link);
        result = exit_for(self, code);
    } else if (outcome != SETTINGS_HELP && outcome != SETTINGS_VERSION) {
        result = VENUE_EXIT_USAGE;
    }
    if (result != 0 && error.code != TW_OK) fprintf(stderr, "tickwire venue: %s\n", error.text);
    fflush(stdout);
    settings_free(owner);
    free(self);
    return result;
}
