// A minimal fast loop for libcurl: curl_multi_socket_action with epoll, one thread, easy handles reused.

#ifndef LOOP_H
#define LOOP_H

#include <curl/curl.h>
#include <stdbool.h>

struct transfer;

/// Called when a transfer has ended and was removed from the multi handle.
typedef void (*transfer_done)(struct transfer *transfer, CURLcode result);

struct transfer {
    CURL *easy;
    transfer_done done;
    long bytes;
};

struct loop {
    CURLM *multi;
    int poller;
    /// The time of libcurl's timer; negative if it is not set.
    double deadline;
};

void loop_open(struct loop *loop);
void loop_close(struct loop *loop);

/// Begins the transfer.
void loop_add(struct loop *loop, struct transfer *transfer);

/// One turn; waits at most `milliseconds` for events (negative: without limit).
void loop_turn(struct loop *loop, int milliseconds);

#endif
