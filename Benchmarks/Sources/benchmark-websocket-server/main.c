// A server of WebSockets that costs little, so that the clients are measured. One thread with epoll.
//
//   /echo         each frame is sent back; a ping is answered
//   /sink         frames are discarded; a text message is answered with the number of bytes that came before it
//   /flood/SIZE   after the first message, binary messages of SIZE bytes, until the client ends the connection
//   /flood/SIZE/COUNT   so many of them, and then a close frame
//
// Behind "/deflate" before these, permessage-deflate is agreed if it was offered. The client then keeps no context between
// messages: so what it has compressed can be sent back as it is, and the server compresses only one message of a flood.
//
// Listens on the port of its argument and prints a line when it is ready.

#define _GNU_SOURCE
#include "CServerLoop.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

enum { maximum_descriptors = 65536, scratch_size = 1 << 20 };

enum kind { asking, echo, sink, flood };

struct connection {
    enum kind kind;
    /// Received and not processed; NULL if there is nothing.
    char *input;
    size_t input_length, input_capacity;
    /// What the socket has not taken.
    char *output;
    size_t output_length, output_sent;
    /// Of a frame that is discarded.
    uint64_t payload_left;
    uint64_t discarded;
    /// Messages of a flood that are left, and a frame that is repeated, of which a part was sent.
    long messages_left;
    char *frames;
    size_t frames_length, frame_length, frames_sent;
};

static struct connection connections[maximum_descriptors];
/// Where everything is received.
static char scratch[scratch_size];

static void forget(int descriptor) {
    struct connection *connection = &connections[descriptor];
    free(connection->input);
    free(connection->output);
    free(connection->frames);
    *connection = (struct connection){0};
    close(descriptor);
}

// MARK: The handshake

static uint32_t rotate(uint32_t value, int count) { return value << count | value >> (32 - count); }

static void sha1(const char *text, size_t length, uint8_t digest[20]) {
    uint32_t state[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    uint8_t blocks[128] = {0};
    size_t total = length + 9 <= 64 ? 64 : 128;
    memcpy(blocks, text, length);
    blocks[length] = 0x80;
    for (int index = 0; index < 8; index++) blocks[total - 1 - index] = (uint8_t)((uint64_t)length * 8 >> 8 * index);
    for (size_t start = 0; start < total; start += 64) {
        uint32_t words[80];
        for (int index = 0; index < 16; index++) {
            const uint8_t *word = blocks + start + 4 * index;
            words[index] = (uint32_t)word[0] << 24 | (uint32_t)word[1] << 16 | (uint32_t)word[2] << 8 | word[3];
        }
        for (int index = 16; index < 80; index++)
            words[index] = rotate(words[index - 3] ^ words[index - 8] ^ words[index - 14] ^ words[index - 16], 1);
        uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
        for (int index = 0; index < 80; index++) {
            uint32_t mixed, constant;
            if (index < 20) mixed = (b & c) | (~b & d), constant = 0x5A827999;
            else if (index < 40) mixed = b ^ c ^ d, constant = 0x6ED9EBA1;
            else if (index < 60) mixed = (b & c) | (b & d) | (c & d), constant = 0x8F1BBCDC;
            else mixed = b ^ c ^ d, constant = 0xCA62C1D6;
            uint32_t next = rotate(a, 5) + mixed + e + constant + words[index];
            e = d, d = c, c = rotate(b, 30), b = a, a = next;
        }
        state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e;
    }
    for (int index = 0; index < 20; index++) digest[index] = (uint8_t)(state[index / 4] >> (24 - index % 4 * 8));
}

static void base64(const uint8_t digest[20], char text[29]) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t padded[21] = {0};
    memcpy(padded, digest, 20);
    for (int index = 0; index < 7; index++) {
        uint32_t bits = (uint32_t)padded[3 * index] << 16 | (uint32_t)padded[3 * index + 1] << 8 | padded[3 * index + 2];
        for (int letter = 0; letter < 4; letter++) text[4 * index + letter] = letters[bits >> (18 - 6 * letter) & 63];
    }
    text[27] = '=';
    text[28] = 0;
}

// MARK: Sending

static void listen_for(int descriptor, uint32_t what) {
    struct epoll_event event = {.events = what, .data.fd = descriptor};
    epoll_ctl(poller, EPOLL_CTL_MOD, descriptor, &event);
}

static size_t header(char *target, int opcode, bool is_compressed, size_t length) {
    target[0] = (char)(0x80 | (is_compressed ? 0x40 : 0) | opcode);
    if (length < 126) {
        target[1] = (char)length;
        return 2;
    }
    int bytes = length < 65536 ? 2 : 8;
    target[1] = bytes == 2 ? 126 : 127;
    for (int index = 0; index < bytes; index++) target[2 + index] = (char)((uint64_t)length >> 8 * (bytes - 1 - index));
    return 2 + (size_t)bytes;
}

/// Sends bytes, and keeps what the socket does not take. Returns `false` if the connection is lost.
static bool send_all(int descriptor, const char *bytes, size_t length) {
    struct connection *connection = &connections[descriptor];
    if (!connection->output) {
        ssize_t count = send(descriptor, bytes, length, MSG_NOSIGNAL);
        if (count < 0 && errno != EAGAIN) return false;
        if (count > 0) bytes += count, length -= (size_t)count;
        if (length == 0) return true;
    }
    // Not read from until this has gone out, so it is not much.
    connection->output = realloc(connection->output, connection->output_length + length);
    memcpy(connection->output + connection->output_length, bytes, length);
    connection->output_length += length;
    listen_for(descriptor, EPOLLOUT);
    return true;
}

/// Goes on with what is left. Returns `false` if the connection is lost.
static bool send_rest(int descriptor) {
    struct connection *connection = &connections[descriptor];
    while (connection->output) {
        ssize_t count = send(descriptor, connection->output + connection->output_sent,
                             connection->output_length - connection->output_sent, MSG_NOSIGNAL);
        if (count < 0) return errno == EAGAIN;
        connection->output_sent += (size_t)count;
        if (connection->output_sent < connection->output_length) continue;
        free(connection->output);
        connection->output = NULL;
        connection->output_length = connection->output_sent = 0;
        if (connection->kind != flood) listen_for(descriptor, EPOLLIN);
    }
    while (connection->kind == flood && connection->messages_left != 0) {
        size_t left = connection->frames_length - connection->frames_sent;
        if (connection->messages_left > 0) {
            size_t wanted = (size_t)connection->messages_left * connection->frame_length
                - connection->frames_sent % connection->frame_length;
            if (wanted < left) left = wanted;
        }
        ssize_t count = send(descriptor, connection->frames + connection->frames_sent, left, MSG_NOSIGNAL);
        if (count < 0) return errno == EAGAIN;
        size_t before = connection->frames_sent / connection->frame_length;
        connection->frames_sent += (size_t)count;
        size_t after = connection->frames_sent / connection->frame_length;
        if (connection->messages_left > 0) connection->messages_left -= (long)(after - before);
        if (connection->frames_sent == connection->frames_length) connection->frames_sent = 0;
    }
    if (connection->kind == flood && connection->messages_left == 0) {
        connection->kind = echo;
        listen_for(descriptor, EPOLLIN);
        return send_all(descriptor, "\x88\x02\x03\xE8", 4);
    }
    return true;
}

static void begin_flood(struct connection *connection, const char *path, bool is_compressed) {
    char *end;
    size_t size = strtoul(path, &end, 10);
    connection->messages_left = *end == '/' ? atol(end + 1) : -1;
    char *payload = malloc(size + 1), *compressed = NULL;
    // Compressible by about half: letters of an alphabet of 16.
    uint32_t state = 1;
    for (size_t index = 0; index < size; index++) payload[index] = (char)('a' + ((state = state * 1664525 + 1013904223) >> 28));
    size_t length = size;
    if (is_compressed) {
        z_stream stream = {0};
        deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
        size_t capacity = deflateBound(&stream, size) + 16;
        compressed = malloc(capacity);
        stream.next_in = (Bytef *)payload, stream.avail_in = (uInt)size;
        stream.next_out = (Bytef *)compressed, stream.avail_out = (uInt)capacity;
        deflate(&stream, Z_SYNC_FLUSH);
        length = capacity - stream.avail_out - 4;
        deflateEnd(&stream);
    }
    size_t repeats = length < 65536 ? 262144 / (length + 4) : 4;
    connection->frames = malloc(repeats * (length + 10));
    for (size_t index = 0; index < repeats; index++) {
        connection->frames_length += header(connection->frames + connection->frames_length, 2, is_compressed, length);
        memcpy(connection->frames + connection->frames_length, compressed ? compressed : payload, length);
        connection->frames_length += length;
    }
    connection->frame_length = connection->frames_length / repeats;
    free(payload);
    free(compressed);
}

// MARK: Receiving

/// A complete head. Returns `false` if the connection is to be closed.
static bool take_head(int descriptor, struct connection *connection, char *head) {
    char *key = strcasestr(head, "\r\nSec-WebSocket-Key:"), *path = strchr(head, ' ');
    if (!key || !path) return false;
    key += 20;
    while (*key == ' ') key++;
    char text[128], accept[29];
    int length = snprintf(text, sizeof text, "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    uint8_t digest[20];
    sha1(text, (size_t)length, digest);
    base64(digest, accept);
    path += 1;
    bool is_compressed = strncmp(path, "/deflate", 8) == 0 && strcasestr(head, "permessage-deflate");
    if (strncmp(path, "/deflate", 8) == 0) path += 8;
    connection->kind = strncmp(path, "/flood/", 7) == 0 ? flood : strncmp(path, "/sink", 5) == 0 ? sink : echo;
    if (connection->kind == flood) begin_flood(connection, path + 7, is_compressed);
    char answer[512];
    length = snprintf(answer, sizeof answer,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s\r\n",
        accept, is_compressed ? "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover\r\n" : "");
    if (!send_all(descriptor, answer, (size_t)length)) return false;
    return true;
}

static void unmask(char *target, const char *source, size_t length, const char *mask) {
    uint32_t word;
    memcpy(&word, mask, 4);
    uint64_t both = (uint64_t)word << 32 | word;
    size_t index = 0;
    for (; index + 8 <= length; index += 8) {
        uint64_t bytes;
        memcpy(&bytes, source + index, 8);
        bytes ^= both;
        memcpy(target + index, &bytes, 8);
    }
    for (; index < length; index++) target[index] = source[index] ^ mask[index & 3];
}

/// Processes frames. Returns how many bytes were used; negative if the connection is to be closed.
static ssize_t take_frames(int descriptor, struct connection *connection, const char *bytes, size_t length) {
    static char *answers;
    static size_t capacity;
    size_t used = 0, answered = 0;
    while (true) {
        if (connection->payload_left > 0) {
            size_t count = length - used < connection->payload_left ? length - used : (size_t)connection->payload_left;
            connection->payload_left -= count;
            connection->discarded += count;
            used += count;
            if (connection->payload_left > 0) break;
        }
        const uint8_t *frame = (const uint8_t *)bytes + used;
        size_t left = length - used;
        if (left < 2) break;
        uint64_t size = frame[1] & 127;
        size_t head = 2;
        if (size == 126) {
            if (left < 4) break;
            size = (uint64_t)frame[2] << 8 | frame[3];
            head = 4;
        } else if (size == 127) {
            if (left < 10) break;
            size = 0;
            for (int index = 0; index < 8; index++) size = size << 8 | frame[2 + index];
            head = 10;
        }
        if (left < head + 4) break;
        int opcode = frame[0] & 15;
        const char *mask = (const char *)frame + head;
        if (connection->kind == sink && (opcode == 2 || opcode == 0)) {
            connection->payload_left = size;
            used += head + 4;
            continue;
        }
        if (left < head + 4 + size) break;
        used += head + 4 + size;
        if (answered + size + 32 > capacity) answers = realloc(answers, capacity = 2 * (answered + size + 32));
        if (opcode == 10) continue;
        if (connection->kind == flood) {
            // Nothing more is read.
            listen_for(descriptor, EPOLLOUT);
            return (ssize_t)length;
        }
        if (connection->kind == sink && opcode == 1) {
            char text[32];
            int count = snprintf(text, sizeof text, "%llu", (unsigned long long)connection->discarded);
            answered += header(answers + answered, 1, false, (size_t)count);
            memcpy(answers + answered, text, (size_t)count);
            answered += (size_t)count;
            continue;
        }
        char *start = answers + answered;
        answered += header(start, opcode == 9 ? 10 : opcode, frame[0] & 0x40, size);
        if (!(frame[0] & 0x80)) start[0] &= 0x7F;
        unmask(answers + answered, mask + 4, size, mask);
        answered += size;
        if (opcode == 8) {
            send(descriptor, answers, answered, MSG_NOSIGNAL);
            return -1;
        }
    }
    if (answered > 0 && !send_all(descriptor, answers, answered)) return -1;
    return (ssize_t)used;
}

static void take(int descriptor) {
    struct connection *connection = &connections[descriptor];
    // What is left of before comes first.
    size_t before = connection->input_length;
    char *target = scratch;
    if (before + 65536 > scratch_size) {
        forget(descriptor);
        return;
    }
    if (before) memcpy(target, connection->input, before);
    ssize_t count = recv(descriptor, target + before, scratch_size - before - 1, 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
        forget(descriptor);
        return;
    }
    size_t length = before + (size_t)count;
    size_t used = 0;
    if (connection->kind == asking) {
        target[length] = 0;
        char *end = strstr(target, "\r\n\r\n");
        if (end) {
            end[2] = 0;
            used = (size_t)(end + 4 - target);
            if (!take_head(descriptor, connection, target)) {
                forget(descriptor);
                return;
            }
        }
    }
    if (connection->kind != asking) {
        ssize_t frames = take_frames(descriptor, connection, target + used, length - used);
        if (frames < 0) {
            forget(descriptor);
            return;
        }
        used += (size_t)frames;
    }
    size_t left = length - used;
    if (left > connection->input_capacity) {
        connection->input = realloc(connection->input, left);
        connection->input_capacity = left;
    } else if (left == 0) {
        free(connection->input);
        connection->input = NULL;
        connection->input_capacity = 0;
    }
    if (left) memcpy(connection->input, target + used, left);
    connection->input_length = left;
}

static void accepted(int descriptor) { connections[descriptor] = (struct connection){0}; }

static void ready(int descriptor, uint32_t events) {
    if (events & EPOLLOUT) {
        if (!send_rest(descriptor)) forget(descriptor);
    } else take(descriptor);
}

int main(int count, char **values) {
    struct server_loop loop = {"benchmark-websocket-server", maximum_descriptors, accepted, ready};
    return server_loop_run(&loop, count > 1 ? atoi(values[1]) : 0);
}
