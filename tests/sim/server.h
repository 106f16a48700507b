/*
 * A NATS server with JetStream, as much of it as the venue uses: subjects, streams with sequences and fences, one lease,
 * connections. What the product's code sees of it are the headers of runtime/ (bus.h, bus_writer.h, bus_reader.h, bus_streams.h,
 * bus_lease.h, ticker.h, clock.h): the fake_*.c of this folder implement them over this server, so that the code under test is linked as it is.
 *
 * What it keeps of the real one: a connection delivers in order and each thing once, or breaks; what was on its way when it broke arrives up to some point
 * and not after it, perhaps much later; a stream takes messages one after the other and checks the fence when it does; an acknowledgement
 * may get lost, or come when nobody waits any more; while a leader is elected, writes are lost or held, and nothing is answered; the clock
 * that stamps messages may jump. It never loses what it has acknowledged.
 */
#ifndef TICKWIRE_TESTS_SIM_SERVER_H
#define TICKWIRE_TESTS_SIM_SERVER_H

#include <uv.h>

#include "proto/subject.h"
#include "runtime/bus.h"
#include "runtime/bus_lease.h"
#include "runtime/bus_reader.h"
#include "tests/sim/world.h"

enum {
    SERVER_STREAMS = 8,
    SERVER_LEASES = 4,
    SERVER_CONNECTIONS = 1024,
    SERVER_BREAKS = 64,
    SERVER_SUBSCRIPTIONS = 320
};

/* Things done wrong on purpose, to see whether the checks notice. */
typedef enum fake_mutation {
    MUTATION_NONE = 0,
    MUTATION_NO_FENCE,      /* execlog is written without an expectation */
    MUTATION_NO_LEASE,      /* every claim of the lease is won */
    MUTATION_RESEND_AT_END, /* a write that is not known to be stored is sent again without its fence */
    MUTATION_SKIP_UNKNOWN,  /* a write that is not known to be stored is told as stored */
    MUTATION_FORGET_IDS,    /* correlation ids are lost with a restart */
    MUTATION_OLD_ORIGIN,    /* it believes to have read more of execlog than it has */
    MUTATION_OWN_CLOCK,     /* the process's own clock instead of the stream's */
    MUTATION_SKIP_INPUT,   /* the reader leaves a message out after trouble, and says the next one has its number */
    MUTATION_NO_SYNC,      /* of the disk: see disk.h */
    MUTATION_IN_PLACE,     /* likewise */
    MUTATION_HIDE_NEWEST,  /* likewise */
    MUTATION_WRONG_START,  /* the state that a snapshot gave is not the one that was saved */
    MUTATION_LOST_WRITE,   /* the server acknowledges what it does not store */
    MUTATION_SAYS_NOT,     /* a write that is not known to be stored is told as surely not stored */
    MUTATION_TWICE,        /* a gateway gives some reports twice */
    MUTATION_OTHER_REPORT, /* live reports that say something else than execlog */
    MUTATION_GHOST,        /* a gateway's sessions live on without it */
    MUTATION_DEAF_TO_KILLS,  /* matchers take no kill */
    MUTATION_DEAF_TO_LIMITS, /* matchers take no change of limits */
    MUTATION_WRONG_MONEY,    /* an account has more than its fills gave it */
    MUTATIONS
} fake_mutation;

typedef enum server_state { SERVER_UP = 0, SERVER_ELECTING, SERVER_DOWN } server_state;

/* In thousandths, but for the switches, which break the server on purpose: to show that the checks see it. */
typedef struct server_faults {
    uint32_t lost_acks;   /* of acknowledgements of writes */
    uint32_t lost_core;   /* of core messages, as a slow consumer loses them */
    uint32_t lost_claims; /* of the lease's answers */
    uint32_t doubled;     /* writes that arrive once more, later: as if something between had sent them again */
    bool no_fence;        /* expected sequences are ignored */
} server_faults;

typedef struct server_message {
    char subject[SUBJECT_BYTES];
    uint8_t *bytes;
    size_t length;
    int64_t stream_ns;
    bool gone; /* deleted, lost */
} server_message;

typedef struct server_stream {
    char name[64];
    char subjects[4][SUBJECT_BYTES];
    uint32_t subject_count;
    int64_t created_ns;
    server_message *messages; /* of sequence 1 first */
    uint64_t first_seq, last_seq, room;
    uint64_t bytes, max_bytes;  /* max 0: any; else the oldest go */
    struct bus_reader *readers; /* to be told of what is new */
} server_stream;

typedef struct server_lease {
    char subject[128];
    uint64_t term, revision; /* revision 0: nobody has claimed it */
    char holder[BUS_LEASE_HOLDER_BYTES];
} server_lease;

typedef struct server {
    world *world;
    server_faults faults;
    server_state state;
    uint32_t changes;      /* of the state, so that an end belongs to its beginning */
    uint32_t held_percent; /* of what comes while a leader is elected */
    int64_t clock_ahead_ns, most_ahead_ns;
    server_stream streams[SERVER_STREAMS];
    uint32_t stream_count;
    struct bus *connections[SERVER_CONNECTIONS];
    uint32_t connection_count;
    struct held *held, **held_tail;
    server_lease leases[SERVER_LEASES];
    int64_t redis_away_until_ns;
    fake_mutation mutation;
} server;

/* Messages of one connection with numbers in (after, to] never arrive. */
typedef struct server_loss {
    uint64_t after, to, late_to; /* those up to `after` above `late_from` come late */
    uint64_t late_from;
    int64_t late_ns;
} server_loss;

struct bus_subscription {
    bus *bus;
    char subject[SUBJECT_BYTES];
    bus_on_message on_message;
    void *context;
    bool open;
};

struct bus {
    server *server;
    world_process *process;
    uint32_t life;
    bool connected, closed, no_responders;
    uint32_t epoch; /* counts connections */
    bus_on_event on_event;
    void *event_context;
    bus_on_message spy; /* hears everything that the process is given; may be NULL */
    void *spy_context;
    uint64_t sent, arrived;
    int64_t out_ns, in_ns; /* nothing overtakes */
    server_loss losses[SERVER_BREAKS];
    uint32_t loss_count;
    bus_subscription *subscriptions[SERVER_SUBSCRIPTIONS];
    uint32_t subscription_count;
    uint64_t inboxes;
    fake_mutation mutation;
    struct bus_writer *writers;
    struct bus_reader *readers;
};

/* A process's place in this world: `data` of its loop. */
typedef struct server_host {
    server *server;
    world_process *process;
    uint32_t life; /* of the process when this was made: what it left is not its successor's */
    fake_mutation mutation;
    struct disk *disk; /* of its machine; NULL: it has no need of one */
} server_host;

server *server_alloc(world *world, const server_faults *faults);
void server_free(server *server);

void server_elect(server *server, int64_t for_ns);   /* nothing is stored or answered for so long */
void server_restart(server *server, int64_t for_ns); /* every connection breaks */
int64_t server_clock(const server *server);
void server_turn_clock(server *server, int64_t by_ns);
/* No faults any more; and the clock is where it was at most, so that the streams' time runs on. */
void server_mend(server *server);

server_stream *server_make_stream(server *server, const char *name, const char *const *subjects, uint32_t count);
server_stream *server_find_stream(server *server, const char *name);
server_stream *server_stream_of(server *server, const char *subject);
const server_message *server_get(const server_stream *stream, uint64_t seq); /* NULL: not there */
void server_delete(server_stream *stream, uint64_t seq);

/* A connection of a process that runs. Memory is the world's. */
bus *server_connect(server *server, world_process *process, bus_on_event on_event, void *context);
void server_break(bus *connection, int64_t for_ns); /* and comes back by itself */
/* The process is dead: nothing behind some point of what it had sent arrives, as if it had died right there. */
void server_cut(bus *connection);

/* ---- for the fakes ---- */

typedef enum server_kind { SERVER_PUBLISH = 0, SERVER_WRITE } server_kind;

/* What travels from a process to the server; subject, reply and payload follow it. */
typedef struct server_parcel {
    bus *from;
    uint64_t number;
    server_kind kind;
    bool late; /* has been delayed once already */
    uint32_t subject_bytes, reply_bytes;
    size_t length;
    struct bus_writer *writer;
    uint64_t fence, token, write;
} server_parcel;

void server_send(bus *from, const server_parcel *parcel, const char *subject, const char *reply,
                 const uint8_t *bytes);
/* To a process: `run` is called there, in the order of the calls, unless the connection breaks before. */
void server_reply(bus *to, world_do run, void *context, const void *data, size_t length);
/* A core message to everybody who listens. */
bool server_is_wanted(server *server, const char *subject); /* by a stream, or by anybody who listens */
void server_publish(server *server, const char *subject, const char *reply, const uint8_t *bytes, size_t length);

/* The fakes', called by the server. */
void fake_writer_answer(bus *to, const server_parcel *parcel, bool stored, uint64_t seq, uint64_t last_seq);
void fake_writer_away(bus *connection);
void fake_reader_away(bus *connection);
void fake_reader_new(server_stream *stream);

#endif
