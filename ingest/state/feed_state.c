/* One state, one cause, one sentence: the worst thing known about a feed. */
#include "ingest/state/feed_state.h"

#include <inttypes.h>

#include "base/text.h"

static feed_verdict verdict(tw_book_state state, tw_state_cause cause) {
    return (feed_verdict){.state = state, .cause = cause};
}

static feed_verdict judge_stale(const feed_facts *facts) {
    feed_verdict v;
    if (facts->fell_back) {
        v = verdict(TW_BOOK_STALE, TW_CAUSE_INCONSISTENT);
        tw_text_format(v.detail, sizeof v.detail,
                       "the session's numbers began again: %" PRIu64 " was next, the lines carry %" PRIu64
                       "; another session or a restart heals it",
                       facts->fell_from, facts->fell_to);
    } else if (facts->lost > 0) {
        v = verdict(TW_BOOK_STALE, TW_CAUSE_GAP_NOT_FILLED);
        tw_text_format(v.detail, sizeof v.detail, "%" PRIu64 " messages lost, the first is %" PRIu64, facts->lost,
                       facts->lost_from);
    } else if (facts->refuted_at > 0) {
        v = verdict(TW_BOOK_STALE, TW_CAUSE_GAP_NOT_FILLED);
        tw_text_format(v.detail, sizeof v.detail,
                       "the snapshot that the books were made from was not of this session: message %" PRIu64
                       " contradicts it",
                       facts->refuted_at);
    } else if (facts->unreadable > 0) {
        v = verdict(TW_BOOK_STALE, TW_CAUSE_MALFORMED);
        tw_text_format(v.detail, sizeof v.detail, "%" PRIu64 " messages could not be read", facts->unreadable);
    } else {
        v = verdict(TW_BOOK_STALE, TW_CAUSE_LINE_DOWN);
        tw_text_copy(v.detail, sizeof v.detail, facts->down_reason);
    }
    return v;
}

static feed_verdict judge_recovering(const feed_facts *facts) {
    feed_verdict v;
    if (facts->gap_open) {
        v = verdict(TW_BOOK_RECOVERING, TW_CAUSE_GAP);
        tw_text_format(v.detail, sizeof v.detail, "waiting for messages %" PRIu64 " to %" PRIu64, facts->gap_from,
                       facts->gap_to);
    } else if (facts->behind_seq != 0) {
        v = verdict(TW_BOOK_RECOVERING, TW_CAUSE_GAP);
        tw_text_format(v.detail, sizeof v.detail,
                       "the last leader had message %" PRIu64 ", this one took over at %" PRIu64, facts->behind_seq,
                       facts->took_over_seq);
    } else if (facts->unsequenced) {
        v = verdict(TW_BOOK_RECOVERING, TW_CAUSE_UNSEQUENCED);
        tw_text_copy(v.detail, sizeof v.detail, "the recording has no sequence numbers: loss can't be seen");
    } else if (facts->headless) {
        v = verdict(TW_BOOK_RECOVERING, TW_CAUSE_MID_SESSION);
        tw_text_copy(v.detail, sizeof v.detail, "the recording does not tell what rested before it began");
    } else {
        v = verdict(TW_BOOK_RECOVERING, TW_CAUSE_MID_SESSION);
        tw_text_format(v.detail, sizeof v.detail, "joined at message %" PRIu64 ": what rested before is unknown",
                       facts->first_seq);
    }
    return v;
}

static bool is_silent(const feed_facts *facts, int64_t now_ns) {
    return facts->silence_ns > 0 && !facts->ended && now_ns - facts->last_heard_ns > facts->silence_ns;
}

/* A connection that breaks and comes back within the limit has told nothing wrong: what was sent meanwhile follows. */
static feed_verdict judge_away(const feed_facts *facts) {
    feed_verdict v = verdict(TW_BOOK_STALE, TW_CAUSE_LINE_DOWN);
    tw_text_copy(v.detail, sizeof v.detail, facts->away_reason);
    return v;
}

feed_verdict feed_state_judge(const feed_facts *facts, int64_t now_ns) {
    feed_verdict v = verdict(TW_BOOK_OK, TW_CAUSE_NONE);
    bool stale =
        facts->fell_back || facts->lost > 0 || facts->refuted_at > 0 || facts->unreadable > 0 || facts->down;
    if (stale) return judge_stale(facts);
    if (facts->away && (facts->refused || is_silent(facts, now_ns)) && !facts->ended) return judge_away(facts);
    if (!facts->started) {
        v = verdict(TW_BOOK_RECOVERING, TW_CAUSE_STARTING);
        tw_text_copy(v.detail, sizeof v.detail, "nothing received yet");
    } else if (is_silent(facts, now_ns)) {
        v = verdict(TW_BOOK_STALE, TW_CAUSE_LINE_SILENT);
        tw_text_format(v.detail, sizeof v.detail, "nothing heard, not even a heartbeat, for %" PRId64 " ms",
                       facts->silence_ns / 1000000);
    } else if (facts->gap_open || facts->behind_seq != 0 || facts->unsequenced || facts->headless ||
               facts->first_seq > 1) {
        v = judge_recovering(facts);
    } else if (facts->ended) {
        v = verdict(TW_BOOK_CLOSED, TW_CAUSE_END_OF_SESSION);
        tw_text_copy(v.detail, sizeof v.detail, "the session has ended");
    }
    return v;
}
