// What differs from request to request, the same in every client, made before the measurement.

#ifndef IDENTITIES_H
#define IDENTITIES_H

/// How many there are; they are used again and again.
enum { identity_count = 1024 };

/// The sizes of the texts, with the terminating zero.
enum { identity_path_size = 32, identity_request_id_size = 37, identity_traceparent_size = 56 };

/// Writes the path, the value of `X-Request-ID` and the value of `traceparent` of request `number`.
void identity_write(long number, char *path, char *request_id, char *traceparent);

/// 1 KiB of JSON, the body of a POST.
enum { identity_json_size = 1024 };
void identity_write_json(char *json);

// The fields that stay the same in all requests.
#define IDENTITY_AUTHORIZATION "Bearer eyJhbGciOiJIUzI1NiJ9.c3dpZnQ.s5gG0Zb1qXc"
#define IDENTITY_ACCEPT "application/json"
#define IDENTITY_ACCEPT_LANGUAGE "en"

#endif
