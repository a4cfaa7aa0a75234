#include "kinds.h"

#include "Identities.h"
#include "arguments.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum { hello, paths, json, hosts } kind;

/// Made before the measurement, like the texts of the other clients.
static struct identity {
    char path[identity_path_size], request_id[identity_request_id_size], traceparent[identity_traceparent_size];
} identities[identity_count];
/// Parsed once; several only for `hosts`. A parsed URL may be used by many transfers at a time.
static CURLU **urls;
static long url_count;
static char json_body[identity_json_size];

static CURLU *parse(const char *url) {
    CURLU *parsed = curl_url();
    if (curl_url_set(parsed, CURLUPART_URL, url, 0) != CURLUE_OK) fail("not a URL");
    return parsed;
}

static bool is_kind(const char *name) {
    return strcmp(text("kind", "hello"), name) == 0;
}

void kinds_open(void) {
    const char *url = text("url", "");
    kind = is_kind("paths") ? paths : is_kind("json") ? json : is_kind("hosts") ? hosts : hello;
    url_count = kind == hosts ? (long)number("hosts", 1) : 1;
    urls = calloc((size_t)url_count, sizeof *urls);
    for (long index = 0; index < url_count; index++) {
        urls[index] = parse(url);
        if (kind != hosts) continue;
        char host[32];
        snprintf(host, sizeof host, "127.0.0.%ld", index + 1);
        curl_url_set(urls[index], CURLUPART_HOST, host, 0);
    }
    for (long index = 0; kind == paths && index < identity_count; index++)
        identity_write(index, identities[index].path, identities[index].request_id, identities[index].traceparent);
    if (kind == json) identity_write_json(json_body);
}

/// The header fields of a transfer as a list for libcurl. The lines that differ are written into their places: libcurl
/// reads the list only while the transfer runs.
struct fields {
    struct curl_slist lines[5];
    char request_id[64], traceparent[80];
};

static const char request_id_name[] = "X-Request-ID: ", traceparent_name[] = "traceparent: ";

static void set_line(struct fields *fields, int index, char *line, int count) {
    struct curl_slist *next = index + 1 < count ? &fields->lines[index + 1] : NULL;
    fields->lines[index] = (struct curl_slist){.data = line, .next = next};
}

/// Reads the body whole into memory, which the next response uses again.
static size_t on_body(char *bytes, size_t size, size_t count, void *transfer_pointer) {
    struct transfer *transfer = transfer_pointer;
    size_t length = (size_t)transfer->bytes + size * count;
    if (length > transfer->body_size) {
        transfer->body_size = 2 * length;
        if (!(transfer->body = realloc(transfer->body, transfer->body_size))) abort();
    }
    memcpy(transfer->body + transfer->bytes, bytes, size * count);
    transfer->bytes = (long)length;
    return size * count;
}

void kinds_prepare(struct transfer *transfer) {
    curl_easy_setopt(transfer->easy, CURLOPT_WRITEFUNCTION, on_body);
    transfer->url = kind == paths ? curl_url_dup(urls[0]) : urls[0];
    curl_easy_setopt(transfer->easy, CURLOPT_CURLU, transfer->url);
    if (kind == hello || kind == hosts) return;
    struct fields *fields = transfer->fields = calloc(1, sizeof *fields);
    if (kind == paths) {
        strcpy(fields->request_id, request_id_name);
        strcpy(fields->traceparent, traceparent_name);
        set_line(fields, 0, "Authorization: " IDENTITY_AUTHORIZATION, 5);
        set_line(fields, 1, "Accept: " IDENTITY_ACCEPT, 5);
        set_line(fields, 2, "Accept-Language: " IDENTITY_ACCEPT_LANGUAGE, 5);
        set_line(fields, 3, fields->request_id, 5);
        set_line(fields, 4, fields->traceparent, 5);
    } else {
        set_line(fields, 0, "Content-Type: application/json", 1);
        curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDS, json_body);
        curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDSIZE, (long)sizeof json_body);
    }
    curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, fields->lines);
}

void kinds_set_next(struct transfer *transfer) {
    long next = transfer->number++;
    transfer->bytes = 0;
    if (kind == paths) {
        const struct identity *identity = &identities[next % identity_count];
        curl_url_set(transfer->url, CURLUPART_PATH, identity->path, 0);
        struct fields *fields = transfer->fields;
        memcpy(fields->request_id + strlen(request_id_name), identity->request_id, identity_request_id_size);
        memcpy(fields->traceparent + strlen(traceparent_name), identity->traceparent, identity_traceparent_size);
    } else if (kind == hosts) {
        curl_easy_setopt(transfer->easy, CURLOPT_CURLU, urls[next % url_count]);
    }
}
