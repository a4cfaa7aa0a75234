// A fast loop for libcurl: curl_multi_socket_action with epoll, one thread, easy handles reused.
//
// A socket stays registered while its connection is idle, so that a request on a connection of the pool needs no system
// call of the loop except its share of epoll_wait. Transfers that were added in a turn are begun in the same turn.

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
    /// The body, for workloads that keep it, and how much of it was received.
    char *body;
    size_t body_size;
    long bytes;
    /// Which of the requests it is, for workloads whose requests differ.
    long number;
    /// The parsed URL and the header fields, for workloads that have some.
    CURLU *url;
    struct fields *fields;
    struct transfer *next_idle;
};

struct loop {
    CURLM *multi;
    int poller;
    /// An eventfd for other threads.
    int waker;
    /// The time of libcurl's timer; 0: at once; negative: not set.
    double deadline;
};

void loop_open(struct loop *loop);
void loop_close(struct loop *loop);

/// Sets the options by which a transfer's sockets belong to the loop.
void loop_prepare(struct loop *loop, CURL *easy);

/// Begins the transfer.
void loop_add(struct loop *loop, struct transfer *transfer);

/// One turn; waits at most `milliseconds` for events (negative: without limit).
void loop_turn(struct loop *loop, int milliseconds);

/// Ends the wait of `loop_turn`. Callable from any thread.
void loop_wake(struct loop *loop);

#endif
