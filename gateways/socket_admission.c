/* Who is let in: as many connections as there may be, and as many of one address as it may have. Who is not let in is told
 * so, where that takes no TLS. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "gateways/socket_inside.h"

#define ANSWER_BYTES 512
#define THROWN_BYTES 4096

typedef struct door {
    address_key key;
} door;

static void refuse(gateway_socket *self, int fd, const char *status, const char *message) {
    char text[ANSWER_BYTES], body[ANSWER_BYTES / 2], thrown[THROWN_BYTES];
    self->stats.refused++;
    if (self->options.certificate[0] == '\0') {
        tw_text_format(body, sizeof body, "{\"error\":{\"code\":\"TOO_MANY\",\"message\":\"%s\"}}", message);
        tw_text_format(text, sizeof text,
                       "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\nRetry-After: 5\r\n"
                       "Connection: close\r\n\r\n%s",
                       status, strlen(body), body);
        send(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
        shutdown(fd, SHUT_WR);
        if (recv(fd, thrown, sizeof thrown, MSG_DONTWAIT) < 0)
            errno = 0; /* what is unread would reset the answer */
    }
    close(fd);
}

static address_key key_of(const struct sockaddr_storage *address) {
    uint8_t bytes[16] = {0};
    if (address->ss_family == AF_INET) {
        memcpy(bytes, &((const struct sockaddr_in *)address)->sin_addr, 4);
        return address_key_of_ipv4(bytes);
    }
    memcpy(bytes, &((const struct sockaddr_in6 *)address)->sin6_addr, sizeof bytes);
    return address_key_of_ipv6(bytes);
}

bool socket_admit(gateway_socket *self, int fd, const struct sockaddr_storage *address) {
    if (self->stats.connections >= self->options.max_connections) {
        rt_log_limited(self->log, &self->refused_site, RT_WARN, "more connections than --max-clients",
                       RT_U64("connections", self->stats.connections));
        refuse(self, fd, "503 Service Unavailable", "no room for another connection: come back later");
        return false;
    }
    if (self->addresses == NULL) return true;
    if (address_count_of(self->addresses, key_of(address)) < self->options.max_of_address) return true;
    self->stats.refused_address++;
    refuse(self, fd, "429 Too Many Requests", "too many connections of this address");
    return false;
}

void socket_count_address(gateway_socket *self, struct lws *wsi, const struct sockaddr_storage *address) {
    door *through = self->addresses == NULL ? NULL : malloc(sizeof *through);
    if (through == NULL) return; /* no memory: not counted */
    through->key = key_of(address);
    address_count_add(self->addresses, through->key);
    lws_set_opaque_user_data(wsi, through);
}

address_key socket_address_of(struct lws *wsi) {
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    if (getpeername(lws_get_socket_fd(wsi), (struct sockaddr *)&address, &length) != 0) return (address_key){0};
    return key_of(&address);
}

void socket_forget_address(gateway_socket *self, struct lws *wsi) {
    door *through = lws_get_opaque_user_data(wsi);
    if (through == NULL) return;
    address_count_remove(self->addresses, through->key);
    lws_set_opaque_user_data(wsi, NULL);
    free(through);
}

/* ---- without a file descriptor ---- */

void socket_keep_spare(gateway_socket *self) {
    if (self->spare < 0) self->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Whoever waits would wait for ever, and the listening socket would wake the loop for ever: with the one descriptor that
 * is kept for this, each is taken and told. */
bool socket_refuse_one(gateway_socket *self) {
    rt_log_limited(self->log, &self->accept_site, RT_WARN, "no file descriptor for another connection",
                   RT_U64("connections", self->stats.connections));
    socket_keep_spare(self);
    if (self->spare < 0) return false;
    close(self->spare);
    self->spare = -1;
    int fd = accept4(self->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    bool nobody_waits = fd < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    if (fd >= 0) refuse(self, fd, "503 Service Unavailable", "no room for another connection: come back later");
    socket_keep_spare(self);
    return fd >= 0 || nobody_waits;
}
