#include "check/partition.h"

#include <string.h>

#include "check/bucket_rules.h"
#include "check/cluster.h"
#include "check/effort.h"
#include "check/load.h"
#include "check/mutate.h"
#include "check/object_facts.h"
#include "check/register.h"
#include "check/timeline.h"
#include "core/alloc.h"
#include "s3/outcome.h"

enum { TOLD = 256 }; /* operations at a time */

struct s3p_part {
    const struct s3p_histfile *file;
    const struct s3p_keymap *map;
    struct s3p_index index;
    struct s3p_effort effort;
    struct s3p_reg *reg;
    struct s3p_reg_op *op;
    uint32_t cap; /* operations: TOLD or more */
    struct s3p_grader *grader;
    uint32_t *client; /* of each operation, for the grader; NULL until a register is violated */
    struct s3p_members *objects; /* NULL: nobody lists keys */
    struct s3p_fact_list facts;
    /* of the key at hand */
    struct s3p_tally *tally;
    uint32_t key, nops;
    bool keeps; /* all operations go into `op`; else some at a time to the register */
    bool quiet; /* what they show was said when they went there */
    bool all_known; /* every write that may have happened has an ETag: an ETag that none of them
                       showed is nobody's */
    uint32_t negatives, unresolved;
};

int s3p_part_create(struct s3p_part **out, const struct s3p_histfile *file,
                    const struct s3p_keymap *map, struct s3p_err *err)
{
    struct s3p_part *p = s3p_calloc(1, sizeof *p);
    *out = p;
    if (p == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "partition workspace");
    p->file = file;
    p->map = map;
    int rc = s3p_reg_create(&p->reg, err);
    if (rc == 0)
        rc = s3p_grader_create(&p->grader, err);
    if (rc != 0) {
        s3p_part_free(p);
        *out = NULL;
    }
    return rc;
}

void s3p_part_list(struct s3p_part *p, struct s3p_members *objects)
{
    p->objects = objects;
}

void s3p_part_free(struct s3p_part *p)
{
    if (p == NULL)
        return;
    s3p_index_free(&p->index);
    s3p_effort_free(&p->effort);
    s3p_fact_list_free(&p->facts);
    s3p_reg_free(p->reg);
    s3p_grader_free(p->grader);
    s3p_free(p->client);
    s3p_free(p->op);
    s3p_free(p);
}

uint64_t s3p_part_bytes(uint64_t rows)
{
    uint64_t effort = 2 * sizeof(struct s3p_zone) + sizeof(uint32_t);
    uint64_t reg = sizeof(struct s3p_cluster) + 3 * sizeof(struct s3p_zone) + 7 * sizeof(uint32_t);
    uint64_t line = 5 * sizeof(uint32_t) + 2 * sizeof(struct s3p_reach) + 1;
    uint64_t search = (sizeof(struct s3p_reg_op) + line + reg) * 3 / 2;
    return s3p_index_bytes(rows) + rows * (effort + 2 * sizeof(struct s3p_reg_op) + search);
}

static int hit(struct s3p_part *p, enum s3p_rule rule, const uint32_t *rows, uint32_t n,
               struct s3p_err *err)
{
    const struct s3p_key *k = &p->index.key[p->key];
    if (p->quiet)
        return 0;
    struct s3p_hit h = {
        .key_index = k->key_index, .place = k->place, .rule = (uint8_t)rule, .n = (uint8_t)n};
    for (uint32_t i = 0; i < n; i++)
        h.record[i] = p->index.row[rows[i]].record;
    return s3p_tally_hit(p->tally, &h, err);
}

/* Tells the register what is there, and forgets it. */
static int tell(struct s3p_part *p, struct s3p_err *err)
{
    uint32_t n = p->nops;
    p->nops = 0;
    return s3p_reg_tell(p->reg, p->op, n, err);
}

static inline int put(struct s3p_part *p, const struct s3p_reg_op *op, struct s3p_err *err)
{
    p->op[p->nops++] = *op;
    return p->nops == TOLD && !p->keeps ? tell(p, err) : 0;
}

static inline int add(struct s3p_part *p, uint32_t i, enum s3p_reg_kind kind, uint32_t value,
                      uint32_t pred, struct s3p_err *err)
{
    const struct s3p_kept *r = &p->index.row[i];
    const struct s3p_reg_op op = {r->inv, s3p_kept_res(r), value, pred, i, (uint8_t)kind,
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
        return hit(p, S3P_RULE_UNWRITTEN_VALUE, &i, 1, err);
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
        return add(p, i, S3P_REG_NOT, S3P_REG_ABSENT, S3P_NO_VALUE, err);
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
    return hit(p, S3P_RULE_BODY_LENGTH, (const uint32_t[]){i, p->index.value[value].write}, 2, err);
}

/* A change with a condition: `*pred` is the value that it expected. */
static int expected(struct s3p_part *p, uint32_t i, uint64_t expect, uint32_t *pred,
                    struct s3p_err *err)
{
    *pred = resolve(p, expect);
    if (*pred == S3P_NO_VALUE &&
        S3P_ON(PART_IGNORED_REFUSED, s3p_kept_outcome(&p->index.row[i]) == S3P_OK_OUTCOME) &&
        S3P_OFF(PART_IGNORED_ANY, nobodys(p, expect)))
        return hit(p, S3P_RULE_CAS_IGNORED, &i, 1, err);
    return 0;
}

static int add_write(struct s3p_part *p, uint32_t i, struct s3p_err *err)
{
    static const uint8_t kind_of[] = {[S3P_ROW_WRITE] = S3P_REG_WRITE,
                                      [S3P_ROW_CREATE] = S3P_REG_CREATE,
                                      [S3P_ROW_CAS] = S3P_REG_CAS};
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

/* Of a row that is no read there may be two: what it wrote, and what it says of the state or what a
 * rule of the bucket may do. */
static int reserve(struct s3p_part *p, struct s3p_err *err)
{
    const struct s3p_key *k = &p->index.key[p->key];
    size_t ops = p->keeps ? 2 * (size_t)k->rows - k->reads : TOLD;
    ops = ops < TOLD ? TOLD : ops;
    if (ops <= p->cap)
        return 0;
    s3p_free(p->op);
    s3p_free(p->client);
    p->client = NULL;
    p->op = s3p_alloc(ops * sizeof *p->op);
    p->cap = p->op != NULL ? (uint32_t)ops : 0;
    return p->op != NULL ? 0 : s3p_fail(err, S3P_ENOMEM, 0, "%zu operations of one key", ops);
}

/* Deletes of single versions are judged like others only where nothing else is under way any more:
 * in between they make older values show. */
static bool versions_show(const struct s3p_part *p, const uint32_t *rows, uint32_t n)
{
    int64_t first = INT64_MAX, last = INT64_MIN;
    for (uint32_t i = 0; i < n; i++) {
        const struct s3p_kept *r = &p->index.row[rows[i]];
        bool by_version = r->kind == S3P_ROW_DELETE && r->size == S3P_ROW_BY_VERSION;
        if (by_version && r->inv < first)
            first = r->inv;
        bool says = (r->kind != S3P_ROW_DELETE && r->kind != S3P_ROW_READ) ||
                    (r->bits & S3P_ROW_EVIDENCE) != S3P_EV_NONE ||
                    s3p_load_expect(p->file, r) != 0;
        if (says && s3p_kept_res(r) > last)
            last = s3p_kept_res(r);
    }
    return S3P_OFF(PART_VERSIONS_OFF, S3P_LE(PART_VERSIONS_LT, first, last));
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
                                      .ref = rows[i],
                                      .kind = S3P_REG_REMOVE,
                                      .outcome = S3P_UNKNOWN};
        S3P_TRY(put(p, &op, err));
    }
    return 0;
}

static void note_windows(struct s3p_part *p, const struct s3p_reg_result *res)
{
    const struct s3p_key *k = &p->index.key[p->key];
    p->tally->windows += res->windows;
    if (res->unknown_windows == 0)
        return;
    s3p_tally_skip(p->tally, S3P_WHY_SEARCH_GAVE_UP, 1, res->unknown_ops);
    s3p_tally_unknown(p->tally,
                      &(struct s3p_window){.key_index = k->key_index,
                                           .from = res->unknown_from,
                                           .to = res->unknown_to,
                                           .count = res->unknown_windows,
                                           .place = k->place});
}

static int grade_key(struct s3p_part *p, uint32_t hits, struct s3p_err *err)
{
    const struct s3p_key *k = &p->index.key[p->key];
    struct s3p_grade grade;
    uint32_t oldest;
    if (p->client == NULL)
        p->client = s3p_alloc(p->cap * sizeof *p->client);
    if (p->client == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "clients of %u operations", p->cap);
    for (uint32_t i = 0; i < p->nops; i++)
        p->client[i] = s3p_load_client(p->file, &p->index.row[p->op[i].ref]);
    S3P_TRY(s3p_grade_key(p->grader, p->reg, p->op, p->client, p->nops, p->index.values, &grade,
                          &oldest, err));
    struct s3p_oldest_read o = {.any = false};
    if (oldest != S3P_NO_OP)
        o = (struct s3p_oldest_read){.late_ns = grade.late_ns,
                                     .key_index = k->key_index,
                                     .record = p->index.row[p->op[oldest].ref].record,
                                     .client = p->client[oldest],
                                     .place = k->place,
                                     .any = true};
    s3p_tally_grade(p->tally, &grade, hits, &o);
    return 0;
}

static int add_rows(struct s3p_part *p, const uint32_t *rows, uint32_t n, struct s3p_err *err)
{
    p->nops = p->negatives = p->unresolved = 0;
    for (uint32_t i = 0; i < n; i++)
        S3P_TRY(add_row(p, rows[i], err));
    return add_expiries(p, rows, n, err);
}

/* The register of the key. Most keys are settled without keeping their operations. */
static int judge_register(struct s3p_part *p, const uint32_t *rows, uint32_t n,
                          struct s3p_reg_result *res, struct s3p_err *err)
{
    uint32_t values = p->index.values;
    bool settled = false;
    p->keeps = p->quiet = false;
    S3P_TRY(reserve(p, err));
    if (!p->index.key[p->key].refuses) {
        S3P_TRY(s3p_reg_open(p->reg, values, res, err));
        S3P_TRY(add_rows(p, rows, n, err));
        S3P_TRY(tell(p, err));
        S3P_TRY(s3p_reg_settle(p->reg, &settled, err));
        p->quiet = true;
    }
    if (settled)
        return 0;
    p->keeps = true;
    S3P_TRY(reserve(p, err));
    S3P_TRY(add_rows(p, rows, n, err));
    p->quiet = false;
    return s3p_reg_check(p->reg, p->op, p->nops, values, res, err);
}

static int judge_key(struct s3p_part *p, const uint32_t *rows, uint32_t n, struct s3p_err *err)
{
    struct s3p_reg_result res;
    if (p->index.key[p->key].by_version && versions_show(p, rows, n)) {
        s3p_tally_skip(p->tally, S3P_WHY_VERSIONS, 1, n);
        return 0;
    }
    S3P_TRY(judge_register(p, rows, n, &res, err));
    p->tally->keys_checked++;
    note_windows(p, &res);
    for (uint32_t i = 0; i < res.nviolations; i++) {
        uint32_t witness[S3P_REG_WITNESS];
        for (uint32_t k = 0; k < res.violation[i].n; k++)
            witness[k] = p->op[res.violation[i].op[k]].ref;
        S3P_TRY(hit(p, (enum s3p_rule)res.violation[i].rule, witness, res.violation[i].n, err));
    }
    if (res.nviolations != 0 && p->nops <= S3P_GRADE_OPS)
        S3P_TRY(grade_key(p, res.nviolations, err));
    else if (res.nviolations != 0)
        s3p_tally_ungraded(p->tally, res.nviolations);
    p->negatives += res.negatives;
    p->unresolved += p->all_known ? 0 : res.unresolved;
    if (p->negatives != 0)
        s3p_tally_skip(p->tally, S3P_WHY_NEGATIVES, 1, p->negatives);
    if (p->unresolved != 0)
        s3p_tally_skip(p->tally, S3P_WHY_ETAG_UNRESOLVED, 1, p->unresolved);
    return 0;
}

static void share(void *ctx, uint16_t place)
{
    struct s3p_part *p = ctx;
    uint32_t space = place / p->map->buckets;
    if (space != p->index.key[p->key].place / p->map->buckets)
        s3p_evidence_sum_add(&p->tally->space[space], &p->effort.sum);
}

/* A key's evidence counts for every space that its text belongs to, once for all of the plan. */
static void share_evidence(struct s3p_part *p, const struct s3p_key *k)
{
    struct s3p_tally *t = p->tally;
    s3p_evidence_sum_add(&t->space[k->place / p->map->buckets], &p->effort.sum);
    s3p_evidence_sum_add(&t->space[t->spaces - 1], &p->effort.sum);
    s3p_keymap_others(p->map, k->place, k->key_index, share, p);
}

static int check_key(struct s3p_part *p, uint32_t key, struct s3p_err *err)
{
    const struct s3p_key *k = &p->index.key[key];
    const uint32_t *rows = p->index.order + k->first;
    p->key = key;
    p->tally->keys++;
    S3P_TRY(s3p_index_key(&p->index, key, p->tally, err));
    S3P_TRY(s3p_effort_measure(&p->effort, &p->index, key, err));
    p->all_known = !k->hides_etag;
    share_evidence(p, k);
    if (p->objects != NULL)
        S3P_TRY(s3p_object_member(p->objects, &p->facts, &p->index, key, p->map->head->rules, err));
    if (k->spoiled == 0)
        return judge_key(p, rows, k->rows, err);
    s3p_tally_skip(p->tally, (enum s3p_reason)(k->spoiled - 1), 1, k->rows);
    return 0;
}

static int hit_mixed(struct s3p_part *p, const struct s3p_kept *r, struct s3p_err *err)
{
    uint64_t other = s3p_load_expect(p->file, r); /* a record + 1, or 0 */
    struct s3p_hit h = {.key_index = r->key_index,
                        .place = r->place,
                        .rule = (uint8_t)r->value,
                        .record = {r->record, other != 0 ? (uint32_t)(other - 1) : 0},
                        .n = other != 0 ? 2 : 1};
    return s3p_tally_hit(p->tally, &h, err);
}

/* Bytes of several writes are a violation where no copy and no multipart upload explains them. */
static int judge_mixed(struct s3p_part *p, uint32_t n, struct s3p_err *err)
{
    for (uint32_t i = 0; i < n && p->index.nmixed != 0; i++) {
        if (p->index.row[i].kind != S3P_ROW_MIXED)
            continue;
        p->key = p->index.number_of[i];
        if (S3P_ON(PART_BLENDED_OFF, !p->index.key[p->key].blended) ||
            S3P_OFF(PART_CERTAIN_OFF, p->index.row[i].size == S3P_ROW_CERTAIN))
            S3P_TRY(hit_mixed(p, &p->index.row[i], err));
    }
    return 0;
}

int s3p_part_check(struct s3p_part *p, const struct s3p_kept *rows, uint32_t n, struct s3p_tally *t,
                   struct s3p_err *err)
{
    if (n == 0)
        return 0;
    p->tally = t;
    s3p_tally_unit(t);
    S3P_TRY(s3p_index_build(&p->index, rows, n, err));
    for (uint32_t k = 0; k < p->index.nkeys; k++)
        if (p->index.key[k].rows != 0)
            S3P_TRY(check_key(p, k, err));
    return judge_mixed(p, n, err);
}
