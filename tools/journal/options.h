/* Settings of `tickwire journal WORD`: one struct for all words, a table for each. */
#ifndef TICKWIRE_TOOLS_JOURNAL_OPTIONS_H
#define TICKWIRE_TOOLS_JOURNAL_OPTIONS_H

#include <stdio.h>

#include "matcher/replica/replica.h"
#include "runtime/settings.h"
#include "tools/journal/place.h"

#define JOURNAL_EXIT_FAULT 1 /* it could not be read, or it is not right */
#define JOURNAL_EXIT_USAGE 2

#define JOURNAL_FROM_NEWEST "snapshot"
#define JOURNAL_FROM_OLDEST "oldest"

typedef struct journal_settings {
    const char *url, *credentials, *exchange, *file;
    uint64_t shard;
    int64_t timeout_ns;
    const char *from; /* a sequence, or one of the next two */
    uint64_t to;      /* 0: the last one */
    const char *account, *symbol, *order, *correlation, *out, *hash;
    const char *exported; /* trim: the folder */
    bool json, complete, yes;
    uint64_t show; /* orders and positions in a summary */
    uint64_t max_instruments, max_accounts, max_positions, max_orders, max_pages, max_client_ids, max_sessions,
        max_reports;
} journal_settings;

typedef struct journal_word {
    const char *name, *summary;
    const settings_program *program;
    int (*run)(const journal_settings *asked); /* the exit code */
} journal_word;

extern const settings_program journal_list_program, journal_show_program, journal_replay_program,
    journal_verify_program, journal_export_program, journal_trim_program;
int journal_list(const journal_settings *asked);
int journal_show(const journal_settings *asked);
int journal_replay(const journal_settings *asked);
int journal_verify(const journal_settings *asked);
int journal_export(const journal_settings *asked);
int journal_trim(const journal_settings *asked);

/* Opens what the settings name, or says why not on standard error. NULL: the exit code is JOURNAL_EXIT_FAULT. */
journal *journal_open_or_say(const journal_settings *asked);
/* Says `error` behind "tickwire journal: ". Returns JOURNAL_EXIT_FAULT. */
int journal_say(const tw_error *error);

/* The order stream's range that is asked for, which is all there. TW_INVALID, TW_NOT_FOUND, TW_MALFORMED say what is not. With an empty
 * stream or `to` below `from` the range is empty: last is first - 1. `from_snapshot` is set where a snapshot is asked for. */
tw_code journal_range(journal *held, const journal_settings *asked, uint64_t *first, uint64_t *last,
                      bool *from_snapshot, tw_error *error);

/* Writes the lines of `tickwire journal show` to `to`. */
tw_code journal_write_lines(journal *held, const journal_settings *asked, FILE *to, tw_error *error);

/* A replica with the bounds of the settings. */
tw_code journal_replica(const journal_settings *asked, const journal *held, mr_replica **replica, tw_error *error);

#endif
