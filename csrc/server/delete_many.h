/* The keys of a batch delete, one by one, in the transaction. */
#ifndef S3P_SERVER_DELETE_MANY_H
#define S3P_SERVER_DELETE_MANY_H

#include "server/commit.h"

struct s3p_srv_batch_key {
    struct s3p_str key, version, etag; /* .p NULL when not given */
};

/* What became of it. */
struct s3p_srv_batch_result {
    enum s3p_srv_error error;
    bool marker, versioned; /* a marker was made, or removed, with this id */
    bool unsaid, said;      /* mutants: left out of the answer; in it although it is quiet */
    uint64_t seq;
};

/* The next key of a request's list, a view of it; false at its end. */
bool s3p_srv_batch_next(const struct s3p_buf *keys, size_t *at, struct s3p_srv_batch_key *out);
/* Deletes it from t->bucket, if its condition allows. */
struct s3p_srv_batch_result s3p_srv_batch_delete(struct s3p_srv_txn *t, struct s3p_srv_req *req,
                                                 const struct s3p_srv_batch_key *e);

#endif
