#include "transfers.h"

#include "CMeasurement.h"
#include "arguments.h"

#include <stdlib.h>

struct loop loop;
bool is_over;

void run_loop(void) {
    is_over = false;
    while (!is_over) loop_turn(&loop, -1);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *transfer_pointer) {
    (void)bytes;
    struct transfer *transfer = transfer_pointer;
    transfer->bytes += (long)(size * count);
    return size * count;
}

void open_transfer(struct transfer *transfer, const char *url, transfer_done done) {
    *transfer = (struct transfer){.easy = curl_easy_init(), .done = done};
    loop_prepare(&loop, transfer->easy);
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

void check_response(struct transfer *transfer, CURLcode result) {
    if (result != CURLE_OK) fail(curl_easy_strerror(result));
    long status = 0, version = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_VERSION, &version);
    if (status != 200 || version != (is_http2() ? CURL_HTTP_VERSION_2_0 : CURL_HTTP_VERSION_1_1))
        fail("an unexpected response");
}

void finish(struct transfer *transfer, CURLcode result) {
    check_response(transfer, result);
    is_over = true;
}

void get_once(const char *url) {
    struct transfer transfer;
    open_transfer(&transfer, url, finish);
    loop_add(&loop, &transfer);
    run_loop();
    curl_easy_cleanup(transfer.easy);
}

// MARK: Silent requests

void silent_is_over(struct transfer *transfer, CURLcode result) {
    (void)transfer;
    (void)result;
    fail("unexpected response of the silent server");
}

struct transfer *hold_silent_requests(long count) {
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

void close_transfers(struct transfer *transfers, long count) {
    for (long index = 0; index < count; index++) {
        curl_multi_remove_handle(loop.multi, transfers[index].easy);
        curl_easy_cleanup(transfers[index].easy);
    }
    free(transfers);
}
