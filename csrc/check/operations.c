/* Rows to operations of the register. */
#include "check/bucket_rules.h"
#include "check/load.h"
#include "check/mutate.h"
#include "check/part.h"
#include "s3/outcome.h"

int s3p_part_hit(struct s3p_part *p, enum s3p_rule rule, const uint32_t *records, uint32_t n,
                 struct s3p_err *err)
{
    const struct s3p_key *k = &p->index.key[p->key];
    if (p->quiet)
        return 0;
    struct s3p_hit h = {
        .key_index = k->key_index, .place = k->place, .rule = (uint8_t)rule, .n = (uint8_t)n};
    for (uint32_t i = 0; i < n; i++)
        h.record[i] = records[i];
    return s3p_tally_hit(p->tally, &h, err);
}

static int hit(struct s3p_part *p, enum s3p_rule rule, uint32_t i, struct s3p_err *err)
{
    return s3p_part_hit(p, rule, &p->index.row[i].record, 1, err);
}

/* Tells the register what is there, and forgets it. */
int s3p_part_tell(struct s3p_part *p, struct s3p_err *err)
{
    uint32_t n = p->nops;
    p->nops = 0;
    return s3p_reg_tell(p->reg, p->op, n, err);
}

static inline int put(struct s3p_part *p, const struct s3p_reg_op *op, struct s3p_err *err)
{
    p->op[p->nops++] = *op;
    return p->nops == S3P_PART_TOLD && !p->keeps ? s3p_part_tell(p, err) : 0;
}

static inline int add(struct s3p_part *p, uint32_t i, enum s3p_reg_kind kind, uint32_t value,
                      uint32_t pred, struct s3p_err *err)
{
    const struct s3p_kept *r = &p->index.row[i];
    const struct s3p_reg_op op = {r->inv, s3p_kept_res(r), value, pred, r->record, (uint8_t)kind,
                                  s3p_kept_outcome(r)};
    return put(p, &op, err);
}

/* Number of the value that an ETag names, S3P_NO_VALUE when it names none. */
static uint32_t resolve(const struct s3p_part *p, uint64_t etag)
{
    bool weak = S3P_OFF(PART_WEAK_NAMES, p->index.key[p->key].weak);
    uint32_t value = weak ? S3P_AMBIGUOUS : s3p_index_etag(&p->index, etag);
    return value < S3P_AMBIGUOUS ? value : S3P_NO_VALUE;
}

/* True when it is certain that no write of this key had this ETag. */
static bool nobodys(const struct s3p_part *p, uint64_t etag)
{
    return etag != 0 && S3P_ON(PART_HIDDEN_ANY, p->all_known) &&
           S3P_ON(PART_WEAK_ANY, !p->index.key[p->key].weak) &&
           s3p_index_etag(&p->index, etag) == S3P_NO_VALUE;
}

/* The row saw the state by ETag. */
static int saw_etag(struct s3p_part *p, uint32_t i, uint64_t etag, struct s3p_err *err)
{
    uint32_t value = resolve(p, etag);
    if (value != S3P_NO_VALUE)
        return add(p, i, S3P_REG_READ, value, S3P_NO_VALUE, err);
    if (S3P_OFF(PART_NOBODYS_OFF, nobodys(p, etag)))
        return hit(p, S3P_RULE_UNWRITTEN_VALUE, i, err);
    p->unresolved++;
    return 0;
}

/* What the row says about the state of the key, beside what it wrote. */
static int add_evidence(struct s3p_part *p, uint32_t i, struct s3p_err *err)
{
    const struct s3p_kept *r = &p->index.row[i];
    uint64_t expect;
    uint32_t value;
    switch (r->bits & S3P_ROW_EVIDENCE) {
    case S3P_EV_ABSENT:
        return add(p, i, S3P_REG_READ, S3P_REG_ABSENT, S3P_NO_VALUE, err);
    case S3P_EV_PRESENT:
        return p->shown ? 0 : add(p, i, S3P_REG_NOT, S3P_REG_ABSENT, S3P_NO_VALUE, err);
    case S3P_EV_MATCH:
        return saw_etag(p, i, s3p_load_expect(p->file, r), err);
    case S3P_EV_NOT_MATCH:
        expect = s3p_load_expect(p->file, r);
        value = resolve(p, expect);
        if (S3P_OFF(PART_NOT_OFF, value != S3P_NO_VALUE))
            return add(p, i, S3P_REG_NOT, value, S3P_NO_VALUE, err);
        if (!nobodys(p, expect)) /* else it is trivially true */
            p->negatives++;
        return 0;
    default:
        return 0;
    }
}

static int add_read(struct s3p_part *p, uint32_t i, struct s3p_err *err)
{
    const struct s3p_kept *r = &p->index.row[i];
    if ((r->bits & S3P_ROW_EVIDENCE) != S3P_EV_VALUE)
        return add_evidence(p, i, err);
    uint32_t value = p->index.number_of[i];
    if (value == S3P_NO_VALUE) {
        uint64_t etag = r->etag_is != S3P_KEPT_EXPECT ? r->etag : 0;
        S3P_TRY(saw_etag(p, i, etag, err));
        value = resolve(p, etag);
    } else {
        S3P_TRY(add(p, i, S3P_REG_READ, value, S3P_NO_VALUE, err));
    }
    if (S3P_OFF(PART_SIZE_UNTOLD, r->size == 0) || value == S3P_NO_VALUE)
        return 0;
    uint32_t size = s3p_index_size(&p->index, value);
    if (S3P_OFF(PART_SIZE_UNKNOWN, size == 0) || S3P_ON(PART_SIZE_OFF, size == r->size))
        return 0;
    const uint32_t records[2] = {r->record, p->index.row[p->index.value[value].write].record};
    return s3p_part_hit(p, S3P_RULE_BODY_LENGTH, records, 2, err);
}

/* A change with a condition: `*pred` is the value that it expected. */
static int expected(struct s3p_part *p, uint32_t i, uint64_t expect, uint32_t *pred,
                    struct s3p_err *err)
{
    *pred = resolve(p, expect);
    if (*pred != S3P_NO_VALUE ||
        !S3P_ON(PART_IGNORED_REFUSED, s3p_kept_outcome(&p->index.row[i]) == S3P_OK_OUTCOME) ||
        !S3P_OFF(PART_IGNORED_ANY, nobodys(p, expect)))
        return 0;
    p->ignored++;
    return hit(p, S3P_RULE_CAS_IGNORED, i, err);
}

static int add_write(struct s3p_part *p, uint32_t i, struct s3p_err *err)
{
    static const uint8_t kind_of[] = {[S3P_ROW_WRITE] = S3P_REG_WRITE,
                                      [S3P_ROW_CREATE] = S3P_REG_CREATE,
                                      [S3P_ROW_CAS] = S3P_REG_CAS,
                                      [S3P_ROW_REPLACE] = S3P_REG_REPLACE};
    const struct s3p_kept *r = &p->index.row[i];
    uint32_t pred = S3P_NO_VALUE;
    if (r->kind == S3P_ROW_CAS)
        S3P_TRY(expected(p, i, s3p_load_expect(p->file, r), &pred, err));
    S3P_TRY(add(p, i, (enum s3p_reg_kind)kind_of[r->kind], p->index.number_of[i], pred, err));
    return (r->bits & S3P_ROW_EVIDENCE) != S3P_EV_VALUE ? add_evidence(p, i, err) : 0;
}

static int add_delete(struct s3p_part *p, uint32_t i, struct s3p_err *err)
{
    const struct s3p_kept *r = &p->index.row[i];
    uint64_t expect = s3p_load_expect(p->file, r);
    uint32_t pred = S3P_NO_VALUE;
    if (r->size == S3P_ROW_BY_VERSION) /* what comes after it, if anything, is not judged here */
        return 0;
    if (expect != 0)
        S3P_TRY(expected(p, i, expect, &pred, err));
    S3P_TRY(add(p, i, expect != 0 ? S3P_REG_REMOVE : S3P_REG_DELETE, S3P_REG_ABSENT, pred, err));
    return add_evidence(p, i, err);
}

static int add_row(struct s3p_part *p, uint32_t i, struct s3p_err *err)
{
    switch (p->index.row[i].kind) {
    case S3P_ROW_READ:
        return add_read(p, i, err);
    case S3P_ROW_DELETE:
        return add_delete(p, i, err);
    default:
        return add_write(p, i, err);
    }
}

/* What the rules of the bucket allow the store: each value may go when its days have passed. */
static int add_expiries(struct s3p_part *p, const uint32_t *rows, uint32_t n, struct s3p_err *err)
{
    const struct s3p_bucket_rules *rules = p->map->head->rules;
    int64_t last = INT64_MIN;
    for (uint32_t i = 0; rules != NULL && i < n; i++) {
        int64_t res = s3p_kept_res(&p->index.row[rows[i]]);
        last = res > last ? res : last;
    }
    for (uint32_t i = 0; rules != NULL && i < n; i++) {
        const struct s3p_kept *r = &p->index.row[rows[i]];
        uint32_t value = p->index.number_of[rows[i]];
        if (r->kind == S3P_ROW_READ || r->kind == S3P_ROW_DELETE || value == S3P_NO_VALUE ||
            s3p_kept_outcome(r) == S3P_FAILED)
            continue;
        int64_t due = s3p_expires_record(rules, r->record);
        if (S3P_LT(RULES_LOOKED_LE, last, due)) /* nobody looked */
            continue;
        const struct s3p_reg_op op = {.inv = due > r->inv ? due : r->inv,
                                      .res = INT64_MAX,
                                      .value = S3P_REG_ABSENT,
                                      .pred = value,
                                      .ref = r->record,
                                      .kind = S3P_REG_REMOVE,
                                      .outcome = S3P_UNKNOWN};
        S3P_TRY(put(p, &op, err));
    }
    return 0;
}

static int add_streamed(struct s3p_part *p, uint32_t i, struct s3p_err *err)
{
    S3P_TRY(s3p_index_number(&p->index, i, err));
    return add_read(p, i, err);
}

int s3p_part_add_rows(struct s3p_part *p, const uint32_t *rows, uint32_t n, struct s3p_err *err)
{
    p->nops = p->negatives = p->unresolved = p->ignored = 0;
    for (uint32_t i = 0; i < n; i++)
        S3P_TRY(add_row(p, rows[i], err));
    S3P_TRY(s3p_stream_reads(p, add_streamed, err));
    return add_expiries(p, rows, n, err);
}
