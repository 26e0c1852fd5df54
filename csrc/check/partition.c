#include "check/partition.h"

#include <string.h>

#include "check/cluster.h"
#include "check/mutate.h"
#include "check/part.h"
#include "check/timeline.h"
#include "core/alloc.h"
#include "s3/outcome.h"

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
    s3p_stream_free(&p->stream);
    s3p_free(p->client);
    s3p_free(p->op);
    s3p_free(p);
}

static uint64_t register_bytes(uint64_t values)
{
    return values * (sizeof(struct s3p_cluster) + sizeof(struct s3p_zone) * 3 / 2);
}

static uint64_t effort_bytes(uint64_t writes)
{
    return writes * (2 * sizeof(struct s3p_zone) + sizeof(uint32_t));
}

uint64_t s3p_part_settled_bytes(uint64_t rows, uint64_t writes, bool listed)
{
    uint64_t effort = effort_bytes(writes);
    uint64_t facts = listed ? rows * S3P_FACT_BYTES : 0, reg = register_bytes(writes);
    uint64_t most = effort > facts ? effort : facts; /* one after the other */
    return s3p_index_bytes(rows, writes) + (most > reg ? most : reg);
}

/* A key that is settled. Of one that is streamed, what is known of its values is given back before
 * its zones are made. */
static uint64_t key_bytes(const struct s3p_part *p, const struct s3p_key *k)
{
    uint64_t writes = k->rows - k->reads;
    uint64_t zones = s3p_index_bytes(p->index.n, 0) + register_bytes(writes),
             numbered = s3p_index_bytes(p->index.n, writes) + effort_bytes(writes);
    if (k->streamed)
        return zones > numbered ? zones : numbered;
    return s3p_part_settled_bytes(p->index.n, writes, p->objects != NULL);
}

/* A key whose operations are kept: these, a copy without its delete, the timeline, the order of its
 * writes. */
static uint64_t kept_bytes(uint64_t ops, uint64_t writes)
{
    return ops * (2 * sizeof(struct s3p_reg_op) + 5 * sizeof(uint32_t) + 1) +
           writes * (2 * sizeof(struct s3p_reach) + 7 * sizeof(uint32_t)) + register_bytes(writes);
}

uint64_t s3p_part_bytes(uint64_t rows)
{
    uint64_t effort = effort_bytes(1);
    uint64_t reg = sizeof(struct s3p_cluster) + 3 * sizeof(struct s3p_zone) + 7 * sizeof(uint32_t);
    uint64_t line = 5 * sizeof(uint32_t) + 2 * sizeof(struct s3p_reach) + 1;
    uint64_t search = (sizeof(struct s3p_reg_op) + line + reg) * 3 / 2;
    return s3p_index_bytes(rows, rows) + rows * (effort + 2 * sizeof(struct s3p_reg_op) + search);
}

/* Beside the rows, with `more`. */
static int fits(const struct s3p_part *p, uint64_t more, struct s3p_err *err)
{
    uint64_t need = (uint64_t)p->index.n * sizeof(struct s3p_kept) + more;
    if (need <= p->bound_bytes)
        return 0;
    return s3p_fail(err, S3P_ELIMIT, 0,
                    "the checker's memory bound of %llu MiB is too small: one key needs %llu MiB",
                    (unsigned long long)(p->bound_bytes >> 20),
                    (unsigned long long)(need >> 20) + 1);
}

/* Of a row that is no read there may be two: what it wrote, and what it says of the state or what a
 * rule of the bucket may do. */
static int reserve(struct s3p_part *p, struct s3p_err *err)
{
    const struct s3p_key *k = &p->index.key[p->key];
    size_t ops = p->keeps ? 2 * (size_t)k->rows - k->reads : S3P_PART_TOLD;
    ops = ops < S3P_PART_TOLD ? S3P_PART_TOLD : ops;
    if (ops <= p->cap)
        return 0;
    if (p->keeps)
        S3P_TRY(fits(p, kept_bytes(ops, k->rows - k->reads), err));
    s3p_free(p->op);
    s3p_free(p->client);
    p->client = NULL;
    p->op = s3p_alloc(ops * sizeof *p->op);
    p->cap = p->op != NULL ? (uint32_t)ops : 0;
    return p->op != NULL ? 0 : s3p_fail(err, S3P_ENOMEM, 0, "%zu operations of one key", ops);
}

static int note_said(struct s3p_part *p, uint32_t i, struct s3p_err *err)
{
    const struct s3p_kept *r = &p->index.row[i];
    (void)err;
    if (r->kind == S3P_ROW_DELETE && r->size == S3P_ROW_BY_VERSION && r->inv < p->first_removal)
        p->first_removal = r->inv;
    bool says = (r->kind != S3P_ROW_DELETE && r->kind != S3P_ROW_READ) ||
                (r->bits & S3P_ROW_EVIDENCE) != S3P_EV_NONE || s3p_load_expect(p->file, r) != 0;
    if (says && s3p_kept_res(r) > p->last_said)
        p->last_said = s3p_kept_res(r);
    return 0;
}

/* Deletes of single versions are judged like others only where nothing else is under way any more:
 * in between they make older values show. */
static int versions_show(struct s3p_part *p, const uint32_t *rows, uint32_t n, bool *show,
                         struct s3p_err *err)
{
    p->first_removal = INT64_MAX;
    p->last_said = INT64_MIN;
    for (uint32_t i = 0; i < n; i++)
        S3P_TRY(note_said(p, rows[i], err));
    S3P_TRY(s3p_stream_reads(p, note_said, err));
    *show = S3P_OFF(PART_VERSIONS_OFF, S3P_LE(PART_VERSIONS_LT, p->first_removal, p->last_said));
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
        p->client[i] = s3p_load_client(p->file, p->op[i].ref);
    S3P_TRY(s3p_grade_key(p->grader, p->reg, p->op, p->client, p->nops, p->index.values, &grade,
                          &oldest, err));
    struct s3p_oldest_read o = {.any = false};
    if (oldest != S3P_NO_OP)
        o = (struct s3p_oldest_read){.late_ns = grade.late_ns,
                                     .key_index = k->key_index,
                                     .record = p->op[oldest].ref,
                                     .client = p->client[oldest],
                                     .place = k->place,
                                     .any = true};
    s3p_tally_grade(p->tally, &grade, hits, &o);
    return 0;
}

/* The values and ETags of the key. */
static int number_key(struct s3p_part *p, struct s3p_err *err)
{
    S3P_TRY(s3p_index_key(&p->index, p->key, p->tally, err));
    S3P_TRY(s3p_stream_index(p, err));
    return s3p_index_settle(&p->index, p->tally, err);
}

static int note_claim(struct s3p_part *p, uint32_t i, struct s3p_err *err)
{
    const struct s3p_kept *r = &p->index.row[i];
    (void)err;
    if ((r->bits & S3P_ROW_EVIDENCE) == S3P_EV_PRESENT && r->inv < p->first_claim)
        p->first_claim = r->inv;
    if (s3p_kept_outcome(r) == S3P_OK_OUTCOME && s3p_kept_res(r) < p->first_ack)
        p->first_ack = s3p_kept_res(r);
    return 0;
}

/* Whether the key is certainly there whenever something says no more than that: nothing removes it,
 * and a write was acknowledged, or read, before. Such claims need no judging. */
static int note_shown(struct s3p_part *p, const uint32_t *rows, uint32_t n, struct s3p_err *err)
{
    const struct s3p_key *k = &p->index.key[p->key];
    p->shown = false;
    if (!k->claimed || k->refuses || p->map->head->rules != NULL)
        return 0;
    p->first_ack = p->first_claim = INT64_MAX;
    for (uint32_t i = 0; i < n; i++)
        S3P_TRY(note_claim(p, rows[i], err));
    S3P_TRY(s3p_stream_reads(p, note_claim, err));
    p->shown = p->first_ack < p->first_claim;
    return 0;
}

/* The register of the key. Most keys are settled without keeping their operations. */
static int judge_register(struct s3p_part *p, const uint32_t *rows, uint32_t n,
                          struct s3p_reg_result *res, struct s3p_err *err)
{
    uint32_t values = p->index.values;
    bool settled = false;
    p->keeps = p->quiet = false;
    S3P_TRY(note_shown(p, rows, n, err));
    S3P_TRY(reserve(p, err));
    if (!p->index.key[p->key].refuses && (p->shown || !p->index.key[p->key].claimed)) {
        S3P_TRY(s3p_reg_open(p->reg, values, res, err));
        S3P_TRY(s3p_part_add_rows(p, rows, n, err));
        S3P_TRY(s3p_part_tell(p, err));
        if (p->index.key[p->key].streamed)
            s3p_index_forget(&p->index);
        S3P_TRY(s3p_reg_settle(p->reg, &settled, err));
        p->quiet = true;
        if (p->index.key[p->key].streamed && !settled)
            S3P_TRY(number_key(p, err));
    }
    if (settled)
        return 0;
    p->keeps = true;
    S3P_TRY(reserve(p, err));
    S3P_TRY(s3p_part_add_rows(p, rows, n, err));
    p->quiet = false;
    return s3p_reg_check(p->reg, p->op, p->nops, values, res, err);
}

static int judge_key(struct s3p_part *p, const uint32_t *rows, uint32_t n, struct s3p_err *err)
{
    const struct s3p_key *k = &p->index.key[p->key];
    struct s3p_reg_result res;
    bool show = false;
    if (k->by_version)
        S3P_TRY(versions_show(p, rows, n, &show, err));
    if (show) {
        s3p_tally_skip(p->tally, S3P_WHY_VERSIONS, 1, k->rows);
        return 0;
    }
    S3P_TRY(judge_register(p, rows, n, &res, err));
    p->tally->keys_checked++;
    note_windows(p, &res);
    for (uint32_t i = 0; i < res.nviolations; i++) {
        uint32_t witness[S3P_REG_WITNESS];
        for (uint32_t j = 0; j < res.violation[i].n; j++)
            witness[j] = p->op[res.violation[i].op[j]].ref;
        S3P_TRY(s3p_part_hit(p, (enum s3p_rule)res.violation[i].rule, witness, res.violation[i].n,
                             err));
    }
    if (res.nviolations != 0 && p->nops <= S3P_GRADE_OPS)
        S3P_TRY(grade_key(p, res.nviolations, err));
    else if (res.nviolations != 0)
        s3p_tally_ungraded(p->tally, res.nviolations);
    p->negatives += res.negatives;
    p->unresolved += res.unresolved - p->ignored;
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
    bool listed = p->objects != NULL;
    p->key = key;
    p->tally->keys++;
    S3P_TRY(fits(p, key_bytes(p, k), err));
    S3P_TRY(number_key(p, err));
    S3P_TRY(s3p_effort_measure(&p->effort, &p->index, key, err));
    p->all_known = !k->hides_etag;
    share_evidence(p, k);
    if (listed)
        S3P_TRY(s3p_object_member(p->objects, &p->facts, &p->index, key, p->map->head->rules, err));
    if (k->spoiled == 0)
        return judge_key(p, p->index.order + k->first, s3p_key_kept(k), err);
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
static int judge_mixed(struct s3p_part *p, struct s3p_err *err)
{
    for (uint32_t i = 0; i < p->index.n && p->index.nmixed != 0; i++) {
        if (p->index.row[i].kind != S3P_ROW_MIXED)
            continue;
        p->key = p->index.number_of[i];
        if (S3P_ON(PART_BLENDED_OFF, !p->index.key[p->key].blended) ||
            S3P_OFF(PART_CERTAIN_OFF, p->index.row[i].size == S3P_ROW_CERTAIN))
            S3P_TRY(hit_mixed(p, &p->index.row[i], err));
    }
    return 0;
}

static int check_keys(struct s3p_part *p, struct s3p_err *err)
{
    for (uint32_t k = 0; k < p->index.nkeys; k++)
        if (p->index.key[k].rows != 0)
            S3P_TRY(check_key(p, k, err));
    return judge_mixed(p, err);
}

int s3p_part_check(struct s3p_part *p, const struct s3p_kept *rows, uint32_t n,
                   uint64_t bound_bytes, struct s3p_tally *t, struct s3p_err *err)
{
    if (n == 0)
        return 0;
    p->tally = t;
    p->bound_bytes = bound_bytes;
    s3p_tally_unit(t);
    S3P_TRY(s3p_index_build(&p->index, rows, n, err));
    return check_keys(p, err);
}

int s3p_part_stream(struct s3p_part *p, const struct s3p_load *load, uint32_t partition, bool judge,
                    uint64_t bound_bytes, struct s3p_tally *t, struct s3p_err *err)
{
    enum { LARGE_KEYS = 64, FEW = 1024 }; /* streamed at most: each is two sweeps of the file */
    uint64_t reads = load->rows[partition] / LARGE_KEYS;
    p->tally = t;
    p->bound_bytes = bound_bytes;
    p->stream.load = load;
    p->stream.partition = partition;
    p->stream.reads = reads > FEW ? reads : FEW;
    s3p_tally_unit(t);
    int rc = s3p_stream_gather(p, judge, err);
    s3p_tally_unit(t);
    if (rc == 0)
        rc = check_keys(p, err);
    s3p_stream_free(&p->stream);
    p->index.row = NULL;
    return rc;
}
