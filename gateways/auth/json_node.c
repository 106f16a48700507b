/* JSON of tokens and key sets, by json-c. */
#include "gateways/auth/json_node.h"

#include <json-c/json_object.h>
#include <json-c/json_tokener.h>
#include <json-c/linkhash.h>
#include <math.h>
#include <string.h>

#include "base/text.h"

#define NS_PER_S   1e9
#define LAST_DATE  9.2e9 /* seconds; later dates do not fit nanoseconds in 64 bits */
#define MOST_BYTES (1u << 24)
#define MOST_EXACT (INT64_C(1) << 53)

static bool is_space(uint8_t c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

json_node *json_node_parse_at(const uint8_t *bytes, size_t length, size_t *at) {
    *at = 0;
    if (length == 0 || length > MOST_BYTES) return NULL;
    struct json_tokener *parser = json_tokener_new_ex(JSON_NODE_MOST_DEEP);
    if (parser == NULL) return NULL;
    json_tokener_set_flags(parser, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *root = json_tokener_parse_ex(parser, (const char *)bytes, (int)length);
    size_t end = json_tokener_get_parse_end(parser);
    while (end < length && is_space(bytes[end]))
        end++;
    bool whole = json_tokener_get_error(parser) == json_tokener_success && end == length;
    json_tokener_free(parser);
    *at = end;
    if (whole && json_object_is_type(root, json_type_object)) return root;
    json_object_put(root);
    return NULL;
}

json_node *json_node_parse(const uint8_t *bytes, size_t length) {
    size_t at;
    return json_node_parse_at(bytes, length, &at);
}

void json_node_free(json_node *node) {
    json_object_put(node);
}

json_node *json_node_member(json_node *object, const char *name) {
    struct json_object *value = NULL;
    return json_node_is_object(object) && json_object_object_get_ex(object, name, &value) ? value : NULL;
}

bool json_node_has(json_node *object, const char *name) {
    return json_node_is_object(object) && json_object_object_get_ex(object, name, NULL);
}

bool json_node_is_object(json_node *node) {
    return node != NULL && json_object_is_type(node, json_type_object);
}

bool json_node_is_array(json_node *node) {
    return node != NULL && json_object_is_type(node, json_type_array);
}

size_t json_node_count(json_node *array) {
    return json_node_is_array(array) ? json_object_array_length(array) : 0;
}

json_node *json_node_element(json_node *array, size_t index) {
    return json_object_array_get_idx(array, index);
}

const char *json_node_text(json_node *node) {
    if (node == NULL || !json_object_is_type(node, json_type_string)) return NULL;
    const char *text = json_object_get_string(node);
    return strlen(text) == (size_t)json_object_get_string_len(node) ? text : NULL;
}

bool json_node_is_true_or_false(json_node *node, bool *value) {
    if (node == NULL || !json_object_is_type(node, json_type_boolean)) return false;
    *value = json_object_get_boolean(node);
    return true;
}

bool json_node_whole(json_node *node, int64_t *value) {
    if (node == NULL || !json_object_is_type(node, json_type_int)) return false;
    *value = json_object_get_int64(node);
    return *value >= -MOST_EXACT && *value <= MOST_EXACT;
}

bool json_node_each(json_node *object, json_node_visit visit, void *context) {
    if (!json_node_is_object(object)) return true;
    json_object_object_foreach(object, name, value) {
        if (!visit(context, name, value)) return false;
    }
    return true;
}

/* ---- names said twice ---- */

/* The bytes are known to be one object, so quotes, brackets, colons and commas are all there is to tell apart. */
typedef struct name_scan {
    const uint8_t *bytes;
    size_t length, at;
    int depth;
    bool name_next; /* a text here is a member's name */
} name_scan;

/* `at` stands on the opening quote, and then behind the closing one. */
static void pass_text(name_scan *s) {
    uint8_t quote = s->bytes[s->at++];
    while (s->at < s->length && s->bytes[s->at] != quote)
        s->at += s->bytes[s->at] == '\\' ? 2 : 1;
    s->at = s->at < s->length ? s->at + 1 : s->length;
}

/* The next name of the outermost object, with its quotes. */
static bool next_name(name_scan *s, size_t *start, size_t *length) {
    while (s->at < s->length) {
        uint8_t c = s->bytes[s->at];
        if (c == '"' || c == '\'') {
            bool is_name = s->depth == 1 && s->name_next;
            *start = s->at;
            pass_text(s);
            *length = s->at - *start;
            s->name_next = false;
            if (is_name) return true;
            continue;
        }
        if (c == '{' || c == '[') s->depth++;
        if (c == '}' || c == ']') s->depth--;
        if (s->depth == 1 && (c == '{' || c == ',')) s->name_next = true;
        s->at++;
    }
    return false;
}

/* By the parser, so that escapes mean here what they meant to it. */
static struct json_object *decoded_name(const uint8_t *bytes, size_t length) {
    struct json_tokener *parser = json_tokener_new();
    if (parser == NULL) return NULL;
    struct json_object *text = json_tokener_parse_ex(parser, (const char *)bytes, (int)length);
    json_tokener_free(parser);
    return text;
}

static void find_repeated(const uint8_t *bytes, size_t length, char *name, size_t capacity) {
    name_scan scan = {.bytes = bytes, .length = length};
    struct json_object *seen = json_object_new_object();
    size_t start, bytes_in_name;
    bool found = false;
    tw_text_copy(name, capacity, "");
    while (seen != NULL && !found && next_name(&scan, &start, &bytes_in_name)) {
        struct json_object *text = decoded_name(bytes + start, bytes_in_name);
        const char *decoded = text != NULL ? json_object_get_string(text) : "";
        found = json_object_object_get_ex(seen, decoded, NULL);
        if (found)
            tw_text_copy(name, capacity, decoded);
        else
            json_object_object_add(seen, decoded, NULL);
        json_object_put(text);
    }
    json_object_put(seen);
}

bool json_node_repeats(json_node *object, const uint8_t *bytes, size_t length, char *name, size_t capacity) {
    name_scan scan = {.bytes = bytes, .length = length};
    size_t start, bytes_in_name;
    int said = 0;
    if (!json_node_is_object(object)) return false;
    while (next_name(&scan, &start, &bytes_in_name))
        said++;
    if (said == json_object_object_length(object)) return false;
    find_repeated(bytes, length, name, capacity);
    return true;
}

bool json_node_count_up_to(json_node *node, uint64_t most, uint64_t *value) {
    if (node == NULL || !json_object_is_type(node, json_type_int) || json_object_get_int64(node) < 0) return false;
    *value = json_object_get_uint64(node);
    return *value <= most;
}

bool json_node_date(json_node *node, int64_t *time_ns) {
    if (node == NULL || !(json_object_is_type(node, json_type_int) || json_object_is_type(node, json_type_double)))
        return false;
    double seconds = json_object_get_double(node);
    if (!isfinite(seconds) || seconds < 0) return false;
    *time_ns = seconds > LAST_DATE ? INT64_MAX : (int64_t)(seconds * NS_PER_S);
    return true;
}
