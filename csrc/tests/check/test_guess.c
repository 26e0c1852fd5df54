/* Every rule is explained and has a fault class; the shapes of a witness choose among classes. */
#include "tests/t.h"

#include "check/witness.h"
#include "s3/op.h"
#include "s3/outcome.h"

static struct s3p_attempt attempt(uint8_t op, int64_t call_ms, int64_t return_ms)
{
    struct s3p_attempt a;
    s3p_attempt_clear(&a);
    a.op = op;
    a.outcome = S3P_OK_OUTCOME;
    a.t_call = call_ms * 1000000;
    a.t_return = return_ms * 1000000;
    return a;
}

static const char *guess(enum s3p_rule rule, enum s3p_aspect aspect, struct s3p_attempt a,
                         const struct s3p_attempt *b)
{
    struct s3p_hit hit = {.rule = (uint8_t)rule, .aspect = (uint8_t)aspect, .n = b != NULL ? 2 : 1};
    struct s3p_witness w = {.hit = &hit, .attempt = {a}};
    if (b != NULL)
        w.attempt[1] = *b;
    return s3p_witness_guess(&w);
}

/* Pages that are too long, or contradict themselves, are no class of the catalogue. */
T_TEST(guess_every_rule)
{
    for (int r = 0; r < S3P_RULE_COUNT; r++) {
        const char *name =
            guess((enum s3p_rule)r, S3P_ASPECT_OBJECT, attempt(S3P_OP_GET, 1, 2), NULL);
        bool unnamed = r == S3P_RULE_LIST_OVER_LIMIT || r == S3P_RULE_LIST_INCONSISTENT;
        if ((*name == 0) != unnamed)
            t_fail(__FILE__, __LINE__, "%s looks like \"%s\"", s3p_rule_table[r].name, name);
        if (strlen(s3p_rule_about((enum s3p_rule)r)) < 40)
            t_fail(__FILE__, __LINE__, "%s is not explained", s3p_rule_table[r].name);
    }
}

T_TEST(guess_by_shape)
{
    struct s3p_attempt put = attempt(S3P_OP_PUT, 1, 2), far = attempt(S3P_OP_PUT, 1, 2),
                       lost = attempt(S3P_OP_PUT, 1, 2), del = attempt(S3P_OP_DELETE, 1, 2),
                       child = attempt(S3P_OP_DELETE_CHILD, 1, 2),
                       done = attempt(S3P_OP_COMPLETE_UPLOAD, 1, 2),
                       copy = attempt(S3P_OP_COPY, 1, 2), create = attempt(S3P_OP_PUT, 5, 6);
    far.endpoint = 1;
    lost.outcome = S3P_UNKNOWN;
    create.cond = S3P_COND_IF_NONE_MATCH_ANY;
    struct s3p_attempt get = attempt(S3P_OP_GET, 3, 4), late = attempt(S3P_OP_GET, 5000, 5001),
                       head = attempt(S3P_OP_HEAD, 3, 4), range = attempt(S3P_OP_GET, 3, 4),
                       page = attempt(S3P_OP_LIST, 3, 4), full = attempt(S3P_OP_LIST, 3, 4),
                       old = attempt(S3P_OP_LIST, 5000, 5001),
                       versions = attempt(S3P_OP_LIST_VERSIONS, 3, 4),
                       uploads = attempt(S3P_OP_LIST_UPLOADS, 3, 4);
    range.range_len = 64;
    full.entries_count = old.entries_count = 1;
    const struct {
        enum s3p_rule rule;
        enum s3p_aspect aspect;
        struct s3p_attempt *a, *b;
        const char *name;
    } row[] = {
        {S3P_RULE_STALE_READ, S3P_ASPECT_OBJECT, &get, &far, "stale-read-replica"},
        {S3P_RULE_STALE_READ, S3P_ASPECT_OBJECT, &get, &put, "lost-ack-write"},
        {S3P_RULE_STALE_READ, S3P_ASPECT_OBJECT, &head, &put, "stale-head-fresh-get"},
        {S3P_RULE_STALE_READ, S3P_ASPECT_OBJECT, &get, &done, "mpu-order-flipped"},
        {S3P_RULE_STALE_READ, S3P_ASPECT_TAGS, &get, &put, "tag-write-fails-silently"},
        {S3P_RULE_STALE_READ, S3P_ASPECT_VERSIONS, &get, &put, "stale-latest-pointer"},
        {S3P_RULE_ABSENT_AFTER_ACK, S3P_ASPECT_OBJECT, &get, &far, "cross-client-404"},
        {S3P_RULE_ABSENT_AFTER_ACK, S3P_ASPECT_VERSIONS, &get, &put, "no-promotion"},
        {S3P_RULE_PRESENT_AFTER_DELETE, S3P_ASPECT_OBJECT, &get, &del, "delete-acked-not-applied"},
        {S3P_RULE_PRESENT_AFTER_DELETE, S3P_ASPECT_OBJECT, &late, &del, "delete-resurrects"},
        {S3P_RULE_PRESENT_AFTER_DELETE, S3P_ASPECT_OBJECT, &get, &child, "bulk-silent-failure"},
        {S3P_RULE_PRESENT_AFTER_DELETE, S3P_ASPECT_TAGS, &get, &del, "tags-survive-overwrite"},
        {S3P_RULE_CAS_IGNORED, S3P_ASPECT_OBJECT, &del, &put, "cond-delete-ignored"},
        {S3P_RULE_CAS_IGNORED, S3P_ASPECT_OBJECT, &put, &del, "im-missing-creates"},
        {S3P_RULE_CAS_IGNORED, S3P_ASPECT_OBJECT, &put, &put, "cond-ignored"},
        {S3P_RULE_CONDITION_FALSE_NEGATIVE, S3P_ASPECT_OBJECT, &create, &del,
         "inm-marker-as-present"},
        {S3P_RULE_BODY_LENGTH, S3P_ASPECT_OBJECT, &get, &lost, "partial-body-committed"},
        {S3P_RULE_BODY_LENGTH, S3P_ASPECT_OBJECT, &range, &put, "range-off-by-one"},
        {S3P_RULE_BODY_TORN, S3P_ASPECT_OBJECT, &get, &copy, "copy-torn-source"},
        {S3P_RULE_LIST_MISSING, S3P_ASPECT_OBJECT, &page, &put, "list-empty-under-churn"},
        {S3P_RULE_LIST_MISSING, S3P_ASPECT_OBJECT, &full, &put, "list-lag"},
        {S3P_RULE_LIST_MISSING, S3P_ASPECT_OBJECT, &old, &put, "list-drops-fraction"},
        {S3P_RULE_LIST_TRUNCATED_END, S3P_ASPECT_OBJECT, &versions, &put, "versions-truncated"},
        {S3P_RULE_LIST_MISSING, S3P_ASPECT_OBJECT, &uploads, &put, "mpu-hidden-recent"},
        {S3P_RULE_LIST_ORDER, S3P_ASPECT_OBJECT, &uploads, &put, "mpu-list-order"},
        {S3P_RULE_VERSION_MISSING, S3P_ASPECT_VERSIONS, &done, NULL, "mpu-no-version"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        T_STR(guess(row[i].rule, row[i].aspect, *row[i].a, row[i].b), row[i].name);
}
