/* The fault proxy: listens on 127.0.0.1, one port for each endpoint of the store, and hands every
 * request on as it came, but for the faults that are switched on. One thread, one loop.
 *
 * Signatures stay good: the Host field and all signed bytes go through unchanged; a body changes
 * only where the fault is to corrupt it. Clients speak http; the store http or https. */
#ifndef S3P_PROXY_PROXY_H
#define S3P_PROXY_PROXY_H

#include <netinet/in.h>

#include "http/loop.h"
#include "http/url.h"
#include "proxy/events.h"
#include "proxy/peer.h"

#define S3P_PX_HOLD_BYTES (64u << 20) /* a request that is delivered twice or late fits in it */

struct s3p_px_options {
    const char *endpoints[S3P_PX_ENDPOINTS_MAX]; /* http[s]://HOST[:PORT] */
    const char *faults[S3P_PX_FAULTS_MAX];
    unsigned n_endpoints, n_faults;
    const char *event_log; /* NULL: in memory only */
    uint64_t seed;
    const char *ca_file; /* NULL: as the engine finds it (http/trust.h) */
    bool no_verify_tls, with_parent, help;
};

struct s3p_px_link;
struct s3p_px_door {
    struct s3p_proxy *proxy;
    int fd;
    struct s3p_watch w;
    s3p_coro_fn *serve; /* of a connection: takes a link */
    unsigned endpoint, port;
    struct s3p_url url; /* of the store */
    struct sockaddr_storage store;
    socklen_t store_len;
};

struct s3p_proxy { /* the loop's thread only, while it runs */
    struct s3p_loop *loop;
    struct s3p_px_options o;
    unsigned n; /* endpoints */
    struct s3p_px_door door[S3P_PX_ENDPOINTS_MAX], control;
    struct s3p_px_faults *faults; /* those that are on; behind them the older ones */
    struct s3p_px_events events;
    struct s3p_px_link *spare;
    struct s3p_px_tls *tls; /* NULL: no store speaks https */
    uint64_t requests, answers; /* seen; made by the proxy */
    bool told;                  /* that a store cannot be reached */
    int64_t start_ns;
};

/* Opens the ports. s3p_proxy_run serves until s3p_loop_cancel(p->loop). */
int s3p_proxy_open(struct s3p_proxy **out, const struct s3p_px_options *o,
                   struct s3p_err *err) S3P_MUST_CHECK;
void s3p_proxy_run(struct s3p_proxy *p);
void s3p_proxy_close(struct s3p_proxy *p); /* NULL is a no-op */

/* control.c: GET /events, GET /counters, POST /faults (a JSON list of specifications). */
void s3p_px_control_main(void *link);

/* options.c */
int s3p_px_options_parse(struct s3p_px_options *o, int argc, char **argv,
                         struct s3p_err *err) S3P_MUST_CHECK;
void s3p_px_options_help(struct s3p_buf *out);

/* The command `s3prod proxy`: runs until SIGTERM or SIGINT. argv[0] is skipped. Returns the exit
 * status: 0, or 2 for usage and set-up. Call from the main thread. */
int s3p_proxy_main(int argc, char **argv);

#endif
