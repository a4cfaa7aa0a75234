#include "requests.h"

#include "Arrivals.h"
#include "CMeasurement.h"
#include "Identities.h"
#include "arguments.h"
#include "transfers.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// MARK: What differs

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

static void read_kind(void) {
    const char *url = text("url", ""), *name = text("kind", "hello");
    kind = strcmp(name, "paths") == 0 ? paths : strcmp(name, "json") == 0 ? json : strcmp(name, "hosts") == 0 ? hosts : hello;
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
    fields->lines[index] = (struct curl_slist){.data = line, .next = index + 1 < count ? &fields->lines[index + 1] : NULL};
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

/// Sets the options that stay the same for all requests of a transfer.
static void prepare(struct transfer *transfer) {
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

/// Sets what differs in the next request.
static void set_next(struct transfer *transfer) {
    long next = transfer->number++;
    transfer->bytes = 0;
    if (kind == paths) {
        const struct identity *identity = &identities[next % identity_count];
        curl_url_set(transfer->url, CURLUPART_PATH, identity->path, 0);
        memcpy(transfer->fields->request_id + strlen(request_id_name), identity->request_id, identity_request_id_size);
        memcpy(transfer->fields->traceparent + strlen(traceparent_name), identity->traceparent, identity_traceparent_size);
    } else if (kind == hosts) {
        curl_easy_setopt(transfer->easy, CURLOPT_CURLU, urls[next % url_count]);
    }
}

// MARK: One after another

static void go_on(struct transfer *transfer, CURLcode result) {
    check_response(transfer, result);
    if (!measurement_note()) {
        is_over = true;
        return;
    }
    set_next(transfer);
    loop_add(&loop, transfer);
}

void repeated_requests(void) {
    long in_flight = (long)number("in-flight", 1);
    long silent_count = (long)number("silent", 0);
    read_kind();
    struct transfer *silent = hold_silent_requests(silent_count);
    measurement_prepare(number("warm-up", 0.2), 2 * in_flight, number("seconds", 1), (long)number("requests", 0));
    struct transfer *transfers = calloc((size_t)in_flight, sizeof *transfers);
    for (long index = 0; index < in_flight; index++) {
        open_transfer(&transfers[index], text("url", ""), go_on);
        transfers[index].number = index * identity_count / in_flight;
        prepare(&transfers[index]);
        set_next(&transfers[index]);
        loop_add(&loop, &transfers[index]);
    }
    run_loop();
    measurement_print();
    close_transfers(transfers, in_flight);
    close_transfers(silent, silent_count);
}

// MARK: At a rate

/// How many requests have arrived.
static atomic_long arrived;
static struct transfer *idle;

static void on_arrival(long number, void *unused) {
    (void)unused;
    atomic_store(&arrived, number + 1);
    loop_wake(&loop);
}

static void finish_arrived(struct transfer *transfer, CURLcode result) {
    check_response(transfer, result);
    transfer->next_idle = idle;
    idle = transfer;
    if (arrivals_finish(transfer->number)) is_over = true;
}

void requests_at_a_rate(void) {
    read_kind();
    arrivals_begin(number("rate", 1000), number("warm-up", 0.2), number("seconds", 1), on_arrival, NULL);
    is_over = false;
    for (long started = 0; !is_over; loop_turn(&loop, -1)) {
        for (; started < atomic_load(&arrived); started++) {
            struct transfer *transfer = idle;
            if (transfer) {
                idle = transfer->next_idle;
            } else {
                transfer = calloc(1, sizeof *transfer);
                open_transfer(transfer, text("url", ""), finish_arrived);
                prepare(transfer);
            }
            transfer->number = started;
            transfer->bytes = 0;
            loop_add(&loop, transfer);
        }
    }
    arrivals_print();
    while (idle) {
        struct transfer *transfer = idle;
        idle = transfer->next_idle;
        close_transfers(transfer, 1);
    }
}
