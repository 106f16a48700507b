/*
 * Where a shard of the venue keeps things: its streams, by name, subjects and what they must never do. Pure: who makes them uses
 * runtime/bus_streams.
 *
 *   {MIC}-orders-{SHARD}     orders.{MIC}.{SHARD}.> orderbatch.{MIC}.{SHARD} control.{MIC}.{SHARD}   the sequencer and input journal
 *   {MIC}-execlog-{SHARD}    execlog.{MIC}.{SHARD}                                                   every report once
 *   {MIC}-snapshots-{SHARD}  venuesnapshot.{MIC}.{SHARD}                                             what restarts begin with
 *
 * The first two are journals: no message of them may be deleted but a beginning that was exported (tools/journal/trim.c), and when a bound
 * is reached new messages are refused instead of old ones dropped. Snapshots may go when newer ones are there.
 */
#ifndef TICKWIRE_MATCHER_WIRE_PLACES_H
#define TICKWIRE_MATCHER_WIRE_PLACES_H

#include "proto/subject.h"

#define MW_STREAM_NAME_BYTES 64u
#define MW_STREAM_SUBJECTS   3u

typedef enum mw_stream { MW_STREAM_ORDERS = 0, MW_STREAM_EXECLOG, MW_STREAM_SNAPSHOTS, MW_STREAMS } mw_stream;

typedef struct mw_place {
    char name[MW_STREAM_NAME_BYTES];
    uint32_t subject_count;
    char subjects[MW_STREAM_SUBJECTS][SUBJECT_BYTES];
    bool journal; /* deny_delete and refuse_when_full */
} mw_place;

/* False: no such exchange (four of A-Z 0-9), shard 0, or no room in `to`. */
bool mw_stream_name(char *to, size_t capacity, mw_stream stream, const char *mic, uint32_t shard);
bool mw_place_of(mw_place *place, mw_stream stream, const char *mic, uint32_t shard);
/* venuesnapshot.{MIC}.{SHARD} */
bool mw_snapshot_subject(char *to, size_t capacity, const char *mic, uint32_t shard);

#endif
