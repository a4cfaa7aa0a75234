// The workloads of BenchmarkWorkloads in C, with libcurl.

#include "CMeasurement.h"
#include "arguments.h"
#include "requests.h"
#include "transfers.h"
#include "websocket.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// MARK: Workloads

static const char *url;

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
    loop_add(&loop, &transfer);
    run_loop();
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
    loop_add(&loop, &transfer);
    run_loop();
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
    arguments_open(count, values);
    if (count < 2) fail("usage: <workload> [--name value]...");
    curl_global_init(CURL_GLOBAL_DEFAULT);
    url = text("url", "");
    if (strcmp(values[1], "start") == 0) {
        start_up();
        return 0;
    }
    loop_open(&loop);
    if (strcmp(values[1], "requests") == 0) repeated_requests();
    else if (strcmp(values[1], "rate") == 0) requests_at_a_rate();
    else if (strcmp(values[1], "once") == 0) get_once(url);
    else if (strcmp(values[1], "silent") == 0) silent_memory();
    else if (strcmp(values[1], "download") == 0) download();
    else if (strcmp(values[1], "upload") == 0) upload();
    else if (strcmp(values[1], "cancel") == 0) cancel_latency();
    else if (!run_websocket_workload(&loop, values[1])) fail("unknown workload");
    loop_close(&loop);
    curl_global_cleanup();
}
