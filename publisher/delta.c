/* One merge over two sorted views of a side. Pure: knows nothing of books, channels or sequence numbers. */
#include "publisher/delta.h"

#include <stdbool.h>

static bool is_better(tw_side side, int64_t price, int64_t than) {
    return side == TW_BID ? price > than : price < than;
}

static bool differs(const tw_level *a, const tw_level *b) {
    return a->quantity != b->quantity || a->orders != b->orders;
}

/* A level that went: it must be named unless `depth` better ones are there to push it out. Those are all of
 * `after`, once every one of them has been passed by the merge. */
static uint32_t append_removal(const tw_level *gone, bool pushed_out, tw_level *changes) {
    if (pushed_out) return 0;
    *changes = (tw_level){.price = gone->price};
    return 1;
}

/* Most changes leave one side alone and the better levels of the other: those are passed first, without ordering. */
static uint32_t common_start(const tw_level *before, uint32_t before_count, const tw_level *after,
                             uint32_t after_count) {
    uint32_t most = before_count < after_count ? before_count : after_count, same = 0;
    while (same < most && before[same].price == after[same].price && !differs(&before[same], &after[same]))
        same++;
    return same;
}

uint32_t delta_side(tw_side side, const tw_level *before, uint32_t before_count, const tw_level *after,
                    uint32_t after_count, uint32_t depth, tw_level *changes) {
    uint32_t count = 0, b = common_start(before, before_count, after, after_count), a = b;
    while (b < before_count || a < after_count) {
        if (a == after_count || (b < before_count && is_better(side, before[b].price, after[a].price))) {
            count += append_removal(&before[b++], a == depth, &changes[count]);
        } else if (b == before_count || before[b].price != after[a].price) {
            changes[count++] = after[a++];
        } else {
            if (differs(&before[b], &after[a])) changes[count++] = after[a];
            b++;
            a++;
        }
    }
    return count;
}
