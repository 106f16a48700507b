/* JSON of tokens and key sets, by json-c. */
#include "gateways/auth/json_node.h"

#include <json-c/json_object.h>
#include <json-c/json_tokener.h>
#include <json-c/linkhash.h>
#include <math.h>
#include <string.h>

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
