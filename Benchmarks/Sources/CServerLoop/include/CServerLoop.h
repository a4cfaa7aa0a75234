#ifndef C_SERVER_LOOP_H
#define C_SERVER_LOOP_H

#include <stdint.h>

/// What a server does with its connections, on one thread. Connections are numbers below `maximum_descriptors`.
struct server_loop {
    /// The program, for messages.
    const char *name;
    int maximum_descriptors;
    /// A connection was accepted. It is watched for EPOLLIN.
    void (*accepted)(int descriptor);
    /// Something has happened on a connection: bits of epoll.
    void (*ready)(int descriptor, uint32_t events);
};

/// The epoll descriptor, to watch connections for something else.
extern int poller;

/// Accepts connections on a port of 127.0.0.1, until the parent process has ended. Returns the exit status of a failure.
int server_loop_run(const struct server_loop *loop, int port);

#endif
