/*
 * Latency, open loop: packet arrival to subscriber callback, the ingest beside three programs that do less.
 *
 *   bench_latency [--json] [--quick] [--rounds N] [--rate N]... [--only NAME]... [--standby-cost ARGUMENTS]
 *
 * A sender keeps to a fixed schedule, one message of a simulated ITCH day a packet, whatever becomes of it. What the
 * ingest publishes for each packet is captured first; then at each rate, in interleaved rounds, run
 *
 *   threads   (a) publishes at the same moments the same subjects and payloads from memory, nats.c with its own threads;
 *                 no packet, no decoding. Its subscriber has nats.c's threads, too
 *   default       the same with nats.c's default options, for information
 *   loop      (b) the same in nats.c's event-loop mode
 *   relay     (c) receives packets that carry these payloads and publishes them, event-loop mode: the limit
 *   ingest    ours: tickwire-ingest with lines A and B, decoding, books, checksums, tiers off
 *   one-line  ours with line A alone
 *   unmerged  ours with lines A and B, and every message published on its own
 *   spin      ours with lines A and B and --busy-poll
 *   relay-spin    (c), asking instead of sleeping
 *   standby   ours beside a second ingest with ARGUMENTS more, only with --standby-cost
 *
 * all to the same NATS server and, but for (a), the same event-loop subscriber. A payload's latency is the time of the callback
 * minus its receive_ns: the kernel's stamp of the packet, or for (a) and (b) the moment explained in latency/schedule.h. Each
 * event's wait is in its figure whoever caused it, so nothing is hidden by coordination; nothing is corrected afterwards.
 * Figures are medians of rounds; ratios are medians over rounds of neighbours' ratios.
 */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/histogram.h"
#include "base/text.h"
#include "benchmarks/harness.h"
#include "benchmarks/latency/plan.h"
#include "benchmarks/latency/tape.h"

#define MAX_ROUNDS   15
#define MAX_RATES    8
#define TOGETHER     UINT64_C(50000) /* messages that only fill the books */
#define SESSION_DATE "2020-01-30"
#define SUBJECT      "XNAS.>"
#define HOPS         4

typedef enum kind { PUBLISHER, RELAY, INGEST } kind;

typedef struct variant {
    const char *name;
    kind kind;
    const char *mode; /* of the publisher */
    bool threads;     /* of the subscriber */
    bool two_lines, spin, standby;
    const char *burst; /* NULL: default */
} variant;

static const variant variants[] = {
    {"threads", PUBLISHER, "threads", true, false, false, false, NULL},
    {"default", PUBLISHER, "default", true, false, false, false, NULL},
    {"loop", PUBLISHER, "loop", false, false, false, false, NULL},
    {"relay", RELAY, NULL, false, false, false, false, NULL},
    {"ingest", INGEST, NULL, false, true, false, false, NULL},
    {"one-line", INGEST, NULL, false, false, false, false, NULL},
    {"unmerged", INGEST, NULL, false, true, false, false, "1"},
    {"spin", INGEST, NULL, false, true, true, false, NULL},
    {"relay-spin", RELAY, NULL, false, false, true, false, NULL},
    {"standby", INGEST, NULL, false, true, false, true, NULL},
};
#define VARIANTS (sizeof variants / sizeof *variants)

typedef struct figures {
    double p50, p99, p999, max; /* us, arrival to callback */
    double arrival_to_publish, publish_to_callback;
    double hops[HOPS]; /* us, medians of bursts inside the ingest */
    double received, late_p50, late_p99, cpu_us;
} figures;

typedef struct bench {
    harness harness;
    bool quick;
    uint32_t rates[MAX_RATES], rate_count, rounds;
    bool chosen[VARIANTS];
    const char *standby; /* extra arguments, separated by blanks; NULL: not asked for */
    plan plan;
    char lines[128], relay[128], records[128];
    figures results[MAX_RATES][VARIANTS][MAX_ROUNDS];
} bench;

static double seconds_at(const bench *self, uint32_t rate) {
    if (self->quick) return rate <= 1000 ? 2 : 1;
    return rate <= 1000 ? 4 : 2;
}

/* A fifth more than what is measured: the warm-up. */
static uint32_t count_at(const bench *self, uint32_t rate) {
    return (uint32_t)(rate * seconds_at(self, rate) * 1.2);
}

static uint32_t warm_up_of(uint32_t count) {
    return count / 6;
}

/* ---- the programs ---- */

static void start_listener(bench *self, child *listener, bool threads, const char *capture) {
    command listen;
    char line[CHILD_LINE_BYTES];
    command_init(&listen, &self->harness, "benchmarks/bare_listener");
    command_add_all(&listen, (const char *const[]){self->harness.server.url, SUBJECT, threads ? "threads" : "loop",
                                                   self->records, capture, NULL});
    harness_launch(&self->harness, listener, &listen, STDOUT_FILENO);
    harness_await(&self->harness, listener, "bare_listener", "ready", 10000, line);
}

static void end_child(bench *self, child *running, const char *name, double *cpu_s) {
    char line[CHILD_LINE_BYTES];
    kill(running->pid, SIGTERM);
    while (child_read(running, line, 20000) == CHILD_LINE)
        continue;
    child_usage usage = child_wait(running);
    if (usage.exit_code != 0) harness_fail(&self->harness, name, line);
    if (cpu_s != NULL) *cpu_s = usage.cpu_s;
}

/* Unicast, which costs the sender least of the cores that all share; beside a standby multicast, so that both hear it. */
typedef struct lines {
    char host[32];
    uint16_t port; /* of line A */
    char a[64], b[64];
} lines;

static lines fresh_lines(bool multicast) {
    lines self = {.host = "127.0.0.1", .port = nats_process_free_port()};
    if (multicast) tw_text_format(self.host, sizeof self.host, "239.255.%u.1", 1 + (unsigned)getpid() % 250);
    const char *interface = multicast ? "@127.0.0.1" : "";
    tw_text_format(self.a, sizeof self.a, "udp://%s:%u%s", self.host, self.port, interface);
    tw_text_format(self.b, sizeof self.b, "udp://%s:%u%s", self.host, nats_process_free_port(), interface);
    return self;
}

static uint16_t start_ingest(bench *self, child *ingest, const variant *what, const lines *at, const char *more) {
    command run;
    char line[CHILD_LINE_BYTES], extra[512] = "", *rest = extra, *word;
    command_init(&run, &self->harness, "ingest/tickwire-ingest");
    command_add_all(&run, (const char *const[]){"--source", at->a, "--session-date", SESSION_DATE, "--nats",
                                                self->harness.server.url, "--tier-100ms=false", "--tier-1s=false",
                                                "--metrics", "0", "--log-format", "json", NULL});
    if (what->two_lines) command_add(&run, "--source-b"), command_add(&run, at->b);
    if (what->burst != NULL) command_add(&run, "--burst"), command_add(&run, what->burst);
    if (what->spin) command_add(&run, "--busy-poll");
    if (more != NULL) tw_text_copy(extra, sizeof extra, more);
    while ((word = strsep(&rest, " ")) != NULL)
        if (*word != '\0') command_add(&run, word);
    harness_launch(&self->harness, ingest, &run, STDERR_FILENO);
    harness_await(&self->harness, ingest, "tickwire-ingest", "\"port\":", 20000, line);
    return (uint16_t)harness_number(line, "port");
}

static void start_relay(bench *self, child *relay, const lines *at, bool spin) {
    command run;
    char line[CHILD_LINE_BYTES], text[16];
    tw_text_format(text, sizeof text, "%u", at->port);
    command_init(&run, &self->harness, "benchmarks/bare_relay");
    command_add_all(&run,
                    (const char *const[]){self->harness.server.url, at->host, text, spin ? "--spin" : NULL, NULL});
    harness_launch(&self->harness, relay, &run, STDOUT_FILENO);
    harness_await(&self->harness, relay, "bare_relay", "ready", 10000, line);
}

/* Sends by UDP (ports) or publishes (mode) on the schedule, and waits for the end. Leaves the program's line of JSON. */
static void send_all(bench *self, const variant *what, uint32_t rate, uint32_t count, const lines *at,
                     char line[CHILD_LINE_BYTES]) {
    command run;
    child sender;
    char fast[16], warm_up[16], number[16], per_second[16];
    tw_text_format(fast, sizeof fast, "%u", self->plan.fast);
    tw_text_format(warm_up, sizeof warm_up, "%u", warm_up_of(count));
    tw_text_format(number, sizeof number, "%u", count);
    tw_text_format(per_second, sizeof per_second, "%u", rate);
    if (what->kind == PUBLISHER) {
        command_init(&run, &self->harness, "benchmarks/bare_paced_publisher");
        command_add_all(&run, (const char *const[]){self->harness.server.url, self->relay, fast, warm_up, number,
                                                    per_second, what->mode, NULL});
    } else {
        command_init(&run, &self->harness, "benchmarks/bare_sender");
        command_add_all(&run,
                        (const char *const[]){what->kind == RELAY ? self->relay : self->lines, fast, warm_up,
                                              number, per_second, at->a, what->two_lines ? at->b : NULL, NULL});
    }
    harness_launch(&self->harness, &sender, &run, STDOUT_FILENO);
    harness_await(&self->harness, &sender, run.program, "end_ns", 600000, line);
    if (child_wait(&sender).exit_code != 0) harness_fail(&self->harness, run.program, "failed");
}

/* ---- figures of a run ---- */

static void read_hops(bench *self, uint16_t port, uint64_t sent, figures *out) {
    static const char *const names[HOPS] = {"hop=\"receive\"", "hop=\"apply\"", "hop=\"encode\"", "hop=\"write\""};
    char *page = harness_metrics(&self->harness, port);
    for (int i = 0; i < HOPS; i++) {
        char label[64];
        tw_text_format(label, sizeof label, "%s,quantile=\"0.5\"", names[i]);
        out->hops[i] = harness_metric(page, "hop_seconds", label) * 1e6;
    }
    double lost = harness_metric(page, "lost_total", NULL), applied = harness_metric(page, "messages_total", NULL);
    free(page);
    if (lost != 0 || applied != (double)sent) {
        char why[128];
        tw_text_format(why, sizeof why, "%.0f of %.0f messages applied, %.0f lost", applied, (double)sent, lost);
        harness_fail(&self->harness, "tickwire-ingest", why);
    }
}

/* Those payloads whose packet came after the warm-up was over. */
static void read_records(bench *self, double start_ns, figures *out) {
    static tw_histogram whole, before, after;
    tape_record record;
    FILE *file = fopen(self->records, "rb");
    if (file == NULL) harness_fail(&self->harness, self->records, "can't be read");
    tw_histogram_reset(&whole), tw_histogram_reset(&before), tw_histogram_reset(&after);
    while (fread(&record, sizeof record, 1, file) == 1) {
        if ((double)record.receive_ns < start_ns) continue;
        tw_histogram_record(&whole, record.heard_ns - record.receive_ns);
        tw_histogram_record(&before, record.publish_ns - record.receive_ns);
        tw_histogram_record(&after, record.heard_ns - record.publish_ns);
    }
    fclose(file);
    if (whole.count == 0) harness_fail(&self->harness, "bare_listener", "nothing was heard");
    out->received = (double)whole.count;
    out->p50 = (double)tw_histogram_quantile(&whole, 500) / 1e3;
    out->p99 = (double)tw_histogram_quantile(&whole, 990) / 1e3;
    out->p999 = (double)tw_histogram_quantile(&whole, 999) / 1e3;
    out->max = (double)whole.maximum / 1e3;
    out->arrival_to_publish = (double)tw_histogram_quantile(&before, 500) / 1e3;
    out->publish_to_callback = (double)tw_histogram_quantile(&after, 500) / 1e3;
}

static figures run_variant(bench *self, const variant *what, uint32_t rate, uint32_t count, const char *capture) {
    child listener, middle = {0}, second = {0};
    char line[CHILD_LINE_BYTES];
    figures out = {0};
    uint16_t metrics = 0;
    lines at = fresh_lines(self->standby != NULL);
    start_listener(self, &listener, what->threads, capture);
    if (what->kind == RELAY) start_relay(self, &middle, &at, what->spin);
    if (what->kind == INGEST) metrics = start_ingest(self, &middle, what, &at, NULL);
    if (what->standby) start_ingest(self, &second, what, &at, self->standby);
    send_all(self, what, rate, count, &at, line);
    usleep(200000); /* what is under way arrives; an empty path needs a thousandth of it */
    if (what->kind == INGEST) read_hops(self, metrics, self->plan.together + count, &out);
    end_child(self, &listener, "bare_listener", NULL);
    if (what->kind != PUBLISHER) end_child(self, &middle, what->name, &out.cpu_us);
    if (what->standby) end_child(self, &second, "standby", NULL);
    out.cpu_us = out.cpu_us * 1e6 / count;
    out.late_p50 = harness_number(line, "late_p50_us");
    out.late_p99 = harness_number(line, "late_p99_us");
    read_records(self, harness_number(line, "start_ns"), &out);
    return out;
}

/* ---- preparing ---- */

static void prepare(bench *self) {
    static const variant source = {"capture", INGEST, NULL, false, false, false, false, "1"};
    char recording[128], capture[128], messages[32];
    uint32_t most = 0;
    for (uint32_t i = 0; i < self->rate_count; i++)
        most = count_at(self, self->rates[i]) > most ? count_at(self, self->rates[i]) : most;
    tw_text_format(recording, sizeof recording, "%s/day.itch", self->harness.folder);
    tw_text_format(capture, sizeof capture, "%s/capture", self->harness.folder);
    tw_text_format(self->lines, sizeof self->lines, "%s/lines.tape", self->harness.folder);
    tw_text_format(self->relay, sizeof self->relay, "%s/relay.tape", self->harness.folder);
    tw_text_format(self->records, sizeof self->records, "%s/records", self->harness.folder);
    /* twice as long a day as is played, so that its closing is not reached */
    tw_text_format(messages, sizeof messages, "%llu", 2 * (unsigned long long)(TOGETHER + most));
    harness_simulate(&self->harness, recording, "1000", messages);
    if (!plan_write_lines(&self->plan, recording, self->lines, TOGETHER, TOGETHER + most))
        harness_fail(&self->harness, recording, "can't be made into packets");
    figures seen = run_variant(self, &source, 10000, most, capture);
    if (!plan_write_relay(&self->plan, capture, self->relay))
        harness_fail(&self->harness, capture, "can't be made into the relay's packets");
    json_string(&self->harness.writer, "benchmark", "latency");
    json_f64(&self->harness.writer, "payloads_per_message", seen.received / (most - warm_up_of(most)));
    harness_say(&self->harness, "%.2f payloads a message on the bus; %u rounds\n",
                seen.received / (most - warm_up_of(most)), self->rounds);
}

/* ---- reporting ---- */

static double over_rounds(const bench *self, uint32_t rate, size_t what, size_t offset) {
    double values[MAX_ROUNDS];
    for (uint32_t i = 0; i < self->rounds; i++)
        memcpy(&values[i], (const char *)&self->results[rate][what][i] + offset, sizeof values[i]);
    return harness_median(values, self->rounds);
}

#define MEDIAN(field) over_rounds(self, rate, what, offsetof(figures, field))

static size_t variant_named(const char *name) {
    size_t i = 0;
    while (i < VARIANTS && strcmp(variants[i].name, name) != 0)
        i++;
    return i;
}

/* The median over the rounds of one round's ratio of `what` to `beside`, at the quantile at `offset`. */
static double ratio(const bench *self, uint32_t rate, size_t what, size_t beside, size_t offset) {
    double values[MAX_ROUNDS];
    for (uint32_t i = 0; i < self->rounds; i++) {
        double ours, theirs;
        memcpy(&ours, (const char *)&self->results[rate][what][i] + offset, sizeof ours);
        memcpy(&theirs, (const char *)&self->results[rate][beside][i] + offset, sizeof theirs);
        values[i] = ours / theirs;
    }
    return harness_median(values, self->rounds);
}

static void report_ratio(bench *self, uint32_t rate, const char *name, const char *what, const char *beside) {
    size_t ours = variant_named(what), theirs = variant_named(beside);
    if (!self->chosen[ours] || !self->chosen[theirs]) return;
    double p50 = ratio(self, rate, ours, theirs, offsetof(figures, p50));
    double p99 = ratio(self, rate, ours, theirs, offsetof(figures, p99));
    double p999 = ratio(self, rate, ours, theirs, offsetof(figures, p999));
    json_open_object(&self->harness.writer, NULL);
    json_string(&self->harness.writer, "name", name);
    json_string(&self->harness.writer, "what", what);
    json_string(&self->harness.writer, "beside", beside);
    json_f64(&self->harness.writer, "p50", p50);
    json_f64(&self->harness.writer, "p99", p99);
    json_f64(&self->harness.writer, "p999", p999);
    json_close_object(&self->harness.writer);
    harness_say(&self->harness, "  %-44s p50 %5.2f   p99 %5.2f   p99.9 %5.2f\n", name, p50, p99, p999);
}

/* From the end of the write to the callback: the server and the subscriber. */
static double bus_hop(const bench *self, uint32_t rate, size_t what) {
    return MEDIAN(publish_to_callback) - MEDIAN(hops[2]) - MEDIAN(hops[3]);
}

static void report_variant(bench *self, uint32_t rate, size_t what) {
    static const char *const hop_names[HOPS] = {"receive", "apply", "encode", "write"};
    json_writer *writer = &self->harness.writer;
    json_open_object(writer, NULL);
    json_string(writer, "variant", variants[what].name);
    json_f64(writer, "p50_us", MEDIAN(p50));
    json_f64(writer, "p99_us", MEDIAN(p99));
    json_f64(writer, "p999_us", MEDIAN(p999));
    json_f64(writer, "max_us", MEDIAN(max));
    json_f64(writer, "received", MEDIAN(received));
    json_f64(writer, "arrival_to_publish_us", MEDIAN(arrival_to_publish));
    json_f64(writer, "publish_to_callback_us", MEDIAN(publish_to_callback));
    if (variants[what].kind == INGEST) json_f64(writer, "hop_bus_us", bus_hop(self, rate, what));
    json_f64(writer, "sender_late_p50_us", MEDIAN(late_p50));
    json_f64(writer, "sender_late_p99_us", MEDIAN(late_p99));
    json_f64(writer, "cpu_us_per_message", MEDIAN(cpu_us));
    for (int i = 0; variants[what].kind == INGEST && i < HOPS; i++) {
        char name[32];
        tw_text_format(name, sizeof name, "hop_%s_us", hop_names[i]);
        json_f64(writer, name, over_rounds(self, rate, what, offsetof(figures, hops) + (size_t)i * sizeof(double)));
    }
    json_open_array(writer, "rounds_p50_us");
    for (uint32_t i = 0; i < self->rounds; i++)
        json_f64(writer, NULL, self->results[rate][what][i].p50);
    json_close_array(writer);
    json_close_object(writer);
    harness_say(&self->harness, "  %-11s %8.1f %8.1f %8.1f %10.0f %9.1f %9.1f %8.1f %8.1f\n", variants[what].name,
                MEDIAN(p50), MEDIAN(p99), MEDIAN(p999), MEDIAN(received), MEDIAN(arrival_to_publish),
                MEDIAN(publish_to_callback), MEDIAN(cpu_us), MEDIAN(late_p50));
}

static void report_hops(bench *self, uint32_t rate) {
    size_t what = variant_named("ingest");
    if (!self->chosen[what]) return;
    harness_say(
        &self->harness,
        "  hops of ingest, medians: kernel to user %.1f, decode and book %.1f, compare and encode %.1f, write "
        "to the bus %.1f, from there to the subscriber %.1f us\n",
        MEDIAN(hops[0]), MEDIAN(hops[1]), MEDIAN(hops[2]), MEDIAN(hops[3]), bus_hop(self, rate, what));
}

static void report_rate(bench *self, uint32_t rate) {
    json_open_object(&self->harness.writer, NULL);
    json_u64(&self->harness.writer, "rate", self->rates[rate]);
    harness_say(&self->harness, "%u messages a second, us\n", self->rates[rate]);
    harness_say(&self->harness, "  %-11s %8s %8s %8s %10s %9s %9s %8s %8s\n", "", "p50", "p99", "p99.9", "payloads",
                "to pub.", "from pub.", "CPU/msg", "late");
    json_open_array(&self->harness.writer, "variants");
    for (size_t i = 0; i < VARIANTS; i++)
        if (self->chosen[i]) report_variant(self, rate, i);
    json_close_array(&self->harness.writer);
    json_open_array(&self->harness.writer, "ratios");
    report_ratio(self, rate, "ours to (c) the relay (target 1.25)", "ingest", "relay");
    report_ratio(self, rate, "ours to (a) nats.c's threads (target below 1)", "ingest", "threads");
    report_ratio(self, rate, "ours to (b) event-loop mode", "ingest", "loop");
    report_ratio(self, rate, "nothing merged to (c)", "unmerged", "relay");
    report_ratio(self, rate, "lines A and B to one line", "ingest", "one-line");
    report_ratio(self, rate, "busy polling to sleeping", "spin", "ingest");
    report_ratio(self, rate, "busy polling to (c) busy polling", "spin", "relay-spin");
    report_ratio(self, rate, "beside a standby to alone", "standby", "ingest");
    json_close_array(&self->harness.writer);
    json_close_object(&self->harness.writer);
    report_hops(self, rate);
}

/* ---- */

static void usage(void) {
    fprintf(stderr, "usage: bench_latency [--json] [--quick] [--rounds N] [--rate N]... [--only NAME]... "
                    "[--standby-cost ARGUMENTS]\nnames:");
    for (size_t i = 0; i < VARIANTS; i++)
        fprintf(stderr, " %s", variants[i].name);
    fputs("\n", stderr);
    exit(2);
}

static uint32_t number_up_to(const char *text, uint64_t most) {
    uint64_t value = 0;
    if (!tw_text_to_u64(text, &value) || value == 0 || value > most) usage();
    return (uint32_t)value;
}

static void read_arguments(bench *self, int argc, char **argv) {
    bool some = false;
    for (int i = 1; i < argc; i++) {
        bool value = i + 1 < argc;
        if (strcmp(argv[i], "--json") == 0) {
            self->harness.json = true;
        } else if (strcmp(argv[i], "--quick") == 0) {
            self->quick = true;
        } else if (value && strcmp(argv[i], "--rounds") == 0) {
            self->rounds = number_up_to(argv[++i], MAX_ROUNDS);
        } else if (value && strcmp(argv[i], "--rate") == 0 && self->rate_count < MAX_RATES) {
            self->rates[self->rate_count++] = number_up_to(argv[++i], 100000);
        } else if (value && strcmp(argv[i], "--only") == 0 && variant_named(argv[i + 1]) < VARIANTS) {
            self->chosen[variant_named(argv[++i])] = some = true;
        } else if (value && strcmp(argv[i], "--standby-cost") == 0) {
            self->standby = argv[++i];
        } else {
            usage();
        }
    }
    for (size_t i = 0; i < VARIANTS && !some; i++)
        self->chosen[i] = !variants[i].standby;
    if (self->standby != NULL) self->chosen[variant_named("standby")] = true;
    if (self->chosen[variant_named("standby")] && self->standby == NULL) usage();
}

int main(int argc, char **argv) {
    static bench self;
    read_arguments(&self, argc, argv);
    if (self.rounds == 0) self.rounds = self.quick ? 1 : 5;
    if (self.rate_count == 0) {
        self.rates[0] = 1000, self.rates[1] = 10000, self.rates[2] = 50000;
        self.rate_count = 3;
    }
    harness_open(&self.harness, "bench_latency");
    prepare(&self);
    for (uint32_t round = 0; round < self.rounds; round++)
        for (uint32_t rate = 0; rate < self.rate_count; rate++)
            for (size_t i = 0; i < VARIANTS; i++)
                if (self.chosen[i])
                    self.results[rate][i][round] =
                        run_variant(&self, &variants[i], self.rates[rate], count_at(&self, self.rates[rate]), NULL);
    json_open_array(&self.harness.writer, "rates");
    for (uint32_t rate = 0; rate < self.rate_count; rate++)
        report_rate(&self, rate);
    json_close_array(&self.harness.writer);
    harness_close(&self.harness);
    return 0;
}
