/* A client's connection: a coroutine that takes one request after the other, looks whether a fault
 * is due, and has it delivered. Private to the layer. Threads: the proxy's loop. */
#ifndef S3P_PROXY_LINK_H
#define S3P_PROXY_LINK_H

#include "proxy/half.h"
#include "proxy/proxy.h"

struct s3p_px_link {
    struct s3p_proxy *proxy;
    struct s3p_px_link *next; /* in the list of links that wait for their next connection */
    unsigned endpoint;
    struct s3p_px_peer client, store;
    struct s3p_px_half req, resp;
    struct s3p_buf hold; /* a whole request */
    struct s3p_px_request r;
    struct s3p_px_fault *fault; /* of this request; NULL: none */
    uint64_t draw;
    bool counted; /* the fault has fired */
    char request_id[256];
};

enum s3p_px_sink { S3P_PX_TO_CLIENT, S3P_PX_AWAY, S3P_PX_KEPT };
enum s3p_px_ended {
    S3P_PX_DONE,        /* the whole answer came; more requests may follow */
    S3P_PX_DONE_LAST,   /* it came, but the connections cannot be used again */
    S3P_PX_CUT,         /* where the fault wanted it */
    S3P_PX_CLIENT_LEFT,
    S3P_PX_STORE_LEFT,  /* end of stream within the answer, or before it */
    S3P_PX_STORE_RESET,
    S3P_PX_BROKEN,      /* no HTTP, or the loop was cancelled */
};

/* deliver.c: sends the request to the store's endpoint, from the client or from `hold`, and its
 * answer to the sink. */
enum s3p_px_ended s3p_px_deliver(struct s3p_px_link *x, unsigned upstream, bool held,
                                 enum s3p_px_sink sink);

/* peer.c: a connection to this endpoint of the store, the one that there is or a new one. */
int s3p_px_connect(struct s3p_px_link *x, unsigned upstream) S3P_MUST_CHECK;

/* proxy.c: says once that the store cannot be reached, and why. */
void s3p_px_no_store(struct s3p_px_link *x, unsigned upstream, const char *why);

/* link.c: counts and logs what was done; the first time a request's fault has fired. */
void s3p_px_did(struct s3p_px_link *x, const char *done, const char *mark);
void s3p_px_link_main(void *link); /* the coroutine; client.w.fd is set */

/* answers.c: refuses what is no request that the proxy can understand. */
void s3p_px_refuse(struct s3p_px_link *x);
/* An answer of the proxy's own. `close`: it says that the connection ends. */
int s3p_px_answer(struct s3p_px_link *x, bool close) S3P_MUST_CHECK;
/* The store's answer in `resp` with blanks in its document. */
int s3p_px_answer_blanks(struct s3p_px_link *x) S3P_MUST_CHECK;

#endif
