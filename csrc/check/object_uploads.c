/* What uploads show that no read does. */
#include "check/flights.h"
#include "check/load.h"
#include "check/members.h"
#include "check/mutate.h"
#include "check/objects.h"
#include "check/upload_copies.h"
#include "s3/op.h"
#include "s3/outcome.h"

#define COL(s, type, name) ((const type *)(s)->column[S3P_COL_##name])

static int hit(const struct s3p_upload *up, enum s3p_rule rule, uint32_t a, uint32_t b,
               struct s3p_tally *t, struct s3p_err *err)
{
    struct s3p_hit h = {.key_index = up->key_index,
                        .place = up->place,
                        .rule = (uint8_t)rule,
                        .n = b != S3P_NO_RECORD ? 2 : 1,
                        .record = {a, b != S3P_NO_RECORD ? b : 0}};
    return s3p_tally_hit(t, &h, err);
}

/* An upload is gone once it was completed: only the same list may be acknowledged again. */
static int judge_lists(const struct s3p_objects *o, const struct s3p_upload *up,
                       struct s3p_tally *t, struct s3p_err *err)
{
    const struct s3p_part_list *first = NULL;
    for (uint32_t k = up->list; k != UINT32_MAX; k = o->list[k].next) {
        if (S3P_OFF(COMPLETE_TWICE_ANY, o->list[k].outcome != S3P_OK_OUTCOME))
            continue;
        if (first != NULL)
            return hit(up, S3P_RULE_MPU_COMPLETED_TWICE, o->list[k].write, first->write, t, err);
        first = &o->list[k];
    }
    return 0;
}

/* A Complete that was taken although it named a copy that had been replaced before any Complete of
 * the upload was called. */
static int judge_named(const struct s3p_objects *o, const struct s3p_part_list *l,
                       struct s3p_tally *t, struct s3p_err *err)
{
    const struct s3p_upload *up = &o->upload[l->upload];
    if (S3P_OFF(UPLOAD_NAMED_REFUSED, l->outcome != S3P_OK_OUTCOME) ||
        S3P_OFF(UPLOAD_NAMED_TOUCHED, l->touched) || S3P_OFF(UPLOAD_NAMED_ETAGS, l->etag == 0))
        return 0;
    for (uint32_t k = 0; k < l->nnamed; k++) {
        const struct s3p_entry *e = &l->named[k];
        struct s3p_part_claim c = {l->upload, e->key_index, s3p_etag_token(e->etag, e->etag_form),
                                   S3P_SIZE_UNTOLD, up->complete_inv};
        struct s3p_part_fit f = s3p_part_fit(o, &c);
        if (f.later != NULL)
            return hit(up, S3P_RULE_MPU_STALE_PART, l->write, f.later->record, t, err);
    }
    return 0;
}

/* ---- an upload that has ended ---- */

/* The acknowledged Complete or Abort after which nobody may find the upload any more; its return,
 * INT64_MAX without. */
static int64_t end_of(const struct s3p_upload *up, uint32_t *record)
{
    bool completed = S3P_MUT(S3P_MUT_UPLOAD_END_LAST, up->acked_res < up->abort_res,
                             up->acked_res > up->abort_res);
    *record = completed ? up->acked : up->abort;
    return completed ? up->acked_res : up->abort_res;
}

/* What sends a part while the upload ends may leave something behind, even if it is refused. */
static bool quiet_end(const struct s3p_objects *o, const struct s3p_upload *up, int64_t end,
                      const struct s3p_flights *flights, uint64_t id)
{
    int64_t from = up->abort_inv < up->complete_inv ? up->abort_inv : up->complete_inv;
    if (S3P_OFF(UPLOAD_RACE_OFF, s3p_flights_race(flights, id, from, end)))
        return false;
    for (uint32_t k = up->part; k < o->npart && &o->upload[o->part[k].upload] == up; k++)
        if (S3P_OFF(UPLOAD_QUIET_OFF, S3P_LE(UPLOAD_QUIET_CALL_LT, o->part[k].inv, end) &&
                                          (S3P_OFF(UPLOAD_QUIET_OK, !o->part[k].ok) ||
                                           S3P_LE(UPLOAD_QUIET_RETURN_LT, from, o->part[k].res))))
            return false;
    return true;
}

static int judge_late_parts(const struct s3p_objects *o, const struct s3p_upload *up,
                            struct s3p_tally *t, struct s3p_err *err)
{
    uint32_t ended;
    int64_t end = end_of(up, &ended);
    for (uint32_t k = up->part; k < o->npart && &o->upload[o->part[k].upload] == up; k++)
        if (S3P_ON(UPLOAD_LATE_UNKNOWN, o->part[k].ok) &&
            S3P_ON(UPLOAD_LATE_TOUCHED, !o->part[k].touched) &&
            S3P_LT(UPLOAD_LATE_LE, end, o->part[k].inv))
            return hit(up, S3P_RULE_UPLOAD_UNDEAD, o->part[k].record, ended, t, err);
    return 0;
}

/* ---- what pages of parts say ---- */

/* The size and the ETag fit no copy of the part, or only such as had been replaced. */
static uint32_t misfit(const struct s3p_objects *o, uint32_t u, const struct s3p_entry *e,
                       int64_t since)
{
    struct s3p_part_claim c = {u, e->key_index, s3p_etag_token(e->etag, e->etag_form), e->size,
                               since};
    struct s3p_part_fit f = s3p_part_fit(o, &c);
    if (f.fitting == NULL)
        return f.other != NULL ? f.other->record : S3P_NO_RECORD;
    return f.later != NULL ? f.later->record : S3P_NO_RECORD;
}

static int judge_page(const struct s3p_objects *o, const struct s3p_segment_view *s, uint32_t i,
                      const struct s3p_flights *flights, struct s3p_tally *t, struct s3p_err *err)
{
    struct s3p_str text = s3p_segment_text(s, COL(s, uint32_t, upload_id)[i]);
    const uint32_t *u =
        s3p_idmap_find(&o->by_text, s3p_idmap_text(text, COL(s, uint16_t, bucket)[i]));
    const struct s3p_entry *e = s->entries + COL(s, uint32_t, entries_first)[i];
    if (u == NULL ||
        S3P_OFF(UPLOAD_PAGE_ALTERED, (COL(s, uint8_t, flags)[i] & S3P_FLAG_ALTERED) != 0))
        return 0;
    uint32_t ended;
    int64_t end = end_of(&o->upload[*u], &ended);
    if (S3P_LT(UPLOAD_PAGE_LE, end, COL(s, int64_t, t_call)[i]) &&
        quiet_end(o, &o->upload[*u], end, flights, s3p_id_token(text)))
        return hit(&o->upload[*u], S3P_RULE_UPLOAD_UNDEAD, (uint32_t)(s->first_record + i), ended,
                   t, err);
    int64_t since = s3p_load_listed_since(o->head, s, i);
    for (uint32_t k = 0; k < COL(s, uint32_t, entries_count)[i]; k++) {
        uint32_t other = misfit(o, *u, &e[k], since);
        if (other != S3P_NO_RECORD)
            return hit(&o->upload[*u], S3P_RULE_LIST_PART_ENTRY, (uint32_t)(s->first_record + i),
                       other, t, err);
    }
    return 0;
}

static int judge_pages(const struct s3p_objects *o, const struct s3p_flights *flights,
                       struct s3p_tally *t, struct s3p_err *err)
{
    for (uint32_t k = 0; k < s3p_histfile_segments(o->file); k++) {
        const struct s3p_segment_view *s = s3p_histfile_segment(o->file, k);
        const uint8_t *op = COL(s, uint8_t, op), *outcome = COL(s, uint8_t, outcome);
        for (uint32_t i = 0; i < s->records; i++)
            if (op[i] == S3P_OP_LIST_PARTS && outcome[i] == S3P_OK_OUTCOME)
                S3P_TRY(judge_page(o, s, i, flights, t, err));
    }
    return 0;
}

/* ---- all of it ---- */

int s3p_objects_judge(const struct s3p_objects *o, struct s3p_tally *t, struct s3p_err *err)
{
    s3p_tally_unit(t);
    for (uint32_t u = 0; u < o->nupload; u++) {
        const struct s3p_upload *up = &o->upload[u];
        /* An Abort that was called once the upload was done may be answered like a repeated one. */
        if (up->acked != S3P_NO_RECORD &&
            S3P_OFF(COMPLETE_ABORT_OFF, S3P_LT(COMPLETE_ABORT_LE, up->abort_inv, up->acked_res)))
            S3P_TRY(hit(up, S3P_RULE_COMPLETE_AND_ABORT, up->acked, up->abort, t, err));
        S3P_TRY(judge_lists(o, up, t, err));
        S3P_TRY(judge_late_parts(o, up, t, err));
        for (uint32_t k = up->list; k != UINT32_MAX; k = o->list[k].next) {
            S3P_TRY(judge_named(o, &o->list[k], t, err));
            if (S3P_ON(UPLOAD_ETAG_ANY, o->head->etag_is_md5 == S3P_ETAG_MD5_REQUIRED) &&
                S3P_ON(UPLOAD_ETAG_NAMELESS, o->list[k].etag != 0) &&
                S3P_ON(UPLOAD_ETAG_UNTOLD, o->list[k].got_etag != 0) &&
                S3P_OFF(UPLOAD_ETAG_OFF, o->list[k].got_etag != o->list[k].etag))
                S3P_TRY(hit(up, S3P_RULE_ETAG_MISMATCH, o->list[k].write, S3P_NO_RECORD, t, err));
        }
    }
    struct s3p_flights flights = {.n = 0};
    int rc = o->nupload != 0 ? s3p_flights_find(&flights, o->file, err) : 0;
    if (rc == 0 && o->nupload != 0)
        rc = judge_pages(o, &flights, t, err);
    s3p_flights_free(&flights);
    return rc;
}
