// zlib, whose initialisers are macros that Swift does not see.

#ifndef CHTTPHANDLESZLIB_SHIM_H
#define CHTTPHANDLESZLIB_SHIM_H

#include <zlib.h>

static inline int chttphandles_inflate_init(z_stream *stream, int window_bits) {
    return inflateInit2(stream, window_bits);
}

static inline int chttphandles_deflate_init(z_stream *stream, int window_bits) {
    return deflateInit2(stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
}

#endif
