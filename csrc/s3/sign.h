/* SigV4 for S3, client side. The store verifies with code of its own (csrc/server), written apart.
 *
 * A signer holds, for one credential, region and UTC day, the HMAC states of the signing key. It is
 * read-only after s3p_signer_init and may be shared by threads; a request signs with the day of its
 * own timestamp, so a worker with a signer of its own calls s3p_signer_day before it signs. The
 * path is encoded once and never normalised; headers are sent exactly as given, and signed in
 * canonical form (blanks trimmed and collapsed). No printf, no allocation but in s3p_presign.
 * Source: AWS Signature Version 4 for S3. */
#ifndef S3P_S3_SIGN_H
#define S3P_S3_SIGN_H

#include "core/buf.h"
#include "core/digest.h"

enum s3p_payload { /* value of x-amz-content-sha256 */
    S3P_PAYLOAD_UNSIGNED = 0, /* UNSIGNED-PAYLOAD */
    S3P_PAYLOAD_SIGNED = 1,   /* hex SHA-256, given */
    S3P_PAYLOAD_EMPTY = 2,    /* the constant of the empty body */
    /* aws-chunked (s3/chunked.h): frames signed, the same and a trailer, a trailer alone */
    S3P_PAYLOAD_CHUNKED = 3,
    S3P_PAYLOAD_CHUNKED_TRAILER = 4,
    S3P_PAYLOAD_UNSIGNED_TRAILER = 5,
};

struct s3p_credentials { /* borrowed texts */
    const char *access_key, *secret_key;
    const char *session_token; /* NULL: none */
    const char *region;        /* "us-east-1" */
};

/* Plain data; about 400 bytes. Never copy it into logs: `key` is secret. */
struct s3p_signer {
    struct s3p_credentials cred; /* texts must outlive the signer */
    char day[8];                 /* YYYYMMDD of `key` */
    struct s3p_hmac key;
    char scope[96];              /* "YYYYMMDD/region/s3/aws4_request" */
    size_t scope_len;
};
int s3p_signer_init(struct s3p_signer *s, const struct s3p_credentials *cred, int64_t wall_s,
                    struct s3p_err *err) S3P_MUST_CHECK;
/* Derives the key anew when the day changed; owner thread only. */
void s3p_signer_day(struct s3p_signer *s, const char date[16]);

struct s3p_header {
    struct s3p_str name, value; /* name in lower case */
};

/* Appends "authorization: AWS4-HMAC-SHA256 …\r\n" to `out`.
 * `headers`: all headers to be signed, sorted by name, values as sent (host, x-amz-content-sha256,
 * x-amz-date among them). `path`: encoded. `query`: canonical (sorted, encoded, "k=" for bare
 * names), "" for none. `payload_hash`: the x-amz-content-sha256 value. `date`: 20130524T000000Z. */
void s3p_sign_header(const struct s3p_signer *s, struct s3p_buf *out, const char *method,
                     struct s3p_str path, struct s3p_str query, const struct s3p_header *headers,
                     int nheaders, struct s3p_str payload_hash, const char date[16]);
/* The query-string form: appends the complete query with X-Amz-Signature. `query`: the caller's own
 * parameters, canonical. `expires_s`: 1 to 604800. */
int s3p_presign(const struct s3p_signer *s, struct s3p_buf *out, const char *method,
                struct s3p_str host, struct s3p_str path, struct s3p_str query, int64_t expires_s,
                const char date[16], struct s3p_err *err) S3P_MUST_CHECK;

/* Percent-encoding of S3: unreserved A–Z a–z 0–9 - . _ ~ ; '/' kept when `keep_slash`. Upper-case
 * hex. */
void s3p_uri_encode(struct s3p_buf *out, const char *p, size_t len, bool keep_slash);

#endif
