/* Placeholder until ingest/decode/lobster.c lands: says no to every file. */
#include "ingest/market/lobster_feed.h"

tw_code lobster_feed_alloc(lobster_feed **feed, struct market *into, const char *message_path,
                           const lobster_feed_options *options, tw_error *error) {
    (void)into, (void)options;
    *feed = NULL;
    return tw_error_set(error, TW_UNSUPPORTED, "%s: LOBSTER is not read yet", message_path);
}
void lobster_feed_free(lobster_feed *feed) {
    (void)feed;
}
void lobster_feed_start_day(lobster_feed *feed, int64_t midnight_ns) {
    (void)feed, (void)midnight_ns;
}
lobster_feed_row lobster_feed_peek(lobster_feed *feed, int64_t *event_ns, tw_error *error) {
    (void)feed, (void)event_ns, (void)error;
    return LOBSTER_FEED_END;
}
void lobster_feed_step(lobster_feed *feed) {
    (void)feed;
}
bool lobster_feed_has_books(const lobster_feed *feed) {
    return feed != NULL;
}
const char *lobster_feed_symbol(const lobster_feed *feed) {
    return feed == NULL ? "" : "?";
}
uint64_t lobster_feed_inconsistent(const lobster_feed *feed) {
    return feed != NULL;
}
tw_stamp lobster_feed_last(const lobster_feed *feed) {
    (void)feed;
    return (tw_stamp){0};
}
