#include "check/answers.h"

#include "check/mutate.h"
#include "check/windows.h"
#include "core/alloc.h"
#include "s3/op.h"
#include "s3/outcome.h"

#define COL(s, type, name) ((const type *)(s)->column[S3P_COL_##name])

struct life { /* of a bucket */
    int64_t made, gone; /* acknowledged; may be deleted from here on */
    uint32_t record;    /* that made it; S3P_NO_RECORD */
};

struct answers {
    const struct s3p_histfile *file;
    const struct s3p_head *head;
    struct s3p_tally *tally;
    struct life *life; /* by bucket */
    const struct s3p_segment_view *s;
};

static int hit(const struct answers *a, enum s3p_rule rule, uint32_t i, uint32_t other,
               struct s3p_err *err)
{
    uint16_t bucket = COL(a->s, uint16_t, bucket)[i], space = COL(a->s, uint16_t, space)[i];
    uint64_t key = COL(a->s, uint64_t, key_index)[i];
    uint32_t first = key != S3P_NO_INDEX ? space * a->head->buckets : 0;
    struct s3p_hit h = {.key_index = key,
                        .place = (uint16_t)(first + bucket),
                        .rule = (uint8_t)rule,
                        .n = other != S3P_NO_RECORD ? 2 : 1,
                        .record = {(uint32_t)(a->s->first_record + i)}};
    h.record[1] = other != S3P_NO_RECORD ? other : 0;
    return s3p_tally_hit(a->tally, &h, err);
}

/* By a proxy, or by an SDK that sends again: what it says may not be what was done. */
static bool is_touched(const struct s3p_segment_view *s, uint32_t i)
{
    return (COL(s, uint8_t, flags)[i] & (S3P_FLAG_ALTERED | S3P_FLAG_MULTI_DELIVERY)) != 0;
}

/* The first life of each bucket. */
static void note_life(struct answers *a, uint32_t i)
{
    uint16_t bucket = COL(a->s, uint16_t, bucket)[i];
    uint8_t op = COL(a->s, uint8_t, op)[i], outcome = COL(a->s, uint8_t, outcome)[i];
    int64_t call = COL(a->s, int64_t, t_call)[i], ret = COL(a->s, int64_t, t_return)[i];
    struct life *l = &a->life[bucket];
    if (op == S3P_OP_CREATE_BUCKET &&
        S3P_ON(ANSWER_MADE_UNKNOWN, outcome == S3P_OK_OUTCOME) &&
        S3P_MUT(S3P_MUT_ANSWER_MADE_LAST, ret < l->made, true)) {
        l->made = ret;
        l->record = (uint32_t)(a->s->first_record + i);
    }
    bool refused = S3P_MUT(S3P_MUT_ANSWER_GONE_REFUSED, outcome == S3P_FAILED, false) &&
                   S3P_ON(ANSWER_GONE_TOUCHED, !is_touched(a->s, i));
    if (op == S3P_OP_DELETE_BUCKET && !refused &&
        S3P_MUT(S3P_MUT_ANSWER_GONE_LAST, call < l->gone, true))
        l->gone = call;
}

/* Which of its two buckets is missing, the answer does not say. */
static bool names_two(uint8_t op)
{
    return op == S3P_OP_COPY || op == S3P_OP_UPLOAD_PART_COPY || op == S3P_OP_PUT_REPLICATION;
}

static bool says_no_bucket(const struct answers *a, uint32_t i)
{
    struct s3p_str code = s3p_segment_text(a->s, COL(a->s, uint32_t, code_text)[i]);
    return S3P_OFF(ANSWER_HEAD_OFF, COL(a->s, uint8_t, op)[i] == S3P_OP_HEAD_BUCKET) ||
           S3P_ON(ANSWER_CODE_ANY, s3p_str_eq(code, "NoSuchBucket"));
}

static int judge_bucket(const struct answers *a, uint32_t i, struct s3p_err *err)
{
    uint16_t bucket = COL(a->s, uint16_t, bucket)[i];
    if (!says_no_bucket(a, i) ||
        S3P_OFF(ANSWER_TWO_BUCKETS, names_two(COL(a->s, uint8_t, op)[i])))
        return 0;
    const struct life *l = &a->life[bucket];
    int64_t call = COL(a->s, int64_t, t_call)[i], ret = COL(a->s, int64_t, t_return)[i];
    int64_t ready; /* from then on it must be there */
    if (__builtin_add_overflow(l->made, a->head->bucket_ready_ns, &ready))
        ready = INT64_MAX;
    if (S3P_LE(ANSWER_READY_LT, call, ready) ||
        S3P_MUT(S3P_MUT_ANSWER_GONE_GT, ret >= l->gone, ret > l->gone))
        return 0;
    return hit(a, S3P_RULE_BUCKET_UNREADY, i, l->record, err);
}

static int judge(const struct answers *a, uint32_t i, struct s3p_err *err)
{
    uint8_t flags = COL(a->s, uint8_t, flags)[i];
    uint16_t status = COL(a->s, uint16_t, status)[i];
    if (S3P_OFF(ANSWER_TOUCHED, is_touched(a->s, i)))
        return 0;
    if ((flags & S3P_FLAG_SURPLUS) != 0)
        return hit(a, S3P_RULE_SURPLUS_BYTES, i, S3P_NO_RECORD, err);
    if (status == 404)
        return judge_bucket(a, i, err);
    bool error = S3P_ON(ANSWER_STATUS_ANY, status / 100 == 2) &&
                 COL(a->s, uint8_t, outcome)[i] != S3P_OK_OUTCOME &&
                 S3P_ON(ANSWER_WIRE_ANY, COL(a->s, uint8_t, wire)[i] == 0) &&
                 S3P_ON(ANSWER_CODELESS, COL(a->s, uint32_t, code_text)[i] != 0);
    return error && S3P_MUT(S3P_MUT_ANSWER_ANY_OP, COL(a->s, uint8_t, op)[i] == S3P_OP_PUT, true)
               ? hit(a, S3P_RULE_ERROR_AS_SUCCESS, i, S3P_NO_RECORD, err)
               : 0;
}

/* Whether judge() finds something to look at in the segment. */
static bool has_answers(const struct s3p_segment_view *s)
{
    uint8_t flags = 0;
    if ((s->texts & S3P_BIT(S3P_COL_code_text)) != 0 || (s->ops & S3P_BIT(S3P_OP_HEAD_BUCKET)) != 0)
        return true;
    for (uint32_t i = 0; i < s->records; i++)
        flags |= COL(s, uint8_t, flags)[i];
    return (flags & S3P_FLAG_SURPLUS) != 0;
}

static bool has_lives(const struct s3p_segment_view *s)
{
    return (s->ops & (S3P_BIT(S3P_OP_CREATE_BUCKET) | S3P_BIT(S3P_OP_DELETE_BUCKET))) != 0;
}

static int each(struct answers *a, bool lives, struct s3p_err *err)
{
    for (uint32_t k = 0; k < s3p_histfile_segments(a->file); k++) {
        a->s = s3p_histfile_segment(a->file, k);
        s3p_tally_unit(a->tally);
        if (lives ? !has_lives(a->s) : !has_answers(a->s))
            continue;
        for (uint32_t i = 0; i < a->s->records; i++) {
            if (lives)
                note_life(a, i);
            else
                S3P_TRY(judge(a, i, err));
        }
    }
    return 0;
}

int s3p_answers(const struct s3p_histfile *f, const struct s3p_head *h, struct s3p_tally *t,
                struct s3p_err *err)
{
    struct answers a = {.file = f, .head = h, .tally = t};
    a.life = s3p_alloc((h->buckets + 1) * sizeof *a.life);
    if (a.life == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "lives of %u buckets", h->buckets);
    for (uint32_t b = 0; b < h->buckets; b++)
        a.life[b] = (struct life){INT64_MAX, INT64_MAX, S3P_NO_RECORD};
    int rc = each(&a, true, err);
    if (rc == 0)
        rc = each(&a, false, err);
    s3p_free(a.life);
    return rc;
}
