#include "loop.h"

#include "CMeasurement.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *loop_pointer, void *known) {
    (void)easy;
    struct loop *loop = loop_pointer;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(loop->poller, EPOLL_CTL_DEL, socket, NULL);
        curl_multi_assign(loop->multi, socket, NULL);
        return 0;
    }
    struct epoll_event event = {.data.fd = socket};
    if (what & CURL_POLL_IN) event.events |= EPOLLIN;
    if (what & CURL_POLL_OUT) event.events |= EPOLLOUT;
    if (epoll_ctl(loop->poller, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, &event) != 0)
        epoll_ctl(loop->poller, known ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, socket, &event);
    curl_multi_assign(loop->multi, socket, loop);
    return 0;
}

static int on_timer(CURLM *multi, long milliseconds, void *loop_pointer) {
    (void)multi;
    struct loop *loop = loop_pointer;
    loop->deadline = milliseconds < 0 ? -1 : measurement_now() + (double)milliseconds * 1e-3;
    return 0;
}

void loop_open(struct loop *loop) {
    loop->multi = curl_multi_init();
    loop->poller = epoll_create1(EPOLL_CLOEXEC);
    loop->deadline = -1;
    curl_multi_setopt(loop->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(loop->multi, CURLMOPT_SOCKETDATA, loop);
    curl_multi_setopt(loop->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(loop->multi, CURLMOPT_TIMERDATA, loop);
}

void loop_close(struct loop *loop) {
    curl_multi_cleanup(loop->multi);
    close(loop->poller);
}

static void check(CURLMcode code) {
    if (code == CURLM_OK) return;
    fprintf(stderr, "libcurl: %s\n", curl_multi_strerror(code));
    exit(1);
}

void loop_add(struct loop *loop, struct transfer *transfer) {
    check(curl_multi_add_handle(loop->multi, transfer->easy));
}

void loop_turn(struct loop *loop, int milliseconds) {
    struct epoll_event events[256];
    int running;
    int wait = milliseconds;
    if (loop->deadline >= 0) {
        double left = (loop->deadline - measurement_now()) * 1e3;
        int rounded = left <= 0 ? 0 : (int)left + 1;
        if (wait < 0 || rounded < wait) wait = rounded;
    }
    int count = epoll_wait(loop->poller, events, 256, wait);
    for (int index = 0; index < count; index++) {
        int flags = 0;
        if (events[index].events & EPOLLIN) flags |= CURL_CSELECT_IN;
        if (events[index].events & EPOLLOUT) flags |= CURL_CSELECT_OUT;
        if (events[index].events & (EPOLLERR | EPOLLHUP)) flags |= CURL_CSELECT_ERR;
        check(curl_multi_socket_action(loop->multi, events[index].data.fd, flags, &running));
    }
    if (loop->deadline >= 0 && measurement_now() >= loop->deadline) {
        loop->deadline = -1;
        check(curl_multi_socket_action(loop->multi, CURL_SOCKET_TIMEOUT, 0, &running));
    }
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
