#include "check/batches.h"

#include "check/mutate.h"
#include "s3/op.h"
#include "s3/outcome.h"

#define COL(s, type, name) ((const type *)(s)->column[S3P_COL_##name])

#define KEYS_MAX 1000 /* of a request */

struct batches {
    const struct s3p_head *head;
    struct s3p_tally *tally;
    const struct s3p_segment_view *s;
    uint32_t request, children; /* parent of the last child, and how many it has so far */
};

static int hit(const struct batches *b, enum s3p_rule rule, uint32_t i, uint16_t space,
               uint64_t key_index, uint32_t parent, struct s3p_err *err)
{
    uint16_t bucket = COL(b->s, uint16_t, bucket)[i];
    uint32_t first = key_index != S3P_NO_INDEX ? space * b->head->buckets : 0;
    struct s3p_hit h = {.key_index = key_index,
                        .place = (uint16_t)(first + bucket),
                        .rule = (uint8_t)rule,
                        .n = parent != 0 ? 2 : 1,
                        .record = {(uint32_t)(b->s->first_record + i),
                                   (uint32_t)(b->s->first_record + parent - 1)}};
    h.record[1] = parent != 0 ? h.record[1] : 0;
    return s3p_tally_hit(b->tally, &h, err);
}

static int judge_request(const struct batches *b, uint32_t i, struct s3p_err *err)
{
    uint32_t first = COL(b->s, uint32_t, entries_first)[i];
    for (uint32_t k = 0; k < COL(b->s, uint32_t, entries_count)[i]; k++) {
        const struct s3p_entry *e = &b->s->entries[first + k];
        S3P_TRY(hit(b, S3P_RULE_BATCH_EXTRA_KEY, i, e->space, e->key_index, 0, err));
    }
    return 0;
}

/* A condition may call an absent key an error, and a version may be missed. */
static bool is_absent_error(const struct s3p_segment_view *s, uint32_t i)
{
    struct s3p_str code = s3p_segment_text(s, COL(s, uint32_t, code_text)[i]);
    return S3P_ON(BATCH_COND_ANY, COL(s, uint8_t, cond)[i] == S3P_COND_NONE) &&
           S3P_ON(BATCH_VERSION_ANY, COL(s, uint32_t, version_asked)[i] == 0) &&
           S3P_ON(BATCH_ERROR_ANY, s3p_str_eq(code, "NoSuchKey"));
}

static bool has_result(const struct s3p_segment_view *s, uint32_t i)
{
    return S3P_OFF(BATCH_ANSWERED, COL(s, uint8_t, outcome)[i] != S3P_UNKNOWN) ||
           S3P_OFF(BATCH_CODE_OFF, COL(s, uint32_t, code_text)[i] != 0);
}

static bool same_name(const struct s3p_segment_view *s, uint32_t a, uint32_t b)
{
    struct s3p_str asked_a = s3p_segment_text(s, COL(s, uint32_t, version_asked)[a]),
                   asked_b = s3p_segment_text(s, COL(s, uint32_t, version_asked)[b]);
    uint64_t key = COL(s, uint64_t, key_index)[a];
    return S3P_ON(BATCH_NOBODY_ANY, key != S3P_NO_INDEX) &&
           S3P_ON(BATCH_KEY_ANY, key == COL(s, uint64_t, key_index)[b]) &&
           S3P_ON(BATCH_SPACE_ANY, COL(s, uint16_t, space)[a] == COL(s, uint16_t, space)[b]) &&
           S3P_ON(BATCH_ASKED_ANY, s3p_str_same(asked_a, asked_b));
}

/* A store may take a name that is there twice for one, and answer it once: results are dealt out in
 * the order of the names. */
static bool has_result_above(const struct s3p_segment_view *s, uint32_t i)
{
    uint32_t parent = COL(s, uint32_t, parent)[i];
    for (uint32_t k = i; k-- > parent;)
        if (has_result(s, k) && same_name(s, k, i))
            return true;
    return false;
}

static int judge_child(struct batches *b, uint32_t i, struct s3p_err *err)
{
    uint32_t parent = COL(b->s, uint32_t, parent)[i];
    enum s3p_rule rule = S3P_RULE_BATCH_ABSENT_ERROR;
    if (parent == 0 ||
        S3P_OFF(BATCH_PARENT_ANY, COL(b->s, uint8_t, outcome)[parent - 1] != S3P_OK_OUTCOME))
        return 0;
    b->children = b->request == parent ? b->children + 1 : 1;
    b->request = parent;
    if (S3P_MUT(S3P_MUT_BATCH_LIMIT_GE, b->children == KEYS_MAX + 1, b->children == KEYS_MAX))
        S3P_TRY(hit(b, S3P_RULE_BATCH_OVER_LIMIT, parent - 1, 0, S3P_NO_INDEX, 0, err));
    if (!has_result(b->s, i) && !S3P_OFF(BATCH_TWICE_OFF, has_result_above(b->s, i)))
        rule = S3P_RULE_BATCH_MISSING_KEY;
    else if (!is_absent_error(b->s, i))
        return 0;
    return hit(b, rule, i, COL(b->s, uint16_t, space)[i], COL(b->s, uint64_t, key_index)[i], parent,
               err);
}

int s3p_batches(const struct s3p_histfile *f, const struct s3p_head *h, struct s3p_tally *t,
                struct s3p_err *err)
{
    static const uint64_t wanted = S3P_BIT(S3P_OP_DELETE_OBJECTS) | S3P_BIT(S3P_OP_DELETE_CHILD);
    struct batches b = {.head = h, .tally = t};
    for (uint32_t k = 0; k < s3p_histfile_segments(f); k++) {
        b.s = s3p_histfile_segment(f, k);
        b.request = 0;
        s3p_tally_unit(t);
        for (uint32_t i = 0; i < b.s->records && (b.s->ops & wanted) != 0; i++) {
            uint8_t op = COL(b.s, uint8_t, op)[i];
            if (S3P_OFF(BATCH_EXTRA_OFF, op == S3P_OP_DELETE_OBJECTS))
                S3P_TRY(judge_request(&b, i, err));
            else if (op == S3P_OP_DELETE_CHILD)
                S3P_TRY(judge_child(&b, i, err));
        }
    }
    return 0;
}
