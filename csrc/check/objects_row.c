/* Rows of uploads and copies for the register, and what their bytes show (check/objects.h). */
#include "check/keymap.h"
#include "check/load.h"
#include "check/mutate.h"
#include "check/objects.h"
#include "check/token.h"
#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"

#define COL(s, type, name) ((const type *)(s)->column[S3P_COL_##name])

static void set_kind(struct s3p_row *r, uint8_t cond)
{
    r->kind = cond == S3P_COND_IF_NONE_MATCH_ANY ? S3P_ROW_CREATE
              : S3P_OFF(OBJECT_CAS_OFF, cond == S3P_COND_IF_MATCH) ? S3P_ROW_CAS
                                                                   : S3P_ROW_WRITE;
}

static void set_outcome(struct s3p_row *r, uint8_t outcome)
{
    r->bits = (uint8_t)((r->bits & ~(3 << S3P_ROW_OUTCOME_SHIFT)) |
                        outcome << S3P_ROW_OUTCOME_SHIFT);
}

/* Says nothing, and is counted as nothing. */
static void silence(struct s3p_row *r)
{
    r->kind = S3P_ROW_NONE;
    r->value = r->etag = 0;
}

/* ---- writes ---- */

static uint64_t list_token(const struct s3p_objects *o, const struct s3p_part_list *l)
{
    const struct s3p_upload *up = &o->upload[l->upload];
    return s3p_value_token(up->lists == 1 ? &up->meta_id : &l->body_id);
}

static bool has_token(const struct s3p_objects *o, const struct s3p_part_list *l)
{
    return o->upload[l->upload].lists == 1 || !s3p_id_none(l->body_id);
}

const struct s3p_part_list *s3p_objects_list(const struct s3p_objects *o,
                                             const struct s3p_segment_view *s, uint32_t i,
                                             const struct s3p_upload **up)
{
    const uint32_t *u = s3p_idmap_find(&o->by_meta, COL(s, struct s3p_id, meta_id)[i]);
    *up = NULL;
    if (u == NULL || (*u & S3P_OBJECT_COPY) != 0 || COL(s, uint32_t, upload_id)[i] == 0)
        return NULL;
    *up = &o->upload[*u];
    for (uint32_t k = (*up)->list; k != UINT32_MAX; k = o->list[k].next)
        if (o->list[k].write == s->first_record + i)
            return &o->list[k];
    return NULL;
}

/* Whether other parts may have these bytes, hence their ETag: copied ones, and where all are short.
 */
static bool may_have_twin(const struct s3p_upload *up, const struct s3p_part_list *l)
{
    uint64_t bytes = (uint64_t)l->nnamed * (S3P_UNIQUE_BODY_BYTES - 1);
    return S3P_OFF(COMPLETE_TWIN_COPIED, up->copied_parts) ||
           S3P_OFF(COMPLETE_TWIN_SHORT, S3P_LE(COMPLETE_TWIN_LT, l->size, bytes));
}

/* A Complete that stands for its list writes; of another one only the refusal is evidence. */
static void amend_complete(const struct s3p_objects *o, const struct s3p_segment_view *s,
                           uint32_t i, struct s3p_row *r)
{
    const struct s3p_upload *up;
    const struct s3p_part_list *l = s3p_objects_list(o, s, i, &up);
    uint8_t outcome = s3p_row_outcome(r);
    if (up == NULL)
        return;
    if (l == NULL) {
        silence(r);
        r->kind = S3P_MUT(S3P_MUT_COMPLETE_REFUSED_OFF,
                          S3P_ON(COMPLETE_REPEATED_READS, outcome == S3P_FAILED), false)
                      ? S3P_ROW_READ
                      : S3P_ROW_NONE;
        return;
    }
    if (S3P_OFF(COMPLETE_NAMELESS, !has_token(o, l)))
        return;
    r->etag = S3P_MUT(S3P_MUT_COMPLETE_ETAG_OFF,
                      S3P_ON(COMPLETE_REFUSED_ETAG, outcome == S3P_OK_OUTCOME), false)
                  ? s3p_etag_token(COL(s, s3p_etag_bytes, etag)[i].b, COL(s, uint8_t, etag_form)[i])
                  : 0;
    r->value = list_token(o, l);
    if (S3P_ON(COMPLETE_REFUSED_EVER, l->outcome != S3P_FAILED)) { /* a refusal has its own times */
        r->inv = l->inv;
        r->res = l->res;
        if (outcome == S3P_FAILED)
            r->bits &= (uint8_t)~S3P_ROW_EVIDENCE;
    }
    r->size = S3P_ON(COMPLETE_SIZELESS, l->size != 0) &&
                      S3P_ON(COMPLETE_COPIED_PARTS, !up->copied_parts)
                  ? s3p_size_print(l->size)
                  : 0;
    r->bits |= may_have_twin(up, l) ? S3P_ROW_WEAK : 0;
    set_outcome(r, l->outcome);
    set_kind(r, l->cond);
}

/* Which of two conditions did not hold, that of the key or that of the source, no refusal says. */
static bool asks_source(const struct s3p_segment_view *s, uint32_t i)
{
    return s3p_load_arg(s, i, "if-match=").len != 0 ||
           s3p_load_arg(s, i, "if-none-match=").len != 0;
}

/* The bytes may be those of another value, and so may the ETag. */
static void amend_copy(const struct s3p_segment_view *s, uint32_t i, struct s3p_row *r)
{
    struct s3p_id meta = COL(s, struct s3p_id, meta_id)[i];
    if (s3p_id_none(meta))
        return;
    r->etag = 0;
    r->value = s3p_value_token(&meta);
    r->size = 0;
    r->bits |= S3P_ROW_WEAK;
    if (S3P_OFF(SOURCE_DENIES_OFF, asks_source(s, i)))
        r->bits &= (uint8_t)~S3P_ROW_EVIDENCE;
    set_kind(r, COL(s, uint8_t, cond)[i]);
    if (S3P_OFF(COPY_REPLACE_OFF, COL(s, uint8_t, cond)[i] == S3P_COND_IF_MATCH_ANY))
        r->kind = S3P_ROW_REPLACE;
}

/* ---- reads ---- */

struct reading {
    const struct s3p_objects *o;
    const struct s3p_segment_view *s;
    uint32_t i;
    struct s3p_id body, meta;
    uint8_t verdict;
    bool torn; /* certainly: the end of a range may seem to be another write's, by a few bytes */
    bool whole, part, narrow; /* no range; of one part; of one version or part, not of the key */
};

/* The bytes break `rule`, together with record `other`. */
static void find(struct s3p_row *r, enum s3p_rule rule, uint32_t other)
{
    r->kind = S3P_ROW_MIXED;
    r->value = rule;
    r->etag = 0;
    r->expect = other != S3P_NO_RECORD ? (uint64_t)other + 1 : 0;
    r->size = S3P_ROW_CERTAIN;
}

/* A corrupt cell that is cut cannot be told from one of a piece that is not seen; what is left says
 * nothing. */
static bool judge_corrupt(const struct reading *g, struct s3p_row *r)
{
    if (S3P_ON(OBJECT_CORRUPT_OFF, g->verdict != S3P_BODY_CORRUPT))
        return false;
    if (S3P_OFF(COPY_ALTERED_OFF, g->o->altered)) { /* left out, as the source is */
        r->kind = S3P_ROW_SPOIL;
        r->value = S3P_WHY_ALTERED;
        r->etag = S3P_ROW_READ;
        return true;
    }
    if (r->kind != S3P_ROW_MIXED)
        return true; /* it is judged alone */
    r->kind = S3P_ROW_READ;
    r->value = r->etag = 0;
    r->bits &= (uint8_t)~S3P_ROW_EVIDENCE;
    return true;
}

static bool is_part_of(const struct s3p_objects *o, uint32_t u, struct s3p_id id)
{
    for (uint32_t k = o->upload[u].part; k < o->npart && o->part[k].upload == u; k++)
        if (s3p_id_eq(o->part[k].id, id))
            return true;
    return false;
}

/* The last copy of a part, or `old` if that is one; NULL: nobody sent it. */
static const struct s3p_sent_part *copy_of(const struct s3p_objects *o, uint32_t first,
                                           uint32_t end, uint64_t number, uint32_t old)
{
    const struct s3p_sent_part *p = NULL;
    for (uint32_t k = first; k < end; k++)
        if (o->part[k].number == number)
            p = &o->part[k];
    return o->part[old].number == number ? &o->part[old] : p;
}

/* Whether the bytes are those of a list with an earlier copy of one part that was sent again. */
static bool is_stale(const struct s3p_objects *o, const struct s3p_part_list *l, struct s3p_id seen)
{
    uint32_t u = l->upload, first = o->upload[u].part, end = first;
    while (end < o->npart && o->part[end].upload == u)
        end++;
    for (uint32_t old = first; old < end; old++) {
        struct s3p_composite c = {.n = 0};
        for (uint32_t k = 0; k < l->nnamed; k++) {
            const struct s3p_sent_part *p = copy_of(o, first, end, l->named[k].key_index, old);
            if (p != NULL)
                s3p_composite_add(&c, p->id);
        }
        struct s3p_id id = s3p_composite_id(&c);
        if (s3p_id_eq(id, seen) && !s3p_id_eq(id, l->body_id))
            return true;
    }
    return false;
}

static const struct s3p_part_list *list_seen(const struct reading *g, uint32_t u)
{
    bool named = S3P_ON(UPLOAD_LIST_UNNAMED, !s3p_id_none(g->body)); /* several may have none */
    for (uint32_t k = g->o->upload[u].list; k != UINT32_MAX; k = g->o->list[k].next)
        if (named && s3p_id_eq(g->o->list[k].body_id, g->body))
            return &g->o->list[k];
    return NULL;
}

static void judge_blend(const struct reading *g, uint32_t u, struct s3p_row *r)
{
    const struct s3p_upload *up = &g->o->upload[u];
    bool stale = false;
    for (uint32_t k = up->list; k != UINT32_MAX && !stale; k = g->o->list[k].next)
        stale = is_stale(g->o, &g->o->list[k], g->body);
    stale = S3P_OFF(UPLOAD_STALE_OFF, stale);
    find(r, stale ? S3P_RULE_MPU_STALE_PART : S3P_RULE_MPU_BLEND, up->first_complete);
}

/* Too few bytes to tell who wrote them: the id is the metadata's, which wrote none. The size of all
 * of them is that of a list, though. */
static bool judge_few_bytes(const struct reading *g, uint32_t u, struct s3p_row *r)
{
    uint64_t size = COL(g->s, uint64_t, size)[g->i];
    uint32_t k = g->o->upload[u].list;
    if (S3P_OFF(UPLOAD_FEW_RANGE, !g->whole) ||
        S3P_OFF(UPLOAD_FEW_PART, g->part))
        return false;
    for (; k != UINT32_MAX; k = g->o->list[k].next)
        if (S3P_OFF(UPLOAD_FEW_SIZE, g->o->list[k].size == size))
            return false;
    find(r, S3P_RULE_BODY_LENGTH, g->o->upload[u].first_complete);
    return true;
}

/* The bytes of an object made by upload `u`: true when they are settled as wrong. */
static bool judge_upload_bytes(const struct reading *g, uint32_t u, struct s3p_row *r)
{
    const struct s3p_upload *up = &g->o->upload[u];
    bool pieces = g->verdict == S3P_BODY_CLEAN || g->verdict == S3P_BODY_PARTS;
    if (S3P_OFF(UPLOAD_BYTES_NONE, g->verdict == S3P_BODY_NONE) ||
        S3P_OFF(UPLOAD_BYTES_OPAQUE, g->verdict == S3P_BODY_OPAQUE) ||
        S3P_OFF(UPLOAD_BYTES_COPIED, up->copied_parts) ||
        (g->verdict == S3P_BODY_TORN && !g->torn) ||
        (g->verdict == S3P_BODY_LONG && S3P_OFF(UPLOAD_RANGE_LONG, !g->whole)))
        return false;
    if (!pieces) {
        r->size = S3P_ROW_CERTAIN;
        return true; /* torn, foreign, short or long, as it was found to be */
    }
    if (s3p_id_eq(g->body, g->meta))
        return S3P_OFF(UPLOAD_FEW_OFF, judge_few_bytes(g, u, r));
    if (S3P_ON(UPLOAD_RANGE_ALL, g->whole) &&
        S3P_ON(UPLOAD_PART_ALL, !g->part)) {
        if (S3P_ON(UPLOAD_BLEND_ANY, list_seen(g, u) != NULL))
            return false;
    } else if (S3P_OFF(UPLOAD_PIECES_OFF, g->verdict == S3P_BODY_PARTS) ||
               S3P_ON(UPLOAD_PART_ANY, is_part_of(g->o, u, g->body))) {
        return false;
    }
    judge_blend(g, u, r);
    return true;
}

/* An object before its Complete, or after its Abort. */
static bool judge_upload_time(const struct s3p_objects *o, uint32_t u, struct s3p_row *r)
{
    const struct s3p_upload *up = &o->upload[u];
    if (S3P_OFF(ABORTED_VISIBLE_OFF, S3P_LT(ABORTED_LATER_LE, up->abort_res, up->complete_inv) &&
                                         S3P_LT(ABORTED_READ_LE, up->abort_res, r->inv)))
        find(r, S3P_RULE_ABORTED_VISIBLE, up->abort);
    else if (S3P_MUT(S3P_MUT_UPLOAD_FUTURE_LE, r->res < up->complete_inv,
                     r->res <= up->complete_inv))
        find(r, S3P_RULE_FUTURE_READ,
             up->first_complete != S3P_NO_RECORD ? up->first_complete : up->create);
    else
        return false;
    return true;
}

/* Whether a copy that kept its metadata may have put the object in its own place, as one that has
 * no parts and another ETag. */
static bool keeps_metadata(const struct s3p_objects *o, const struct s3p_row *r)
{
    const uint32_t *by =
        s3p_idmap_find(&o->brought_to, s3p_idmap_pair(r->place, r->key_index));
    return by != NULL && (*by & S3P_BROUGHT_NAMELESS) != 0;
}

static void amend_upload_read(const struct reading *g, uint32_t u, struct s3p_row *r)
{
    const struct s3p_upload *up = &g->o->upload[u];
    if (judge_corrupt(g, r) || judge_upload_time(g->o, u, r) ||
        S3P_OFF(UPLOAD_BYTES_OFF, judge_upload_bytes(g, u, r)))
        return;
    const struct s3p_part_list *l = up->lists == 1 ? &g->o->list[up->list] : list_seen(g, u);
    uint64_t etag = s3p_etag_token(COL(g->s, s3p_etag_bytes, etag)[g->i].b,
                                   COL(g->s, uint8_t, etag_form)[g->i]);
    if (l != NULL && S3P_ON(UPLOAD_READ_KEPT, !keeps_metadata(g->o, r)) &&
        S3P_ON(UPLOAD_READ_NAMELESS, l->etag != 0) &&
        S3P_ON(UPLOAD_READ_ETAGLESS, etag != 0) && S3P_OFF(UPLOAD_READ_ETAG_OFF, etag != l->etag) &&
        S3P_ON(UPLOAD_READ_ETAG_ANY, g->o->head->etag_is_md5 == S3P_ETAG_MD5_REQUIRED)) {
        find(r, S3P_RULE_ETAG_MISMATCH, l->write);
        return;
    }
    r->kind = S3P_OFF(UPLOAD_NARROW_OFF, g->narrow) ? S3P_ROW_NONE : S3P_ROW_READ;
    r->etag = etag;
    r->value = l != NULL && has_token(g->o, l) ? list_token(g->o, l) : 0;
    r->size = !g->whole ? 0 : s3p_size_print(COL(g->s, uint64_t, size)[g->i]);
}

static void amend_copy_read(const struct reading *g, uint32_t c, struct s3p_row *r)
{
    const struct s3p_copied *copy = &g->o->copy[c];
    const struct s3p_origin *origin;
    if (S3P_OFF(COPY_FIELDS_OFF, copy->fields != s3p_load_fields(g->s, g->i))) {
        find(r, S3P_RULE_META_LOST, copy->record);
        return;
    }
    if (judge_corrupt(g, r))
        return;
    if (S3P_OFF(COPY_TORN_OFF, g->torn) &&
        S3P_ON(COPY_TORN_PARTS, !g->o->copied_parts)) {
        r->expect = (uint64_t)copy->record + 1;
        r->size = S3P_ROW_CERTAIN;
        return;
    }
    bool bytes = S3P_ON(COPY_BYTES_RANGE, g->whole) && S3P_ON(COPY_BYTES_PART, !g->part) &&
                 S3P_ON(COPY_BYTES_NONE, !s3p_id_none(g->body)) &&
                 S3P_ON(COPY_BYTES_FEW, !s3p_id_eq(g->body, g->meta)) && /* too few to tell */
                 S3P_ON(COPY_BYTES_TORN, g->verdict != S3P_BODY_TORN);
    if (bytes && !s3p_objects_brought(g->o, r, c, g->body, copy->res, &origin)) {
        find(r, S3P_RULE_COPY_WRONG_BODY, copy->record);
        return;
    }
    uint64_t size = COL(g->s, uint64_t, size)[g->i];
    if (bytes && origin != NULL && S3P_ON(COPY_LENGTH_UNTOLD, size != 0) &&
        S3P_OFF(COPY_LENGTH_OFF, origin->size != size)) {
        find(r, S3P_RULE_BODY_LENGTH, copy->record);
        return;
    }
    r->kind = S3P_OFF(COPY_NARROW_OFF, g->narrow) ? S3P_ROW_NONE : S3P_ROW_READ;
    r->value = s3p_value_token(&g->meta);
    r->etag = s3p_etag_token(COL(g->s, s3p_etag_bytes, etag)[g->i].b,
                             COL(g->s, uint8_t, etag_form)[g->i]);
    r->size = 0;
}

/* Of a key that is the destination of copies that keep their metadata: bytes of another key must
 * have been brought. */
static void amend_other_read(const struct reading *g, struct s3p_row *r)
{
    const struct s3p_origin *origin;
    if (S3P_OFF(COPY_OTHER_PARTS, g->o->copied_parts))
        return;
    if (S3P_OFF(COPY_OTHER_TORN, g->torn))
        r->size = S3P_ROW_CERTAIN;
    else if (S3P_OFF(COPY_FOREIGN_OFF, g->verdict == S3P_BODY_FOREIGN) &&
             S3P_ON(COPY_FOREIGN_RANGE, g->whole) && S3P_ON(COPY_FOREIGN_PART, !g->part) &&
             !s3p_objects_brought(g->o, r, S3P_NO_RECORD, g->body, r->res, &origin))
        r->size = S3P_ROW_CERTAIN;
}

static bool made_here(const struct s3p_objects *o, uint32_t made, const struct s3p_row *r)
{
    if ((made & S3P_OBJECT_COPY) != 0) {
        const struct s3p_copied *copy = &o->copy[made & ~S3P_OBJECT_COPY];
        return S3P_ON(OBJECT_COPY_PLACE, copy->place == r->place) &&
               copy->key_index == r->key_index;
    }
    return S3P_ON(OBJECT_UPLOAD_PLACE, o->upload[made].place == r->place) &&
           o->upload[made].key_index == r->key_index;
}

static void amend_read(const struct s3p_objects *o, const struct s3p_segment_view *s, uint32_t i,
                       struct s3p_row *r)
{
    if (S3P_OFF(OBJECT_READ_REFUSED, s3p_row_outcome(r) != S3P_OK_OUTCOME) ||
        S3P_OFF(OBJECT_READ_SPOILED, r->kind == S3P_ROW_SPOIL))
        return;
    struct reading g = {
        .o = o,
        .s = s,
        .i = i,
        .body = COL(s, struct s3p_id, body_id)[i],
        .meta = COL(s, struct s3p_id, meta_id)[i],
        .verdict = COL(s, uint8_t, body_verdict)[i],
        .whole = COL(s, uint64_t, range_len)[i] == 0,
        .part = COL(s, uint32_t, part_number)[i] != 0,
        .narrow = COL(s, uint32_t, version_asked)[i] != 0 || COL(s, uint32_t, part_number)[i] != 0,
    };
    g.torn = g.verdict == S3P_BODY_TORN && S3P_ON(OBJECT_TORN_RANGE, g.whole);
    const uint32_t *made = s3p_idmap_find(&o->by_meta, g.meta);
    if (made == NULL || S3P_OFF(OBJECT_ANYWHERE, !made_here(o, *made, r)))
        amend_other_read(&g, r);
    else if ((*made & S3P_OBJECT_COPY) != 0)
        amend_copy_read(&g, *made & ~S3P_OBJECT_COPY, r);
    else
        amend_upload_read(&g, *made, r);
}

void s3p_objects_amend(const struct s3p_objects *o, const struct s3p_segment_view *s, uint32_t i,
                       struct s3p_row *r)
{
    switch (COL(s, uint8_t, op)[i]) {
    case S3P_OP_GET:
    case S3P_OP_HEAD:
        amend_read(o, s, i, r);
        return;
    case S3P_OP_COMPLETE_UPLOAD:
        amend_complete(o, s, i, r);
        return;
    case S3P_OP_COPY:
        amend_copy(s, i, r);
        return;
    default:
        return;
    }
}
