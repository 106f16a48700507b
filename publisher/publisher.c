/* Memory and lifetime: everything is taken here, sized by the options, and nothing afterwards. */
#include "publisher/publisher.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "publisher/internal.h"

static tw_code check_options(const publisher_options *options, tw_error *error) {
    size_t mic = options->exchange != NULL ? strlen(options->exchange) : 0;
    if (mic == 0 || mic >= TW_MIC_BYTES) {
        return tw_error_set(error, TW_INVALID, "exchange: a MIC has 1 to %d characters", TW_MIC_BYTES - 1);
    }
    if (options->max_instruments == 0 || options->max_instruments > 1u << 20) {
        return tw_error_set(error, TW_INVALID, "max_instruments: %u is not within 1 to %u",
                            options->max_instruments, 1u << 20);
    }
    if (options->depth == 0 || options->depth > TW_MAX_DEPTH) {
        return tw_error_set(error, TW_INVALID, "depth: %u is not within 1 to %d", options->depth, TW_MAX_DEPTH);
    }
    if (options->max_prints == 0) return tw_error_set(error, TW_INVALID, "max_prints: at least 1");
    if (options->max_requests == 0) return tw_error_set(error, TW_INVALID, "max_requests: at least 1");
    if (options->serve_bytes == 0) return tw_error_set(error, TW_INVALID, "serve_bytes: at least 1");
    if (options->leader != NULL && strlen(options->leader) >= WIRE_LEADER_BYTES) {
        return tw_error_set(error, TW_INVALID, "leader: a name has at most %d characters", WIRE_LEADER_BYTES - 1);
    }
    if (options->status_interval_ns <= 0) {
        return tw_error_set(error, TW_INVALID, "status_interval_ns: above 0");
    }
    return TW_OK;
}

static void assign_channels(publisher *p) {
    const publisher_options *o = &p->options;
    const bool on[SUBJECT_CHANNELS] = {[SUBJECT_ORDERBOOK] = true,
                                       [SUBJECT_ORDERBOOK_100MS] = o->tier_100ms,
                                       [SUBJECT_ORDERBOOK_1S] = o->tier_1s,
                                       [SUBJECT_QUOTE] = true,
                                       [SUBJECT_TRADE] = true,
                                       [SUBJECT_STATUS] = true,
                                       [SUBJECT_IMBALANCE] = true,
                                       [SUBJECT_ORDER] = o->orders};
    for (uint32_t c = 0; c < SUBJECT_CHANNELS; c++) {
        p->subject_slot[c] = (int8_t)(on[c] ? (int)p->subject_slots++ : -1);
    }
}

static bool alloc_views(publisher *p) {
    size_t count = p->options.max_instruments;
    p->view_bytes = sizeof(pub_book) + 2 * (size_t)p->options.depth * sizeof(tw_level);
    for (subject_channel c = SUBJECT_ORDERBOOK; c <= SUBJECT_ORDERBOOK_1S; c++) {
        if (!pub_channel_on(p, c)) continue;
        p->views[c] = calloc(count, p->view_bytes);
        p->tier_next[c] = calloc(count, sizeof *p->tier_next[c]);
        if (p->views[c] == NULL || p->tier_next[c] == NULL) return false;
    }
    return true;
}

static const char *symbol_of(const void *context, uint32_t instrument) {
    return ((const publisher *)context)->instruments[instrument].entry.symbol;
}

static bool alloc_instruments(publisher *p) {
    size_t count = p->options.max_instruments;
    p->instruments = calloc(count, sizeof *p->instruments);
    p->live_next = calloc(count, sizeof *p->live_next);
    p->behind_next = calloc(count, sizeof *p->behind_next);
    p->subjects = calloc(count * p->subject_slots, PUB_SUBJECT_BYTES);
    return p->instruments != NULL && p->live_next != NULL && p->behind_next != NULL && p->subjects != NULL &&
           tw_map_init(&p->by_symbol, (uint32_t)count, symbol_of, p) && alloc_views(p) && pub_changes_alloc(p);
}

static bool alloc_backlogs(publisher *p) {
    const publisher_options *o = &p->options;
    p->print_batch = calloc(WIRE_MAX_PRINTS, sizeof *p->print_batch);
    if (p->print_batch == NULL || !backlog_init(&p->prints, o->max_prints, sizeof(tw_print))) {
        return false;
    }
    if (!o->orders) return true;
    uint32_t events = o->max_order_events > 0 ? o->max_order_events : o->max_prints;
    p->order_batch = calloc(WIRE_MAX_ORDER_EVENTS, sizeof *p->order_batch);
    return p->order_batch != NULL && backlog_init(&p->order_events, events, sizeof(wire_order_event));
}

static bool alloc_requests(publisher *p) {
    p->requests = calloc(p->options.max_requests, sizeof *p->requests);
    p->payloads = calloc(PUB_PAYLOAD_SLOTS, PUB_PAYLOAD_BYTES);
    p->list_entries = calloc(PUB_LIST_ENTRIES, sizeof *p->list_entries);
    p->list_missing = calloc(PUB_LIST_ENTRIES, sizeof *p->list_missing);
    p->reply = calloc(1, WIRE_MAX_BYTES);
    for (uint32_t i = 0; i < PUB_CYCLES; i++) {
        if (i != PUB_CYCLE_DIRECTORY && !pub_has_snapshot(p, (subject_channel)i)) continue;
        p->cycles[i].body = calloc(1, WIRE_MAX_BYTES);
        if (p->cycles[i].body == NULL) return false;
    }
    return tw_pool_init(&p->request_places, p->options.max_requests) && p->requests != NULL &&
           p->payloads != NULL && p->list_entries != NULL && p->list_missing != NULL && p->reply != NULL &&
           wire_arena_init(&p->arena, PUB_ARENA_BYTES);
}

static bool alloc_parts(publisher *p) {
    p->buffer = calloc(1, WIRE_MAX_BYTES);
    return p->buffer != NULL && alloc_instruments(p) && alloc_backlogs(p) && alloc_requests(p);
}

tw_code publisher_alloc(publisher **out, const publisher_options *options, const ob_books *books,
                        const publisher_sink *sink, tw_error *error) {
    *out = NULL;
    tw_code code = check_options(options, error);
    if (code != TW_OK) return code;
    publisher *made = calloc(1, sizeof *made);
    if (made == NULL) return tw_error_set(error, TW_NO_MEMORY, "publisher");
    made->options = *options;
    tw_text_copy(made->exchange, sizeof made->exchange, options->exchange);
    made->options.exchange = made->exchange;
    tw_text_copy(made->leader, sizeof made->leader, options->leader != NULL ? options->leader : "");
    made->options.leader = made->leader;
    made->leads = !options->follows;
    made->books = books;
    made->sink = *sink;
    assign_channels(made);
    if (!alloc_parts(made)) {
        publisher_free(made);
        return tw_error_set(error, TW_NO_MEMORY, "publisher of %u instruments", options->max_instruments);
    }
    if (!subject_feed_status(made->feed_subject, sizeof made->feed_subject, made->exchange, options->partition) ||
        !subject_instrument_changes(made->changes.subject, sizeof made->changes.subject, made->exchange)) {
        publisher_free(made);
        return tw_error_set(error, TW_INVALID, "exchange: no subject can name it");
    }
    made->empty_checksum = wire_book_checksum(NULL, 0, NULL, 0, options->depth);
    pub_requests_reset(made);
    publisher_start_epoch(made, "");
    *out = made;
    return TW_OK;
}

void publisher_free(publisher *p) {
    if (p == NULL) return;
    for (uint32_t i = 0; i < PUB_CYCLES; i++)
        free(p->cycles[i].body);
    for (uint32_t i = 0; i < 3; i++) {
        free(p->views[i]);
        free(p->tier_next[i]);
    }
    if (p->arena.block != NULL) wire_arena_fini(&p->arena);
    backlog_fini(&p->prints);
    backlog_fini(&p->order_events);
    free(p->print_batch);
    free(p->order_batch);
    free(p->requests);
    free(p->payloads);
    free(p->list_entries);
    free(p->list_missing);
    free(p->reply);
    tw_map_fini(&p->by_symbol);
    pub_changes_free(p);
    tw_pool_fini(&p->request_places);
    free(p->instruments);
    free(p->live_next);
    free(p->behind_next);
    free(p->subjects);
    free(p->buffer);
    free(p);
}

void pub_lists_clear(publisher *p) {
    tw_list_init(&p->live);
    for (uint32_t tier = 0; tier < 3; tier++) {
        for (uint32_t slot = 0; slot < PUB_TIER_SLOTS; slot++)
            tw_list_init(&p->tier_lists[tier][slot]);
    }
    for (uint32_t i = 0; i < p->instrument_top; i++) {
        p->instruments[i].queued = false;
        for (subject_channel c = SUBJECT_ORDERBOOK; c <= SUBJECT_ORDERBOOK_1S; c++) {
            if (pub_channel_on(p, c)) pub_view(p, i, c)->queued = false;
        }
    }
}

void publisher_start_epoch(publisher *p, const char *epoch) {
    tw_text_copy(p->epoch, sizeof p->epoch, epoch);
    p->joined = false;
    pub_lists_clear(p);
    tw_list_init(&p->behind);
    p->behind_count = 0;
    for (uint32_t i = 0; i < p->instrument_top; i++)
        p->instruments[i].defined = p->instruments[i].behind = false;
    p->published_seq = p->singles_to = p->counted_from_seq = 0;
    tw_map_clear(&p->by_symbol);
    p->instrument_top = 0;
    p->directory_version = 0;
    pub_changes_reset(p);
    p->stats.instruments = p->stats.instruments_not_ok = 0;
    backlog_clear(&p->prints);
    backlog_clear(&p->order_events);
    pub_bulk_restart(p);
    pub_feed_reset(p);
}

publisher_stats publisher_read_stats(const publisher *p) {
    return p->stats;
}
