/* What the store answers: one row an operation of the S3 API, implemented or refused. */
#ifndef S3P_SERVER_ROUTES_H
#define S3P_SERVER_ROUTES_H

#include "server/server.h"

enum s3p_srv_level { S3P_SRV_SERVICE, S3P_SRV_BUCKET, S3P_SRV_OBJECT };

enum s3p_srv_route_flags {
    S3P_SRV_ROUTE_BODY = 1,         /* the body is an object: streamed, length required */
    S3P_SRV_ROUTE_NO_BUCKET = 2,    /* the bucket need not exist */
    S3P_SRV_ROUTE_OF_OBJECT = 4,    /* checksum headers are of the object that it completes */
    S3P_SRV_ROUTE_UPLOAD = 8,       /* begins a multipart upload */
    S3P_SRV_ROUTE_COPY = 16,        /* the row of requests with x-amz-copy-source */
    S3P_SRV_ROUTE_META = 32,        /* the directives for metadata and tags are understood */
    S3P_SRV_ROUTE_RANGE = 64,       /* x-amz-copy-source-range is */
    S3P_SRV_ROUTE_TAGS = 128,       /* x-amz-tagging is */
    S3P_SRV_ROUTE_ATTRIBUTES = 256, /* the headers of GetObjectAttributes are */
    S3P_SRV_ROUTE_LIFECYCLE = 512,  /* refused unless the store's option turns it on; so are */
    S3P_SRV_ROUTE_REPLICATION = 1024,
    S3P_SRV_ROUTE_POLICY = 2048,
    S3P_SRV_ROUTE_PUBLIC = 4096, /* a bucket policy may open it to everybody */
    S3P_SRV_ROUTE_LOCK = 8192,   /* the lock of what it makes is understood */
    S3P_SRV_ROUTE_BYPASS = 16384,
    S3P_SRV_ROUTE_LOCKS = 32768, /* of object lock of buckets */
};

struct s3p_srv_route {
    const char *name; /* of the operation, as the S3 API says it */
    const char *method;
    enum s3p_srv_level level;
    const char *select; /* argument that chooses the row; NULL: the plain row */
    unsigned flags;
    const char *const *args; /* other arguments that it understands, NULL-terminated; NULL: none */
    enum s3p_srv_error (*check)(struct s3p_srv_req *req); /* before the body; may be NULL */
    void (*run)(struct s3p_srv_req *req); /* with the whole request; NULL: refused, 501 */
};

/* The row of a request: the first that fits. NULL and *e set when there is none or when an argument
 * is not understood. */
const struct s3p_srv_route *s3p_srv_route_find(const struct s3p_srv_head *h, enum s3p_srv_error *e);
const struct s3p_srv_route *s3p_srv_route_rows(size_t *n);

/* A header with a meaning. `only`: the value that asks for nothing new; NULL: every value is
 * refused. `taken`: flags of the routes that honour it, or for which it has no effect. A name that
 * ends in '*' is a prefix. The first row that fits counts. */
#define S3P_SRV_FIELD_EVERYWHERE ~0u
struct s3p_srv_field_row {
    const char *name, *only;
    unsigned taken;
};
const struct s3p_srv_field_row *s3p_srv_field_rows(size_t *n);

/* Headers whose meaning the store does not honour are refused (501), never skipped. Unknown x-amz-*
 * headers are counted in *ignored. */
enum s3p_srv_error s3p_srv_route_fields(const struct s3p_srv_route *route,
                                        const struct s3p_srv_head *h, uint64_t *ignored);

#endif
