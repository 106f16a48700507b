/* Names and subjects of a shard's streams. */
#include "matcher/wire/places.h"

#include "base/text.h"

static const char *const words[MW_STREAMS] = {"orders", "execlog", "snapshots"};

/* A subject of the shard can be written exactly if there is such an exchange. */
static bool is_shard(const char *mic, uint32_t shard) {
    char subject[SUBJECT_BYTES];
    return shard > 0 && subject_shard(subject, sizeof subject, SUBJECT_KIND_CONTROL, mic, shard);
}

bool mw_stream_name(char *to, size_t capacity, mw_stream stream, const char *mic, uint32_t shard) {
    return stream < MW_STREAMS && is_shard(mic, shard) &&
           tw_text_format(to, capacity, "%s-%s-%u", mic, words[stream], (unsigned)shard);
}

bool mw_snapshot_subject(char *to, size_t capacity, const char *mic, uint32_t shard) {
    return is_shard(mic, shard) && tw_text_format(to, capacity, "venuesnapshot.%s.%u", mic, (unsigned)shard);
}

static bool orders_subjects(mw_place *place, const char *mic, uint32_t shard) {
    place->subject_count = 3;
    return tw_text_format(place->subjects[0], SUBJECT_BYTES, "orders.%s.%u.>", mic, (unsigned)shard) &&
           subject_shard(place->subjects[1], SUBJECT_BYTES, SUBJECT_KIND_ORDER_BATCH, mic, shard) &&
           subject_shard(place->subjects[2], SUBJECT_BYTES, SUBJECT_KIND_CONTROL, mic, shard);
}

bool mw_place_of(mw_place *place, mw_stream stream, const char *mic, uint32_t shard) {
    *place = (mw_place){.subject_count = 1, .journal = stream != MW_STREAM_SNAPSHOTS};
    if (!mw_stream_name(place->name, sizeof place->name, stream, mic, shard)) return false;
    if (stream == MW_STREAM_ORDERS) return orders_subjects(place, mic, shard);
    if (stream == MW_STREAM_SNAPSHOTS) return mw_snapshot_subject(place->subjects[0], SUBJECT_BYTES, mic, shard);
    return subject_shard(place->subjects[0], SUBJECT_BYTES, SUBJECT_KIND_EXECUTION_LOG, mic, shard);
}
