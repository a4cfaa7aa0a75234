// A server for what nginx does not do: never answer, and discard uploads without writing them to disk.
//
//   /silent    the request is read and never answered
//   /held      the number of requests that are held without an answer
//   other      the body (Content-Length) is discarded, then the answer is 200 with "hello"
//
// Listens on the port of its argument and prints a line when it is ready. One thread with epoll; a held request uses only
// a few bytes, so that 8,000 of them do not influence the measurement.

#define _GNU_SOURCE
#include "CServerLoop.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { maximum_descriptors = 65536, head_size = 8192 };

struct connection {
    /// The received part of the next head; NULL if there is none.
    char *head;
    size_t head_length;
    long body_left;
    bool has_body, is_held;
};

static struct connection connections[maximum_descriptors];
static long held;

static void forget(int descriptor) {
    struct connection *connection = &connections[descriptor];
    if (connection->is_held) held -= 1;
    free(connection->head);
    *connection = (struct connection){0};
    close(descriptor);
}

static void answer(int descriptor, const char *body) {
    char text[256];
    int length = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
    if (send(descriptor, text, (size_t)length, MSG_NOSIGNAL) != length) forget(descriptor);
}

/// Processes a complete head: answers it, holds it, or prepares to receive its body.
static void take_head(int descriptor, struct connection *connection, size_t body_in_buffer) {
    char *head = connection->head;
    if (strstr(head, " /silent ")) {
        connection->is_held = true;
        held += 1;
    } else if (strstr(head, " /held ")) {
        char number[32];
        snprintf(number, sizeof number, "%ld", held);
        answer(descriptor, number);
    } else {
        char *length = strcasestr(head, "\r\nContent-Length:");
        connection->body_left = (length ? atol(length + 17) : 0) - (long)body_in_buffer;
        if (connection->body_left <= 0) answer(descriptor, "hello");
        else connection->has_body = true;
    }
    free(connection->head);
    connection->head = NULL;
    connection->head_length = 0;
}

/// Reads what has arrived. Returns whether there may be more.
static bool take(int descriptor) {
    static char sink[1 << 18];
    struct connection *connection = &connections[descriptor];
    if (connection->has_body) {
        ssize_t count = recv(descriptor, sink, sizeof sink, 0);
        if (count < 0 && errno == EAGAIN) return false;
        if (count <= 0) {
            forget(descriptor);
            return false;
        }
        connection->body_left -= count;
        if (connection->body_left <= 0) {
            connection->has_body = false;
            answer(descriptor, "hello");
        }
        return count == sizeof sink;
    }
    if (!connection->head && !(connection->head = malloc(head_size))) abort();
    size_t space = head_size - 1 - connection->head_length;
    ssize_t count = recv(descriptor, connection->head + connection->head_length, space, 0);
    if (count <= 0 || space == 0) {
        forget(descriptor);
        return false;
    }
    connection->head_length += (size_t)count;
    connection->head[connection->head_length] = 0;
    char *end = strstr(connection->head, "\r\n\r\n");
    if (end) take_head(descriptor, connection, connection->head_length - (size_t)(end + 4 - connection->head));
    return false;
}

static void accepted(int descriptor) { connections[descriptor] = (struct connection){0}; }

static void ready(int descriptor, uint32_t events) {
    (void)events;
    while (take(descriptor)) {}
}

int main(int count, char **values) {
    struct server_loop loop = {"benchmark-server", maximum_descriptors, accepted, ready};
    return server_loop_run(&loop, count > 1 ? atoi(values[1]) : 0);
}
