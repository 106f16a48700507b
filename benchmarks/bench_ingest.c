/*
 * The whole ingest to a real NATS server, beside a bare nats.c program.
 *
 *   bench_ingest [--json] [--quick] [--part unmerged|merged|udp]
 *
 * unmerged  every ITCH message's change is published on its own (--burst 1, no tiers). First one run is captured; then
 *           the ingest and a plain nats.c program that publishes exactly these subjects and payloads from memory take
 *           turns at the same server and the same kind of subscriber. The figure is messages a second as the
 *           subscriber sees them, over the last three quarters of a round (connections, memory and socket buffers
 *           are warm then); the median of the rounds.
 * merged    a day of 8,000 symbols at full speed with bursts merged: ITCH messages a second by the wall and by the
 *           ingest's own CPU time, what was published, what was lost, resident memory over the run.
 * udp       a paced simulated exchange sends MoldUDP64 multicast on loopback; the highest rate at which nothing is
 *           lost. The sender keeps to its schedule whatever the receiver does, and latency counts from the kernel's
 *           stamp of the packet: time spent waiting in the socket's buffer is inside, so nothing is left out by
 *           coordination between sender and receiver.
 *
 * Server, publisher and subscriber share this machine's cores; each one's CPU time is given. Everything started here
 * listens on loopback only and ends with this program.
 */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "benchmarks/harness.h"
#include "benchmarks/ingest/span.h"

#define MAX_ROUNDS   9
#define MAX_SAMPLES  4096
#define WARM_UP      0.25 /* of the messages of a round, before the clock starts */
#define SESSION_DATE "2020-01-30"

typedef struct bench {
    harness harness;
    bool quick;
    const char *part; /* NULL: all */
} bench;

static bool wants(const bench *self, const char *part) {
    return self->part == NULL || strcmp(self->part, part) == 0;
}

/* ---- the subscriber ---- */

typedef struct heard {
    double messages, bytes, dropped, span_s, cpu_s;
    double p50_us, p99_us, p999_us, max_us;
} heard;

static void subscribe(bench *self, child *subscriber, double count, const char *capture, bool latency) {
    command listen;
    char count_text[32], warm_up[32];
    tw_text_format(count_text, sizeof count_text, "%.0f", count);
    tw_text_format(warm_up, sizeof warm_up, "%.0f", floor(count * WARM_UP));
    char line[CHILD_LINE_BYTES];
    command_init(&listen, &self->harness, "benchmarks/bare_subscriber");
    command_add(&listen, self->harness.server.url);
    command_add(&listen, "XNAS.>");
    if (count > 0) {
        command_add(&listen, "--count"), command_add(&listen, count_text);
        command_add(&listen, "--warm-up"), command_add(&listen, warm_up);
    }
    if (capture != NULL) command_add(&listen, "--capture"), command_add(&listen, capture);
    if (latency) command_add(&listen, "--latency");
    harness_launch(&self->harness, subscriber, &listen, STDOUT_FILENO);
    harness_await(&self->harness, subscriber, "bare_subscriber", "ready", 10000, line);
}

static heard hear_out(bench *self, child *subscriber) {
    char line[CHILD_LINE_BYTES];
    harness_await(&self->harness, subscriber, "bare_subscriber", "\"messages\"", 600000, line);
    child_usage usage = child_wait(subscriber);
    return (heard){.messages = harness_number(line, "messages"),
                   .bytes = harness_number(line, "bytes"),
                   .dropped = harness_number(line, "dropped"),
                   .span_s = harness_number(line, "span_s"),
                   .cpu_s = usage.cpu_s,
                   .p50_us = harness_number(line, "p50"),
                   .p99_us = harness_number(line, "p99"),
                   .p999_us = harness_number(line, "p999"),
                   .max_us = harness_number(line, "max")};
}

/* ---- the ingest ---- */

typedef struct ingest_run {
    double span_s; /* session start to the feed's end, by the ingest's own log lines as they arrive */
    double cpu_s;
    double messages, lost, malformed, merged, held_back, published, kernel_drops;
    uint64_t resident_kib[MAX_SAMPLES];
    size_t samples;
} ingest_run;

static void read_counters(bench *self, ingest_run *run, uint16_t port) {
    char *page = harness_metrics(&self->harness, port);
    run->messages = harness_metric(page, "messages_total", NULL);
    run->lost = harness_metric(page, "lost_total", NULL);
    run->malformed = harness_metric(page, "messages_malformed_total", NULL) +
                     harness_metric(page, "orders_inconsistent_total", NULL) +
                     harness_metric(page, "messages_passed_over_total", NULL) +
                     harness_metric(page, "books_given_up_total", NULL);
    run->merged = harness_metric(page, "updates_merged_total", NULL);
    run->held_back = harness_metric(page, "updates_held_back_total", NULL);
    run->published = harness_metric(page, "updates_total", NULL);
    run->kernel_drops = harness_metric(page, "kernel_drops_total", NULL);
    free(page);
}

typedef struct ingest_options {
    char source[160];
    const char *burst;
    bool tiers;
} ingest_options;

static uint16_t start_ingest(bench *self, child *ingest, const ingest_options *options) {
    command run;
    char line[CHILD_LINE_BYTES];
    command_init(&run, &self->harness, "ingest/tickwire-ingest");
    command_add_all(&run,
                    (const char *const[]){"--source", options->source, "--session-date", SESSION_DATE, "--nats",
                                          self->harness.server.url, "--burst", options->burst, "--metrics", "0",
                                          "--log-format", "json", "--start-after", "300ms", NULL});
    if (!options->tiers) command_add(&run, "--tier-100ms=false"), command_add(&run, "--tier-1s=false");
    harness_launch(&self->harness, ingest, &run, STDERR_FILENO);
    harness_await(&self->harness, ingest, "tickwire-ingest", "\"port\":", 20000, line);
    return (uint16_t)harness_number(line, "port");
}

/* Follows the log from the session's start to the end of the feed. Memory is looked at every 100 ms. */
static void follow_ingest(bench *self, child *ingest, ingest_run *run) {
    char line[CHILD_LINE_BYTES];
    uint64_t start_ns = 0, end_ns = 0, sampled_ns = 0;
    while (end_ns == 0) {
        child_line outcome = child_read(ingest, line, 100);
        uint64_t now_ns = span_now_ns();
        if (outcome == CHILD_ENDED) harness_fail(&self->harness, "tickwire-ingest", "ended too early");
        if (outcome == CHILD_LINE && strstr(line, "\"session starts\"") != NULL) start_ns = now_ns;
        if (outcome == CHILD_LINE && strstr(line, "\"CLOSED\"") != NULL) end_ns = now_ns;
        if (start_ns == 0 || (now_ns - sampled_ns < 100000000 && end_ns == 0)) continue;
        sampled_ns = now_ns;
        if (run->samples < MAX_SAMPLES) run->resident_kib[run->samples++] = process_resident_kib(ingest->pid);
    }
    run->span_s = (double)(end_ns - start_ns) / 1e9;
}

static void end_ingest(bench *self, child *ingest, ingest_run *run, uint16_t port) {
    char line[CHILD_LINE_BYTES];
    read_counters(self, run, port);
    kill(ingest->pid, SIGTERM);
    while (child_read(ingest, line, 10000) == CHILD_LINE)
        continue;
    child_usage usage = child_wait(ingest);
    if (usage.exit_code != 0) harness_fail(&self->harness, "tickwire-ingest", line);
    run->cpu_s = usage.cpu_s;
}

/* ---- unmerged, beside the bare program ---- */

typedef struct round_figures {
    double per_s, publisher_cpu_us, server_cpu_us, subscriber_cpu_us;
} round_figures;

static round_figures figures_of(const heard *got, double publisher_cpu_s, double server_cpu_s) {
    double n = got->messages;
    return (round_figures){(n - floor(n * WARM_UP) - 1) / got->span_s, publisher_cpu_s / n * 1e6,
                           server_cpu_s / n * 1e6, got->cpu_s / n * 1e6};
}

static round_figures round_of_ingest(bench *self, const ingest_options *options, double expected) {
    child subscriber, ingest;
    ingest_run *run = calloc(1, sizeof *run);
    double server_cpu_s = process_cpu_s(self->harness.server.pid);
    subscribe(self, &subscriber, expected, NULL, false);
    uint16_t port = start_ingest(self, &ingest, options);
    follow_ingest(self, &ingest, run);
    heard got = hear_out(self, &subscriber);
    server_cpu_s = process_cpu_s(self->harness.server.pid) - server_cpu_s;
    end_ingest(self, &ingest, run, port);
    if (got.messages != expected || run->published != expected) {
        char why[160];
        tw_text_format(why, sizeof why,
                       "%.0f published (%.0f rounds held back), %.0f arrived; %.0f in the captured run",
                       run->published, run->held_back, got.messages, expected);
        harness_fail(&self->harness, "unmerged", why);
    }
    round_figures figures = figures_of(&got, run->cpu_s, server_cpu_s);
    free(run);
    return figures;
}

static round_figures round_of_bare(bench *self, const char *capture, double expected) {
    child subscriber, publisher;
    command bare;
    char line[CHILD_LINE_BYTES];
    double server_cpu_s = process_cpu_s(self->harness.server.pid);
    subscribe(self, &subscriber, expected, NULL, false);
    command_init(&bare, &self->harness, "benchmarks/bare_publisher");
    command_add(&bare, self->harness.server.url);
    command_add(&bare, capture);
    harness_launch(&self->harness, &publisher, &bare, STDOUT_FILENO);
    harness_await(&self->harness, &publisher, "bare_publisher", "publish_s", 600000, line);
    heard got = hear_out(self, &subscriber);
    child_wait(&publisher);
    server_cpu_s = process_cpu_s(self->harness.server.pid) - server_cpu_s;
    if (got.messages != expected)
        harness_fail(&self->harness, "unmerged", "the bare program's messages did not all arrive");
    return figures_of(&got, harness_number(line, "publish_cpu_s"), server_cpu_s);
}

/* Of the field at `offset` of each round. */
static double median(const round_figures *rounds, size_t count, size_t offset) {
    double values[MAX_ROUNDS];
    for (size_t i = 0; i < count; i++)
        memcpy(&values[i], (const char *)&rounds[i] + offset, sizeof values[i]);
    return harness_median(values, count);
}

static double chain_cpu_us(const round_figures *round) {
    return round->publisher_cpu_us + round->server_cpu_us + round->subscriber_cpu_us;
}

static double report_rounds(bench *self, const char *name, const round_figures *rounds, size_t count) {
    double per_s = median(rounds, count, offsetof(round_figures, per_s));
    double publisher = median(rounds, count, offsetof(round_figures, publisher_cpu_us));
    double server = median(rounds, count, offsetof(round_figures, server_cpu_us));
    double subscriber = median(rounds, count, offsetof(round_figures, subscriber_cpu_us));
    json_open_object(&self->harness.writer, name);
    json_f64(&self->harness.writer, "messages_per_s", per_s);
    json_f64(&self->harness.writer, "publisher_cpu_us", publisher);
    json_f64(&self->harness.writer, "server_cpu_us", server);
    json_f64(&self->harness.writer, "subscriber_cpu_us", subscriber);
    json_open_array(&self->harness.writer, "rounds_messages_per_s");
    for (size_t i = 0; i < count; i++)
        json_f64(&self->harness.writer, NULL, rounds[i].per_s);
    json_close_array(&self->harness.writer);
    json_close_object(&self->harness.writer);
    harness_say(&self->harness,
                "  %-16s %10.0f messages/s   CPU a message: publisher %.2f, server %.2f, subscriber %.2f us\n",
                name, per_s, publisher, server, subscriber);
    return per_s;
}

/* Beside the ratio of the medians: the median over the pairs of neighbouring rounds, which a load that comes and goes
 * moves less, and the ratio of what both chains (publisher, server, subscriber) cost in CPU time. */
static void report_ratios(bench *self, const round_figures *ours, const round_figures *bare, size_t count,
                          double ratio) {
    double pairs[MAX_ROUNDS], cpu[MAX_ROUNDS];
    for (size_t i = 0; i < count; i++) {
        pairs[i] = ours[i].per_s / bare[i].per_s;
        cpu[i] = chain_cpu_us(&bare[i]) / chain_cpu_us(&ours[i]);
    }
    qsort(pairs, count, sizeof *pairs, harness_by_value);
    qsort(cpu, count, sizeof *cpu, harness_by_value);
    json_f64(&self->harness.writer, "ratio", ratio);
    json_f64(&self->harness.writer, "ratio_of_neighbours", pairs[count / 2]);
    json_f64(&self->harness.writer, "ratio_of_cpu", cpu[count / 2]);
    harness_say(
        &self->harness,
        "  ratio %.2f (target: at least 0.90); of neighbouring rounds %.2f; by CPU time of all three %.2f\n", ratio,
        pairs[count / 2], cpu[count / 2]);
}

static double capture_run(bench *self, const ingest_options *options, const char *capture) {
    child subscriber, ingest;
    ingest_run *run = calloc(1, sizeof *run);
    subscribe(self, &subscriber, 0, capture, false);
    uint16_t port = start_ingest(self, &ingest, options);
    follow_ingest(self, &ingest, run);
    heard got = hear_out(self, &subscriber);
    end_ingest(self, &ingest, run, port);
    if (got.messages != run->published)
        harness_fail(&self->harness, "unmerged", "what was published and what arrived differ");
    json_f64(&self->harness.writer, "itch_messages", run->messages);
    json_f64(&self->harness.writer, "published", got.messages);
    json_f64(&self->harness.writer, "mean_payload_bytes", got.bytes / got.messages);
    json_f64(&self->harness.writer, "held_back", run->held_back);
    harness_say(&self->harness,
                "whole ingest to NATS, nothing merged: %.0f ITCH messages become %.0f of %.0f bytes\n",
                run->messages, got.messages, got.bytes / got.messages);
    free(run);
    return got.messages;
}

static void measure_unmerged(bench *self) {
    char recording[128], capture[128];
    size_t rounds = self->quick ? 3 : 7;
    round_figures ours[MAX_ROUNDS], bare[MAX_ROUNDS];
    ingest_options options = {.burst = "1"};
    tw_text_format(recording, sizeof recording, "%s/unmerged.itch", self->harness.folder);
    tw_text_format(capture, sizeof capture, "%s/capture", self->harness.folder);
    tw_text_format(options.source, sizeof options.source, "file:%s", recording);
    harness_simulate(&self->harness, recording, "1000", self->quick ? "300000" : "1500000");
    json_open_object(&self->harness.writer, "unmerged");
    double expected = capture_run(self, &options, capture);
    for (size_t i = 0; i < rounds; i++) {
        ours[i] = round_of_ingest(self, &options, expected);
        bare[i] = round_of_bare(self, capture, expected);
    }
    double ours_per_s = report_rounds(self, "ingest", ours, rounds);
    double bare_per_s = report_rounds(self, "bare nats.c", bare, rounds);
    report_ratios(self, ours, bare, rounds, ours_per_s / bare_per_s);
    json_close_object(&self->harness.writer);
    unlink(recording);
    unlink(capture);
}

/* ---- merged ---- */

static uint64_t resident_at(const ingest_run *run, unsigned percent) {
    return run->samples == 0 ? 0 : run->resident_kib[(run->samples - 1) * percent / 100];
}

static void report_merged(bench *self, const char *burst, bool tiers, const ingest_run *run, const heard *got) {
    json_open_object(&self->harness.writer, NULL);
    json_string(&self->harness.writer, "burst", burst);
    json_bool(&self->harness.writer, "tiers", tiers);
    json_f64(&self->harness.writer, "itch_messages", run->messages);
    json_f64(&self->harness.writer, "per_s_wall", run->messages / run->span_s);
    json_f64(&self->harness.writer, "per_cpu_s", run->messages / run->cpu_s);
    json_f64(&self->harness.writer, "published", run->published);
    json_f64(&self->harness.writer, "received", got->messages);
    json_f64(&self->harness.writer, "changes_merged", run->merged);
    json_f64(&self->harness.writer, "held_back", run->held_back);
    json_f64(&self->harness.writer, "lost", run->lost);
    json_f64(&self->harness.writer, "malformed", run->malformed);
    static const unsigned at[] = {10, 50, 90, 100};
    json_open_array(&self->harness.writer, "resident_mib_at_10_50_90_100_percent");
    for (size_t i = 0; i < 4; i++)
        json_f64(&self->harness.writer, NULL, (double)resident_at(run, at[i]) / 1024);
    json_close_array(&self->harness.writer);
    json_close_object(&self->harness.writer);
    harness_say(
        &self->harness,
        "  --burst %-5s %s %6.2f M/s by the wall, %6.2f M/s of CPU; published %.0f, received %.0f, lost %.0f; "
        "resident %.0f, %.0f, %.0f, %.0f MiB\n",
        burst, tiers ? "and tiers" : "no tiers ", run->messages / run->span_s / 1e6,
        run->messages / run->cpu_s / 1e6, run->published, got->messages, run->lost,
        (double)resident_at(run, 10) / 1024, (double)resident_at(run, 50) / 1024,
        (double)resident_at(run, 90) / 1024, (double)resident_at(run, 100) / 1024);
}

static void merged_run(bench *self, const char *recording, const char *burst, bool tiers, double messages) {
    child subscriber, ingest;
    ingest_options options = {.burst = burst, .tiers = tiers};
    ingest_run *run = calloc(1, sizeof *run);
    tw_text_format(options.source, sizeof options.source, "file:%s", recording);
    subscribe(self, &subscriber, 0, NULL, false);
    uint16_t port = start_ingest(self, &ingest, &options);
    follow_ingest(self, &ingest, run);
    heard got = hear_out(self, &subscriber);
    end_ingest(self, &ingest, run, port);
    if (run->messages != messages) harness_fail(&self->harness, "merged", "not every source message was applied");
    if (got.messages != run->published || got.dropped != 0)
        harness_fail(&self->harness, "merged", "what was published and what arrived differ");
    report_merged(self, burst, tiers, run, &got);
    free(run);
}

static void measure_merged(bench *self) {
    char recording[128];
    const char *messages = self->quick ? "2000000" : "10000000";
    tw_text_format(recording, sizeof recording, "%s/merged.itch", self->harness.folder);
    harness_simulate(&self->harness, recording, "8000", messages);
    harness_say(&self->harness,
                "bursts merged: %s ITCH messages of 8,000 symbols from a file at full speed, one subscriber\n",
                messages);
    json_open_array(&self->harness.writer, "merged");
    merged_run(self, recording, "256", true, strtod(messages, NULL));
    merged_run(self, recording, "4096", false, strtod(messages, NULL));
    merged_run(self, recording, "4096", true, strtod(messages, NULL));
    json_close_array(&self->harness.writer);
    unlink(recording);
}

/* ---- from multicast ---- */

static double simulate_udp(bench *self, const char *to, uint64_t rate, double seconds) {
    command make;
    child simulator;
    char line[CHILD_LINE_BYTES], last[CHILD_LINE_BYTES] = "", rate_text[32], messages[32];
    tw_text_format(rate_text, sizeof rate_text, "%llu", (unsigned long long)rate);
    tw_text_format(messages, sizeof messages, "%.0f", (double)rate * seconds);
    command_init(&make, &self->harness, "tools/tickwire");
    command_add_all(&make, (const char *const[]){"simulate", "--symbols", "1000", "--messages", messages, "--rate",
                                                 rate_text, "--to", to, NULL});
    harness_launch(&self->harness, &simulator, &make, STDERR_FILENO);
    while (child_read(&simulator, line, 600000) == CHILD_LINE)
        tw_text_copy(last, sizeof last, line);
    if (child_wait(&simulator).exit_code != 0) harness_fail(&self->harness, "tickwire simulate", last);
    return (double)rate * seconds;
}

static bool udp_run(bench *self, uint64_t rate) {
    child subscriber, ingest;
    ingest_options options = {.burst = "256", .tiers = true};
    ingest_run *run = calloc(1, sizeof *run);
    char to[128];
    tw_text_format(to, sizeof to, "udp://239.255.%u.%u:%u@127.0.0.1", 1 + (unsigned)getpid() % 250,
                   1 + (unsigned)(rate / 1000) % 250, nats_process_free_port());
    tw_text_copy(options.source, sizeof options.source, to);
    subscribe(self, &subscriber, 0, NULL, true);
    uint16_t port = start_ingest(self, &ingest, &options);
    double sent = simulate_udp(self, to, rate, self->quick ? 3 : 5);
    follow_ingest(self, &ingest, run);
    heard got = hear_out(self, &subscriber);
    end_ingest(self, &ingest, run, port);
    bool whole = run->lost == 0 && run->messages == sent;
    json_open_object(&self->harness.writer, NULL);
    json_u64(&self->harness.writer, "rate", rate);
    json_f64(&self->harness.writer, "sent", sent);
    json_f64(&self->harness.writer, "applied", run->messages);
    json_f64(&self->harness.writer, "lost", run->lost);
    json_f64(&self->harness.writer, "kernel_drops", run->kernel_drops);
    json_f64(&self->harness.writer, "published", run->published);
    json_f64(&self->harness.writer, "latency_p50_us", got.p50_us);
    json_f64(&self->harness.writer, "latency_p99_us", got.p99_us);
    json_f64(&self->harness.writer, "latency_p999_us", got.p999_us);
    json_f64(&self->harness.writer, "latency_max_us", got.max_us);
    json_close_object(&self->harness.writer);
    harness_say(&self->harness,
                "  %8llu/s: lost %.0f; packet to subscriber p50 %.0f, p99 %.0f, p99.9 %.0f, max %.0f us\n",
                (unsigned long long)rate, run->lost + (sent - run->messages - run->lost), got.p50_us, got.p99_us,
                got.p999_us, got.max_us);
    free(run);
    return whole;
}

static void measure_udp(bench *self) {
    static const uint64_t rates[] = {50000, 100000, 200000, 400000, 600000, 800000, 1000000};
    uint64_t highest = 0;
    harness_say(&self->harness,
                "MoldUDP64 multicast on loopback, 1,000 symbols, bursts of at most 256 merged, one subscriber\n");
    json_open_object(&self->harness.writer, "udp");
    json_open_array(&self->harness.writer, "rates");
    for (size_t i = 0; i < sizeof rates / sizeof *rates && udp_run(self, rates[i]); i++)
        highest = rates[i];
    json_close_array(&self->harness.writer);
    json_u64(&self->harness.writer, "highest_rate_without_loss", highest);
    json_close_object(&self->harness.writer);
    harness_say(&self->harness, "  highest rate tried at which nothing was lost: %llu messages/s\n",
                (unsigned long long)highest);
}

/* ---- */

int main(int argc, char **argv) {
    static bench self;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            self.harness.json = true;
        } else if (strcmp(argv[i], "--quick") == 0) {
            self.quick = true;
        } else if (strcmp(argv[i], "--part") == 0 && i + 1 < argc) {
            self.part = argv[++i];
        } else {
            fprintf(stderr, "usage: bench_ingest [--json] [--quick] [--part unmerged|merged|udp]\n");
            return 2;
        }
    }
    harness_open(&self.harness, "bench_ingest");
    json_string(&self.harness.writer, "benchmark", "ingest");
    if (wants(&self, "unmerged")) measure_unmerged(&self);
    if (wants(&self, "merged")) measure_merged(&self);
    if (wants(&self, "udp")) measure_udp(&self);
    harness_close(&self.harness);
    return 0;
}
