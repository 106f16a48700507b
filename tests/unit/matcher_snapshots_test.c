/* Where snapshots are kept and how the newest whole one is found: a folder, and a stream of a real nats-server. */
#include "matcher/snapshots/find.h"
#include "matcher/snapshots/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/civil.h"
#include "base/crc32c.h"
#include "base/random.h"
#include "base/text.h"
#include "runtime/bus_streams.h"
#include "runtime/bus_writer.h"
#include "runtime/clock.h"
#include "tests/support/nats_process.h"
#include "tests/unit.h"

#define LONG_NS      (60 * TW_NS_PER_SECOND)
#define SHARD        3u
#define STREAM       "TWEX-snapshots-3"
#define SUBJECT      "venuesnapshot.TWEX.3"
#define CREATED_NS   INT64_C(77)
#define STREAM_BYTES (UINT64_C(8) << 20)
#define MOST_SAID    8u
static const char *const with_jetstream[] = {"-js", NULL};

/* ---- forms ---- */

static void fill(uint8_t *bytes, size_t length, uint64_t seed) {
    tw_random random;
    tw_random_seed(&random, seed);
    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)tw_random_u64(&random);
}

static ms_envelope envelope_of(uint64_t seq, const uint8_t *bytes, size_t length) {
    return (ms_envelope){.exchange = "TWEX",
                         .shard = SHARD,
                         .seq = seq,
                         .event_ns = (int64_t)seq * 1000,
                         .stream_created_ns = CREATED_NS,
                         .taken_ns = 5,
                         .writer = seq * 31 + length,
                         .bytes = length,
                         .checksum = tw_crc32c(0, bytes, length)};
}

TEST(matcher_snapshots, a_chunk_comes_back_as_it_was_written_and_no_damaged_bit_is_taken) {
    static uint8_t bytes[2 * MS_CHUNK_BYTES + 10], message[MS_MESSAGE_BYTES];
    ms_chunk chunk;
    tw_error error;
    fill(bytes, sizeof bytes, 1);
    ms_envelope envelope = envelope_of(9, bytes, sizeof bytes);
    EXPECT_U64(ms_chunk_count(sizeof bytes), 3);
    EXPECT_U64(ms_chunk_count(0), 1);
    size_t length = ms_chunk_write(message, &envelope, bytes, 2, 40);
    EXPECT_I64(ms_chunk_read(message, length, &chunk, &error), TW_OK);
    EXPECT(ms_envelope_same(&chunk.envelope, &envelope));
    EXPECT_U64(chunk.number, 2);
    EXPECT_U64(chunk.count, 3);
    EXPECT_U64(chunk.first_seq, 40);
    EXPECT_U64(chunk.length, 10);
    EXPECT_BYTES(chunk.bytes, bytes + (size_t)2 * MS_CHUNK_BYTES, 10);
    for (size_t bit = 0; bit < 8 * length; bit++) {
        message[bit / 8] ^= (uint8_t)(1 << bit % 8);
        EXPECT_MSG(ms_chunk_read(message, length, &chunk, &error) != TW_OK, "bit %zu is damaged and nobody notices",
                   bit);
        message[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t cut = 0; cut < length; cut++)
        EXPECT(ms_chunk_read(message, cut, &chunk, &error) != TW_OK);
}

/* ---- a scene ---- */

typedef struct scene {
    nats_process server;
    uv_loop_t loop;
    bus *wire;
    bus_streams *streams;
    ms_store *store;
    ms_find *find;
    bus_writer *writer;
    char folder[64];
    bool has_server;
    unsigned results, stored_count, written;
    ms_stored stored;
    bool over; /* the search */
    bool found, found_nothing;
    uint64_t found_seq, refuse_from; /* snapshots of this seq or above are refused */
    char found_where[256];
    uint8_t *expected; /* what its bytes have to be, by seq */
    unsigned said;
    char texts[MOST_SAID][512];
} scene;

/* Runs the loop until the condition holds; false if it does not within a minute. */
#define UNTIL(s, condition)                                                                                        \
    do {                                                                                                           \
        int64_t end_ns_ = rt_clock_monotonic_ns() + LONG_NS;                                                       \
        while (!(condition) && rt_clock_monotonic_ns() < end_ns_) {                                                \
            uv_run(&(s)->loop, UV_RUN_NOWAIT);                                                                     \
            usleep(200);                                                                                           \
        }                                                                                                          \
        EXPECT_MSG((condition), "did not come: %s", #condition);                                                   \
    } while (0)

static size_t size_of(uint64_t seq) {
    return seq % 2 == 0 ? 3 * MS_CHUNK_BYTES + 7 * seq : 100 + seq;
}

static void bytes_of(uint64_t seq, uint8_t **bytes, size_t *length) {
    *length = size_of(seq);
    *bytes = malloc(*length);
    fill(*bytes, *length, seq);
}

static void on_stored(void *context, const ms_stored *result) {
    scene *s = context;
    s->stored = *result;
    s->stored_count++;
}

static void on_streams(void *context, const bus_streams_result *result) {
    EXPECT_MSG(result->outcome == BUS_STREAMS_DONE, "%s", result->reason);
    ((scene *)context)->results++;
}

static void on_written(void *context, const bus_write_result *result) {
    EXPECT_MSG(result->outcome == BUS_WRITE_STORED, "%s", result->reason);
    ((scene *)context)->written++;
}

static void ensure_stream(scene *s) {
    bus_streams_options management = {.url = s->server.url, .on_result = on_streams, .context = s};
    bus_stream_config config = {.name = STREAM, .subjects = {SUBJECT}, .replicas = 1, .max_bytes = STREAM_BYTES};
    EXPECT_I64(bus_streams_open(&s->streams, &s->loop, &management, NULL), TW_OK);
    EXPECT(bus_streams_ensure(s->streams, &config));
    UNTIL(s, s->results == 1);
}

static void open_scene(scene *s, bool server) {
    tw_error error = {0};
    memset(s, 0, sizeof *s);
    uv_loop_init(&s->loop);
    tw_text_copy(s->folder, sizeof s->folder, "/tmp/tickwire-snapshots-XXXXXX");
    EXPECT(mkdtemp(s->folder) != NULL);
    s->refuse_from = UINT64_MAX;
    s->has_server = server;
    if (!server) return;
    if (!nats_process_start(&s->server, with_jetstream)) SKIP(s->server.problem);
    bus_options options = {.url = s->server.url, .name = "test", .no_responders = true};
    EXPECT_MSG(bus_open(&s->wire, &s->loop, &options, &error) == TW_OK, "%s", error.text);
    bus_writer_options writing = {.on_result = on_written, .context = s};
    EXPECT_I64(bus_writer_open(&s->writer, s->wire, &s->loop, &writing, &error), TW_OK);
    ensure_stream(s);
}

static void open_store(scene *s, bool file, bool stream, uint32_t keep) {
    tw_error error = {0};
    ms_store_close(s->store);
    ms_store_options options = {.exchange = "TWEX",
                                .shard = SHARD,
                                .folder = file ? s->folder : NULL,
                                .keep = keep,
                                .stream = stream,
                                .stream_bytes = STREAM_BYTES,
                                .on_stored = on_stored,
                                .context = s};
    EXPECT_MSG(ms_store_open(&s->store, s->wire, &s->loop, &options, &error) == TW_OK, "%s", error.text);
}

static void remove_folder(scene *s) {
    char path[512];
    DIR *open = opendir(s->folder);
    for (const struct dirent *entry; (entry = readdir(open)) != NULL;)
        if (entry->d_name[0] != '.' && tw_text_format(path, sizeof path, "%s/%s", s->folder, entry->d_name))
            unlink(path);
    closedir(open);
    rmdir(s->folder);
}

/* Of a reader that was closed something may be on its way; nats.c 3.4 leaks the half of a message that a connection is closed in. */
static void settle(scene *s) {
    uint64_t before = UINT64_MAX;
    for (int calm = 0; calm < 20;) {
        uv_run(&s->loop, UV_RUN_NOWAIT);
        usleep(1000);
        uint64_t now = bus_read_stats(s->wire).bytes_in;
        calm = now == before ? calm + 1 : 0;
        before = now;
    }
}

static void close_scene(scene *s) {
    ms_find_close(s->find);
    ms_store_close(s->store);
    if (s->has_server) settle(s);
    bus_streams_close(s->streams);
    bus_writer_close(s->writer);
    bus_close(s->wire);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    EXPECT_I64(uv_loop_close(&s->loop), 0);
    if (s->has_server) nats_process_stop(&s->server);
    remove_folder(s);
}

static void keep(scene *s, uint64_t seq) {
    uint8_t *bytes;
    size_t length;
    unsigned before = s->stored_count;
    bytes_of(seq, &bytes, &length);
    ms_envelope envelope = {.seq = seq, .stream_created_ns = CREATED_NS, .taken_ns = 5};
    EXPECT(ms_store_begin(s->store, &envelope, 0));
    EXPECT(!ms_store_begin(s->store, &envelope, 0)); /* one at a time */
    for (size_t at = 0; at < length; at += 1000)
        EXPECT(ms_store_write(s->store, bytes + at, length - at < 1000 ? length - at : 1000));
    EXPECT_I64(ms_store_end(s->store, NULL), TW_OK);
    UNTIL(s, s->stored_count > before);
    EXPECT(!ms_store_busy(s->store));
    free(bytes);
}

static void expect_kept(const scene *s, bool file, bool stream) {
    EXPECT_MSG(s->stored.file.done == file, "file: %s", s->stored.file.reason);
    EXPECT_MSG(s->stored.stream.done == stream, "stream: %s", s->stored.stream.reason);
}

static bool on_found(void *context, const ms_found *found) {
    scene *s = context;
    if (found == NULL) {
        s->over = s->found_nothing = true;
        return false;
    }
    uint8_t *bytes;
    size_t length;
    bytes_of(found->envelope.seq, &bytes, &length);
    EXPECT_U64(found->envelope.bytes, length);
    EXPECT(memcmp(found->bytes, bytes, length) == 0);
    free(bytes);
    if (found->envelope.seq >= s->refuse_from) return false;
    s->over = s->found = true;
    s->found_seq = found->envelope.seq;
    tw_text_copy(s->found_where, sizeof s->found_where, found->where);
    return true;
}

static void on_passed_over(void *context, const char *where, tw_code code, const char *why) {
    scene *s = context;
    EXPECT(code != TW_OK);
    EXPECT(s->said < MOST_SAID);
    tw_text_format(s->texts[s->said++], sizeof s->texts[0], "%s: %s", where, why);
}

static void look(scene *s, bool file, bool stream, uint64_t most_seq) {
    tw_error error = {0};
    ms_find_close(s->find);
    s->over = s->found = s->found_nothing = false;
    s->found_seq = 0;
    s->said = 0;
    ms_find_options options = {.exchange = "TWEX",
                               .shard = SHARD,
                               .folder = file ? s->folder : NULL,
                               .stream = stream ? STREAM : NULL,
                               .url = s->server.url,
                               .stream_created_ns = CREATED_NS,
                               .most_seq = most_seq,
                               .on_found = on_found,
                               .on_passed_over = on_passed_over,
                               .context = s};
    EXPECT_MSG(ms_find_open(&s->find, s->wire, &s->loop, &options, &error) == TW_OK, "%s", error.text);
    UNTIL(s, s->over);
}

static void path_of(const scene *s, uint64_t seq, char *path) {
    ms_file_path(path, s->folder, "TWEX", SHARD, seq);
}

static void damage_file(const scene *s, uint64_t seq, long at) {
    char path[MS_PATH_BYTES];
    path_of(s, seq, path);
    FILE *file = fopen(path, "r+b");
    EXPECT(file != NULL);
    fseek(file, at, SEEK_SET);
    int byte = fgetc(file);
    fseek(file, at, SEEK_SET);
    fputc(byte ^ 1, file);
    fclose(file);
}

/* Chunks by hand: `chunks` of them, one of which may be damaged (below 0: none). */
static void write_chunks(scene *s, uint64_t seq, uint32_t chunks, int damaged, uint64_t first_seq) {
    static uint8_t message[MS_MESSAGE_BYTES];
    uint8_t *bytes;
    size_t length;
    unsigned before = s->written;
    bytes_of(seq, &bytes, &length);
    ms_envelope envelope = envelope_of(seq, bytes, length);
    for (uint32_t i = 0; i < chunks; i++) {
        size_t size = ms_chunk_write(message, &envelope, bytes, i, i == 0 ? 0 : first_seq);
        if ((int)i == damaged) message[size / 2] ^= 1;
        EXPECT_I64(bus_writer_write(s->writer, SUBJECT, message, size, BUS_ANY_LAST_SEQ, i), TW_OK);
        bus_flush(s->wire);
    }
    UNTIL(s, s->written == before + chunks);
    free(bytes);
}

/* ---- tests ---- */

TEST(matcher_snapshots, with_none_anywhere_the_search_says_so) {
    scene s;
    open_scene(&s, true);
    look(&s, true, true, 0);
    EXPECT(s.found_nothing);
    EXPECT_U64(s.said, 0);
    close_scene(&s);
}

TEST(matcher_snapshots, what_is_kept_is_found_again_here_and_on_a_new_machine) {
    scene s;
    open_scene(&s, true);
    open_store(&s, true, true, 3);
    keep(&s, 4);
    expect_kept(&s, true, true);
    look(&s, true, true, 0);
    EXPECT_U64(s.found_seq, 4);
    EXPECT_CONTAINS(s.found_where, s.folder); /* what is here needs no network */
    look(&s, false, true, 0);
    EXPECT_U64(s.found_seq, 4);
    EXPECT_CONTAINS(s.found_where, "the stream " STREAM ", message 4");
    keep(&s, 7);
    look(&s, false, true, 0);
    EXPECT_U64(s.found_seq, 7);
    look(&s, true, false, 0);
    EXPECT_U64(s.found_seq, 7);
    EXPECT_U64(s.said, 0);
    close_scene(&s);
}

TEST(matcher_snapshots, the_newer_one_of_file_and_stream_is_taken) {
    scene s;
    open_scene(&s, true);
    open_store(&s, true, false, 3);
    keep(&s, 4);
    open_store(&s, false, true, 3);
    keep(&s, 6); /* another machine's */
    look(&s, true, true, 0);
    EXPECT_U64(s.found_seq, 6);
    EXPECT_CONTAINS(s.found_where, "the stream");
    s.refuse_from = 6; /* the caller can't use it */
    look(&s, true, true, 0);
    EXPECT_U64(s.found_seq, 4);
    s.refuse_from = 1;
    look(&s, true, true, 0);
    EXPECT(s.found_nothing);
    close_scene(&s);
}

TEST(matcher_snapshots, a_damaged_file_is_passed_over_and_said) {
    scene s;
    open_scene(&s, false);
    open_store(&s, true, false, 5);
    for (uint64_t seq = 2; seq <= 5; seq++)
        keep(&s, seq);
    char path[MS_PATH_BYTES];
    path_of(&s, 5, path);
    EXPECT_I64(truncate(path, 90), 0);
    damage_file(&s, 4, 200000);
    damage_file(&s, 3, 20);
    look(&s, true, false, 0);
    EXPECT_U64(s.found_seq, 2);
    EXPECT_U64(s.said, 3);
    EXPECT_CONTAINS(s.texts[0], "it has 90 bytes and should have");
    EXPECT_CONTAINS(s.texts[1], "its bytes are damaged");
    EXPECT_CONTAINS(s.texts[2], "its head is damaged");
    close_scene(&s);
}

TEST(matcher_snapshots, half_written_and_damaged_ones_in_the_stream_are_passed_over_and_said) {
    scene s;
    open_scene(&s, true);
    open_store(&s, false, true, 3);
    keep(&s, 2);                   /* messages 1 to 4 */
    write_chunks(&s, 4, 4, 2, 5);  /* its third chunk is damaged: 5 to 8 */
    write_chunks(&s, 6, 3, -1, 9); /* its last one is missing: 9 to 11 */
    look(&s, false, true, 0);
    EXPECT_U64(s.found_seq, 2);
    EXPECT_U64(s.said, 2); /* of the damaged one once: its own chunks are not looked at one by one */
    EXPECT_CONTAINS(s.texts[0], "message 11: it was never finished: chunk 3 of 4 is the last");
    EXPECT_CONTAINS(s.texts[1], "message 8: only 2 of its 4 chunks are there");
    close_scene(&s);
}

TEST(matcher_snapshots, two_that_were_written_at_the_same_time_are_told_apart) {
    static uint8_t message[MS_MESSAGE_BYTES];
    scene s;
    open_scene(&s, true);
    uint8_t *bytes[2];
    size_t lengths[2];
    ms_envelope envelopes[2];
    for (unsigned k = 0; k < 2; k++) {
        bytes_of(8 + 2 * k, &bytes[k], &lengths[k]);
        envelopes[k] = envelope_of(8 + 2 * k, bytes[k], lengths[k]);
    }
    for (uint32_t i = 0; i < 4; i++) {
        for (unsigned k = 0; k < 2; k++) { /* the second one ends before its last chunk */
            if (k == 1 && i == 3) continue;
            size_t size = ms_chunk_write(message, &envelopes[k], bytes[k], i, i == 0 ? 0 : k + 1);
            EXPECT_I64(bus_writer_write(s.writer, SUBJECT, message, size, BUS_ANY_LAST_SEQ, i), TW_OK);
        }
    }
    bus_flush(s.wire);
    UNTIL(&s, s.written == 7);
    look(&s, false, true, 0);
    EXPECT_U64(s.found_seq, 8);
    s.refuse_from = 8;
    look(&s, false, true, 0);
    EXPECT(s.found_nothing);
    EXPECT_U64(s.said, 2); /* once in each search */
    EXPECT_CONTAINS(s.texts[1], "never finished: chunk 3 of 4");
    free(bytes[0]);
    free(bytes[1]);
    close_scene(&s);
}

TEST(matcher_snapshots, the_newest_in_the_stream_is_taken_also_if_an_older_one_was_written_after_it) {
    scene s;
    open_scene(&s, true);
    open_store(&s, false, true, 3);
    keep(&s, 4);
    keep(&s, 6);
    keep(&s, 2); /* by a replica that was behind */
    look(&s, false, true, 0);
    EXPECT_U64(s.found_seq, 6);
    s.refuse_from = 6;
    look(&s, false, true, 0);
    EXPECT_U64(s.found_seq, 4);
    s.refuse_from = 3;
    look(&s, false, true, 0);
    EXPECT_U64(s.found_seq, 2);
    s.refuse_from = 1;
    look(&s, false, true, 0);
    EXPECT(s.found_nothing);
    close_scene(&s);
}

TEST(matcher_snapshots, those_of_another_shard_or_order_stream_or_from_beyond_its_end_are_not_taken) {
    scene s;
    open_scene(&s, false);
    open_store(&s, true, false, 5);
    keep(&s, 2);
    uint8_t *bytes;
    size_t length;
    char path[MS_PATH_BYTES], named[MS_PATH_BYTES];
    bytes_of(3, &bytes, &length);
    ms_envelope foreign = envelope_of(3, bytes, length);
    foreign.shard = 9;
    EXPECT_I64(ms_file_write(s.folder, &foreign, bytes, path, NULL), TW_OK);
    path_of(&s, 3, named); /* somebody renamed it */
    EXPECT_I64(rename(path, named), 0);
    ms_envelope other = envelope_of(4, bytes, length);
    other.stream_created_ns = CREATED_NS + 1;
    EXPECT_I64(ms_file_write(s.folder, &other, bytes, path, NULL), TW_OK);
    ms_envelope beyond = envelope_of(99, bytes, length);
    EXPECT_I64(ms_file_write(s.folder, &beyond, bytes, path, NULL), TW_OK);
    look(&s, true, false, 50);
    EXPECT_U64(s.found_seq, 2);
    EXPECT_U64(s.said, 3);
    EXPECT_CONTAINS(s.texts[0], "the state after input 99, the order stream ends at 50");
    EXPECT_CONTAINS(s.texts[1], "of an order stream that is not there any more");
    EXPECT_CONTAINS(s.texts[2], "it is of TWEX, shard 9");
    free(bytes);
    close_scene(&s);
}

TEST(matcher_snapshots, only_the_last_few_files_stay_and_leftovers_go) {
    scene s;
    open_scene(&s, false);
    char path[MS_PATH_BYTES], part[MS_PATH_BYTES + 8];
    path_of(&s, 1, path);
    tw_text_format(part, sizeof part, "%s.part", path);
    FILE *file = fopen(part, "wb");
    EXPECT(file != NULL);
    fclose(file);
    open_store(&s, true, false, 2);
    EXPECT(access(part, F_OK) != 0);
    keep(&s, 40);
    keep(&s, 41);
    keep(&s, 3); /* the stream was made anew: its numbers are small */
    ms_files files;
    ms_file_list(s.folder, "TWEX", SHARD, &files);
    EXPECT_U64(files.count, 2);
    EXPECT_U64(files.seqs[0], 41);
    EXPECT_U64(files.seqs[1], 3);
    close_scene(&s);
}

TEST(matcher_snapshots, a_file_from_a_year_that_nanoseconds_do_not_reach_is_the_newest_one) {
    scene s;
    open_scene(&s, false);
    open_store(&s, true, false, 2);
    keep(&s, 40);
    char path[MS_PATH_BYTES];
    path_of(&s, 40, path);
    const struct timespec year_2400[2] = {{.tv_sec = INT64_C(13569465600)}, {.tv_sec = INT64_C(13569465600)}};
    EXPECT(utimensat(AT_FDCWD, path, year_2400, 0) == 0);
    keep(&s, 41);
    keep(&s, 42);
    ms_files files;
    ms_file_list(s.folder, "TWEX", SHARD, &files);
    EXPECT_U64(files.count, 2);
    EXPECT_U64(files.seqs[0], 42);
    EXPECT_U64(files.seqs[1], 40);
    close_scene(&s);
}

TEST(matcher_snapshots, what_can_not_be_kept_is_said_with_its_reason) {
    scene s;
    tw_error error;
    open_scene(&s, true);
    open_store(&s, true, true, 2);
    uint8_t *large = calloc(1, STREAM_BYTES);
    ms_envelope envelope = {.seq = 5};
    EXPECT(ms_store_begin(s.store, &envelope, STREAM_BYTES));
    EXPECT(ms_store_write(s.store, large, STREAM_BYTES / 2 + 1));
    EXPECT_I64(ms_store_end(s.store, NULL), TW_OK);
    UNTIL(&s, s.stored_count == 1);
    expect_kept(&s, true, false);
    EXPECT_CONTAINS(s.stored.stream.reason, "more than half of what the stream may hold");
    free(large);
    nats_process_pause(&s.server);
    UNTIL(&s, !bus_connected(s.wire));
    keep(&s, 6);
    expect_kept(&s, true, false);
    EXPECT_STR(s.stored.stream.reason, "the bus is away");
    EXPECT(nats_process_resume(&s.server, with_jetstream));
    UNTIL(&s, bus_connected(s.wire));
    keep(&s, 8); /* the next one is the second try */
    expect_kept(&s, true, true);
    ms_store *none = NULL;
    ms_store_options options = {.exchange = "TWEX", .shard = 1, .folder = "/proc/none", .on_stored = on_stored};
    EXPECT_I64(ms_store_open(&none, NULL, &s.loop, &options, &error), TW_IO);
    EXPECT_CONTAINS(error.text, "making the folder /proc/none");
    close_scene(&s);
}

TEST(matcher_snapshots, while_jetstream_is_away_the_search_waits) {
    scene s;
    open_scene(&s, true);
    open_store(&s, false, true, 2);
    keep(&s, 4);
    nats_process_pause(&s.server);
    UNTIL(&s, !bus_connected(s.wire));
    ms_find_options options = {.exchange = "TWEX",
                               .shard = SHARD,
                               .stream = STREAM,
                               .url = s.server.url,
                               .on_found = on_found,
                               .on_passed_over = on_passed_over,
                               .context = &s};
    EXPECT_I64(ms_find_open(&s.find, s.wire, &s.loop, &options, NULL), TW_OK);
    UNTIL(&s, s.said == 1);
    EXPECT(!s.over);
    EXPECT(nats_process_resume(&s.server, with_jetstream));
    UNTIL(&s, s.over);
    EXPECT_U64(s.found_seq, 4);
    EXPECT_U64(s.said, 1);
    close_scene(&s);
}

TEST(matcher_snapshots, a_store_that_is_closed_in_the_middle_leaves_nothing_half_under_a_name) {
    scene s;
    open_scene(&s, true);
    open_store(&s, true, true, 2);
    uint8_t *bytes;
    size_t length;
    bytes_of(4, &bytes, &length);
    ms_envelope envelope = {.seq = 4, .stream_created_ns = CREATED_NS};
    EXPECT(ms_store_begin(s.store, &envelope, 0));
    EXPECT(ms_store_write(s.store, bytes, length));
    EXPECT_I64(ms_store_end(s.store, NULL), TW_OK);
    ms_store_close(s.store);
    s.store = NULL;
    look(&s, true, true, 0);
    EXPECT(s.found_nothing || s.found_seq == 4);
    EXPECT_U64(s.stored_count, 0);
    free(bytes);
    close_scene(&s);
}
