/*
 * Which channels of which exchanges somebody wants. A want that nobody has any more is kept for the linger time: who
 * reloads a page finds everything going on. After that the surroundings are told and what was known is forgotten, because
 * from then on it would only grow old.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "gateways/stream/internal.h"

static const char *mic_of(const void *context, uint32_t number) {
    return ((const stream *)context)->wants[number].mic;
}

bool stream_wants_init(stream *s) {
    s->wants = calloc(MAX_MICS, sizeof *s->wants);
    return s->wants != NULL && tw_map_init(&s->want_by_mic, MAX_MICS, mic_of, s);
}

void stream_wants_fini(stream *s) {
    tw_map_fini(&s->want_by_mic);
    free(s->wants);
}

static want *want_of(stream *s, const char *mic) {
    uint32_t number = tw_map_find(&s->want_by_mic, mic);
    if (number != TW_MAP_NONE) return &s->wants[number];
    if (s->want_count == MAX_MICS) return NULL;
    want *w = &s->wants[s->want_count];
    *w = (want){0};
    tw_text_copy(w->mic, sizeof w->mic, mic);
    tw_map_add(&s->want_by_mic, s->want_count++);
    return w;
}

bool stream_want_add(stream *s, const pattern_reach *reach) {
    if (reach->channels == 0) return true;
    want *w = want_of(s, reach->mic);
    if (w == NULL) return false;
    for (uint32_t channel = 0; channel < SUBJECT_CHANNELS; channel++) {
        if ((reach->channels & 1u << channel) == 0) continue;
        w->counts[channel]++;
        if (w->wanted[channel]) continue;
        w->wanted[channel] = true;
        s->surroundings.want(s->surroundings.context, w->mic, (subject_channel)channel, true);
    }
    return true;
}

void stream_want_remove(stream *s, const pattern_reach *reach) {
    if (reach->channels == 0) return;
    want *w = want_of(s, reach->mic);
    for (uint32_t channel = 0; channel < SUBJECT_CHANNELS; channel++)
        if ((reach->channels & 1u << channel) != 0 && --w->counts[channel] == 0)
            w->unwanted_since_ns[channel] = s->now_ns;
}

/* Still told by another want: "" stands for all exchanges. */
static bool is_covered(const stream *s, const char *mic, uint32_t channel) {
    uint32_t all = tw_map_find(&s->want_by_mic, ""), own = tw_map_find(&s->want_by_mic, mic);
    return (all != TW_MAP_NONE && s->wants[all].wanted[channel]) ||
           (own != TW_MAP_NONE && s->wants[own].wanted[channel]);
}

/* Nobody is there to keep them up to date. Of "" those go that no exchange's own want covers. */
static void forget(stream *s, const want *w, uint32_t channel) {
    for (uint32_t n = 0; n < s->topics.reached; n++) {
        const topic *t = topic_at(s, n);
        if (t->subject[0] == '\0' || (uint32_t)t->channel != channel) continue;
        if ((w->mic[0] == '\0' || strcmp(w->mic, t->mic) == 0) && !is_covered(s, t->mic, channel))
            stream_topic_forget(s, n);
    }
}

/* The last want takes the place of one that is over. */
static void drop_if_over(stream *s, uint32_t number) {
    want *w = &s->wants[number];
    for (uint32_t channel = 0; channel < SUBJECT_CHANNELS; channel++)
        if (w->counts[channel] > 0 || w->wanted[channel]) return;
    uint32_t last = --s->want_count;
    tw_map_remove(&s->want_by_mic, w->mic);
    if (last == number) return;
    char mic[TW_MIC_BYTES];
    tw_text_copy(mic, sizeof mic, s->wants[last].mic);
    tw_map_remove(&s->want_by_mic, mic);
    *w = s->wants[last];
    tw_map_add(&s->want_by_mic, number);
}

void stream_wants_forget(stream *s) {
    for (uint32_t number = s->want_count; number-- > 0;) {
        want *w = &s->wants[number];
        for (uint32_t channel = 0; channel < SUBJECT_CHANNELS; channel++) {
            bool over = w->wanted[channel] && w->counts[channel] == 0 &&
                        s->now_ns - w->unwanted_since_ns[channel] >= s->options.linger_ns;
            if (!over) continue;
            w->wanted[channel] = false;
            s->surroundings.want(s->surroundings.context, w->mic, (subject_channel)channel, false);
            forget(s, w, channel);
        }
        drop_if_over(s, number);
    }
}
