/* The faults that are switched on, and which request gets one. The decision on the n-th request
 * that a fault matches is a pure function of (seed, place of the fault in the list, n). Each fault
 * counts its matches whatever the others do; of several that are due the first in the list wins.
 *
 * A set is never changed but by its counters, and lives as long as the proxy: requests under way
 * keep theirs when another set is switched on. Threads: the proxy's loop. */
#ifndef S3P_PROXY_FAULTS_H
#define S3P_PROXY_FAULTS_H

#include "proxy/request.h"
#include "proxy/spec.h"

#define S3P_PX_FAULTS_MAX 32
#define S3P_PX_PREFIXES 256 /* a power of two; prefixes with the same hash share their rate */

struct s3p_px_tokens {
    double left;
    int64_t filled_ns;
};

struct s3p_px_fault {
    const struct s3p_px_row *row;
    struct s3p_px_spec spec;
    char *text; /* as given */
    uint64_t matched, drawn, fired;
    struct s3p_px_tokens *tokens; /* S3P_PX_PREFIXES, of a row with a throttle */
};

struct s3p_px_faults {
    struct s3p_px_faults *older;
    unsigned n;
    struct s3p_px_fault fault[S3P_PX_FAULTS_MAX];
};

/* Parses the list; *out is linked in front of `older`. */
int s3p_px_faults_create(struct s3p_px_faults **out, struct s3p_px_faults *older,
                         const char *const *specs, unsigned n, unsigned endpoints,
                         struct s3p_err *err) S3P_MUST_CHECK;
/* The same of a JSON list of texts. */
int s3p_px_faults_read(struct s3p_px_faults **out, struct s3p_px_faults *older, const char *json,
                       size_t len, unsigned endpoints, struct s3p_err *err) S3P_MUST_CHECK;
void s3p_px_faults_free(struct s3p_px_faults *all); /* it and the older ones */

struct s3p_px_moment {
    uint64_t seed;
    int64_t since_ns; /* since the start of the proxy */
    unsigned endpoint, endpoints;
    bool has_body;    /* the request */
};
/* The fault that this request gets, or NULL; *draw: 64 bits for what is left open. */
struct s3p_px_fault *s3p_px_faults_draw(struct s3p_px_faults *set, const struct s3p_px_request *r,
                                        const struct s3p_px_moment *m, uint64_t *draw);

#endif
