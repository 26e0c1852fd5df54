/* Lifecycle rules: what they say and which entries of a bucket are due. How they are carried out is
 * in lifecycle_pass.c.
 *
 * A rule counts in days, whose length is an option of the store; a time that it names is rounded up
 * to the next midnight, that is to a multiple of a day since 1970, as S3 does. Source: S3 user
 * guide, "Lifecycle configuration elements" and "Expiring objects". */
#ifndef S3P_SERVER_LIFECYCLE_H
#define S3P_SERVER_LIFECYCLE_H

#include "server/filters.h"
#include "server/server.h"

struct s3p_srv_life_rule {
    struct s3p_srv_filter filter;
    struct s3p_srv_span id;
    int64_t date_wall_ns;                  /* with `dated` */
    uint32_t days, noncurrent_days, newer; /* 0: not given; newer: noncurrent versions to keep */
    uint32_t abort_days;
    uint8_t enabled, dated, markers; /* markers: ExpiredObjectDeleteMarker, 1 + its value */
};

/* One entry of a bucket, as a rule sees it. */
struct s3p_srv_life_entry {
    struct s3p_str key;
    const struct s3p_srv_record *r;
    bool current, alone; /* alone: the key has no other entry */
    uint32_t newer;      /* noncurrent versions of the key, without markers, that are newer */
};

/* An entry in its bucket, and the rules about it. */
struct s3p_srv_life_case {
    struct s3p_str stored;
    uint64_t bucket;
    const struct s3p_srv_life_entry *entry;
    int64_t day_ns, now_wall_ns;
    bool acting; /* in the transaction: what is said now happens */
};

enum s3p_srv_life_act {
    S3P_SRV_LIFE_KEEP,
    S3P_SRV_LIFE_EXPIRE, /* as a DELETE without a version id does */
    S3P_SRV_LIFE_REMOVE, /* the entry, for good */
    S3P_SRV_LIFE_ABORT,  /* the upload */
};

/* `days` after `from_wall_ns`, rounded up to a midnight; never when it is out of range. */
int64_t s3p_srv_life_due_ns(int64_t from_wall_ns, uint32_t days, int64_t day_ns);
/* What is due now by any rule of the stored set. */
enum s3p_srv_life_act s3p_srv_life_judge(struct s3p_str stored, const struct s3p_srv_life_entry *e,
                                         int64_t day_ns, int64_t now_wall_ns);
enum s3p_srv_life_act s3p_srv_life_judge_upload(struct s3p_str stored, struct s3p_str key,
                                                const struct s3p_srv_record *upload,
                                                int64_t day_ns, int64_t now_wall_ns);
/* When a current version expires, and by which rule; S3P_NEVER: by none. `id` is a view of the set.
 */
int64_t s3p_srv_life_expiry_ns(struct s3p_str stored, struct s3p_str key,
                               const struct s3p_srv_record *r, int64_t day_ns, struct s3p_str *id);
/* The largest `newer` of the set: how many noncurrent versions need to be counted. */
uint32_t s3p_srv_life_newer_max(struct s3p_str stored);

/* x-amz-expiration of a current version. Its date is cut to whole seconds, so that nothing is gone
 * before it. */
void s3p_srv_lifecycle_field(struct s3p_srv_req *req, struct s3p_str stored,
                             const struct s3p_srv_record *r);
/* The same of an object that is being made, in its transaction and before the first edit. */
void s3p_srv_lifecycle_made(struct s3p_srv_txn *t, struct s3p_srv_req *req,
                            const struct s3p_srv_record *r);

/* Document to stored set and back. */
enum s3p_srv_error s3p_srv_lifecycle_parse(struct s3p_str body, int64_t day_ns,
                                           struct s3p_buf *out);
enum s3p_srv_error s3p_srv_lifecycle_compile(const struct s3p_srv_req *req, struct s3p_str body,
                                             struct s3p_buf *out);
bool s3p_srv_lifecycle_xml(struct s3p_buf *out, struct s3p_str stored);

#endif
