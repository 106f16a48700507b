/*
 * One run of `tickwire venue`: its settings, what is known of the venue, what was sent and what came of it. One word of the command line is one function,
 * in a file of its own: its words are read first, then venue_run_look connects and asks.
 */
#ifndef TICKWIRE_TOOLS_VENUE_RUN_H
#define TICKWIRE_TOOLS_VENUE_RUN_H

#include "base/civil.h"
#include "tools/venue/directory.h"
#include "tools/venue/link.h"
#include "tools/venue/tasks.h"

#define VENUE_EXIT_REFUSED   1
#define VENUE_EXIT_USAGE     2
#define VENUE_EXIT_NO_ANSWER 3 /* stored, or perhaps stored, and nobody has answered; or a shard does not serve */

typedef struct venue_settings {
    venue_link_settings link;
    const char *end, *file;
    uint64_t to;
    bool verbose, leave_positions;
} venue_settings;

typedef struct venue_run {
    venue_settings settings;
    venue_link link;
    venue_shards shards;
    venue_directory directory;
    venue_tasks tasks;
    char exchange[TW_MIC_BYTES]; /* where a word or a file named it */
    char trouble[256];
    bool linked;
    int code;  /* the exit code so far */
    bool told; /* why shards are silent, where some are */
} venue_run;

void venue_run_use_exchange(venue_run *self, const char *mic);
tw_date venue_run_today(void);

/* ---- look.c ---- */
typedef struct venue_look_for {
    bool directory, days;
    bool starting; /* the venue may only be starting: it is waited for, as the server is */
} venue_look_for;

/* Connects, then finds out who is there. TW_AWAY, TW_NOT_FOUND, TW_INVALID (a setting of the link). */
tw_code venue_run_look(venue_run *self, venue_look_for wanted, tw_error *error);
/* Says on standard error why shards are silent, after somebody has not answered. */
void venue_run_explain_silence(venue_run *self);

/* ---- tell.c: what became of the commands ---- */
/* `brief`: what was done is counted, what was not is printed. Sets the exit code. */
void venue_run_tell(venue_run *self, bool brief);

/* ---- the words ---- */
/* The venue file at `path`, "-" for standard input; venue_file_fini ends it, also after an error. */
tw_code venue_run_read_file(const venue_run *self, const char *path, venue_file *file, tw_error *error);
/* Makes tasks of the orders, sends them, and waits for what becomes of them. */
tw_code venue_run_send(venue_run *self, const venue_order *orders, size_t count, uint32_t spread_over,
                       tw_error *error);
tw_code venue_run_apply(venue_run *self, const char *path, tw_error *error);
tw_code venue_run_show(venue_run *self, const char *const *words, size_t count, tw_error *error);
tw_code venue_run_move(venue_run *self, const char *const *words, size_t count, tw_error *error);
/* Any other word: the words are a line of a venue file. */
tw_code venue_run_say(venue_run *self, const char *const *words, size_t count, tw_error *error);

#endif
