// The workloads of BenchmarkWorkloads in C, with libcurl.

#include "CMeasurement.h"
#include "loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// MARK: Arguments

static int argument_count;
static char **arguments;

static const char *text(const char *name, const char *standard) {
    for (int index = 2; index + 1 < argument_count; index += 2)
        if (strcmp(arguments[index] + 2, name) == 0) return arguments[index + 1];
    return standard;
}

static double number(const char *name, double standard) {
    const char *value = text(name, NULL);
    return value ? atof(value) : standard;
}

static bool is_http2(void) {
    return strcmp(text("version", "1.1"), "2") == 0;
}

static void fail(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(1);
}

// MARK: Transfers

static struct loop loop;
static bool is_over;

static size_t on_body(char *bytes, size_t size, size_t count, void *transfer_pointer) {
    (void)bytes;
    struct transfer *transfer = transfer_pointer;
    transfer->bytes += (long)(size * count);
    return size * count;
}

static void open_transfer(struct transfer *transfer, const char *url, transfer_done done) {
    transfer->easy = curl_easy_init();
    transfer->done = done;
    transfer->bytes = 0;
    curl_easy_setopt(transfer->easy, CURLOPT_URL, url);
    curl_easy_setopt(transfer->easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(transfer->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(transfer->easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(transfer->easy, CURLOPT_NOSIGNAL, 1L);
    // With HTTP/2, wait for a connection that can be shared.
    curl_easy_setopt(transfer->easy, CURLOPT_PIPEWAIT, is_http2() ? 1L : 0L);
    if (number("proxy-port", 0) > 0) {
        curl_easy_setopt(transfer->easy, CURLOPT_PROXY, "127.0.0.1");
        curl_easy_setopt(transfer->easy, CURLOPT_PROXYPORT, (long)number("proxy-port", 0));
    }
    const char *authority = text("authority", "");
    if (*authority) {
        curl_easy_setopt(transfer->easy, CURLOPT_CAINFO, authority);
        curl_easy_setopt(transfer->easy, CURLOPT_CAPATH, NULL);
    }
}

static void check_response(struct transfer *transfer, CURLcode result) {
    if (result != CURLE_OK) fail(curl_easy_strerror(result));
    long status = 0, version = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_VERSION, &version);
    if (status != 200 || version != (is_http2() ? CURL_HTTP_VERSION_2_0 : CURL_HTTP_VERSION_1_1))
        fail("an unexpected response");
}

static void finish(struct transfer *transfer, CURLcode result) {
    check_response(transfer, result);
    is_over = true;
}

/// Runs one transfer to its end.
static void run(struct transfer *transfer) {
    is_over = false;
    loop_add(&loop, transfer);
    while (!is_over) loop_turn(&loop, -1);
}

static void get_once(const char *url) {
    struct transfer transfer;
    open_transfer(&transfer, url, finish);
    run(&transfer);
    curl_easy_cleanup(transfer.easy);
}

// MARK: Workloads

static const char *url;

static void go_on(struct transfer *transfer, CURLcode result) {
    check_response(transfer, result);
    if (!measurement_note()) {
        is_over = true;
        return;
    }
    curl_easy_setopt(transfer->easy, CURLOPT_URL, url);
    loop_add(&loop, transfer);
}

static void silent_is_over(struct transfer *transfer, CURLcode result) {
    (void)transfer;
    (void)result;
    fail("unexpected response of the silent server");
}

static struct transfer *hold_silent_requests(long count) {
    struct transfer *silent = calloc((size_t)count + 1, sizeof *silent);
    for (long index = 0; index < count; index++) {
        open_transfer(&silent[index], text("silent-url", ""), silent_is_over);
        loop_add(&loop, &silent[index]);
    }
    double end = measurement_now() + 30;
    while (count > 0 && measurement_held_requests((int)number("silent-port", 0)) < count) {
        if (measurement_now() > end) fail("the server does not hold all silent requests");
        double pause = measurement_now() + 0.02;
        while (measurement_now() < pause) loop_turn(&loop, 20);
    }
    return silent;
}

static void close_transfers(struct transfer *transfers, long count) {
    for (long index = 0; index < count; index++) {
        curl_multi_remove_handle(loop.multi, transfers[index].easy);
        curl_easy_cleanup(transfers[index].easy);
    }
    free(transfers);
}

static void repeated_gets(void) {
    long in_flight = (long)number("in-flight", 1);
    long silent_count = (long)number("silent", 0);
    struct transfer *silent = hold_silent_requests(silent_count);
    measurement_prepare(number("warm-up", 0.2), 2 * in_flight, number("seconds", 1), (long)number("requests", 0));
    struct transfer *transfers = calloc((size_t)in_flight, sizeof *transfers);
    is_over = false;
    for (long index = 0; index < in_flight; index++) {
        open_transfer(&transfers[index], url, go_on);
        loop_add(&loop, &transfers[index]);
    }
    while (!is_over) loop_turn(&loop, -1);
    measurement_print();
    close_transfers(transfers, in_flight);
    close_transfers(silent, silent_count);
}

static void silent_memory(void) {
    for (int index = 0; index < 8; index++) get_once(url);
    long before = measurement_resident_bytes();
    long count = (long)number("silent", 0);
    struct transfer *silent = hold_silent_requests(count);
    long growth = measurement_resident_bytes() - before;
    measurement_print_value("bytes_per_request", (double)growth / (double)count);
    close_transfers(silent, count);
}

static void download(void) {
    get_once(text("warm-up-url", ""));
    struct transfer transfer;
    open_transfer(&transfer, url, finish);
    measurement_begin();
    run(&transfer);
    measurement_end(transfer.bytes);
    if (transfer.bytes != (long)number("bytes", 0)) fail("unexpected number of bytes");
    measurement_print();
    curl_easy_cleanup(transfer.easy);
}

static long upload_left;

static size_t on_read(char *buffer, size_t size, size_t count, void *piece) {
    size_t length = size * count;
    if ((long)length > upload_left) length = (size_t)upload_left;
    if (length > 65536) length = 65536;
    memcpy(buffer, piece, length);
    upload_left -= (long)length;
    return length;
}

static void upload(void) {
    static char piece[65536];
    memset(piece, 'x', sizeof piece);
    get_once(text("warm-up-url", ""));
    struct transfer transfer;
    open_transfer(&transfer, url, finish);
    upload_left = (long)number("bytes", 0);
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    curl_easy_setopt(transfer.easy, CURLOPT_POST, 1L);
    curl_easy_setopt(transfer.easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)upload_left);
    curl_easy_setopt(transfer.easy, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(transfer.easy, CURLOPT_READDATA, piece);
    curl_easy_setopt(transfer.easy, CURLOPT_HTTPHEADER, headers);
    long bytes = upload_left;
    measurement_begin();
    run(&transfer);
    measurement_end(bytes);
    measurement_print();
    curl_easy_cleanup(transfer.easy);
    curl_slist_free_all(headers);
}

static int in_order(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return left < right ? -1 : left > right;
}

/// There is no second thread to wait for: removing the transfer is the whole cancellation.
static void cancel_latency(void) {
    long samples = (long)number("samples", 100);
    double *latencies = calloc((size_t)samples, sizeof *latencies);
    for (long index = -10; index < samples; index++) {
        struct transfer transfer;
        open_transfer(&transfer, text("silent-url", ""), silent_is_over);
        loop_add(&loop, &transfer);
        double end = measurement_now() + 0.003;
        while (measurement_now() < end) loop_turn(&loop, 1);
        double start = measurement_now();
        curl_multi_remove_handle(loop.multi, transfer.easy);
        if (index >= 0) latencies[index] = measurement_now() - start;
        curl_easy_cleanup(transfer.easy);
    }
    qsort(latencies, (size_t)samples, sizeof *latencies, in_order);
    measurement_print_value("p50_seconds", latencies[samples / 2]);
    measurement_print_value("p99_seconds", latencies[samples * 99 / 100]);
    free(latencies);
}

static void start_up(void) {
    long samples = (long)number("samples", 50);
    double *times = calloc((size_t)samples, sizeof *times);
    for (long index = 0; index < samples; index++) {
        double start = measurement_now();
        loop_open(&loop);
        get_once(url);
        loop_close(&loop);
        times[index] = measurement_now() - start;
    }
    qsort(times, (size_t)samples, sizeof *times, in_order);
    measurement_print_value("first_seconds", times[0]);
    measurement_print_value("p50_seconds", times[samples / 2]);
    free(times);
}

int main(int count, char **values) {
    argument_count = count;
    arguments = values;
    if (count < 2) fail("usage: <workload> [--name value]...");
    curl_global_init(CURL_GLOBAL_DEFAULT);
    url = text("url", "");
    if (strcmp(values[1], "start") == 0) {
        start_up();
        return 0;
    }
    loop_open(&loop);
    if (strcmp(values[1], "get") == 0) repeated_gets();
    else if (strcmp(values[1], "silent") == 0) silent_memory();
    else if (strcmp(values[1], "download") == 0) download();
    else if (strcmp(values[1], "upload") == 0) upload();
    else if (strcmp(values[1], "cancel") == 0) cancel_latency();
    else fail("unknown workload");
    loop_close(&loop);
    curl_global_cleanup();
}
