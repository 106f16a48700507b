/* From commands for the venue to tasks for its shards: who gets what. Pure: the venue has been asked before. */
#ifndef TICKWIRE_TOOLS_VENUE_TASKS_H
#define TICKWIRE_TOOLS_VENUE_TASKS_H

#include "tools/venue/desk.h"
#include "tools/venue/directory.h"

/* A `day` that a shard has begun already: it is not sent. */
typedef struct venue_day_left {
    uint32_t shard, number, date; /* number: of the line */
    int64_t end_ns;               /* when it ends there; TW_TIME_ABSENT: it has ended */
} venue_day_left;

typedef struct venue_tasks {
    venue_task *list;
    size_t count, capacity;
    venue_day_left days_left[VENUE_MAX_SHARDS]; /* the first so many */
    uint32_t days_left_count;
} venue_tasks;

/* What is known of the venue. `spread_over`: shards for instruments that are new; 0: all there are. */
typedef struct venue_ground {
    const char *mic;
    const venue_shards *shards;
    const venue_directory *directory;
    uint32_t spread_over;
} venue_ground;

/* True if any of the commands names an instrument, so that the directory has to be asked. */
bool venue_tasks_need_directory(const venue_order *orders, size_t count);
/* True if what any of them does depends on the trading day, so that the shards have to be asked for it. */
bool venue_tasks_need_days(const venue_order *orders, size_t count);

/* Instruments that the commands define are known to those after them. An error names the line. */
tw_code venue_tasks_make(venue_tasks *tasks, const venue_ground *ground, const venue_order *orders, size_t count,
                         tw_error *error);
tw_code venue_tasks_add(venue_tasks *tasks, uint32_t shard, uint32_t number, const wire_control_command *command,
                        tw_error *error);
void venue_tasks_fini(venue_tasks *tasks);

#endif
