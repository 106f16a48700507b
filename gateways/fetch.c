/* HTTP beside the loop. The worker thread has a job of its own; the loop only tells it to stop. */
#include "gateways/fetch.h"

#include <curl/curl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

#define NS_PER_MS        INT64_C(1000000)
#define MOST_REDIRECTION 3L
#define WAIT_MS          1000 /* the thread is woken when there is something to do */

struct fetcher {
    uv_loop_t *loop;
    fetch_options options;
    bool busy, closing;
    uv_work_t work;
    uv_async_t keeper; /* so that closing has something to wait for */

    /* The job: the thread's while `busy`. */
    CURLM *multi;
    char *url;
    atomic_bool stop;
    uint8_t *bytes;
    size_t length, capacity;
    char fault[CURL_ERROR_SIZE + 128];
    char curl_fault[CURL_ERROR_SIZE];
};

/* ---- on the worker thread ---- */

static size_t on_bytes(char *bytes, size_t size, size_t count, void *context) {
    fetcher *self = context;
    size_t length = size * count;
    if (length > self->options.most_bytes - self->length) {
        tw_text_format(self->fault, sizeof self->fault, "more than %zu bytes", self->options.most_bytes);
        return 0;
    }
    if (self->length + length > self->capacity) {
        size_t capacity = 2 * (self->length + length);
        uint8_t *grown = realloc(self->bytes, capacity);
        if (grown == NULL) return 0;
        self->bytes = grown;
        self->capacity = capacity;
    }
    memcpy(self->bytes + self->length, bytes, length);
    self->length += length;
    return length;
}

static bool prepare(fetcher *self, CURL *easy, struct curl_slist *headers) {
    const char *scheme = strncasecmp(self->url, "https:", 6) == 0 ? "https" : "http";
    long timeout_ms = (long)(self->options.timeout_ns / NS_PER_MS);
    bool good = curl_easy_setopt(easy, CURLOPT_URL, self->url) == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, scheme) == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, scheme) == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L) == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_MAXREDIRS, MOST_REDIRECTION) == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms) == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_USERAGENT, "tickwire-gateway") == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, self->curl_fault) == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_bytes) == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_WRITEDATA, self) == CURLE_OK;
    if (good && self->options.authorities[0] != '\0')
        good = curl_easy_setopt(easy, CURLOPT_CAINFO, self->options.authorities) == CURLE_OK;
    return good;
}

/* Until it is over, or the loop says stop. */
static CURLcode drive(fetcher *self) {
    int running = 1;
    while (running > 0 && !atomic_load(&self->stop)) {
        if (curl_multi_perform(self->multi, &running) != CURLM_OK) return CURLE_OUT_OF_MEMORY;
        if (running > 0) curl_multi_poll(self->multi, NULL, 0, WAIT_MS, NULL);
    }
    int left;
    const CURLMsg *message = curl_multi_info_read(self->multi, &left);
    return message == NULL ? CURLE_ABORTED_BY_CALLBACK : message->data.result;
}

static void judge(fetcher *self, CURL *easy, CURLcode code) {
    long status = 0;
    if (self->fault[0] != '\0') return;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK)
        tw_text_copy(self->fault, sizeof self->fault,
                     self->curl_fault[0] != '\0' ? self->curl_fault : curl_easy_strerror(code));
    else if (status != 200)
        tw_text_format(self->fault, sizeof self->fault, "the server answered %ld", status);
}

static void work(uv_work_t *request) {
    fetcher *self = request->data;
    CURL *easy = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, "Accept: application/json");
    bool added = easy != NULL && headers != NULL && prepare(self, easy, headers) &&
                 curl_multi_add_handle(self->multi, easy) == CURLM_OK;
    if (added) {
        judge(self, easy, drive(self));
        curl_multi_remove_handle(self->multi, easy);
    } else {
        tw_text_copy(self->fault, sizeof self->fault, "libcurl can't make this request");
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(easy);
}

/* ---- on the loop ---- */

static void drop_job(fetcher *self) {
    free(self->bytes);
    free(self->url);
    self->bytes = NULL;
    self->url = NULL;
    self->length = self->capacity = 0;
}

static void on_closed(uv_handle_t *handle) {
    fetcher *self = handle->data;
    drop_job(self);
    curl_multi_cleanup(self->multi);
    curl_global_cleanup();
    free(self);
}

static void on_worked(uv_work_t *request, int status) {
    fetcher *self = request->data;
    (void)status;
    self->busy = false;
    if (self->closing) {
        uv_close((uv_handle_t *)&self->keeper, on_closed);
        return;
    }
    uint8_t *bytes = self->bytes;
    size_t length = self->length;
    char fault[sizeof self->fault];
    tw_text_copy(fault, sizeof fault, self->fault);
    self->bytes = NULL;
    drop_job(self);
    bool good = fault[0] == '\0';
    self->options.on_done(self->options.context, good ? (bytes == NULL ? (const uint8_t *)"" : bytes) : NULL,
                          good ? length : 0, fault);
    free(bytes);
}

bool fetcher_get(fetcher *self, const char *url) {
    if (self->busy || self->closing) return false;
    self->url = strdup(url);
    if (self->url == NULL) return false;
    self->fault[0] = self->curl_fault[0] = '\0';
    atomic_store(&self->stop, false);
    self->work.data = self;
    self->busy = uv_queue_work(self->loop, &self->work, work, on_worked) == 0;
    if (!self->busy) drop_job(self);
    return self->busy;
}

bool fetcher_is_busy(const fetcher *self) {
    return self->busy;
}

tw_code fetcher_open(fetcher **made, uv_loop_t *loop, const fetch_options *options, tw_error *error) {
    *made = NULL;
    fetcher *self = calloc(1, sizeof *self);
    if (self == NULL) return tw_error_set(error, TW_NO_MEMORY, "no memory to fetch");
    self->loop = loop;
    self->options = *options;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) self->multi = curl_multi_init();
    if (self->multi == NULL || uv_async_init(loop, &self->keeper, NULL) != 0) {
        curl_multi_cleanup(self->multi);
        free(self);
        return tw_error_set(error, TW_IO, "libcurl does not start");
    }
    self->keeper.data = self;
    uv_unref((uv_handle_t *)&self->keeper);
    *made = self;
    return TW_OK;
}

void fetcher_close(fetcher *self) {
    if (self == NULL) return;
    self->closing = true;
    if (!self->busy) {
        uv_close((uv_handle_t *)&self->keeper, on_closed);
        return;
    }
    atomic_store(&self->stop, true);
    curl_multi_wakeup(self->multi);
}
