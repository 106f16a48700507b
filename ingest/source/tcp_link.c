/* A TCP client connection with libuv. Which bytes it carries is nobody's business here. */
#include "ingest/source/tcp_link.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/text.h"

#define HOST_BYTES    256u
#define REASON_BYTES  192u
#define ADDRESS_BYTES 80u

typedef enum link_state { IDLE, RESOLVING, CONNECTING, OPEN } link_state;

struct tcp_link {
    tcp_link_listener listener;
    uv_loop_t *loop;
    char host[HOST_BYTES];
    uint16_t port;

    link_state state;
    bool leaving;  /* hung up, or ended by the other side: what is under way is only waited for */
    bool unwanted; /* by its owner: to be freed when IDLE */
    char reason[REASON_BYTES];

    uv_getaddrinfo_t resolve;
    struct addrinfo *addresses; /* of the host; NULL outside of RESOLVING and CONNECTING */
    struct addrinfo *next;      /* to be tried */
    uv_tcp_t tcp;
    uv_connect_t connect;

    size_t read_bytes;
    uint8_t buffer[];
};

/* One piece that the kernel had no room for. */
typedef struct late_write {
    uv_write_t request;
    uint8_t bytes[];
} late_write;

tw_code tcp_link_alloc(tcp_link **out, uv_loop_t *loop, const char *host, uint16_t port, size_t read_bytes,
                       const tcp_link_listener *listener, tw_error *error) {
    *out = NULL;
    tcp_link *link = calloc(1, sizeof *link + read_bytes);
    if (link == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory for a connection");
    if (!tw_text_copy(link->host, sizeof link->host, host)) {
        free(link);
        return tw_error_set(error, TW_INVALID, "the host name \"%.60s...\" is longer than any", host);
    }
    link->listener = *listener;
    link->loop = loop;
    link->port = port;
    link->read_bytes = read_bytes;
    *out = link;
    return TW_OK;
}

/* ---- the end of a connection ---- */

static void finish(tcp_link *link) {
    uv_freeaddrinfo(link->addresses);
    link->addresses = link->next = NULL;
    link->state = IDLE;
    if (link->unwanted) {
        free(link);
    } else {
        link->listener.on_closed(link->listener.context, link->reason);
    }
}

static void try_next(tcp_link *link);

static void on_handle_closed(uv_handle_t *handle) {
    tcp_link *link = handle->data;
    if (link->state == CONNECTING && !link->leaving) {
        try_next(link);
    } else {
        finish(link);
    }
}

/* For ever, or to try the next address: `leaving` tells. */
static void close_handle(tcp_link *link) {
    if (!uv_is_closing((uv_handle_t *)&link->tcp)) uv_close((uv_handle_t *)&link->tcp, on_handle_closed);
}

static void leave(tcp_link *link, const char *reason) {
    if (link->leaving || link->state == IDLE) return;
    link->leaving = true;
    tw_text_copy(link->reason, sizeof link->reason, reason);
    if (link->state == RESOLVING) {
        uv_cancel((uv_req_t *)&link->resolve); /* on_resolved comes in any case */
    } else {
        close_handle(link);
    }
}

void tcp_link_hang_up(tcp_link *link) {
    leave(link, "closed by this end");
}

void tcp_link_free(tcp_link *link) {
    if (link == NULL) return;
    if (link->state == IDLE) {
        free(link);
        return;
    }
    link->unwanted = true;
    leave(link, "");
}

/* ---- reading ---- */

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
    (void)suggested;
    tcp_link *link = handle->data;
    *buffer = uv_buf_init((char *)link->buffer, (unsigned)link->read_bytes);
}

/* A piece that does not fill the buffer is the last of its burst; if the last one filled it, an empty one follows. */
static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer) {
    (void)buffer;
    tcp_link *link = stream->data;
    if (link->leaving) return;
    if (count < 0) {
        leave(link, count == UV_EOF ? "the server closed the connection" : uv_strerror((int)count));
        return;
    }
    if (count > 0) link->listener.on_bytes(link->listener.context, link->buffer, (size_t)count);
    if ((size_t)count < link->read_bytes && !link->unwanted) link->listener.on_burst_end(link->listener.context);
}

/* ---- connecting ---- */

static void describe(const struct sockaddr *address, char *text, size_t capacity) {
    char numbers[ADDRESS_BYTES] = "?";
    uint16_t port;
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;
        uv_ip6_name(v6, numbers, sizeof numbers);
        port = ntohs(v6->sin6_port);
    } else {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
        uv_ip4_name(v4, numbers, sizeof numbers);
        port = ntohs(v4->sin_port);
    }
    tw_text_format(text, capacity, address->sa_family == AF_INET6 ? "[%s]:%u" : "%s:%u", numbers, (unsigned)port);
}

static void not_connected(tcp_link *link, int status) {
    tw_text_format(link->reason, sizeof link->reason, "connecting to %.120s:%u: %s", link->host,
                   (unsigned)link->port, uv_strerror(status));
    close_handle(link);
}

static void on_connected(uv_connect_t *request, int status) {
    tcp_link *link = request->data;
    if (link->leaving) return; /* its handle is being closed */
    if (status == 0) status = uv_read_start((uv_stream_t *)&link->tcp, on_room, on_read);
    if (status < 0) {
        not_connected(link, status);
        return;
    }
    struct sockaddr_storage peer;
    int length = sizeof peer;
    char address[ADDRESS_BYTES] = "?";
    if (uv_tcp_getpeername(&link->tcp, (struct sockaddr *)&peer, &length) == 0)
        describe((struct sockaddr *)&peer, address, sizeof address);
    link->state = OPEN;
    uv_tcp_nodelay(&link->tcp, 1);
    link->listener.on_connected(link->listener.context, address);
}

static void try_next(tcp_link *link) {
    link->state = CONNECTING;
    if (link->next == NULL) {
        finish(link); /* the reason is the last address's */
        return;
    }
    const struct sockaddr *address = link->next->ai_addr;
    link->next = link->next->ai_next;
    uv_tcp_init(link->loop, &link->tcp);
    link->tcp.data = link;
    link->connect.data = link;
    int status = uv_tcp_connect(&link->connect, &link->tcp, address, on_connected);
    if (status < 0) not_connected(link, status);
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *addresses) {
    tcp_link *link = request->data;
    link->addresses = link->next = addresses;
    if (status < 0 && !link->leaving)
        tw_text_format(link->reason, sizeof link->reason, "resolving %.120s: %s", link->host, uv_strerror(status));
    if (status < 0 || link->leaving) {
        finish(link);
    } else {
        try_next(link);
    }
}

void tcp_link_connect(tcp_link *link) {
    TW_ASSERT(link->state == IDLE);
    char port[8];
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    tw_text_format(port, sizeof port, "%u", (unsigned)link->port);
    link->leaving = false;
    link->state = RESOLVING;
    link->resolve.data = link;
    int status = uv_getaddrinfo(link->loop, &link->resolve, on_resolved, link->host, port, &hints);
    if (status < 0) on_resolved(&link->resolve, status, NULL);
}

/* ---- sending ---- */

static void on_late_write(uv_write_t *request, int status) {
    (void)status; /* a connection that fails is told by reading */
    free(request->data);
}

void tcp_link_send(tcp_link *link, const uint8_t *bytes, size_t length) {
    if (link->state != OPEN || link->leaving) return;
    uv_buf_t buffer = uv_buf_init((char *)bytes, (unsigned)length);
    int written = uv_try_write((uv_stream_t *)&link->tcp, &buffer, 1);
    if (written < 0 && written != UV_EAGAIN) return; /* likewise */
    size_t done = written < 0 ? 0 : (size_t)written;
    if (done == length) return;
    late_write *late = malloc(sizeof *late + length - done);
    if (late == NULL) {
        leave(link, "no memory for what is to be sent");
        return;
    }
    memcpy(late->bytes, bytes + done, length - done);
    late->request.data = late;
    buffer = uv_buf_init((char *)late->bytes, (unsigned)(length - done));
    if (uv_write(&late->request, (uv_stream_t *)&link->tcp, &buffer, 1, on_late_write) < 0) free(late);
}
