#include "check/load.h"

#include <string.h>

#include "check/alone.h"
#include "check/bucket_rules.h"
#include "check/mutate.h"
#include "check/token.h"
#include "core/alloc.h"
#include "core/text.h"
#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"

#define COL(s, type, name) ((const type *)(s)->column[S3P_COL_##name])

/* What an operation is to the register of its key. */
enum role {
    ROLE_NONE,
    ROLE_PUT,
    ROLE_READ,
    ROLE_DELETE,
    ROLE_TAGS,
    ROLE_COMPLETE,
    ROLE_COPY,
    ROLE_PART_COPY, /* nothing, but it has a source, as copies have */
    ROLE_PAGE
};
static const uint8_t role_of[S3P_OP_COUNT] = {
    [S3P_OP_PUT] = ROLE_PUT,
    [S3P_OP_GET] = ROLE_READ,
    [S3P_OP_HEAD] = ROLE_READ,
    [S3P_OP_DELETE] = ROLE_DELETE,
    [S3P_OP_COPY] = ROLE_COPY,
    [S3P_OP_UPLOAD_PART_COPY] = ROLE_PART_COPY,
    [S3P_OP_COMPLETE_UPLOAD] = ROLE_COMPLETE,
    [S3P_OP_DELETE_CHILD] = ROLE_DELETE,
    [S3P_OP_LIST] = ROLE_PAGE,
    [S3P_OP_LIST_V1] = ROLE_PAGE,
    [S3P_OP_PUT_TAGS] = ROLE_TAGS,
    [S3P_OP_GET_TAGS] = ROLE_TAGS,
    [S3P_OP_DELETE_TAGS] = ROLE_TAGS,
};

enum {
    ROWS_PER_PARTITION = 4096,
    PARTITIONS_MAX = 4096,
    COUNTS_MAX = 16 << 20
};

int s3p_load_init(struct s3p_load *l, const struct s3p_histfile *f, const struct s3p_head *h,
                  const struct s3p_keymap *m, const struct s3p_objects *objects,
                  const struct s3p_walks *walks, struct s3p_err *err)
{
    uint64_t records = s3p_histfile_records(f);
    if (records >= UINT32_MAX)
        return s3p_fail(err, S3P_ELIMIT, 0, "history: more than 2^32 records");
    *l = (struct s3p_load){
        .file = f,
        .head = h,
        .map = m,
        .objects = objects,
        .walks = walks,
        .segments = s3p_histfile_segments(f),
        .partitions = 16,
        .judges_md5 = h->etag_is_md5 == S3P_ETAG_MD5_REQUIRED};
    while (l->partitions < PARTITIONS_MAX && l->partitions < records / ROWS_PER_PARTITION &&
           2 * (uint64_t)l->partitions * l->segments <= COUNTS_MAX)
        l->partitions *= 2;
    l->start = s3p_calloc((size_t)l->segments * l->partitions + 1, sizeof *l->start);
    l->rows = s3p_calloc(l->partitions, sizeof *l->rows);
    l->md5_bytes = s3p_calloc(l->segments + 1, sizeof *l->md5_bytes);
    if (l->start != NULL && l->rows != NULL && l->md5_bytes != NULL)
        return 0;
    s3p_load_free(l);
    return s3p_fail(err, S3P_ENOMEM, 0, "partition table");
}

struct s3p_str s3p_load_arg(const struct s3p_segment_view *s, uint32_t i, const char *name)
{
    struct s3p_str args = s3p_segment_text(s, COL(s, uint32_t, list_args)[i]);
    size_t len = strlen(name);
    while (args.len != 0) {
        const char *end = memchr(args.p, '&', args.len);
        size_t n = end != NULL ? (size_t)(end - args.p) : args.len;
        if (n > len && memcmp(args.p, name, len) == 0)
            return (struct s3p_str){args.p + len, n - len};
        size_t used = end != NULL ? n + 1 : n;
        args = (struct s3p_str){args.p + used, args.len - used};
    }
    return (struct s3p_str){NULL, 0};
}

uint8_t s3p_load_fields(const struct s3p_segment_view *s, uint32_t i)
{
    struct s3p_str text = s3p_load_arg(s, i, "fields=");
    uint64_t n;
    return text.len != 0 && s3p_parse_u64(text.p, text.len, &n) && n <= UINT8_MAX ? (uint8_t)n : 0;
}

int64_t s3p_load_listed_since(const struct s3p_head *h, const struct s3p_segment_view *s,
                              uint32_t i)
{
    static const char *const later[] = {"continuation-token=", "marker=", "key-marker=",
                                        "part-number-marker="};
    bool parts = COL(s, uint8_t, op)[i] == S3P_OP_LIST_PARTS;
    int64_t call = COL(s, int64_t, t_call)[i];
    int64_t lag = S3P_MUT(S3P_MUT_ENTRY_LAG_OFF, parts ? h->mpu_lag_ns : h->list_lag_ns, 0);
    bool first = true; /* of its walk; when another one began is not looked for */
    for (size_t k = 0; k < sizeof later / sizeof *later && h->list_interval_listing; k++)
        first &= s3p_load_arg(s, i, later[k]).len == 0;
    if (!S3P_ON(ENTRY_INTERVAL_OFF, first) || call < INT64_MIN + 1 + lag)
        return INT64_MIN + 1;
    return call - lag;
}

void s3p_load_free(struct s3p_load *l)
{
    s3p_free(l->start);
    s3p_free(l->rows);
    s3p_free(l->md5_bytes);
    memset(l, 0, sizeof *l);
}

static inline uint32_t partition_of(const struct s3p_load *l, uint64_t key_index, uint16_t place)
{
    uint64_t h = (key_index + ((uint64_t)place << 48) + 1) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)((h >> 40) & (l->partitions - 1));
}

/* (space, bucket, index) of a record or entry to the canonical (place, index). */
static inline int locate(const struct s3p_load *l, uint64_t record, uint16_t space, uint16_t bucket,
                  uint16_t *place, uint64_t *key_index, struct s3p_err *err)
{
    *place = (uint16_t)(space * l->head->buckets + bucket);
    if (l->map->aliased[*place])
        s3p_keymap_canon(l->map, place, key_index);
    if (*key_index > UINT32_MAX)
        return s3p_fail(err, S3P_EFORMAT, 0,
                        "record %llu: key_index %llu, key spaces have fewer than 2^32 keys",
                        (unsigned long long)record, (unsigned long long)*key_index);
    return 0;
}

/* What the header does not have cannot be judged anywhere; numbers of parts are no keys. */
static int check_place(const struct s3p_load *l, const struct s3p_segment_view *s, uint32_t i,
                       struct s3p_err *err)
{
    uint32_t n = s->nentries != 0 ? COL(s, uint32_t, entries_count)[i] : 0;
    uint16_t bucket = COL(s, uint16_t, bucket)[i], space = COL(s, uint16_t, space)[i];
    bool fits = bucket < l->head->buckets &&
                (COL(s, uint64_t, key_index)[i] == S3P_NO_INDEX || space < l->head->spaces);
    for (uint32_t k = 0; k < n && fits && COL(s, uint8_t, op)[i] != S3P_OP_LIST_PARTS; k++) {
        const struct s3p_entry *e = &s->entries[COL(s, uint32_t, entries_first)[i] + k];
        space = e->space;
        fits = e->key_index == S3P_NO_INDEX || space < l->head->spaces;
    }
    return fits ? 0
                : s3p_fail(err, S3P_EFORMAT, 0,
                           "record %llu: space %u or bucket %u is not in the header",
                           (unsigned long long)s->first_record + i, space, bucket);
}

static bool entry_counts(const struct s3p_entry *e)
{
    return e->key_index != S3P_NO_INDEX && (e->flags & (S3P_ENTRY_PREFIX | S3P_ENTRY_MARKER |
                                                        S3P_ENTRY_DELETED | S3P_ENTRY_ERROR)) == 0;
}

/* How many packed rows the attempt takes: a second one for what it asked for when it has both that
 * and an ETag of its own. */
static inline uint32_t rows_of(const struct s3p_segment_view *s, uint32_t i, uint8_t role)
{
    return 1 + ((role != ROLE_READ) & (COL(s, uint8_t, expect_form)[i] != S3P_ETAG_NONE) &
                (COL(s, uint8_t, outcome)[i] == S3P_OK_OUTCOME)); /* no branches: chance decides */
}

/* It says something of other keys: the entries of a page, the source of a copy. */
static inline bool has_others(uint8_t role)
{
    return role == ROLE_COPY || role == ROLE_PART_COPY || role == ROLE_PAGE;
}

/* It is an attempt on the register of its key. */
static inline bool has_own(uint8_t role)
{
    return role != ROLE_NONE && role != ROLE_PART_COPY && role != ROLE_PAGE;
}

static bool source_of(const struct s3p_load *l, const struct s3p_segment_view *s, uint32_t i,
                      struct s3p_source *out)
{
    return s3p_source_find(l->map, s, i, out) && out->key_index < UINT32_MAX;
}

static int count_others(const struct s3p_load *l, const struct s3p_segment_view *s, uint32_t i,
                        uint8_t role, uint32_t *count, struct s3p_err *err)
{
    uint32_t entries = role == ROLE_PAGE ? COL(s, uint32_t, entries_count)[i] : 0;
    struct s3p_source source;
    uint16_t place;
    for (uint32_t k = 0; k < entries; k++) {
        const struct s3p_entry *e = &s->entries[COL(s, uint32_t, entries_first)[i] + k];
        uint64_t index = e->key_index;
        if (!entry_counts(e))
            continue;
        S3P_TRY(locate(l, s->first_record + i, e->space, COL(s, uint16_t, bucket)[i], &place,
                       &index, err));
        count[partition_of(l, index, place)]++;
    }
    if (role != ROLE_PAGE && source_of(l, s, i, &source))
        count[partition_of(l, source.key_index, source.place)]++;
    return 0;
}

int s3p_load_count(struct s3p_load *l, uint32_t segment, struct s3p_err *err)
{
    const struct s3p_segment_view *s = s3p_histfile_segment(l->file, segment);
    const uint8_t *op = COL(s, uint8_t, op);
    const uint64_t *key = COL(s, uint64_t, key_index);
    uint32_t *count = l->start + (size_t)segment * l->partitions;
    uint64_t md5 = 0;
    for (uint32_t i = 0; i < s->records; i++) {
        uint8_t role = role_of[op[i]];
        uint16_t place, bucket = COL(s, uint16_t, bucket)[i];
        S3P_TRY(check_place(l, s, i, err));
        if (has_others(role))
            S3P_TRY(count_others(l, s, i, role, count, err));
        if (has_own(role) && key[i] != S3P_NO_INDEX) {
            uint64_t index = key[i];
            S3P_TRY(locate(l, s->first_record + i, COL(s, uint16_t, space)[i], bucket, &place,
                           &index, err));
            count[partition_of(l, index, place)] += rows_of(s, i, role);
            if (l->judges_md5 && role == ROLE_PUT)
                md5 += s3p_alone_md5_bytes(s, i);
        }
    }
    l->md5_bytes[segment] = md5;
    return 0;
}

int s3p_load_settle(struct s3p_load *l, struct s3p_err *err)
{
    uint64_t left = S3P_MD5_BUDGET_BYTES;
    for (uint32_t s = 0; s < l->segments; s++) {
        uint32_t *count = l->start + (size_t)s * l->partitions;
        for (uint32_t p = 0; p < l->partitions; p++) {
            uint64_t next = l->rows[p] + count[p];
            if (next > INT32_MAX)
                return s3p_fail(err, S3P_ELIMIT, 0,
                                "history: more than 2^31 attempts on the keys of one partition");
            count[p] = (uint32_t)l->rows[p];
            l->rows[p] = next;
        }
        l->md5_bytes[s] = l->md5_bytes[s] < left ? l->md5_bytes[s] : left;
        left -= l->md5_bytes[s];
    }
    return 0;
}

uint64_t s3p_etag_token(const uint8_t etag[16], uint8_t form)
{
    uint64_t v, any = -(uint64_t)(form != S3P_ETAG_NONE); /* no branches: chance decides */
    memcpy(&v, etag, sizeof v);
    v ^= UINT64_C(0x5bd1e9955bd1e995) & -(uint64_t)(form == S3P_ETAG_HASHED);
    return (v | (v == 0)) & any;
}

static inline bool of_run(const struct s3p_load *l, const struct s3p_id *id)
{
    return s3p_token_be(id->b) >> 16 == l->head->run;
}

static void spoil(struct s3p_row *r, enum s3p_reason why)
{
    r->etag = r->kind; /* it still counts as evidence */
    r->kind = S3P_ROW_SPOIL;
    r->value = why;
}

static inline void fill_put(const struct s3p_load *l, const struct s3p_segment_view *s, uint32_t i,
                     struct s3p_row *r)
{
    const struct s3p_id *id = &COL(s, struct s3p_id, body_id)[i];
    uint8_t cond = COL(s, uint8_t, cond)[i], flags = COL(s, uint8_t, flags)[i];
    if (s3p_id_none(*id))
        id = &COL(s, struct s3p_id, meta_id)[i];
    r->kind = cond == S3P_COND_IF_NONE_MATCH_ANY ? S3P_ROW_CREATE
              : cond == S3P_COND_IF_MATCH        ? S3P_ROW_CAS
              : S3P_OFF(LOAD_REPLACE_OFF, cond == S3P_COND_IF_MATCH_ANY) ? S3P_ROW_REPLACE
                                                                         : S3P_ROW_WRITE;
    if (S3P_OFF(LOAD_FOREIGN, flags & S3P_FLAG_FOREIGN))
        spoil(r, S3P_WHY_FOREIGN_WRITER);
    else if (S3P_OFF(LOAD_CONSTANT, COL(s, uint8_t, body_kind)[i] == S3P_KIND_CONSTANT))
        spoil(r, S3P_WHY_CONSTANT_BODY);
    else if (s3p_id_none(*id))
        spoil(r, S3P_WHY_NO_IDENTITY);
    else if (S3P_OFF(LOAD_PUT_RUN, !of_run(l, id)))
        spoil(r, S3P_WHY_FOREIGN_RUN);
    else
        r->value = s3p_value_token(id);
    bool others = S3P_OFF(LOAD_REFUSED_ETAG, s3p_row_outcome(r) != S3P_OK_OUTCOME) &
                  (r->kind != S3P_ROW_SPOIL);
    r->etag = others ? 0 : r->etag; /* whatever that is, it is not the ETag of these bytes */
    uint64_t size = COL(s, uint64_t, size)[i];
    r->size = s3p_size_print(size);
    r->bits |= S3P_LT(LOAD_WEAK_LE, size, S3P_UNIQUE_BODY_BYTES) ? S3P_ROW_WEAK : 0;
}

static const uint8_t rule_of_body[] = {
    [S3P_BODY_TORN] = S3P_RULE_BODY_TORN,       [S3P_BODY_FOREIGN] = S3P_RULE_BODY_FOREIGN,
    [S3P_BODY_CORRUPT] = S3P_RULE_BODY_CORRUPT, [S3P_BODY_SHORT] = S3P_RULE_BODY_LENGTH,
    [S3P_BODY_LONG] = S3P_RULE_BODY_LENGTH,     [S3P_BODY_PARTS] = S3P_RULE_BODY_TORN,
};

static bool is_wrong(uint8_t verdict)
{
    return (verdict >= S3P_BODY_TORN && verdict <= S3P_BODY_LONG) || verdict == S3P_BODY_PARTS;
}

/* A corrupt cell that is all there is nobody's; of one that is cut the verifier had to guess whose
 * it is. */
static bool has_bad_cell(const struct s3p_segment_view *s, uint32_t i)
{
    uint64_t first = COL(s, uint64_t, range_first)[i], bad = COL(s, uint64_t, bad_offset)[i];
    bool corrupt = COL(s, uint8_t, body_verdict)[i] == S3P_BODY_CORRUPT;
    uint64_t end = first + COL(s, uint64_t, bytes_in)[i];
    return S3P_ON(LOAD_CELL_VERDICT, corrupt) &&
           S3P_ON(LOAD_CELL_BEGIN, S3P_LE(LOAD_CELL_BEGIN_LT, first, bad)) &&
           S3P_ON(LOAD_CELL_END, S3P_LE(LOAD_CELL_END_LT, bad + S3P_CELL, end));
}

static void mix(struct s3p_row *r, enum s3p_rule rule)
{
    r->kind = S3P_ROW_MIXED;
    r->value = rule;
    r->etag = r->expect = 0;
}

/* A read of one version or one part: of the key's current value it says nothing. */
static bool is_narrow(const struct s3p_segment_view *s, uint32_t i)
{
    return S3P_OFF(LOAD_VERSION_READ, COL(s, uint32_t, version_asked)[i] != 0) ||
           S3P_OFF(LOAD_PART_READ, COL(s, uint32_t, part_number)[i] != 0);
}

static inline void fill_read(const struct s3p_load *l, const struct s3p_segment_view *s, uint32_t i,
                      struct s3p_row *r)
{
    const struct s3p_id *body = &COL(s, struct s3p_id, body_id)[i],
                        *meta = &COL(s, struct s3p_id, meta_id)[i];
    bool has_meta = !s3p_id_none(*meta);
    uint8_t verdict = COL(s, uint8_t, body_verdict)[i];
    r->kind = is_narrow(s, i) ? S3P_ROW_NONE : S3P_ROW_READ;
    if (s3p_row_outcome(r) != S3P_OK_OUTCOME) {
        r->etag =
            0; /* a 304 repeats the ETag that was asked about; it is evidence of `expect` already */
        if ((r->bits & S3P_ROW_EVIDENCE) == S3P_EV_VALUE)
            r->kind = S3P_ROW_NONE;
        return;
    }
    if (!has_meta && s3p_load_arg(s, i, "fields=").len != 0) {
        r->kind = S3P_ROW_NONE; /* metadata of nobody: that is judged alone */
        return;
    }
    if (is_wrong(verdict)) {
        if (has_bad_cell(s, i))
            r->kind = S3P_ROW_NONE;
        else
            mix(r, (enum s3p_rule)rule_of_body[verdict]);
        return;
    }
    bool has_body = verdict == S3P_BODY_CLEAN && !s3p_id_none(*body);
    if (has_body && has_meta && S3P_OFF(LOAD_META_OFF, !s3p_id_eq(*body, *meta))) {
        mix(r, S3P_RULE_ETAG_MISMATCH);
        return;
    }
    if (r->kind == S3P_ROW_NONE)
        return;
    const struct s3p_id *id = has_body ? body : meta;
    bool named = has_body || has_meta;
    if (named && S3P_OFF(LOAD_READ_RUN, !of_run(l, id)))
        spoil(r, S3P_WHY_FOREIGN_RUN);
    else if (named)
        r->value = s3p_value_token(id);
    else if (r->etag == 0)
        r->kind = S3P_ROW_NONE;
    uint64_t size = COL(s, uint64_t, size)[i];
    bool whole = S3P_ON(LOAD_RANGE_SIZE, COL(s, uint64_t, range_len)[i] == 0);
    r->size = size != 0 && whole ? s3p_size_print(size) : 0;
}

/* Of the object, not of one version of it: a bucket that never kept any has but `null`. */
static bool is_plain(const struct s3p_load *l, const struct s3p_segment_view *s, uint32_t i)
{
    uint32_t asked = COL(s, uint32_t, version_asked)[i];
    return asked == 0 || (!l->walks->kept[COL(s, uint16_t, bucket)[i]] &&
                          S3P_ON(LOAD_DELETE_ANY, s3p_str_eq(s3p_segment_text(s, asked), "null")));
}

static void fill_delete(const struct s3p_load *l, const struct s3p_segment_view *s, uint32_t i,
                        struct s3p_row *r)
{
    r->kind = S3P_ROW_DELETE;
    if (is_plain(l, s, i))
        return;
    r->bits &= (uint8_t)~S3P_ROW_EVIDENCE; /* of that version, not of the key */
    r->kind = S3P_ON(LOAD_DELETE_REFUSED, s3p_row_outcome(r) != S3P_FAILED) ? S3P_ROW_DELETE
                                                                            : S3P_ROW_NONE;
    r->size = S3P_ROW_BY_VERSION;
}

/* Tags are an object's: who reads or changes those of a key found it there, or absent. */
static int fill_tags(const struct s3p_load *l, const struct s3p_segment_view *s, uint32_t i,
                     struct s3p_row *r)
{
    const struct s3p_id *id = &COL(s, struct s3p_id, body_id)[i];
    bool altered = (COL(s, uint8_t, flags)[i] & S3P_FLAG_ALTERED) != 0;
    uint8_t found = s3p_row_outcome(r) == S3P_OK_OUTCOME ? S3P_EV_PRESENT
                                                         : r->bits & S3P_ROW_EVIDENCE;
    r->bits = (uint8_t)((r->bits & ~S3P_ROW_EVIDENCE) | found | S3P_ROW_ASIDE);
    r->etag = 0;
    bool says = S3P_ON(TAGS_CLAIM_VERSION, COL(s, uint32_t, version_asked)[i] == 0) &&
                S3P_ON(TAGS_CLAIM_ALTERED, !altered);
    r->kind = says ? S3P_ROW_READ : S3P_ROW_NONE;
    if (says && !s3p_id_none(*id) && S3P_OFF(TAGS_CLAIM_RUN, !of_run(l, id)))
        spoil(r, S3P_WHY_FOREIGN_RUN); /* the key was there before */
    return 0;
}

/* What a proxy is known to have done to the key; of the reads of such a key nothing is judged. */
static uint8_t touched(const struct s3p_segment_view *s, uint32_t i)
{
    return S3P_MUT(S3P_MUT_LOAD_TOUCHED_OFF,
                   COL(s, uint8_t, flags)[i] & (S3P_FLAG_MULTI_DELIVERY | S3P_FLAG_ALTERED), 0);
}

static inline void spoil_touched(const struct s3p_segment_view *s, uint32_t i, struct s3p_row *r)
{
    uint8_t touch = touched(s, i);
    if (touch != 0 && r->kind != S3P_ROW_SPOIL)
        spoil(r, touch & S3P_FLAG_ALTERED ? S3P_WHY_ALTERED : S3P_WHY_MULTI_DELIVERY);
}

static inline int begin_row(const struct s3p_segment_view *s, uint32_t i, struct s3p_row *r,
                            struct s3p_err *err)
{
    *r = (struct s3p_row){
        .inv = COL(s, int64_t, t_call)[i],
        .res = COL(s, int64_t, t_return)[i],
        .etag = s3p_etag_token(COL(s, s3p_etag_bytes, etag)[i].b, COL(s, uint8_t, etag_form)[i]),
        .expect = s3p_etag_token(COL(s, s3p_etag_bytes, expect_etag)[i].b,
                                 COL(s, uint8_t, expect_form)[i]),
        .record = (uint32_t)(s->first_record + i),
        .client = COL(s, uint32_t, client)[i],
    };
    r->bits = (uint8_t)((COL(s, uint8_t, evidence)[i] & S3P_ROW_EVIDENCE) |
                        COL(s, uint8_t, outcome)[i] << S3P_ROW_OUTCOME_SHIFT |
                        (COL(s, uint8_t, run_phase)[i] == 1 ? S3P_ROW_MAIN : 0));
    if (r->inv == INT64_MIN || r->res < r->inv)
        return s3p_fail(err, S3P_EFORMAT, 0, "record %u: t_return is before t_call", r->record);
    return 0;
}

static inline int fill(const struct s3p_load *l, const struct s3p_segment_view *s, uint32_t i,
                       uint8_t role, struct s3p_row *r, struct s3p_err *err)
{
    S3P_TRY(begin_row(s, i, r, err));
    if (role == ROLE_PUT)
        fill_put(l, s, i, r);
    else if (role == ROLE_READ)
        fill_read(l, s, i, r);
    else if (role == ROLE_DELETE)
        fill_delete(l, s, i, r);
    else if (role == ROLE_TAGS)
        return fill_tags(l, s, i, r);
    else if (s3p_row_outcome(r) != S3P_FAILED)
        spoil(r, role == ROLE_COPY ? S3P_WHY_COPY : S3P_WHY_MULTIPART);
    spoil_touched(s, i, r);
    return 0;
}

/* What is there was written elsewhere (replicas.h). A short body of another key looks like a cell
 * that is cut, and corrupt. */
static void leave_replica(struct s3p_row *r)
{
    if (S3P_OFF(REPLICA_CUT, r->kind == S3P_ROW_MIXED && r->value == S3P_RULE_BODY_CORRUPT)) {
        r->kind = S3P_ROW_READ;
        r->value = 0;
        r->bits &= (uint8_t)~S3P_ROW_EVIDENCE;
    } else if (r->kind == S3P_ROW_READ || r->kind == S3P_ROW_MIXED)
        r->kind = S3P_ROW_NONE;
    else if (r->kind != S3P_ROW_NONE && r->kind != S3P_ROW_SPOIL)
        spoil(r, S3P_WHY_COPY);
}

static void fill_entry(const struct s3p_row *page, const struct s3p_entry *e, struct s3p_row *r)
{
    *r = *page;
    r->bits = (uint8_t)((page->bits & ~S3P_ROW_EVIDENCE) | S3P_EV_VALUE | S3P_ROW_ASIDE);
    r->key_index = e->key_index;
    r->value = 0;
    r->etag = s3p_etag_token(e->etag, e->etag_form);
    r->expect = 0;
    r->size = s3p_size_print(e->size);
}

struct writer {
    const struct s3p_load *l;
    const struct s3p_segment_view *s;
    uint32_t *at; /* per partition: next place */
    uint32_t from, to;
    struct s3p_kept *const *out;
    uint64_t md5_bytes; /* budget left */
};

/* Reserves the place of `n` rows of this key; NULL when its partition is not wanted now. What comes
 * next in the partition is asked for already: the rows of partitions are written by turns. */
static inline struct s3p_kept *place_rows(struct writer *w, uint64_t key_index, uint16_t place,
                                          uint32_t n)
{
    enum { AHEAD = 3 };
    uint32_t p = partition_of(w->l, key_index, place);
    if (p < w->from || p >= w->to)
        return NULL;
    struct s3p_kept *r = &w->out[p - w->from][w->at[p]];
    __builtin_prefetch(r + AHEAD, 1);
    w->at[p] += n;
    return r;
}

static int write_page(struct writer *w, uint32_t i, struct s3p_err *err)
{
    struct s3p_row page, made;
    S3P_TRY(begin_row(w->s, i, &page, err));
    bool altered = S3P_OFF(ENTRY_ALTERED, (COL(w->s, uint8_t, flags)[i] & S3P_FLAG_ALTERED) != 0);
    page.kind = s3p_row_outcome(&page) == S3P_OK_OUTCOME && !altered ? S3P_ROW_READ : S3P_ROW_NONE;
    page.inv = s3p_load_listed_since(w->l->head, w->s, i);
    for (uint32_t k = 0; k < COL(w->s, uint32_t, entries_count)[i]; k++) {
        const struct s3p_entry *e = &w->s->entries[COL(w->s, uint32_t, entries_first)[i] + k];
        uint64_t index = e->key_index;
        uint16_t place;
        if (!entry_counts(e))
            continue;
        S3P_TRY(locate(w->l, page.record, e->space, COL(w->s, uint16_t, bucket)[i], &place, &index,
                       err));
        struct s3p_kept *r = place_rows(w, index, place, 1);
        if (r == NULL)
            continue;
        fill_entry(&page, e, &made);
        if (s3p_is_replicated(w->l->head->rules, COL(w->s, uint16_t, bucket)[i]))
            leave_replica(&made);
        made.key_index = index;
        made.place = place;
        s3p_row_pack(&made, r, 1);
    }
    return 0;
}

/* The source of a copy is a read of it. */
static int write_source(struct writer *w, uint32_t i, struct s3p_err *err)
{
    struct s3p_source source;
    struct s3p_row made;
    if (!source_of(w->l, w->s, i, &source))
        return 0;
    struct s3p_kept *r = place_rows(w, source.key_index, source.place, 1);
    if (r == NULL)
        return 0;
    S3P_TRY(begin_row(w->s, i, &made, err));
    s3p_source_read(w->l->objects, w->s, i, &source, &made);
    if (s3p_is_replicated(w->l->head->rules, source.bucket))
        leave_replica(&made);
    made.key_index = source.key_index;
    made.place = source.place;
    s3p_row_pack(&made, r, 1);
    return 0;
}

/* Asks for what fill will read of the records some way ahead: more columns than the processor
 * follows by itself. */
static inline void fetch_ahead(const struct s3p_segment_view *s, uint32_t i)
{
    enum { AHEAD = 96, LINE = 64 };
    static const uint8_t wide[] = {S3P_COL_t_call,  S3P_COL_t_return,    S3P_COL_key_index,
                                   S3P_COL_size,    S3P_COL_range_len,   S3P_COL_body_id,
                                   S3P_COL_meta_id, S3P_COL_expect_etag, S3P_COL_etag};
    for (size_t k = 0; k < sizeof wide; k++) {
        size_t width = k < 5 ? 8 : 16;
        const char *at = (const char *)s->column[wide[k]] + (i + AHEAD) * width;
        __builtin_prefetch(at);
        if (width == 16)
            __builtin_prefetch(at + LINE);
    }
}

/* Whether the attempt alone may show anything: most are clean, and cost no call. */
static inline bool shows_alone(const struct writer *w, uint32_t i, uint8_t role,
                               const struct s3p_row *made)
{
    const struct s3p_segment_view *s = w->s;
    if (role == ROLE_READ)
        return made->kind == S3P_ROW_NONE || made->expect != 0 ||
               (made->etag == 0 && s3p_row_outcome(made) == S3P_OK_OUTCOME) ||
               s3p_id_none(COL(s, struct s3p_id, meta_id)[i]) || is_narrow(s, i);
    if (role == ROLE_TAGS)
        return false;
    return made->kind == S3P_ROW_NONE || role == ROLE_COPY ||
           (role == ROLE_PUT && w->l->judges_md5);
}

static int judge_alone(struct writer *w, uint32_t i, uint8_t role, const struct s3p_row *made,
                       struct s3p_tally *t, struct s3p_err *err)
{
    const struct s3p_segment_view *s = w->s;
    if (role == ROLE_READ && is_narrow(s, i))
        s3p_tally_skip(
            t, COL(s, uint32_t, part_number)[i] != 0 ? S3P_WHY_MULTIPART : S3P_WHY_VERSIONS, 0, 1);
    if (touched(s, i))
        return 0;
    if (made->kind == S3P_ROW_NONE || /* whatever is wrong alone is no evidence */
        (role == ROLE_PUT && w->l->judges_md5))
        S3P_TRY(s3p_alone(w->l, s, i, made, &w->md5_bytes, t, err));
    return role == ROLE_READ || role == ROLE_COPY ? s3p_alone_meta(w->l, s, i, made, t, err) : 0;
}

static int write_rows(struct writer *w, bool judge, struct s3p_tally *t, struct s3p_err *err)
{
    const struct s3p_load *l = w->l;
    const struct s3p_segment_view *s = w->s;
    for (uint32_t i = 0; i < s->records; i++) {
        uint8_t role = role_of[COL(s, uint8_t, op)[i]];
        uint64_t index = COL(s, uint64_t, key_index)[i];
        uint16_t place, bucket = COL(s, uint16_t, bucket)[i];
        struct s3p_row made;
        if (i % 8 == 0)
            fetch_ahead(s, i);
        if (has_others(role))
            S3P_TRY(role == ROLE_PAGE ? write_page(w, i, err) : write_source(w, i, err));
        if (!has_own(role) || index == S3P_NO_INDEX)
            continue;
        S3P_TRY(locate(l, s->first_record + i, COL(s, uint16_t, space)[i], bucket, &place, &index,
                       err));
        uint32_t rows = rows_of(s, i, role);
        struct s3p_kept *r = place_rows(w, index, place, rows);
        if (r == NULL && !judge)
            continue;
        S3P_TRY(fill(l, s, i, role, &made, err));
        made.key_index = index;
        made.place = place;
        if (l->objects->any) {
            s3p_objects_amend(l->objects, s, i, &made);
            if (role == ROLE_COMPLETE || role == ROLE_COPY)
                spoil_touched(s, i, &made);
        }
        if (s3p_is_replicated(l->head->rules, bucket))
            leave_replica(&made);
        if (r != NULL)
            s3p_row_pack(&made, r, rows);
        if (judge && shows_alone(w, i, role, &made))
            S3P_TRY(judge_alone(w, i, role, &made, t, err));
    }
    return 0;
}

int s3p_load_rows(const struct s3p_load *l, uint32_t segment, uint32_t from, uint32_t to,
                  struct s3p_kept *const *out, bool judge, struct s3p_tally *t,
                  struct s3p_err *err)
{
    uint32_t at[PARTITIONS_MAX];
    memcpy(at, l->start + (size_t)segment * l->partitions, l->partitions * sizeof *at);
    struct writer w = {
        l, s3p_histfile_segment(l->file, segment), at, from, to, out, l->md5_bytes[segment]};
    return write_rows(&w, judge, t, err);
}

uint32_t s3p_load_part_rows(const struct s3p_load *l, uint32_t segment, uint32_t partition)
{
    const uint32_t *begin = l->start + (size_t)segment * l->partitions + partition;
    return (segment + 1 < l->segments ? begin[l->partitions] : (uint32_t)l->rows[partition]) -
           *begin;
}

int s3p_load_part(const struct s3p_load *l, uint32_t segment, uint32_t partition,
                  struct s3p_kept *out, bool judge, struct s3p_tally *t, struct s3p_err *err)
{
    uint32_t at[PARTITIONS_MAX];
    at[partition] = 0; /* the others are not wanted */
    struct writer w = {l,  s3p_histfile_segment(l->file, segment), at, partition, partition + 1,
                       &out, l->md5_bytes[segment]};
    return write_rows(&w, judge, t, err);
}

uint64_t s3p_load_expect(const struct s3p_histfile *f, const struct s3p_kept *r)
{
    switch (r->etag_is) {
    case S3P_KEPT_EXPECT:
        return r->etag;
    case S3P_KEPT_BOTH:
        return r[1].etag;
    default:
        break;
    }
    uint32_t i;
    const struct s3p_segment_view *s = s3p_histfile_find(f, r->record, &i);
    return s3p_etag_token(COL(s, s3p_etag_bytes, expect_etag)[i].b,
                          COL(s, uint8_t, expect_form)[i]);
}

uint32_t s3p_load_client(const struct s3p_histfile *f, uint32_t record)
{
    uint32_t i;
    const struct s3p_segment_view *s = s3p_histfile_find(f, record, &i);
    return COL(s, uint32_t, client)[i];
}
