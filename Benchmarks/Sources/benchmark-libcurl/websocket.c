#include "websocket.h"

#include "CMeasurement.h"
#include "arguments.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <zlib.h>

// The request is an upload without framing that pauses until the 101, as in the library. There is one message of each
// direction at a time.

struct socket {
    struct transfer transfer;
    struct curl_slist *fields;
    bool is_open, is_paused, is_closed;
    /// Frames that libcurl has not taken.
    char *output;
    size_t output_length, output_capacity, output_taken;
    /// The head of the frame that is coming, and what is left of its payload.
    uint8_t head[10];
    size_t head_length;
    uint64_t payload_left;
    /// The message that is coming.
    char *message;
    size_t message_length, message_capacity;
    bool is_compressed;
    z_stream *inflater, *deflater;
};

static struct loop *loop;
static bool is_deflating, is_over;
static long open_sockets, pongs;
static char *payload;
static size_t payload_size;

/// What the workload does with a message.
static void (*on_message)(struct socket *, const char *, size_t);
/// What the workload does when libcurl asks for more and there is nothing.
static void (*on_writable)(struct socket *);

static void *grown(void *memory, size_t *capacity, size_t needed) {
    if (needed <= *capacity) return memory;
    *capacity = needed < 256 ? 256 : 2 * needed;
    return realloc(memory, *capacity);
}

// MARK: Sending

/// A masking key, from the random numbers of the system.
static uint32_t masking_key(void) {
    static uint32_t keys[1024];
    static size_t next = 1024;
    if (next == 1024) {
        if (getrandom(keys, sizeof keys, 0) != sizeof keys) fail("no random numbers");
        next = 0;
    }
    return keys[next++];
}

static void put_frame(struct socket *socket, int first, const char *bytes, size_t length) {
    if (socket->output_taken == socket->output_length) socket->output_taken = socket->output_length = 0;
    socket->output = grown(socket->output, &socket->output_capacity, socket->output_length + length + 14);
    char *target = socket->output + socket->output_length;
    size_t head = 2;
    target[0] = (char)first;
    if (length < 126) {
        target[1] = (char)(0x80 | length);
    } else {
        int count = length < 65536 ? 2 : 8;
        target[1] = (char)(0x80 | (count == 2 ? 126 : 127));
        for (int index = 0; index < count; index++) target[head++] = (char)((uint64_t)length >> 8 * (count - 1 - index));
    }
    uint32_t key = masking_key();
    memcpy(target + head, &key, 4);
    target += head + 4;
    uint64_t both = (uint64_t)key << 32 | key;
    size_t index = 0;
    for (; index + 8 <= length; index += 8) {
        uint64_t word;
        memcpy(&word, bytes + index, 8);
        word ^= both;
        memcpy(target + index, &word, 8);
    }
    for (; index < length; index++) target[index] = bytes[index] ^ (char)(both >> 8 * (index & 7));
    socket->output_length += head + 4 + length;
}

static void resume(struct socket *socket) {
    if (!socket->is_paused) return;
    socket->is_paused = false;
    curl_easy_pause(socket->transfer.easy, CURLPAUSE_CONT);
}

static void put_message(struct socket *socket, int opcode, const char *bytes, size_t length) {
    static char *compressed;
    static size_t capacity;
    if (!socket->deflater || length < 64) {
        put_frame(socket, 0x80 | opcode, bytes, length);
        return;
    }
    z_stream *stream = socket->deflater;
    // The server keeps no context of the client.
    deflateReset(stream);
    compressed = grown(compressed, &capacity, deflateBound(stream, length) + 16);
    stream->next_in = (Bytef *)bytes, stream->avail_in = (uInt)length;
    stream->next_out = (Bytef *)compressed, stream->avail_out = (uInt)capacity;
    deflate(stream, Z_SYNC_FLUSH);
    put_frame(socket, 0xC0 | opcode, compressed, capacity - stream->avail_out - 4);
}

static size_t on_read(char *buffer, size_t size, size_t count, void *pointer) {
    struct socket *socket = pointer;
    if (socket->is_open && socket->output_taken == socket->output_length && on_writable) {
        // As many frames as there is room for.
        size_t before;
        do {
            before = socket->output_length;
            on_writable(socket);
        } while (socket->output_length > before && 2 * socket->output_length - before <= size * count);
    }
    size_t length = socket->output_length - socket->output_taken;
    if (!socket->is_open || length == 0) {
        socket->is_paused = true;
        return CURL_READFUNC_PAUSE;
    }
    if (length > size * count) length = size * count;
    memcpy(buffer, socket->output + socket->output_taken, length);
    socket->output_taken += length;
    return length;
}

// MARK: Receiving

static void take_message(struct socket *socket) {
    static char *inflated;
    static size_t capacity;
    const char *bytes = socket->message;
    size_t length = socket->message_length;
    if (socket->is_compressed) {
        z_stream *stream = socket->inflater;
        socket->message = grown(socket->message, &socket->message_capacity, length + 4);
        memcpy(socket->message + length, "\x00\x00\xFF\xFF", 4);
        stream->next_in = (Bytef *)socket->message, stream->avail_in = (uInt)length + 4;
        size_t produced = 0;
        do {
            inflated = grown(inflated, &capacity, produced + 65536);
            stream->next_out = (Bytef *)inflated + produced, stream->avail_out = (uInt)(capacity - produced);
            int result = inflate(stream, Z_SYNC_FLUSH);
            if (result != Z_OK && result != Z_BUF_ERROR) fail("a message cannot be inflated");
            produced = capacity - stream->avail_out;
        } while (stream->avail_out == 0);
        bytes = inflated, length = produced;
    }
    socket->message_length = 0;
    on_message(socket, bytes, length);
}

static void take_frame(struct socket *socket) {
    int opcode = socket->head[0] & 15;
    socket->head_length = 0;
    switch (opcode) {
    case 8: socket->is_closed = true; break;
    case 9: put_frame(socket, 0x8A, socket->message, socket->message_length); break;
    case 10: pongs++; break;
    default:
        if (socket->head[0] & 0x80) take_message(socket);
        return;
    }
    socket->message_length = 0;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *pointer) {
    // libcurl returns to the loop only when it has read everything, which may be never while the server is faster.
    if (is_over) return CURL_WRITEFUNC_PAUSE;
    struct socket *socket = pointer;
    size_t left = size * count;
    while (left > 0) {
        if (socket->payload_left == 0) {
            uint8_t *head = socket->head;
            head[socket->head_length++] = (uint8_t)*bytes++;
            left--;
            size_t needed = socket->head_length < 2 ? 2 : head[1] < 126 ? 2 : head[1] == 126 ? 4 : 10;
            if (socket->head_length < needed) continue;
            uint64_t length = head[1];
            if (needed > 2) {
                length = 0;
                for (size_t index = 2; index < needed; index++) length = length << 8 | head[index];
            }
            if ((head[0] & 15) == 1 || (head[0] & 15) == 2) socket->is_compressed = head[0] & 0x40;
            socket->payload_left = length;
            socket->message = grown(socket->message, &socket->message_capacity, socket->message_length + length);
            if (length == 0) take_frame(socket);
            continue;
        }
        size_t part = left < socket->payload_left ? left : (size_t)socket->payload_left;
        memcpy(socket->message + socket->message_length, bytes, part);
        socket->message_length += part;
        socket->payload_left -= part;
        bytes += part;
        left -= part;
        if (socket->payload_left == 0) take_frame(socket);
    }
    return size * count;
}

static size_t on_head(char *line, size_t size, size_t count, void *pointer) {
    struct socket *socket = pointer;
    if (size * count == 2 && line[0] == '\r') {
        long status = 0;
        curl_easy_getinfo(socket->transfer.easy, CURLINFO_RESPONSE_CODE, &status);
        if (status != 101) fail("no upgrade");
        socket->is_open = true;
        open_sockets++;
    } else if (is_deflating && size * count > 24 && strncasecmp(line, "Sec-WebSocket-Extensions", 24) == 0) {
        socket->inflater = calloc(1, sizeof *socket->inflater);
        socket->deflater = calloc(1, sizeof *socket->deflater);
        inflateInit2(socket->inflater, -15);
        deflateInit2(socket->deflater, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
    }
    return size * count;
}

// MARK: Sockets

static void socket_is_over(struct transfer *transfer, CURLcode result) {
    if (result != CURLE_OK || !((struct socket *)transfer)->is_closed) fail("the connection has ended");
}

static struct socket *open_socket(void) {
    struct socket *socket = calloc(1, sizeof *socket);
    CURL *easy = socket->transfer.easy = curl_easy_init();
    socket->transfer.done = socket_is_over;
    loop_prepare(loop, easy);
    uint32_t key[4] = {masking_key(), masking_key(), masking_key(), masking_key()};
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char field[64] = "Sec-WebSocket-Key: ";
    size_t length = strlen(field);
    // Of which bytes it is the code does not matter here.
    for (int index = 0; index < 22; index++) field[length++] = letters[(key[index / 6] >> index % 6 * 5) & (index < 21 ? 31 : 0)];
    strcpy(field + length, "==");
    struct curl_slist *fields = curl_slist_append(NULL, field);
    fields = curl_slist_append(fields, "Connection: Upgrade");
    fields = curl_slist_append(fields, "Upgrade: websocket");
    fields = curl_slist_append(fields, "Sec-WebSocket-Version: 13");
    fields = curl_slist_append(fields, "Transfer-Encoding:");
    fields = curl_slist_append(fields, "Expect:");
    if (is_deflating) fields = curl_slist_append(fields, "Sec-WebSocket-Extensions: permessage-deflate");
    socket->fields = fields;
    curl_easy_setopt(easy, CURLOPT_URL, text("url", ""));
    curl_easy_setopt(easy, CURLOPT_PRIVATE, &socket->transfer);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "GET");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, fields);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(easy, CURLOPT_READDATA, socket);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, socket);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, socket);
    loop_add(loop, &socket->transfer);
    return socket;
}

/// Opens them, a few hundred at a time.
static struct socket **open_all(long count) {
    struct socket **sockets = calloc((size_t)count, sizeof *sockets);
    open_sockets = 0;
    for (long index = 0; index < count; index++) {
        sockets[index] = open_socket();
        while (index + 1 - open_sockets >= (index + 1 == count ? 1 : 256)) loop_turn(loop, -1);
    }
    return sockets;
}

// MARK: Workloads

static void ignore(struct socket *socket, const char *bytes, size_t length) {
    (void)socket, (void)bytes, (void)length;
}

static void prepare_window(long workers) {
    measurement_prepare(number("warm-up", 0.2), 2 * workers, number("seconds", 1), (long)number("requests", 0));
}

static void echoed(struct socket *socket, const char *bytes, size_t length) {
    (void)bytes;
    if (length != payload_size) fail("not the message that was sent");
    if (!measurement_note()) {
        is_over = true;
        return;
    }
    put_message(socket, 2, payload, payload_size);
    resume(socket);
}

static void round_trips(void) {
    long count = (long)number("sockets", 1);
    on_message = echoed;
    struct socket **sockets = open_all(count);
    prepare_window(count);
    for (long index = 0; index < count; index++) {
        put_message(sockets[index], 2, payload, payload_size);
        resume(sockets[index]);
    }
    while (!is_over) loop_turn(loop, -1);
    measurement_print();
}

static void noted(struct socket *socket, const char *bytes, size_t length) {
    (void)socket, (void)bytes;
    if (length != payload_size) fail("a message of another size");
    if (!measurement_note()) is_over = true;
}

static void ask_for_flood(void) {
    struct socket **sockets = open_all(1);
    put_message(sockets[0], 1, "go", 2);
    resume(sockets[0]);
}

static void flood_in(void) {
    prepare_window(1);
    on_message = noted;
    ask_for_flood();
    while (!is_over) loop_turn(loop, -1);
    measurement_print();
}

static void put_one(struct socket *socket) {
    if (is_over) return;
    put_message(socket, 2, payload, payload_size);
    if (!measurement_note()) is_over = true;
}

static void flood_out(void) {
    on_message = ignore;
    struct socket **sockets = open_all(1);
    prepare_window(1);
    on_writable = put_one;
    resume(sockets[0]);
    while (!is_over) loop_turn(loop, -1);
    measurement_print();
}

static long messages_left, bytes_received;

static void counted(struct socket *socket, const char *bytes, size_t length) {
    (void)socket, (void)bytes;
    bytes_received += (long)length;
    if (--messages_left == 0) is_over = true;
}

static void down(void) {
    messages_left = (long)number("messages", 0);
    on_message = counted;
    measurement_begin();
    ask_for_flood();
    while (!is_over) loop_turn(loop, -1);
    measurement_end(bytes_received);
    measurement_print();
}

static void put_next(struct socket *socket) {
    if (messages_left < 0) return;
    if (messages_left-- > 0) put_message(socket, 2, payload, payload_size);
    else put_message(socket, 1, "end", 3);
}

static void answered(struct socket *socket, const char *bytes, size_t length) {
    (void)socket, (void)bytes, (void)length;
    is_over = true;
}

static void up(void) {
    messages_left = (long)number("messages", 0);
    on_message = answered;
    struct socket **sockets = open_all(1);
    long bytes = messages_left * (long)payload_size;
    measurement_begin();
    on_writable = put_next;
    resume(sockets[0]);
    while (!is_over) loop_turn(loop, -1);
    measurement_end(bytes);
    measurement_print();
}

/// Memory of idle sockets, and the CPU time of a ping each in every interval.
static void idle(void) {
    long count = (long)number("sockets", 1);
    double interval = number("interval", 1), seconds = number("seconds", 3);
    on_message = ignore;
    open_all(8);
    long before = measurement_resident_bytes();
    struct socket **sockets = open_all(count);
    measurement_print_value("bytes_per_socket", (double)(measurement_resident_bytes() - before) / (double)count);
    // Each has a time of its own.
    double start = measurement_now(), end = start + interval + seconds;
    bool is_measuring = false;
    long sent = 0;
    while (measurement_now() < end) {
        double now = measurement_now();
        if (!is_measuring && now >= start + interval) {
            is_measuring = true;
            pongs = 0;
            measurement_begin();
        }
        for (; start + interval * (double)sent / (double)count <= now; sent++) {
            struct socket *socket = sockets[sent % count];
            put_frame(socket, 0x89, "", 0);
            resume(socket);
        }
        loop_turn(loop, 1);
    }
    measurement_end(pongs);
    measurement_print();
}

bool run_websocket_workload(struct loop *the_loop, const char *name) {
    loop = the_loop;
    is_deflating = number("deflate", 0) > 0;
    payload_size = (size_t)number("size", 64);
    payload = malloc(payload_size + 1);
    uint32_t state = 1;
    for (size_t index = 0; index < payload_size; index++)
        payload[index] = (char)('a' + ((state = state * 1664525 + 1013904223) >> 28));
    if (strcmp(name, "ws-echo") == 0) round_trips();
    else if (strcmp(name, "ws-flood-in") == 0) flood_in();
    else if (strcmp(name, "ws-flood-out") == 0) flood_out();
    else if (strcmp(name, "ws-down") == 0) down();
    else if (strcmp(name, "ws-up") == 0) up();
    else if (strcmp(name, "ws-idle") == 0) idle();
    else return false;
    // The sockets end with the process.
    exit(0);
}
