// The plainest fast loop on libcurl: curl_multi_socket_action on epoll, one thread, easy handles used again.

#ifndef LOOP_H
#define LOOP_H

#include <curl/curl.h>
#include <stdbool.h>

struct transfer;

/// Called when a transfer is over and out of the multi handle.
typedef void (*transfer_done)(struct transfer *transfer, CURLcode result);

struct transfer {
    CURL *easy;
    transfer_done done;
    long bytes;
};

struct loop {
    CURLM *multi;
    int poller;
    /// When libcurl wants to be called; negative: not.
    double deadline;
};

void loop_open(struct loop *loop);
void loop_close(struct loop *loop);

/// Begins the transfer.
void loop_add(struct loop *loop, struct transfer *transfer);

/// One turn; sleeps for at most `milliseconds` (negative: as long as nothing happens).
void loop_turn(struct loop *loop, int milliseconds);

#endif
