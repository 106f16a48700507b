/* The Redis connection: looking up, connecting, signing in, pipelining, trying again. */
#include "runtime/redis.h"

#include <arpa/inet.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/assert.h"
#include "base/random.h"
#include "base/text.h"
#include "runtime/clock.h"
#include "runtime/redis_url.h"

#define NS_PER_MS           INT64_C(1000000)
#define DEFAULT_OUTSTANDING 16384u
#define DEFAULT_TIMEOUT_NS  (5000 * NS_PER_MS)
#define FIRST_BACKOFF_MS    100u
#define LAST_BACKOFF_MS     5000u
#define CHECK_MS            50u         /* how often time limits are looked at */
#define MOST_UNREAD_BYTES   (16u << 20) /* of one reply: none that we ask for is near it */
#define LENGTH_BYTES        24u
#define MOST_ELEMENTS       65536 /* of one array */
#define MOST_SIGN_IN        4u
#define DETAIL_BYTES        256

typedef enum sign_in_step { STEP_AUTH, STEP_SELECT, STEP_NAME, STEP_PING } sign_in_step;

/* The poll handle outlives the connection it watched until the loop has let it go. */
typedef struct socket_watch {
    uv_poll_t poll;
    redis *owner;
    int events;
} socket_watch;

struct redis {
    uv_loop_t *loop;
    redis_url url;
    char name[64];
    redis_options options;
    tw_random random;

    redis_state state;
    redisContext *connection;                            /* NULL: none */
    socket_watch *watch;                                 /* NULL: none */
    redisReplyObjectFunctions objects, *hiredis_objects; /* ours, and those they stand on */
    bool connected;                                      /* the socket is */
    bool broken; /* found from within a callback: taken down when that is back */
    char detail[DETAIL_BYTES];
    unsigned dispatching;
    int64_t progress_ns; /* the last answer, or when the wait for one began */
    uint32_t attempts;   /* since the connection was READY */

    sign_in_step sign_in[MOST_SIGN_IN]; /* answers still awaited */
    uint32_t sign_in_count, sign_in_at;
    char *scratch; /* one command, formatted */
    size_t scratch_bytes;
    uint64_t *tags; /* a ring: commands without an answer */
    uint32_t first_tag, tag_count;

    uv_timer_t timer;
    uv_getaddrinfo_t lookup;
    bool looking_up, closing;
    uint32_t open_handles;
    redis_stats stats;
};

static void take_down(redis *self, redis_state state, const char *detail);

const char *redis_state_name(redis_state state) {
    static const char *const names[] = {"READY", "CONNECTING", "AWAY", "REFUSED"};
    return names[state];
}

/* ---- replies ---- */

static redis_reply translate(const redisReply *raw) {
    redis_reply reply = {.kind = REDIS_KIND_NIL, .text = ""};
    switch (raw->type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
    case REDIS_REPLY_ERROR:
        reply.kind = raw->type == REDIS_REPLY_ERROR ? REDIS_KIND_ERROR : REDIS_KIND_TEXT;
        reply.text = raw->str;
        reply.length = raw->len;
        break;
    case REDIS_REPLY_INTEGER:
        reply.kind = REDIS_KIND_INTEGER;
        reply.integer = raw->integer;
        break;
    case REDIS_REPLY_ARRAY:
        reply.kind = REDIS_KIND_ARRAY;
        reply.count = raw->elements;
        reply.elements = raw->element;
        break;
    default:
        break;
    }
    return reply;
}

redis_reply redis_element(const redis_reply *array, size_t index) {
    TW_ASSERT(array->kind == REDIS_KIND_ARRAY && index < array->count);
    redisReply *const *elements = array->elements;
    return translate(elements[index]);
}

static uint64_t pop_tag(redis *self) {
    uint64_t tag = self->tags[self->first_tag];
    self->first_tag = (self->first_tag + 1) % self->options.max_outstanding;
    self->tag_count--;
    return tag;
}

static void tell_reply(redis *self, uint64_t tag, const redis_reply *reply) {
    self->dispatching++;
    self->options.on_reply(self->options.context, tag, reply);
    self->dispatching--;
}

static void tell_state(redis *self, redis_state state, const char *detail) {
    self->dispatching++;
    if (self->options.on_state != NULL) self->options.on_state(self->options.context, state, detail);
    self->dispatching--;
}

static void on_broken(uv_timer_t *timer) {
    redis *self = timer->data;
    if (self->broken) take_down(self, REDIS_AWAY, self->detail);
}

/* The caller stands above, or a callback of his: he is told once the loop is back. */
static void fail_later(redis *self, const char *detail) {
    if (self->connection == NULL || self->broken) return;
    self->broken = true;
    tw_text_copy(self->detail, sizeof self->detail, detail);
    uv_timer_start(&self->timer, on_broken, 0, 0);
}

static void fail(redis *self, const char *detail) {
    if (self->connection != NULL) take_down(self, REDIS_AWAY, self->broken ? self->detail : detail);
}

/* ---- signing in ---- */

static void put_command(redis *self, size_t count, const char **words) {
    size_t lengths[4];
    for (size_t i = 0; i < count; i++)
        lengths[i] = strlen(words[i]);
    redisAppendCommandArgv(self->connection, (int)count, words, lengths);
}

static void put_step(redis *self, sign_in_step step, size_t count, const char **words) {
    put_command(self, count, words);
    self->sign_in[self->sign_in_count++] = step;
}

static void start_sign_in(redis *self) {
    char database[16];
    const redis_url *url = &self->url;
    self->sign_in_count = self->sign_in_at = 0;
    if (url->password[0] != '\0' && url->user[0] != '\0')
        put_step(self, STEP_AUTH, 3, (const char *[]){"AUTH", url->user, url->password});
    else if (url->password[0] != '\0')
        put_step(self, STEP_AUTH, 2, (const char *[]){"AUTH", url->password});
    tw_text_format(database, sizeof database, "%u", url->database);
    if (url->database != 0) put_step(self, STEP_SELECT, 2, (const char *[]){"SELECT", database});
    put_step(self, STEP_NAME, 3, (const char *[]){"CLIENT", "SETNAME", self->name});
    put_step(self, STEP_PING, 1, (const char *[]){"PING"});
    redis_flush(self);
}

static void on_sign_in_reply(redis *self, const redis_reply *reply) {
    sign_in_step step = self->sign_in[self->sign_in_at++];
    if (reply->kind == REDIS_KIND_ERROR && step != STEP_NAME) { /* who may not name itself may still work */
        take_down(self, REDIS_REFUSED, reply->text);
        return;
    }
    if (self->sign_in_at < self->sign_in_count) return;
    self->state = REDIS_READY;
    self->attempts = 0;
    self->stats.connects++;
    tell_state(self, REDIS_READY, "");
}

/* ---- the socket ---- */

/* The last handle to close takes the memory with it. */
static void let_go(redis *self) {
    if (--self->open_handles > 0) return;
    free(self->scratch);
    free(self->tags);
    free(self);
}

static void on_watch_closed(uv_handle_t *handle) {
    socket_watch *watch = handle->data;
    redis *self = watch->owner;
    free(watch);
    let_go(self);
}

static void on_poll(uv_poll_t *poll, int status, int events);

/* A change costs system calls, so only changes are made. */
static void watch_for(redis *self, int events) {
    socket_watch *watch = self->watch;
    if (watch->events == events) return;
    watch->events = events;
    uv_poll_start(&watch->poll, events, on_poll);
}

void redis_flush(redis *self) {
    int done = 0;
    if (self->connection == NULL || !self->connected || self->broken) return;
    if (redisBufferWrite(self->connection, &done) != REDIS_OK) {
        fail_later(self, self->connection->errstr);
        return;
    }
    watch_for(self, done ? UV_READABLE : UV_READABLE | UV_WRITABLE);
}

static void take_reply(redis *self, const redisReply *raw) {
    redis_reply reply = translate(raw);
    if (self->sign_in_at < self->sign_in_count) {
        on_sign_in_reply(self, &reply);
    } else if (self->tag_count > 0) {
        self->stats.replies++;
        tell_reply(self, pop_tag(self), &reply);
    } else {
        char detail[DETAIL_BYTES];
        tw_text_format(detail, sizeof detail, "an answer that nobody asked for: %.200s", reply.text);
        fail(self, detail); /* a server with too many clients says so in this way */
    }
}

/* Everything that has come whole. The connection may end on the way. */
static void take_replies(redis *self) {
    redisContext *connection = self->connection;
    while (connection != NULL && self->connection == connection) {
        void *raw = NULL;
        if (redisGetReplyFromReader(connection, &raw) != REDIS_OK) {
            fail(self, connection->errstr);
            return;
        }
        if (raw == NULL) break;
        take_reply(self, raw);
        freeReplyObject(raw);
        if (self->broken) fail(self, self->detail);
    }
    if (connection != NULL && self->connection == connection && connection->reader->len > MOST_UNREAD_BYTES)
        fail(self, "an answer of more than 16 MiB");
}

static void read_socket(redis *self) {
    self->progress_ns = rt_clock_monotonic_ns();
    if (redisBufferRead(self->connection) != REDIS_OK)
        fail(self, self->connection->errstr);
    else
        take_replies(self);
}

static void finish_connecting(redis *self) {
    int reason = 0;
    socklen_t length = sizeof reason;
    if (getsockopt(self->connection->fd, SOL_SOCKET, SO_ERROR, &reason, &length) != 0 || reason != 0) {
        fail(self, reason != 0 ? strerror(reason) : "the socket can't be asked how it is");
        return;
    }
    self->connected = true;
    start_sign_in(self);
}

static void on_poll(uv_poll_t *poll, int status, int events) {
    socket_watch *watch = poll->data;
    redis *self = watch->owner;
    if (self->watch != watch) return;
    if (!self->connected) {
        finish_connecting(self);
        return;
    }
    if (status != 0 || (events & UV_READABLE) != 0) read_socket(self); /* an error shows there as well */
    if (self->watch == watch && status != 0) fail(self, "the connection broke");
    if (self->watch == watch && (events & UV_WRITABLE) != 0) redis_flush(self);
}

static bool start_watch(redis *self) {
    socket_watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL) return false;
    if (uv_poll_init(self->loop, &watch->poll, self->connection->fd) != 0) {
        free(watch);
        return false;
    }
    watch->poll.data = watch;
    watch->owner = self;
    self->watch = watch;
    self->open_handles++;
    watch_for(self, UV_WRITABLE);
    return true;
}

/* A peer may announce an array of two thousand million elements; hiredis would take 16 GiB for it and walk over them. */
static void *create_array(const redisReadTask *task, int elements) {
    redis *self = task->privdata;
    return elements > MOST_ELEMENTS ? NULL : self->hiredis_objects->createArray(task, elements);
}

static void bound_arrays(redis *self) {
    redisReader *reader = self->connection->reader;
    self->hiredis_objects = reader->fn;
    self->objects = *reader->fn;
    self->objects.createArray = create_array;
    reader->fn = &self->objects;
    reader->privdata = self;
}

/* ---- trying ---- */

static void connect_to(redis *self, const char *address) {
    self->connected = self->broken = false;
    self->sign_in_count = self->sign_in_at = 0;
    self->first_tag = self->tag_count = 0;
    self->connection = redisConnectNonBlock(address, self->url.port);
    if (self->connection == NULL || self->connection->err != 0)
        take_down(self, REDIS_AWAY, self->connection == NULL ? "no memory" : self->connection->errstr);
    else if (!start_watch(self))
        take_down(self, REDIS_AWAY, "the socket can't be watched");
    else
        bound_arrays(self);
}

/* Of several addresses each try takes the next one. */
static const struct addrinfo *choose(const redis *self, const struct addrinfo *list) {
    uint32_t count = 0;
    for (const struct addrinfo *each = list; each != NULL; each = each->ai_next)
        count++;
    TW_ASSERT(count > 0);
    for (uint32_t skip = self->attempts % count; skip > 0; skip--)
        list = list->ai_next;
    return list;
}

static void on_looked_up(uv_getaddrinfo_t *lookup, int status, struct addrinfo *list) {
    redis *self = lookup->data;
    char address[INET6_ADDRSTRLEN] = "";
    self->looking_up = false;
    if (status == 0 && !self->closing) {
        const struct addrinfo *chosen = choose(self, list);
        if (chosen->ai_family == AF_INET6)
            uv_ip6_name((const struct sockaddr_in6 *)(const void *)chosen->ai_addr, address, sizeof address);
        else
            uv_ip4_name((const struct sockaddr_in *)(const void *)chosen->ai_addr, address, sizeof address);
    }
    uv_freeaddrinfo(list);
    if (!self->closing && status == 0) connect_to(self, address);
    if (!self->closing && status != 0) {
        char detail[DETAIL_BYTES];
        tw_text_format(detail, sizeof detail, "looking up %s: %s", self->url.host, uv_strerror(status));
        take_down(self, REDIS_AWAY, detail);
    }
    let_go(self);
}

static bool is_numeric(const char *host) {
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

static void start_lookup(redis *self) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    self->lookup.data = self;
    int status = uv_getaddrinfo(self->loop, &self->lookup, on_looked_up, self->url.host, NULL, &hints);
    if (status != 0) {
        take_down(self, REDIS_AWAY, uv_strerror(status));
        return;
    }
    self->looking_up = true;
    self->open_handles++;
}

static void on_check(uv_timer_t *timer) {
    redis *self = timer->data;
    int64_t waited_ns = rt_clock_monotonic_ns() - self->progress_ns;
    bool waiting = self->state == REDIS_CONNECTING || self->tag_count > 0;
    if (!waiting || self->looking_up || waited_ns <= self->options.timeout_ns) return;
    fail(self, self->state == REDIS_CONNECTING ? "no connection in time" : "no answer in time");
}

static void start_try(redis *self) {
    self->state = REDIS_CONNECTING;
    self->progress_ns = rt_clock_monotonic_ns();
    uv_timer_start(&self->timer, on_check, CHECK_MS, CHECK_MS);
    if (is_numeric(self->url.host))
        connect_to(self, self->url.host);
    else
        start_lookup(self);
}

static void on_retry(uv_timer_t *timer) {
    start_try(timer->data);
}

static uint64_t backoff_ms(redis *self) {
    uint64_t base_ms = FIRST_BACKOFF_MS;
    for (uint32_t i = 0; i < self->attempts && base_ms < LAST_BACKOFF_MS; i++)
        base_ms *= 2;
    if (base_ms > LAST_BACKOFF_MS) base_ms = LAST_BACKOFF_MS;
    return base_ms + tw_random_below(&self->random, base_ms / 2 + 1);
}

static void close_connection(redis *self) {
    if (self->watch != NULL)
        uv_close((uv_handle_t *)&self->watch->poll, on_watch_closed); /* before its descriptor */
    self->watch = NULL;
    if (self->connection != NULL) redisFree(self->connection);
    self->connection = NULL;
    self->connected = self->broken = false;
    self->sign_in_count = self->sign_in_at = 0;
}

static void tell_lost(redis *self) {
    static const redis_reply lost = {.kind = REDIS_KIND_LOST, .text = ""};
    while (self->tag_count > 0) {
        self->stats.lost++;
        tell_reply(self, pop_tag(self), &lost);
    }
}

/* The one way from a connection, or a try at one, to waiting for the next. `state` is AWAY or REFUSED. */
static void take_down(redis *self, redis_state state, const char *detail) {
    char kept[DETAIL_BYTES]; /* it may lie in what is freed now */
    tw_text_copy(kept, sizeof kept, detail);
    self->state = state;
    self->stats.failures++;
    close_connection(self);
    uv_timer_start(&self->timer, on_retry, backoff_ms(self), 0);
    self->attempts++;
    tell_lost(self);
    tell_state(self, state, kept);
}

/* ---- for the caller ---- */

tw_code redis_open(redis **opened, uv_loop_t *loop, const redis_options *options, tw_error *error) {
    *opened = NULL;
    redis *self = calloc(1, sizeof *self);
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for Redis");
    tw_code code = redis_url_parse(options->url, &self->url, error);
    self->options = *options;
    if (self->options.max_outstanding == 0) self->options.max_outstanding = DEFAULT_OUTSTANDING;
    if (self->options.timeout_ns == 0) self->options.timeout_ns = DEFAULT_TIMEOUT_NS;
    tw_text_copy(self->name, sizeof self->name, options->name);
    self->tags = calloc(self->options.max_outstanding, sizeof *self->tags);
    if (code == TW_OK && self->tags == NULL) code = tw_error_set(error, TW_NO_MEMORY, "no memory for Redis");
    if (code != TW_OK) {
        free(self->tags);
        free(self);
        return code;
    }
    signal(SIGPIPE, SIG_IGN);
    tw_random_seed(&self->random, (uint64_t)rt_clock_utc_ns() ^ (uint64_t)(uintptr_t)self);
    self->loop = loop;
    uv_timer_init(loop, &self->timer);
    self->timer.data = self;
    self->open_handles = 1;
    self->state = REDIS_CONNECTING;
    uv_timer_start(&self->timer, on_retry, 0, 0);
    *opened = self;
    return TW_OK;
}

static void on_timer_closed(uv_handle_t *handle) {
    let_go(handle->data);
}

void redis_close(redis *self) {
    if (self == NULL) return;
    TW_ASSERT(self->dispatching == 0);
    self->closing = true;
    self->state = REDIS_AWAY;
    close_connection(self);
    tell_lost(self);
    if (self->looking_up) uv_cancel((uv_req_t *)&self->lookup);
    uv_close((uv_handle_t *)&self->timer, on_timer_closed);
}

/* "*3\r\n", "$5\r\n": at most 22 bytes. */
static char *put_length(char *at, char mark, size_t value) {
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    *at++ = mark;
    while (count > 0)
        *at++ = digits[--count];
    *at++ = '\r';
    *at++ = '\n';
    return at;
}

/* RESP of a command in the scratch buffer; its length, 0: no memory. hiredis' own formatter costs twice as much as all the
 * rest of sending. */
static size_t format_command(redis *self, size_t count, const char *const *words, const size_t *lengths) {
    size_t needed = LENGTH_BYTES;
    for (size_t i = 0; i < count; i++)
        needed += LENGTH_BYTES + lengths[i] + 2;
    if (needed > self->scratch_bytes) {
        char *larger = realloc(self->scratch, 2 * needed);
        if (larger == NULL) return 0;
        self->scratch = larger;
        self->scratch_bytes = 2 * needed;
    }
    char *at = put_length(self->scratch, '*', count);
    for (size_t i = 0; i < count; i++) {
        at = put_length(at, '$', lengths[i]);
        memcpy(at, words[i], lengths[i]);
        at += lengths[i];
        *at++ = '\r';
        *at++ = '\n';
    }
    return (size_t)(at - self->scratch);
}

tw_code redis_send(redis *self, size_t count, const char *const *words, const size_t *lengths, uint64_t tag) {
    if (self->state != REDIS_READY || self->broken) return TW_AWAY;
    if (self->tag_count == self->options.max_outstanding) return TW_FULL;
    size_t length = format_command(self, count, words, lengths);
    if (length == 0 || redisAppendFormattedCommand(self->connection, self->scratch, length) != REDIS_OK) {
        fail_later(self, "no memory for a command");
        return TW_AWAY;
    }
    if (self->tag_count == 0) self->progress_ns = rt_clock_monotonic_ns();
    self->tags[(self->first_tag + self->tag_count) % self->options.max_outstanding] = tag;
    self->tag_count++;
    self->stats.commands++;
    self->stats.bytes_out += length;
    return TW_OK;
}

redis_state redis_read_state(const redis *self) {
    return self->state;
}

uint32_t redis_outstanding(const redis *self) {
    return self->tag_count;
}

uint32_t redis_room(const redis *self) {
    return self->state == REDIS_READY && !self->broken ? self->options.max_outstanding - self->tag_count : 0;
}

const char *redis_where(const redis *self) {
    return self->url.shown;
}

redis_stats redis_read_stats(const redis *self) {
    return self->stats;
}
