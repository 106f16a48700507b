/*
 * The sockets of a SoupBinTCP port. One write is under way per link at most, from a buffer of its own; when it is done
 * the next piece is asked for. That bounds a link's memory and gives all links a turn.
 */
#include "tools/serve/soup_port.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/text.h"
#include "ingest/source/udp_address.h"
#include "runtime/clock.h"
#include "tools/serve/listen_address.h"

#define OUT_BYTES     ((size_t)1 << 16)
#define READ_BYTES    ((size_t)1 << 16)
#define KERNEL_BYTES  (1 << 18) /* asked for as the socket's send buffer: a slow client is not helped by more */
#define LOOK_MS       50        /* heartbeats and silences are counted in seconds */
#define FAREWELL_NS   INT64_C(1000000000)
#define LARGEST_INPUT 1024 /* of one client's packet; clients of these services have little to say */

typedef struct soup_link {
    uv_tcp_t socket;
    uv_write_t write;
    uv_shutdown_t shutdown;
    soup_port *port;
    uint32_t index; /* in port->links */
    soup_server *server;
    void *client; /* the service's */
    bool welcomed;
    bool writing;
    bool cut;            /* closed when the write under way is done */
    bool leaving;        /* nothing more will be sent: the client has until leave_ns to close first */
    int64_t leave_ns;    /* when it is closed at the latest */
    int64_t progress_ns; /* when the write under way last got on */
    size_t unwritten;
    char peer[LISTEN_ADDRESS_BYTES];
    uint8_t out[OUT_BYTES];
} soup_link;

struct soup_port {
    uv_tcp_t listener;
    uv_timer_t look;
    uint32_t open_handles; /* freed with the last one */
    bool closing;
    soup_port_options options;
    soup_port_service service;
    uint16_t number;
    soup_port_stats stats;
    soup_link **links; /* max_clients, the first stats.now of them are */
    char read[READ_BYTES];
};

/* ---- the end of a link ---- */

static void release(soup_port *port) {
    if (--port->open_handles > 0) return;
    free(port->links);
    free(port);
}

static void on_port_closed(uv_handle_t *handle) {
    release(handle->data);
}

static void on_link_closed(uv_handle_t *handle) {
    soup_link *link = handle->data;
    soup_port *port = link->port;
    if (link->client != NULL) port->service.leave(link->client);
    soup_server_free(link->server);
    free(link);
    release(port);
}

static void forget(soup_port *port, soup_link *link) {
    soup_link *last = port->links[--port->stats.now];
    port->links[link->index] = last;
    last->index = link->index;
}

static void say_end(const soup_link *link, const char *why) {
    soup_server_status status = soup_server_read_status(link->server);
    const char *who = !link->welcomed ? "no login" : status.username[0] != '\0' ? status.username : "no name";
    fprintf(stderr, "%s %s (%s): %s, %llu messages\n", link->port->options.name, link->peer, who, why,
            (unsigned long long)status.messages);
}

/* Ends the link now, whatever waits in it. */
static void link_close(soup_link *link, const char *why) {
    if (uv_is_closing((uv_handle_t *)&link->socket)) return;
    say_end(link, why);
    link->port->stats.messages += soup_server_read_status(link->server).messages;
    forget(link->port, link);
    uv_close((uv_handle_t *)&link->socket, on_link_closed);
}

static const char *reason_of(const soup_link *link) {
    return soup_server_reason_name(soup_server_read_status(link->server).reason);
}

static void on_shut_down(uv_shutdown_t *shutdown, int status) {
    (void)shutdown;
    (void)status;
}

/* All was said. Closing with bytes unread would reset the connection and might take the last words with it, so the
 * client is given a moment to close first. */
static void link_leave(soup_link *link, int64_t now_ns) {
    link->leaving = true;
    link->leave_ns = now_ns + FAREWELL_NS;
    if (uv_shutdown(&link->shutdown, (uv_stream_t *)&link->socket, on_shut_down) != 0)
        link_close(link, reason_of(link));
}

/* Is the end one that the client is told of in words? */
static bool has_last_words(soup_server_reason reason) {
    return reason == SOUP_SERVER_ENDED || reason == SOUP_SERVER_NOT_AUTHORISED || reason == SOUP_SERVER_NO_SESSION;
}

/* ---- output ---- */

static void link_pump(soup_link *link, int64_t now_ns);

static void on_written(uv_write_t *write, int status) {
    soup_link *link = write->data;
    link->writing = false;
    if (uv_is_closing((uv_handle_t *)&link->socket)) return;
    if (status != 0)
        link_close(link, uv_err_name(status));
    else if (link->cut)
        link_close(link, "CUT");
    else
        link_pump(link, rt_clock_monotonic_ns());
}

static void link_write(soup_link *link, size_t count, int64_t now_ns) {
    uv_buf_t buffer = uv_buf_init((char *)link->out, (unsigned)count);
    link->write.data = link;
    link->writing = true;
    link->progress_ns = now_ns;
    link->unwritten = count;
    int status = uv_write(&link->write, (uv_stream_t *)&link->socket, &buffer, 1, on_written);
    if (status == 0) return;
    link->writing = false;
    link_close(link, uv_err_name(status));
}

/* What is left of an output of `count` bytes when the link is to be cut in it. */
static size_t cut_short(soup_link *link, size_t count) {
    soup_server_status status = soup_server_read_status(link->server);
    if (!link->welcomed || link->port->service.cut == NULL || status.waiting_bytes > 0) return count;
    size_t withheld = link->port->service.cut(link->client, status.next);
    if (withheld == 0) return count;
    link->cut = true;
    link->port->stats.cut++;
    return withheld < count ? count - withheld : 0;
}

/* Sends the next piece, if there is one and none is under way. */
static void link_pump(soup_link *link, int64_t now_ns) {
    if (link->writing || link->leaving || link->cut) return;
    size_t count = soup_server_output(link->server, link->out, OUT_BYTES, now_ns);
    if (count > 0) count = cut_short(link, count);
    if (count > 0)
        link_write(link, count, now_ns);
    else if (link->cut)
        link_close(link, "CUT");
    else if (soup_server_poll(link->server, now_ns))
        link_leave(link, now_ns);
}

/* A write that does not get on: the client does not read. */
static bool is_stalled(soup_link *link, int64_t now_ns) {
    size_t unwritten = uv_stream_get_write_queue_size((uv_stream_t *)&link->socket);
    if (unwritten != link->unwritten) link->progress_ns = now_ns;
    link->unwritten = unwritten;
    return now_ns - link->progress_ns >= link->port->options.stall_ns;
}

/* Lets time pass for a link. */
static void link_look(soup_link *link, int64_t now_ns) {
    if (link->leaving) {
        if (now_ns >= link->leave_ns) link_close(link, reason_of(link));
        return;
    }
    bool done = soup_server_poll(link->server, now_ns);
    if (done && !has_last_words(soup_server_read_status(link->server).reason)) {
        link_close(link, reason_of(link));
    } else if (link->writing && is_stalled(link, now_ns)) {
        link->port->stats.stalled++;
        link_close(link, soup_server_reason_name(SOUP_SERVER_STALLED));
    } else {
        link_pump(link, now_ns);
    }
}

/* ---- input ---- */

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
    soup_link *link = handle->data;
    (void)suggested;
    *buffer = uv_buf_init(link->port->read, READ_BYTES); /* taken before the next read of any link */
}

/* A login may have been decided by the bytes just taken. */
static void see_login(soup_link *link) {
    soup_server_status status = soup_server_read_status(link->server);
    if (link->welcomed) return;
    if (has_last_words(status.reason)) link->port->stats.rejected++;
    if (status.state != SOUP_SERVER_STREAMING) return;
    link->welcomed = true;
    link->port->stats.logins++;
    if (!link->port->service.accepted(link->client, status.next)) soup_server_stop(link->server);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer) {
    soup_link *link = stream->data;
    if (count < 0) {
        link_close(link, link->leaving ? reason_of(link) : count == UV_EOF ? "LEFT" : uv_err_name((int)count));
        return;
    }
    if (count == 0 || link->leaving || link->cut) return;
    int64_t now_ns = rt_clock_monotonic_ns();
    bool open = soup_server_read_status(link->server).state != SOUP_SERVER_CLOSING;
    soup_server_received(link->server, (const uint8_t *)buffer->base, (size_t)count, now_ns);
    if (open) see_login(link);
    link_look(link, now_ns);
}

/* ---- clients ---- */

static tw_code link_serve(soup_link *link, tw_error *error) {
    /* A stall is seen here, where writes are: the window's own clock stands still while one is under way. */
    soup_server_options options = {
        .window_bytes = SOUP_MAX_PACKET_BYTES, .max_payload_bytes = LARGEST_INPUT, .stall_ns = INT64_MAX};
    soup_server_source source = {0};
    if (!link->port->service.enter(link->port->service.context, &source))
        return tw_error_set(error, TW_NO_MEMORY, "no memory for a client");
    link->client = source.context;
    return soup_server_alloc(&link->server, &options, &source, rt_clock_monotonic_ns(), error);
}

static void name_peer(soup_link *link) {
    struct sockaddr_storage peer = {0};
    int length = sizeof peer;
    char host[64] = "?";
    if (uv_tcp_getpeername(&link->socket, (struct sockaddr *)&peer, &length) == 0)
        uv_ip_name((const struct sockaddr *)&peer, host, sizeof host);
    listen_address_format(host, listen_address_port(&peer), link->peer, sizeof link->peer);
}

static void turn_away(soup_link *link, const char *why) {
    name_peer(link);
    fprintf(stderr, "%s %s: turned away: %s\n", link->port->options.name, link->peer, why);
    link->port->stats.full++;
    uv_close((uv_handle_t *)&link->socket, on_link_closed);
}

static void link_start(soup_link *link) {
    soup_port *port = link->port;
    int bytes = KERNEL_BYTES;
    name_peer(link);
    link->index = port->stats.now;
    port->links[port->stats.now++] = link;
    uv_tcp_nodelay(&link->socket, 1);
    uv_send_buffer_size((uv_handle_t *)&link->socket, &bytes);
    uv_read_start((uv_stream_t *)&link->socket, on_room, on_read);
}

static void on_connection(uv_stream_t *listener, int status) {
    soup_port *port = listener->data;
    soup_link *link = status == 0 ? calloc(1, sizeof *link) : NULL;
    tw_error error = {0};
    if (link == NULL) { /* a client that is not accepted stops the listener: libuv keeps it for us */
        fprintf(stderr, "%s: a client can't be taken: %s\n", port->options.name,
                status != 0 ? uv_strerror(status) : "no memory; no more clients are heard");
        return;
    }
    link->port = port;
    uv_tcp_init(listener->loop, &link->socket);
    link->socket.data = link;
    port->open_handles++;
    port->stats.clients++;
    if (uv_accept(listener, (uv_stream_t *)&link->socket) != 0)
        turn_away(link, "it is gone already");
    else if (port->stats.now == port->options.max_clients)
        turn_away(link, "all places are taken");
    else if (link_serve(link, &error) != TW_OK)
        turn_away(link, error.text);
    else
        link_start(link);
}

/* ---- the port ---- */

/* A link that closes leaves its place to the last one: from the back each is seen once. */
static void look_at_all(soup_port *port) {
    int64_t now_ns = rt_clock_monotonic_ns();
    for (uint32_t i = port->stats.now; i-- > 0;)
        link_look(port->links[i], now_ns);
}

static void on_look(uv_timer_t *timer) {
    look_at_all(timer->data);
}

void soup_port_grown(soup_port *port) {
    int64_t now_ns = rt_clock_monotonic_ns();
    for (uint32_t i = port->stats.now; i-- > 0;)
        link_pump(port->links[i], now_ns);
}

static tw_code port_listen(soup_port *port, tw_error *error) {
    udp_address address = {0};
    struct sockaddr_storage bound;
    int length = sizeof bound;
    char text[LISTEN_ADDRESS_BYTES];
    tw_code code = udp_address_resolve(&port->options.where, &address, error);
    if (code != TW_OK) return code;
    int status = uv_tcp_bind(&port->listener, (const struct sockaddr *)&address.socket, 0);
    if (status == 0) status = uv_listen((uv_stream_t *)&port->listener, 128, on_connection);
    if (status == 0) status = uv_tcp_getsockname(&port->listener, (struct sockaddr *)&bound, &length);
    if (status == 0) {
        port->number = listen_address_port(&bound);
        return TW_OK;
    }
    listen_address_format(port->options.where.host, port->options.where.port, text, sizeof text);
    return tw_error_set(error, TW_IO, "hearing on %s: %s", text, uv_strerror(status));
}

tw_code soup_port_open(soup_port **out, uv_loop_t *loop, const soup_port_options *options,
                       const soup_port_service *service, tw_error *error) {
    *out = NULL;
    soup_port *port = calloc(1, sizeof *port);
    if (port != NULL) port->links = calloc(options->max_clients, sizeof(soup_link *));
    if (port == NULL || port->links == NULL) {
        free(port);
        return tw_error_set(error, TW_NO_MEMORY, "no memory for %u clients", options->max_clients);
    }
    port->options = *options;
    port->service = *service;
    uv_tcp_init(loop, &port->listener);
    uv_timer_init(loop, &port->look);
    port->listener.data = port->look.data = port;
    port->open_handles = 2;
    uv_timer_start(&port->look, on_look, LOOK_MS, LOOK_MS);
    tw_code code = port_listen(port, error);
    if (code != TW_OK) {
        soup_port_close(port);
        return code;
    }
    *out = port;
    return TW_OK;
}

void soup_port_close(soup_port *port) {
    if (port == NULL) return;
    while (port->stats.now > 0) {
        soup_link *link = port->links[port->stats.now - 1];
        link_close(link, link->leaving ? reason_of(link) : soup_server_reason_name(SOUP_SERVER_STOPPED));
    }
    uv_close((uv_handle_t *)&port->look, on_port_closed);
    uv_close((uv_handle_t *)&port->listener, on_port_closed);
}

uint16_t soup_port_number(const soup_port *port) {
    return port->number;
}

soup_port_stats soup_port_read_stats(const soup_port *port) {
    soup_port_stats stats = port->stats;
    for (uint32_t i = 0; i < port->stats.now; i++)
        stats.messages += soup_server_read_status(port->links[i]->server).messages;
    return stats;
}
