#include "loop.h"

#include "CMeasurement.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { maximum_descriptors = 1 << 17 };

/// What is known of a descriptor: what libcurl waits for, and what epoll reports.
static struct watch {
    bool is_of_connection;
    unsigned char wanted, registered;
} watches[maximum_descriptors];

// MARK: Sockets

static void stop_watching(struct loop *loop, int socket) {
    epoll_ctl(loop->poller, EPOLL_CTL_DEL, socket, NULL);
    watches[socket].registered = 0;
}

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *loop_pointer, void *known) {
    (void)easy;
    (void)known;
    struct loop *loop = loop_pointer;
    struct watch *watch = &watches[socket];
    watch->wanted = what == CURL_POLL_REMOVE ? 0 : (unsigned char)what;
    if (what == CURL_POLL_REMOVE) {
        // Mostly the connection is idle now and is used again. Sockets of the resolver are closed.
        if (!watch->is_of_connection) stop_watching(loop, socket);
        return 0;
    }
    if (watch->wanted == watch->registered) return 0;
    struct epoll_event event = {.data.fd = socket};
    if (what & CURL_POLL_IN) event.events |= EPOLLIN;
    if (what & CURL_POLL_OUT) event.events |= EPOLLOUT;
    epoll_ctl(loop->poller, watch->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, &event);
    watch->registered = watch->wanted;
    return 0;
}

static curl_socket_t on_open(void *unused, curlsocktype purpose, struct curl_sockaddr *address) {
    (void)unused;
    (void)purpose;
    int descriptor = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (descriptor >= maximum_descriptors) abort();
    if (descriptor >= 0) watches[descriptor] = (struct watch){.is_of_connection = true};
    return descriptor;
}

static int on_close(void *unused, curl_socket_t socket) {
    (void)unused;
    // epoll forgets it by itself.
    watches[socket] = (struct watch){0};
    return close(socket);
}

void loop_prepare(struct loop *loop, CURL *easy) {
    (void)loop;
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
}

// MARK: Turns

static int on_timer(CURLM *multi, long milliseconds, void *loop_pointer) {
    (void)multi;
    struct loop *loop = loop_pointer;
    if (milliseconds <= 0) loop->deadline = (double)milliseconds;
    else loop->deadline = measurement_now() + (double)milliseconds * 1e-3;
    return 0;
}

void loop_open(struct loop *loop) {
    loop->multi = curl_multi_init();
    loop->poller = epoll_create1(EPOLL_CLOEXEC);
    loop->waker = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    loop->deadline = -1;
    curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop);
    curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop);
    // The pool keeps every connection that was needed once.
    curl_multi_setopt(loop->multi, CURLMOPT_MAXCONNECTS, (long)maximum_descriptors);
    // Edge-triggered: the counter is never read.
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = loop->waker};
    epoll_ctl(loop->poller, EPOLL_CTL_ADD, loop->waker, &event);
}

void loop_close(struct loop *loop) {
    curl_multi_cleanup(loop->multi);
    close(loop->poller);
    close(loop->waker);
}

static void check(CURLMcode code) {
    if (code == CURLM_OK) return;
    fprintf(stderr, "libcurl: %s\n", curl_multi_strerror(code));
    exit(1);
}

void loop_add(struct loop *loop, struct transfer *transfer) {
    check(curl_multi_add_handle(loop->multi, transfer->easy));
}

void loop_wake(struct loop *loop) {
    static const uint64_t one = 1;
    if (write(loop->waker, &one, sizeof one) < 0) abort();
}

/// Returns whether the timer was due.
static bool run_timer(struct loop *loop) {
    if (loop->deadline < 0 || (loop->deadline > 0 && measurement_now() < loop->deadline)) return false;
    int running;
    loop->deadline = -1;
    check(curl_multi_socket_action(loop->multi, CURL_SOCKET_TIMEOUT, 0, &running));
    return true;
}

static void finish_transfers(struct loop *loop) {
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(loop->multi, &left))) {
        if (message->msg != CURLMSG_DONE) continue;
        struct transfer *transfer;
        CURLcode result = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        curl_multi_remove_handle(loop->multi, transfer->easy);
        transfer->done(transfer, result);
    }
}

void loop_turn(struct loop *loop, int milliseconds) {
    struct epoll_event events[256];
    int running;
    int wait = milliseconds;
    if (loop->deadline >= 0) {
        double left = loop->deadline == 0 ? 0 : (loop->deadline - measurement_now()) * 1e3;
        int rounded = left <= 0 ? 0 : (int)left + 1;
        if (wait < 0 || rounded < wait) wait = rounded;
    }
    int count = epoll_wait(loop->poller, events, 256, wait);
    for (int index = 0; index < count; index++) {
        int descriptor = events[index].data.fd;
        if (descriptor == loop->waker) continue;
        if (!watches[descriptor].wanted) {
            // An idle connection, closed by the server: libcurl notices before it uses it again.
            stop_watching(loop, descriptor);
            continue;
        }
        int flags = 0;
        if (events[index].events & EPOLLIN) flags |= CURL_CSELECT_IN;
        if (events[index].events & EPOLLOUT) flags |= CURL_CSELECT_OUT;
        if (events[index].events & (EPOLLERR | EPOLLHUP)) flags |= CURL_CSELECT_ERR;
        check(curl_multi_socket_action(loop->multi, descriptor, flags, &running));
    }
    // The requests that follow completed ones are sent before the loop waits again.
    do finish_transfers(loop);
    while (run_timer(loop));
}
