// Wrappers of variadic functions of libcurl and of the system, which Swift cannot import: one for each argument type.
// Without state and logic.
#ifndef CHTTPHANDLESCURL_SHIM_H
#define CHTTPHANDLESCURL_SHIM_H

#include <curl/curl.h>
#include <locale.h>
#include <sys/socket.h>
#if defined(__linux__)
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/random.h>
#else
#include <pthread.h>
#endif

// 7.81 is in Ubuntu 22.04. What the linked library has is looked at when the program runs.
#if LIBCURL_VERSION_NUM < 0x075100
#error "libcurl 7.81.0 or newer is needed"
#endif

// Newer names, by their numbers.
#if LIBCURL_VERSION_NUM < 0x075400
#define CURL_VERSION_THREADSAFE (1 << 30)
#endif
// An older libcurl takes every other count than that of the bytes for an error.
#if LIBCURL_VERSION_NUM < 0x075700
#define CURL_WRITEFUNC_ERROR 0xFFFFFFFF
#endif
#if LIBCURL_VERSION_NUM < 0x075800
#define CURL_HTTP_VERSION_3ONLY 31L
// An older libcurl ignores it.
#define CURLU_PUNYCODE (1 << 12)
#endif
// Enumerations have no check like that of macros. The last one is deprecated in newer versions.
static const CURLoption chttphandles_protocols_text = (CURLoption)10318;       // CURLOPT_PROTOCOLS_STR, 7.85
static const CURLoption chttphandles_redirect_protocols_text = (CURLoption)10319; // CURLOPT_REDIR_PROTOCOLS_STR, 7.85
static const CURLoption chttphandles_quick_exit = (CURLoption)322;             // CURLOPT_QUICK_EXIT, 7.87
static const CURLoption chttphandles_protocols = (CURLoption)181;              // CURLOPT_PROTOCOLS
static const CURLoption chttphandles_redirect_protocols = (CURLoption)182;     // CURLOPT_REDIR_PROTOCOLS

// curl.h has macros that check the argument types of these functions. In the wrappers they would check the wrong argument.
#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt
#undef curl_share_setopt

typedef size_t (*chttphandles_data_callback)(char *bytes, size_t size, size_t count, void *data);
typedef int (*chttphandles_seek_callback)(void *data, curl_off_t offset, int origin);
typedef int (*chttphandles_trailer_callback)(struct curl_slist **list, void *data);
typedef int (*chttphandles_prereq_callback)(void *data, char *remote, char *local, int remotePort, int localPort);
typedef int (*chttphandles_resolver_start_callback)(void *state, void *reserved, void *data);
typedef CURLcode (*chttphandles_ssl_context_callback)(CURL *easy, void *context, void *data);
typedef int (*chttphandles_debug_callback)(CURL *easy, curl_infotype type, char *bytes, size_t count, void *data);
typedef curl_socket_t (*chttphandles_opensocket_callback)(void *data, curlsocktype purpose, struct curl_sockaddr *address);
typedef int (*chttphandles_closesocket_callback)(void *data, curl_socket_t socket);
typedef int (*chttphandles_socket_callback)(CURL *easy, curl_socket_t socket, int what, void *data, void *socketData);
typedef int (*chttphandles_timer_callback)(CURLM *multi, long milliseconds, void *data);

#define CHTTPHANDLES_EASY_SET(name, type)                                                     \
  static inline CURLcode chttphandles_easy_set_##name(CURL *easy, CURLoption option, type value) { \
    return curl_easy_setopt(easy, option, value);                                             \
  }
CHTTPHANDLES_EASY_SET(long, long)
CHTTPHANDLES_EASY_SET(offset, curl_off_t)
CHTTPHANDLES_EASY_SET(string, const char *)
CHTTPHANDLES_EASY_SET(pointer, void *)
CHTTPHANDLES_EASY_SET(list, struct curl_slist *)
CHTTPHANDLES_EASY_SET(data_callback, chttphandles_data_callback)
CHTTPHANDLES_EASY_SET(seek_callback, chttphandles_seek_callback)
CHTTPHANDLES_EASY_SET(trailer_callback, chttphandles_trailer_callback)
CHTTPHANDLES_EASY_SET(prereq_callback, chttphandles_prereq_callback)
CHTTPHANDLES_EASY_SET(resolver_start_callback, chttphandles_resolver_start_callback)
CHTTPHANDLES_EASY_SET(ssl_context_callback, chttphandles_ssl_context_callback)
CHTTPHANDLES_EASY_SET(debug_callback, chttphandles_debug_callback)
CHTTPHANDLES_EASY_SET(opensocket_callback, chttphandles_opensocket_callback)
CHTTPHANDLES_EASY_SET(closesocket_callback, chttphandles_closesocket_callback)

#define CHTTPHANDLES_EASY_GET(name, type)                                                     \
  static inline CURLcode chttphandles_easy_get_##name(CURL *easy, CURLINFO info, type *value) { \
    return curl_easy_getinfo(easy, info, value);                                              \
  }
CHTTPHANDLES_EASY_GET(long, long)
CHTTPHANDLES_EASY_GET(offset, curl_off_t)
CHTTPHANDLES_EASY_GET(string, char *)
CHTTPHANDLES_EASY_GET(pointer, void *)
CHTTPHANDLES_EASY_GET(socket, curl_socket_t)
CHTTPHANDLES_EASY_GET(list, struct curl_slist *)

static inline CURLMcode chttphandles_multi_set_long(CURLM *multi, CURLMoption option, long value) {
  return curl_multi_setopt(multi, option, value);
}
static inline CURLMcode chttphandles_multi_set_pointer(CURLM *multi, CURLMoption option, void *value) {
  return curl_multi_setopt(multi, option, value);
}
static inline CURLMcode chttphandles_multi_set_socket_callback(CURLM *multi, chttphandles_socket_callback callback) {
  return curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, callback);
}
static inline CURLMcode chttphandles_multi_set_timer_callback(CURLM *multi, chttphandles_timer_callback callback) {
  return curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, callback);
}

static inline CURLSHcode chttphandles_share_set_data(CURLSH *share, curl_lock_data data) {
  return curl_share_setopt(share, CURLSHOPT_SHARE, data);
}

// Authentication schemes; libcurl's macros for them contain casts, so Swift does not import them.
static const long chttphandles_auth_basic = CURLAUTH_BASIC;
static const long chttphandles_auth_digest = CURLAUTH_DIGEST;
static const long chttphandles_auth_negotiate = CURLAUTH_NEGOTIATE;
static const long chttphandles_auth_ntlm = CURLAUTH_NTLM;
static const long chttphandles_auth_bearer = CURLAUTH_BEARER;
static const long chttphandles_auth_only = CURLAUTH_ONLY;
static const long chttphandles_header_separate = CURLHEADER_SEPARATE;

// Names the calling thread, for debuggers and /proc.
static inline void chttphandles_name_thread(void) {
#if defined(__linux__)
  prctl(PR_SET_NAME, "http-handles");
#else
  pthread_setname_np("http-handles");
#endif
}

#if defined(__linux__)
// A GNU extension, declared here without the macro that would enable all of them.
extern int dup3(int from, int to, int flags);
static inline int chttphandles_replace_descriptor(int from, int to) { return dup3(from, to, SOCK_CLOEXEC); }
static const short chttphandles_peer_has_ended = 0x2000; // POLLRDHUP
// glibc has an enumeration, musl has macros.
static const uint32_t chttphandles_epoll_in = EPOLLIN;
static const uint32_t chttphandles_epoll_out = EPOLLOUT;
static const uint32_t chttphandles_epoll_error = EPOLLERR;
static const uint32_t chttphandles_epoll_hang_up = EPOLLHUP;
static const uint32_t chttphandles_epoll_peer_has_ended = EPOLLRDHUP;
static const uint32_t chttphandles_epoll_edge = EPOLLET;
// A function with variable arguments.
static inline int chttphandles_unread_bytes(int descriptor) {
    int count = 0;
    return ioctl(descriptor, FIONREAD, &count) == 0 ? count : 0;
}
#endif

// A message's result is in a union.
static inline CURLcode chttphandles_message_result(const CURLMsg *message) { return message->data.result; }

#endif
