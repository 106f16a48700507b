/*
 * JSON that others wrote (tokens, key sets), read strictly: RFC 8259, UTF-8, one object, nesting bounded. A name said
 * twice means what it said last (RFC 7515, section 4), unless json_node_repeats is asked. The auth folder's one door to the JSON parser.
 */
#ifndef TICKWIRE_GATEWAYS_AUTH_JSON_NODE_H
#define TICKWIRE_GATEWAYS_AUTH_JSON_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_NODE_MOST_DEEP 16

typedef struct json_object json_node; /* json-c's */

/* The object that the bytes are; NULL: they are none. Free with json_node_free, which frees all below it. */
json_node *json_node_parse(const uint8_t *bytes, size_t length);
void json_node_free(json_node *node); /* NULL is fine */

/* The same; where there is none, `*at` is the byte that it failed at. */
json_node *json_node_parse_at(const uint8_t *bytes, size_t length, size_t *at);

/* Everything below is borrowed from the object, and takes NULL for absent. */
json_node *json_node_member(json_node *object, const char *name); /* NULL: absent, or null, or `object` is none */
bool json_node_has(json_node *object, const char *name);          /* also where it is null */
bool json_node_is_object(json_node *node);
bool json_node_is_array(json_node *node);
size_t json_node_count(json_node *array); /* 0 if it is none */
json_node *json_node_element(json_node *array, size_t index);
/* NULL if it is no text or has a NUL inside. */
const char *json_node_text(json_node *node);
bool json_node_is_true_or_false(json_node *node, bool *value);
/* A whole number that no reader of JSON loses digits of: from -2^53 to 2^53. */
bool json_node_whole(json_node *node, int64_t *value);
/* Calls for each member until one answers false; whether none did. `value` is NULL where it is null. */
typedef bool (*json_node_visit)(void *context, const char *name, json_node *value);
bool json_node_each(json_node *object, json_node_visit visit, void *context);
/* Whether the bytes that the object was parsed from say one of its own members twice, and which one: into `name`, cut where it does not
 * fit. Names are compared by what they mean: "a" is "\u0061". */
bool json_node_repeats(json_node *object, const uint8_t *bytes, size_t length, char *name, size_t capacity);
/* A whole number from 0 to `most`. */
bool json_node_count_up_to(json_node *node, uint64_t most, uint64_t *value);
/* Seconds since 1970, whole or not (RFC 7519, NumericDate), as nanoseconds; later than those can say is INT64_MAX.
 * False: no number, or before 1970. */
bool json_node_date(json_node *node, int64_t *time_ns);

#endif
