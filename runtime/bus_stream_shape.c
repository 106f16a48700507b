/* A stream's configuration: as it is made, and what of an operator's is put right. */
#include "runtime/bus_stream_shape.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"

void bus_stream_shape_new(jsStreamConfig *to, const bus_stream_config *from, const char *name,
                          const char *const *subjects, int subject_count) {
    jsStreamConfig_Init(to);
    to->Name = name;
    to->Subjects = (const char **)subjects;
    to->SubjectsLen = subject_count;
    to->Replicas = from->replicas != 0 ? from->replicas : 1;
    to->Storage = from->in_memory ? js_MemoryStorage : js_FileStorage;
    to->Retention = js_LimitsPolicy;
    to->MaxAge = from->max_age_ns;
    to->MaxBytes = from->max_bytes != 0 ? (int64_t)from->max_bytes : -1;
    to->MaxMsgs = from->max_messages != 0 ? (int64_t)from->max_messages : -1;
    to->MaxMsgSize = from->max_message_bytes != 0 ? (int32_t)from->max_message_bytes : -1;
    to->MaxMsgsPerSubject = -1;
    to->Duplicates = from->duplicate_window_ns;
    to->Discard = from->refuse_when_full ? js_DiscardNew : js_DiscardOld;
    to->DenyDelete = from->deny_delete;
}

/* ---- what is told ---- */

typedef struct teller {
    char *text;
    size_t capacity, length;
    bool any;
} teller;

static void tell(teller *to, const char *what, const char *was, const char *is) {
    (void)tw_text_format(to->text + to->length, to->capacity - to->length, "%s%s: %s -> %s", to->any ? ", " : "",
                         what, was, is);
    to->length += strlen(to->text + to->length);
    to->any = true;
}

static void list_subjects(char *text, size_t capacity, const jsStreamConfig *config) {
    size_t length = 0;
    text[0] = '\0';
    for (int i = 0; i < config->SubjectsLen && length < capacity; i++) {
        (void)tw_text_format(text + length, capacity - length, "%s%s", i > 0 ? " " : "", config->Subjects[i]);
        length += strlen(text + length);
    }
}

/* ---- what is put right ---- */

static bool same_subjects(const jsStreamConfig *is, const jsStreamConfig *wanted) {
    if (is->SubjectsLen != wanted->SubjectsLen) return false;
    for (int i = 0; i < is->SubjectsLen; i++)
        if (strcmp(is->Subjects[i], wanted->Subjects[i]) != 0) return false;
    return true;
}

static void mend_subjects(teller *told, jsStreamConfig *to, const jsStreamConfig *wanted) {
    char was[160], is[160];
    if (same_subjects(to, wanted)) return;
    list_subjects(was, sizeof was, to);
    list_subjects(is, sizeof is, wanted);
    tell(told, "subjects", was, is);
    to->Subjects = wanted->Subjects;
    to->SubjectsLen = wanted->SubjectsLen;
}

static void mend_number(teller *told, const char *what, int64_t *value, int64_t wanted) {
    char was[24], is[24];
    if (*value == wanted) return;
    (void)tw_text_format(was, sizeof was, "%" PRId64, *value);
    (void)tw_text_format(is, sizeof is, "%" PRId64, wanted);
    tell(told, what, was, is);
    *value = wanted;
}

static void mend_flag(teller *told, const char *what, bool *value, bool wanted) {
    if (*value == wanted) return;
    tell(told, what, *value ? "true" : "false", wanted ? "true" : "false");
    *value = wanted;
}

static void mend_policies(teller *told, jsStreamConfig *to, const jsStreamConfig *wanted) {
    static const char *const storages[] = {"file", "memory"};
    static const char *const retentions[] = {"limits", "interest", "workqueue"};
    static const char *const discards[] = {"old", "new"};
    if (to->Storage != wanted->Storage) tell(told, "storage", storages[to->Storage], storages[wanted->Storage]);
    if (to->Retention != wanted->Retention)
        tell(told, "retention", retentions[to->Retention], retentions[wanted->Retention]);
    if (to->Discard != wanted->Discard) tell(told, "discard", discards[to->Discard], discards[wanted->Discard]);
    to->Storage = wanted->Storage;
    to->Retention = wanted->Retention;
    to->Discard = wanted->Discard;
}

bool bus_stream_shape_mend(jsStreamConfig *to, const jsStreamConfig *wanted, uint32_t given_replicas, char *text,
                           size_t capacity) {
    teller told = {.text = text, .capacity = capacity};
    text[0] = '\0';
    mend_subjects(&told, to, wanted);
    mend_policies(&told, to, wanted);
    mend_number(&told, "max_age", &to->MaxAge, wanted->MaxAge);
    if (to->MaxMsgsPerSubject > 0)
        mend_number(&told, "max_msgs_per_subject", &to->MaxMsgsPerSubject, wanted->MaxMsgsPerSubject);
    if (given_replicas != 0) mend_number(&told, "num_replicas", &to->Replicas, wanted->Replicas);
    mend_flag(&told, "no_ack", &to->NoAck, false);
    mend_flag(&told, "allow_rollup_hdrs", &to->AllowRollup, false);
    if (wanted->DenyDelete) mend_flag(&told, "deny_delete", &to->DenyDelete, true);
    return told.any;
}
