#include "check/objects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/keymap.h"
#include "check/load.h"
#include "check/mutate.h"
#include "core/alloc.h"
#include "core/digest.h"
#include "s3/op.h"
#include "s3/outcome.h"

#define COL(s, type, name) ((const type *)(s)->column[S3P_COL_##name])

static int reserve(void **p, uint32_t n, uint32_t *cap, size_t size, struct s3p_err *err)
{
    if (n < *cap)
        return 0;
    uint32_t want = *cap == 0 ? 64 : *cap * 2;
    void *next = s3p_realloc(*p, want * size);
    if (next == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "%u uploads and copies", want);
    *p = next;
    *cap = want;
    return 0;
}

/* Room for one more, not yet counted. */
#define ROOM(o, name, err)                                                                         \
    reserve((void **)&(o)->name, (o)->n##name, &(o)->cap##name, sizeof *(o)->name, err)

void s3p_objects_free(struct s3p_objects *o)
{
    s3p_free(o->upload);
    s3p_free(o->list);
    s3p_free(o->part);
    s3p_free(o->copy);
    s3p_free(o->origin);
    s3p_idmap_free(&o->by_text);
    s3p_idmap_free(&o->by_meta);
    s3p_idmap_free(&o->by_list);
    s3p_idmap_free(&o->by_body);
    s3p_idmap_free(&o->by_etag);
    s3p_idmap_free(&o->copied_to);
    s3p_idmap_free(&o->brought_to);
    memset(o, 0, sizeof *o);
}

/* One record on its way into the index. */
struct visit {
    struct s3p_objects *o;
    const struct s3p_segment_view *s;
    uint32_t i, record;
    uint64_t key_index;
    uint16_t place;
    struct s3p_err *err;
};

/* ---- uploads ---- */

/* By a proxy: it may be another, or more than one. */
static bool is_touched(const struct visit *v)
{
    return (COL(v->s, uint8_t, flags)[v->i] & (S3P_FLAG_MULTI_DELIVERY | S3P_FLAG_ALTERED)) != 0;
}

static int find_upload(struct visit *v, uint32_t *out)
{
    struct s3p_objects *o = v->o;
    struct s3p_str text = s3p_segment_text(v->s, COL(v->s, uint32_t, upload_id)[v->i]);
    uint32_t *at;
    *out = UINT32_MAX;
    if (text.len == 0)
        return 0;
    S3P_TRY(s3p_idmap_put(&o->by_text, s3p_idmap_text(text, COL(v->s, uint16_t, bucket)[v->i]),
                          o->nupload, &at, v->err));
    *out = *at;
    if (*at < o->nupload)
        return 0;
    S3P_TRY(ROOM(o, upload, v->err));
    o->upload[o->nupload++] = (struct s3p_upload){.key_index = v->key_index,
                                                  .place = v->place,
                                                  .create_inv = INT64_MIN,
                                                  .created = INT64_MAX,
                                                  .may_end = INT64_MAX,
                                                  .complete_inv = INT64_MAX,
                                                  .abort_inv = INT64_MAX,
                                                  .abort_res = INT64_MAX,
                                                  .acked_res = INT64_MAX,
                                                  .create = S3P_NO_RECORD,
                                                  .first_complete = S3P_NO_RECORD,
                                                  .abort = S3P_NO_RECORD,
                                                  .acked = S3P_NO_RECORD,
                                                  .list = UINT32_MAX};
    return 0;
}

static int know_meta(struct visit *v, struct s3p_id id, uint32_t value)
{
    uint32_t *at;
    return s3p_id_none(id) ? 0 : s3p_idmap_put(&v->o->by_meta, id, value, &at, v->err);
}

static int visit_create(struct visit *v)
{
    uint32_t u;
    S3P_TRY(find_upload(v, &u));
    if (u == UINT32_MAX)
        return 0;
    struct s3p_upload *up = &v->o->upload[u];
    up->meta_id = COL(v->s, struct s3p_id, meta_id)[v->i];
    up->create = v->record;
    up->tagged = (COL(v->s, uint8_t, flags)[v->i] & S3P_FLAG_TAGGED) != 0;
    up->create_inv = COL(v->s, int64_t, t_call)[v->i];
    up->key_index = v->key_index; /* a request that names another key misses it */
    up->place = v->place;
    if (S3P_ON(UPLOAD_CREATED_UNKNOWN, COL(v->s, uint8_t, outcome)[v->i] == S3P_OK_OUTCOME) &&
        S3P_ON(UPLOAD_CREATED_TOUCHED, !is_touched(v)))
        up->created = COL(v->s, int64_t, t_return)[v->i];
    return know_meta(v, up->meta_id, u);
}

static int visit_part(struct visit *v, bool copied)
{
    struct s3p_objects *o = v->o;
    uint32_t u;
    S3P_TRY(find_upload(v, &u));
    bool touched = is_touched(v), failed = COL(v->s, uint8_t, outcome)[v->i] == S3P_FAILED;
    if (u == UINT32_MAX ||
        (S3P_OFF(UPLOAD_PART_REFUSED, failed) && S3P_ON(UPLOAD_REFUSED_TOUCHED, !touched)))
        return 0;
    o->upload[u].copied_parts |= S3P_OFF(UPLOAD_COPIED_OFF, copied);
    o->copied_parts |= copied;
    o->odd_parts |= copied && COL(v->s, uint64_t, range_len)[v->i] == 0;
    S3P_TRY(ROOM(o, part, v->err));
    o->part[o->npart++] = (struct s3p_sent_part){
        .id = COL(v->s, struct s3p_id, body_id)[v->i],
        .etag = s3p_etag_token(COL(v->s, s3p_etag_bytes, etag)[v->i].b,
                               COL(v->s, uint8_t, etag_form)[v->i]),
        .size = copied ? 0 : COL(v->s, uint64_t, size)[v->i],
        .inv = COL(v->s, int64_t, t_call)[v->i],
        .res = COL(v->s, int64_t, t_return)[v->i],
        .ok = COL(v->s, uint8_t, outcome)[v->i] == S3P_OK_OUTCOME,
        .upload = u,
        .number = COL(v->s, uint32_t, part_number)[v->i],
        .record = v->record,
        .touched = touched,
    };
    return 0;
}

/* Whose condition did not hold may have to begin its upload anew. Source: S3 API Reference,
 * CompleteMultipartUpload, If-None-Match ("re-initiate"). */
static bool may_begin_anew(const struct visit *v)
{
    struct s3p_str code = s3p_segment_text(v->s, COL(v->s, uint32_t, code_text)[v->i]);
    return S3P_OFF(UPLOAD_END_CONDITIONAL, COL(v->s, uint8_t, cond)[v->i] != S3P_COND_NONE) &&
           S3P_ON(UPLOAD_END_MISSED, !s3p_str_eq(code, "NoSuchUpload"));
}

/* A Complete or an Abort: what was refused ended nothing, unless a proxy had its hands in it. */
static int visit_end(struct visit *v, uint32_t *u)
{
    int64_t call = COL(v->s, int64_t, t_call)[v->i];
    bool refused = S3P_OFF(UPLOAD_END_REFUSED, COL(v->s, uint8_t, outcome)[v->i] == S3P_FAILED) &&
                   !may_begin_anew(v);
    S3P_TRY(find_upload(v, u));
    if (*u == UINT32_MAX || (refused && S3P_ON(UPLOAD_END_TOUCHED, !is_touched(v))))
        return 0;
    struct s3p_upload *up = &v->o->upload[*u];
    up->may_end = call < up->may_end ? call : up->may_end;
    return 0;
}

static int visit_abort(struct visit *v)
{
    uint32_t u;
    S3P_TRY(visit_end(v, &u));
    if (u == UINT32_MAX ||
        S3P_OFF(UPLOAD_ABORT_UNKNOWN, COL(v->s, uint8_t, outcome)[v->i] != S3P_OK_OUTCOME))
        return 0;
    struct s3p_upload *up = &v->o->upload[u];
    int64_t res = COL(v->s, int64_t, t_return)[v->i];
    if (S3P_MUT(S3P_MUT_UPLOAD_LAST_ABORT, res < up->abort_res,
                up->abort == S3P_NO_RECORD || res > up->abort_res)) {
        up->abort_res = res;
        up->abort_inv = COL(v->s, int64_t, t_call)[v->i];
        up->abort = v->record;
    }
    return 0;
}

/* The ETag that S3's rule makes of the parts' ETags, as a token; 0 when one of them is no digest.
 */
static uint64_t etag_of_parts(const struct s3p_segment_view *s, uint32_t i)
{
    uint32_t first = COL(s, uint32_t, entries_first)[i], n = COL(s, uint32_t, entries_count)[i];
    uint8_t *all = n == 0 ? NULL : s3p_alloc((size_t)n * S3P_MD5_BYTES), md5[S3P_MD5_BYTES];
    char text[64];
    bool known = all != NULL;
    for (uint32_t k = 0; k < n && known; k++) {
        const struct s3p_entry *e = &s->entries[first + k];
        known = e->etag_form == S3P_ETAG_DIGEST;
        memcpy(all + (size_t)k * S3P_MD5_BYTES, e->etag, S3P_MD5_BYTES);
    }
    if (known)
        s3p_md5(all, (size_t)n * S3P_MD5_BYTES, md5);
    s3p_free(all);
    if (!known)
        return 0;
    for (int k = 0; k < S3P_MD5_BYTES; k++)
        snprintf(text + 2 * k, 3, "%02x", md5[k]);
    int len = 2 * S3P_MD5_BYTES;
    len += snprintf(text + len, sizeof text - (size_t)len, "-%u", n);
    struct s3p_etag etag = s3p_etag_parse(text, (size_t)len);
    return s3p_etag_token(etag.b, etag.form);
}

static int find_list(struct visit *v, uint32_t u, struct s3p_part_list **out)
{
    struct s3p_objects *o = v->o;
    struct s3p_id id = COL(v->s, struct s3p_id, body_id)[v->i];
    uint64_t etag = etag_of_parts(v->s, v->i);
    uint32_t *at, n = COL(v->s, uint32_t, entries_count)[v->i];
    for (uint32_t k = o->upload[u].list; k != UINT32_MAX; k = o->list[k].next) {
        *out = &o->list[k];
        if (s3p_id_eq(o->list[k].body_id, id) && o->list[k].etag == etag)
            return 0;
    }
    S3P_TRY(ROOM(o, list, v->err));
    *out = &o->list[o->nlist];
    **out = (struct s3p_part_list){.body_id = id,
                                   .upload = u,
                                   .next = o->upload[u].list,
                                   .write = S3P_NO_RECORD,
                                   .inv = INT64_MAX,
                                   .res = INT64_MAX,
                                   .size = COL(v->s, uint64_t, size)[v->i],
                                   .etag = etag,
                                   .named = v->s->entries +
                                            COL(v->s, uint32_t, entries_first)[v->i],
                                   .nnamed = n,
                                   .outcome = S3P_FAILED};
    if (!s3p_id_none(id))
        S3P_TRY(s3p_idmap_put(&o->by_list, id, o->nlist, &at, v->err));
    o->upload[u].list = o->nlist++;
    o->upload[u].lists++;
    return 0;
}

static bool better(uint8_t a, uint8_t b)
{
    static const uint8_t rank[] = {[S3P_FAILED] = 0, [S3P_UNKNOWN] = 1, [S3P_OK_OUTCOME] = 2};
    return rank[a] > rank[b];
}

static int visit_complete(struct visit *v)
{
    struct s3p_part_list *l;
    uint32_t u;
    S3P_TRY(visit_end(v, &u));
    struct s3p_id meta = COL(v->s, struct s3p_id, meta_id)[v->i];
    if (u == UINT32_MAX || s3p_id_none(meta))
        return 0;
    S3P_TRY(find_list(v, u, &l));
    struct s3p_upload *up = &v->o->upload[u];
    int64_t inv = COL(v->s, int64_t, t_call)[v->i], res = COL(v->s, int64_t, t_return)[v->i];
    uint8_t outcome = COL(v->s, uint8_t, outcome)[v->i], cond = COL(v->s, uint8_t, cond)[v->i];
    uint64_t asked = s3p_etag_token(COL(v->s, s3p_etag_bytes, expect_etag)[v->i].b,
                                    COL(v->s, uint8_t, expect_form)[v->i]);
    up->meta_id = meta;
    l->touched |= is_touched(v);
    if (S3P_MUT(S3P_MUT_UPLOAD_COMPLETE_LAST, inv < up->complete_inv, true)) {
        up->complete_inv = inv;
        up->first_complete = v->record;
    }
    up->may_be_done |= S3P_ON(UPLOAD_DONE_FAILED, outcome != S3P_FAILED);
    if (S3P_ON(UPLOAD_ACKED_UNKNOWN, outcome == S3P_OK_OUTCOME) &&
        S3P_MUT(S3P_MUT_UPLOAD_ACKED_LAST, res < up->acked_res, true)) {
        up->acked_res = res;
        up->acked = v->record;
    }
    bool failed = outcome == S3P_FAILED,
         gone = failed && S3P_ON(UPLOAD_GONE_ANY, COL(v->s, uint16_t, status)[v->i] == 404);
    l->gone |= gone;
    bool may_write = !S3P_OFF(UPLOAD_REFUSED_WRITES, failed) ||
                     S3P_OFF(UPLOAD_GONE_WRITES, gone) ||
                     is_touched(v);
    if (may_write) {
        l->mixed |= l->inv != INT64_MAX && (cond != l->asked || asked != l->asked_etag);
        l->asked = cond;
        l->asked_etag = asked;
    }
    if (may_write &&
        S3P_MUT(S3P_MUT_UPLOAD_LAST_CALL, inv < l->inv, l->inv == INT64_MAX || inv > l->inv))
        l->inv = inv;
    if (outcome == S3P_OK_OUTCOME &&
        S3P_MUT(S3P_MUT_UPLOAD_LAST_RETURN, res < l->res, l->res == INT64_MAX || res > l->res))
        l->res = res;
    if (l->write == S3P_NO_RECORD || S3P_OFF(UPLOAD_FIRST_OUTCOME, better(outcome, l->outcome))) {
        l->write = v->record;
        l->outcome = outcome;
        l->cond = cond;
        l->got_etag = s3p_etag_token(COL(v->s, s3p_etag_bytes, etag)[v->i].b,
                                     outcome == S3P_OK_OUTCOME ? COL(v->s, uint8_t, etag_form)[v->i]
                                                               : S3P_ETAG_NONE);
    }
    return know_meta(v, meta, u);
}

/* A 404 is none of the list's while a Complete of the upload may have succeeded; and where the
 * writes begin. */
static void settle_lists(struct s3p_objects *o)
{
    for (uint32_t k = 0; k < o->nlist; k++) {
        struct s3p_part_list *l = &o->list[k];
        const struct s3p_upload *up = &o->upload[l->upload];
        if (S3P_OFF(UPLOAD_MIXED_OFF, l->mixed))
            l->cond = S3P_COND_NONE;
        bool conditional = l->cond != S3P_COND_NONE;
        if (l->inv == INT64_MAX) /* refused, all of them */
            l->inv = up->complete_inv;
        if (l->outcome == S3P_FAILED && S3P_OFF(UPLOAD_GONE_FAILS, l->gone && up->may_be_done))
            l->outcome = S3P_UNKNOWN;
        if (S3P_ON(UPLOAD_CONDITIONAL_EARLY, !conditional) &&
            S3P_ON(UPLOAD_ORDER_OFF, !o->head->mpu_by_complete) &&
            S3P_OFF(UPLOAD_CREATE_OFF, up->create_inv < l->inv) &&
            up->create != S3P_NO_RECORD)
            l->inv = up->create_inv;
    }
}

static int by_upload(const void *va, const void *vb)
{
    const struct s3p_sent_part *a = va, *b = vb;
    if (a->upload != b->upload)
        return a->upload < b->upload ? -1 : 1;
    if (a->number != b->number)
        return a->number < b->number ? -1 : 1;
    return (a->record > b->record) - (a->record < b->record);
}

static void sort_parts(struct s3p_objects *o)
{
    if (o->npart == 0)
        return;
    qsort(o->part, o->npart, sizeof *o->part, by_upload);
    for (uint32_t k = o->npart; k-- > 0;)
        o->upload[o->part[k].upload].part = k;
}

/* ---- copies ---- */

bool s3p_objects_on_itself(const struct s3p_objects *o, const struct s3p_segment_view *s,
                           uint32_t i, const struct s3p_row *key)
{
    struct s3p_source source;
    return s3p_source_find(o->keys, s, i, &source) && source.place == key->place &&
           source.key_index == key->key_index;
}

static int visit_copy(struct visit *v)
{
    struct s3p_objects *o = v->o;
    struct s3p_source source;
    if (!s3p_source_find(o->keys, v->s, v->i, &source))
        return 0;
    bool done = S3P_ON(COPY_UNKNOWN_RETURNS,
                       COL(v->s, uint8_t, outcome)[v->i] != S3P_UNKNOWN) &&
                S3P_ON(COPY_TOUCHED_RETURNS, !is_touched(v)); /* else perhaps later */
    int64_t res = done ? COL(v->s, int64_t, t_return)[v->i] : INT64_MAX;
    S3P_TRY(ROOM(o, copy, v->err));
    o->copy[o->ncopy++] = (struct s3p_copied){.source = s3p_idmap_pair(source.place,
                                                                       source.key_index),
                                              .key_index = v->key_index,
                                              .place = v->place,
                                              .meta_id = COL(v->s, struct s3p_id, meta_id)[v->i],
                                              .inv = COL(v->s, int64_t, t_call)[v->i],
                                              .res = res,
                                              .record = v->record,
                                              .fields = s3p_load_fields(v->s, v->i)};
    return 0;
}

static int by_key(const void *va, const void *vb)
{
    const struct s3p_copied *a = va, *b = vb;
    if (a->place != b->place)
        return a->place < b->place ? -1 : 1;
    if (a->key_index != b->key_index)
        return a->key_index < b->key_index ? -1 : 1;
    return (a->record > b->record) - (a->record < b->record);
}

static int sort_copies(struct s3p_objects *o, struct s3p_err *err)
{
    uint32_t *at;
    if (o->ncopy == 0)
        return 0;
    qsort(o->copy, o->ncopy, sizeof *o->copy, by_key);
    for (uint32_t k = 0; k < o->ncopy; k++)
        S3P_TRY(s3p_idmap_put(&o->copied_to,
                              s3p_idmap_pair(o->copy[k].place, o->copy[k].key_index), k, &at, err));
    return 0;
}

/* ---- bodies that may be copied ---- */

static int know_body(struct visit *v, struct s3p_id id, int64_t inv, uint64_t size,
                     uint32_t *number)
{
    struct s3p_objects *o = v->o;
    uint32_t *at;
    S3P_TRY(ROOM(o, origin, v->err));
    S3P_TRY(s3p_idmap_put(&o->by_body, id, o->norigin, &at, v->err));
    *number = *at;
    if (*at == o->norigin)
        o->origin[o->norigin++] = (struct s3p_origin){id, v->key_index, v->place, inv, size};
    return 0;
}

static int visit_put(struct visit *v)
{
    struct s3p_id id = COL(v->s, struct s3p_id, body_id)[v->i], etag;
    uint64_t size = COL(v->s, uint64_t, size)[v->i];
    uint32_t number, *at;
    if (s3p_id_none(id))
        return 0;
    S3P_TRY(know_body(v, id, COL(v->s, int64_t, t_call)[v->i], size, &number));
    if (S3P_ON(SOURCE_ETAG_ANY, v->o->head->etag_is_md5 == S3P_ETAG_MD5_REQUIRED) &&
        COL(v->s, uint8_t, outcome)[v->i] == S3P_OK_OUTCOME &&
        COL(v->s, uint8_t, etag_form)[v->i] == S3P_ETAG_DIGEST &&
        !S3P_OFF(SOURCE_SHORT, S3P_LT(SOURCE_SHORT_LE, size, S3P_UNIQUE_BODY_BYTES))) {
        memcpy(&etag, COL(v->s, s3p_etag_bytes, etag)[v->i].b, sizeof etag);
        return s3p_idmap_put(&v->o->by_etag, etag, number, &at, v->err);
    }
    return 0;
}

static int know_lists(struct s3p_objects *o, struct s3p_err *err)
{
    for (uint32_t k = 0; k < o->nlist; k++) {
        const struct s3p_upload *up = &o->upload[o->list[k].upload];
        struct visit v = {.o = o, .key_index = up->key_index, .place = up->place, .err = err};
        uint32_t number;
        if (!s3p_id_none(o->list[k].body_id))
            S3P_TRY(know_body(&v, o->list[k].body_id, up->complete_inv, o->list[k].size, &number));
    }
    return 0;
}

/* Where bytes of other keys may be. */
static int know_destinations(struct s3p_objects *o, struct s3p_err *err)
{
    uint32_t *at;
    for (uint32_t k = 0; k < o->ncopy; k++) {
        S3P_TRY(s3p_idmap_put(&o->brought_to,
                              s3p_idmap_pair(o->copy[k].place, o->copy[k].key_index),
                              S3P_BROUGHT_WHOLE, &at, err));
        if (s3p_id_none(o->copy[k].meta_id))
            *at |= S3P_BROUGHT_NAMELESS;
    }
    for (uint32_t u = 0; u < o->nupload; u++)
        if (o->upload[u].copied_parts) {
            S3P_TRY(s3p_idmap_put(&o->brought_to,
                                  s3p_idmap_pair(o->upload[u].place, o->upload[u].key_index), 0,
                                  &at, err));
            *at |= S3P_BROUGHT_IN_PARTS;
        }
    return 0;
}

/* ---- the passes ---- */

static int visit_record(struct visit *v)
{
    uint8_t op = COL(v->s, uint8_t, op)[v->i];
    switch (op) {
    case S3P_OP_PUT:
        return visit_put(v);
    case S3P_OP_GET:
        s3p_source_learn(v->o, v->s, v->i);
        return 0;
    case S3P_OP_CREATE_UPLOAD:
        return visit_create(v);
    case S3P_OP_UPLOAD_PART:
    case S3P_OP_UPLOAD_PART_COPY:
        return visit_part(v, op == S3P_OP_UPLOAD_PART_COPY);
    case S3P_OP_COMPLETE_UPLOAD:
        return visit_complete(v);
    case S3P_OP_ABORT_UPLOAD:
        return visit_abort(v);
    case S3P_OP_COPY:
        return visit_copy(v);
    default:
        return 0;
    }
}

/* All records of these operations. */
static int pass(struct s3p_objects *o, uint64_t wanted, struct s3p_err *err)
{
    for (uint32_t k = 0; k < s3p_histfile_segments(o->file); k++) {
        const struct s3p_segment_view *s = s3p_histfile_segment(o->file, k);
        const uint8_t *op = COL(s, uint8_t, op);
        for (uint32_t i = 0; i < s->records && (s->ops & wanted) != 0; i++) {
            uint16_t space = COL(s, uint16_t, space)[i], bucket = COL(s, uint16_t, bucket)[i];
            if ((S3P_BIT(op[i]) & wanted) == 0 || COL(s, uint64_t, key_index)[i] == S3P_NO_INDEX)
                continue;
            struct visit v = {.o = o,
                              .s = s,
                              .i = i,
                              .record = (uint32_t)(s->first_record + i),
                              .key_index = COL(s, uint64_t, key_index)[i],
                              .place = (uint16_t)(space * o->head->buckets + bucket),
                              .err = err};
            if (o->keys->aliased[v.place])
                s3p_keymap_canon(o->keys, &v.place, &v.key_index);
            S3P_TRY(visit_record(&v));
        }
    }
    return 0;
}

static bool any_altered(const struct s3p_segment_view *s)
{
    const uint8_t *flags = COL(s, uint8_t, flags);
    uint8_t any = 0;
    for (uint32_t i = 0; i < s->records; i++)
        any |= flags[i];
    return (any & S3P_FLAG_ALTERED) != 0;
}

int s3p_objects_build(struct s3p_objects *o, const struct s3p_histfile *f, const struct s3p_head *h,
                      const struct s3p_keymap *keys, struct s3p_err *err)
{
    static const uint64_t makers = S3P_BIT(S3P_OP_CREATE_UPLOAD) | S3P_BIT(S3P_OP_UPLOAD_PART) |
                                   S3P_BIT(S3P_OP_UPLOAD_PART_COPY) |
                                   S3P_BIT(S3P_OP_COMPLETE_UPLOAD) |
                                   S3P_BIT(S3P_OP_ABORT_UPLOAD) | S3P_BIT(S3P_OP_COPY);
    *o = (struct s3p_objects){.file = f, .head = h, .keys = keys};
    S3P_TRY(pass(o, makers, err));
    settle_lists(o);
    sort_parts(o);
    S3P_TRY(sort_copies(o, err));
    for (uint32_t k = 0; k < o->ncopy; k++) {
        uint32_t *at;
        if (!s3p_id_none(o->copy[k].meta_id))
            S3P_TRY(s3p_idmap_put(&o->by_meta, o->copy[k].meta_id, k | S3P_OBJECT_COPY, &at, err));
    }
    if (o->ncopy != 0 || o->copied_parts) {
        S3P_TRY(pass(o, S3P_BIT(S3P_OP_PUT), err));
        S3P_TRY(know_lists(o, err));
        S3P_TRY(know_destinations(o, err));
    }
    if (o->ncopy != 0)
        S3P_TRY(pass(o, S3P_BIT(S3P_OP_GET), err));
    o->any = o->nupload != 0 || o->ncopy != 0;
    for (uint32_t k = 0; (o->ncopy != 0 || o->copied_parts) && k < s3p_histfile_segments(f); k++)
        o->altered |= any_altered(s3p_histfile_segment(f, k));
    return 0;
}
