/* The documents of the API, compiled in: openapi.json and asyncapi.json of this folder, byte for byte. */
#ifndef TICKWIRE_GATEWAYS_API_DOCUMENTS_H
#define TICKWIRE_GATEWAYS_API_DOCUMENTS_H

#include <stddef.h>

extern const unsigned char api_openapi[], api_asyncapi[];
extern const size_t api_openapi_length, api_asyncapi_length;

#endif
